"""Traces from Grafana Tempo: found by TraceQL, fetched by id.

Source: https://grafana.com/docs/tempo/latest/api_docs/
"""

import functools
import json
import math
from collections.abc import Sequence
from typing import Any

from rootward import _tasks, errors
from rootward.connectors import _http, _json, _otlp, _reads, _source, _spans
from rootward.signals import answers, protocols, records, windows

CONCURRENCY = 8  # traces fetched at once
_SERVICES = "/api/v2/search/tag/resource.service.name/values"
_SERVICES_OLD = "/api/search/tag/service.name/values"
Found = tuple[list[_spans.Row], tuple[str, ...]]


class TempoSource(_source.HttpSource):
    """Fulfils `protocols.TraceSource`; `dependencies` is BAD_QUERY, for Tempo has no such call."""

    READS = _reads.Reads(
        (
            "GET /api/status/buildinfo",
            "GET /api/search",
            "GET /api/v2/search/tag/resource.service.name/values",
            "GET /api/search/tag/service.name/values",
            "GET /api/v2/traces/{}",
            "GET /api/traces/{}",
        )
    )

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? Asks for service names too."""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            await self._services({}, budget)
            try:
                about = await self._http.get_json("/api/status/buildinfo", budget=budget)
            except (errors.BackendMalformed, errors.QueryRejected, errors.NotPermitted):
                return answers.Part("Tempo (it does not tell its version)")
            return answers.Part(
                f"Tempo {_json.optional_text(_json.mapping(about, 'the answer').get('version'))}".strip()
            )

        return await self._ask(work, query=_SERVICES, limits=limits)

    async def services(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[str]]:
        """See `protocols.TraceSource.services`."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[str]]:
            names = await self._services(_span(window), budget)
            return answers.Part(names[: limits.records], truncated=len(names) > limits.records)

        return await self._ask(work, query=_SERVICES, window=window, limits=limits)

    async def search(
        self, query: protocols.TraceQuery, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[records.SpanBatch]:
        """See `protocols.TraceSource.search`. A trace that cannot be fetched is left out with a warning."""
        text = traceql(query)

        async def work(budget: _http.Budget) -> answers.Part[records.SpanBatch]:
            params: dict[str, str | int | float | bool] = {"q": text, "limit": query.traces, **_span(window)}
            body = _json.mapping(await self._http.get_json("/api/search", params, budget=budget), "the answer")
            listed, warnings = _json.read_each(_json.items(body.get("traces"), "traces"), _trace_id, "traces")
            asked = sorted(set(listed))[: query.traces]
            jobs = [functools.partial(self._trace, one, window, budget) for one in asked]
            rows: list[_spans.Row] = []
            lost: list[errors.BackendError] = []
            for one in await _tasks.run_all(jobs, limit=CONCURRENCY):
                if isinstance(one, errors.BackendError):
                    lost.append(one)
                elif one is not None:
                    rows += one[0]
                    warnings += one[1]
            if lost and not rows:
                raise lost[0]
            if lost:
                warnings += (f"{len(lost)} of {len(asked)} traces did not come: {lost[0]}",)
            return _spans.to_part(
                rows,
                spans_max=limits.spans,
                truncated=bool(lost) or len(asked) >= query.traces,
                warnings=tuple(dict.fromkeys(warnings)),
            )

        return await self._ask(work, query=text, window=window, limits=limits)

    async def dependencies(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.TopologyEdge]]:
        """BAD_QUERY: Tempo has no such call."""

        async def work(_budget: _http.Budget) -> answers.Part[Sequence[records.TopologyEdge]]:
            message = (
                f"{self._name}: Tempo has no call for dependencies; search traces, or ask its service graph metrics"
            )
            raise errors.QueryRejected(message, source=self._name)

        return await self._ask(work, query="dependencies", window=window, limits=limits)

    async def _services(self, span: dict[str, int], budget: _http.Budget) -> list[str]:
        try:
            body = await self._http.get_json(_SERVICES, span, budget=budget)
        except errors.BackendMalformed:
            body = await self._http.get_json(_SERVICES_OLD, span, budget=budget)  # before Tempo 2.3
        values = _json.items(_json.mapping(body, "the answer").get("tagValues"), "tagValues")
        names = [one.get("value") if isinstance(one, dict) else one for one in values]
        return sorted({one for one in names if isinstance(one, str) and one})

    async def _trace(self, trace_id: str, window: windows.Window, budget: _http.Budget) -> Found | errors.BackendError:
        """The spans of one trace; none when it is gone meanwhile; the error as a value, so that others still count."""
        span = _span(window.widened(before_s=3600.0, after_s=3600.0))
        try:
            reply = await self._http.request(
                "GET", f"/api/v2/traces/{trace_id}", span, budget=budget, accept=frozenset({404})
            )
            if reply.status == 404:
                reply = await self._http.request(
                    "GET", f"/api/traces/{trace_id}", span, budget=budget, accept=frozenset({404})
                )
            if reply.status == 404:
                return [], ()
            body = _json.mapping(_http.decode(reply), "the answer")
            inner: Any = body.get("trace") if isinstance(body.get("trace"), dict) else body
            return _otlp.rows(_json.items(inner.get("resourceSpans") or inner.get("batches"), "resourceSpans"))
        except errors.BackendError as error:
            return error


def traceql(query: protocols.TraceQuery) -> str:
    """https://grafana.com/docs/tempo/latest/traceql/"""
    conditions = [f"resource.service.name = {json.dumps(query.service, ensure_ascii=False)}"]
    if query.operation:
        conditions.append(f"name = {json.dumps(query.operation, ensure_ascii=False)}")
    if query.errors_only:
        conditions.append("status = error")
    if query.min_duration_s is not None:
        conditions.append(f"duration > {max(round(query.min_duration_s * 1e6), 1)}us")
    return "{ " + " && ".join(conditions) + " }"


def _trace_id(value: Any) -> str:
    text = _json.text(_json.mapping(value, "a trace").get("traceID"), "traceID")
    if not text or any(c not in "0123456789abcdefABCDEF" for c in text):
        raise errors.BackendMalformed(f"traceID is {text[:40]!r}, not hex")
    return text.lower()


def _span(window: windows.Window) -> dict[str, int]:
    """Tempo counts whole seconds, and leaves the end out."""
    return {"start": math.floor(window.start_s), "end": math.floor(window.end_s) + 1}
