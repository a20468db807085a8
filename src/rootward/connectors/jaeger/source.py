"""Traces and service dependencies from Jaeger: its query API (v1), or OTLP's JSON (v3).

Source: https://www.jaegertracing.io/docs/latest/architecture/apis/
"""

import functools
import json
from collections.abc import Sequence
from typing import Any, Literal

from rootward import _clock, _tasks, errors
from rootward.connectors import _http, _json, _otlp, _reads, _source, _spans
from rootward.connectors.jaeger import model
from rootward.signals import answers, entities, protocols, records, windows

SLICES = 4  # Jaeger gives the newest traces first: pieces of the window, asked apart, spread them over it
TRACES_PER_SLICE = 20  # fewer are not worth another request
Params = dict[str, str | int | float | bool]


class JaegerSource(_source.HttpSource):
    """Fulfils `protocols.TraceSource`. `page_url` is where people open its pages ("" gives no links)."""

    READS = _reads.Reads(
        (
            "GET /api/services",
            "GET /api/traces",
            "GET /api/dependencies",
            "GET /api/v3/services",
            "GET /api/v3/traces",
        )
    )

    def __init__(
        self, name: str, http: _http.HttpClient, *, api: Literal["v1", "v3"] = "v1", page_url: str = ""
    ) -> None:
        super().__init__(name, http)
        self._api = api
        self._page_url = page_url.rstrip("/")

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? Jaeger's API does not tell a version."""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            await self._services(budget)
            return answers.Part(f"Jaeger ({'query API' if self._api == 'v1' else 'API v3'})")

        return await self._ask(work, query=self._services_path, limits=limits)

    async def services(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[str]]:
        """See `protocols.TraceSource.services`; Jaeger tells all it knows, not those of the window, and this warns so."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[str]]:
            names = await self._services(budget)
            warning = "Jaeger lists services of any time, not only of the window"
            return answers.Part(names[: limits.records], truncated=len(names) > limits.records, warnings=(warning,))

        return await self._ask(work, query=self._services_path, window=window, limits=limits)

    async def search(
        self, query: protocols.TraceQuery, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[records.SpanBatch]:
        """See `protocols.TraceSource.search`; the window is asked in up to four pieces, to spread the traces over it."""
        pieces = max(1, min(SLICES, query.traces // TRACES_PER_SLICE))
        length_s = window.length_s / pieces
        cuts = [window.start_s + i * length_s for i in range(pieces)] + [window.end_s]
        each = max(query.traces // pieces, 1)

        async def work(budget: _http.Budget) -> answers.Part[records.SpanBatch]:
            jobs = [
                functools.partial(self._slice, query, windows.Window(cuts[i], cuts[i + 1]), each, budget)
                for i in range(pieces)
            ]
            found = await _tasks.run_all(jobs, limit=pieces)
            failed = [one for one in found if isinstance(one, errors.BackendError)]
            good = [one for one in found if isinstance(one, answers.Part)]
            if failed and (not good or not any(one.value for one in good)):
                raise failed[0]
            warnings = [text for one in good for text in one.warnings]
            if failed:
                warnings.append(f"{len(failed)} of {pieces} pieces of the window did not come: {failed[0]}")
            return _spans.to_part(
                [row for one in good for row in one.value],
                spans_max=limits.spans,
                truncated=bool(failed) or any(one.truncated for one in good),
                warnings=tuple(dict.fromkeys(warnings)),
            )

        shown = f"{self._traces_path}?{json.dumps(self._params(query, window, query.traces), ensure_ascii=False)}"
        link = f"{self._page_url}/search?service={query.service}" if self._page_url else ""
        return await self._ask(work, query=shown, window=window, limits=limits, link=link)

    async def dependencies(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.TopologyEdge]]:
        """See `protocols.TraceSource.dependencies`; weights are calls per second over the window."""
        params: Params = {"endTs": round(window.end_s * 1000), "lookback": round(window.length_s * 1000)}

        async def work(budget: _http.Budget) -> answers.Part[Sequence[records.TopologyEdge]]:
            body = _json.mapping(await self._http.get_json("/api/dependencies", params, budget=budget), "the answer")
            rows = _json.items(body.get("data"), "data")
            found, warnings = _json.read_each(rows, functools.partial(self._edge, window.length_s), "dependencies")
            kept = sorted(found, key=lambda one: (one.caller, one.callee))[: limits.records]
            return answers.Part(kept, truncated=len(kept) < len(found), warnings=warnings)

        return await self._ask(work, query="/api/dependencies", window=window, limits=limits)

    @property
    def _services_path(self) -> str:
        return "/api/services" if self._api == "v1" else "/api/v3/services"

    @property
    def _traces_path(self) -> str:
        return "/api/traces" if self._api == "v1" else "/api/v3/traces"

    async def _services(self, budget: _http.Budget) -> list[str]:
        body = _json.mapping(await self._http.get_json(self._services_path, budget=budget), "the answer")
        names = _json.items(body.get("data" if self._api == "v1" else "services"), "services")
        return sorted({one for one in names if isinstance(one, str) and one})

    async def _slice(
        self, query: protocols.TraceQuery, window: windows.Window, traces: int, budget: _http.Budget
    ) -> answers.Part[list[_spans.Row]] | errors.BackendError:
        """The spans of one piece of the window; the error as a value, so that other pieces still count."""
        try:
            reply = await self._http.request(
                "GET", self._traces_path, self._params(query, window, traces), budget=budget, accept=frozenset({404})
            )
            if reply.status == 404 and self._api == "v3":
                return answers.Part([])  # v3 says "not found" when no trace matches
            if reply.status == 404:
                raise self._http.refusal(reply)
            rows, warnings = self._read(_http.decode(reply))
        except errors.BackendError as error:
            return error
        count = len({row.trace_id for row in rows})
        return answers.Part(rows, truncated=count >= traces, warnings=warnings)

    def _read(self, decoded: Any) -> tuple[list[_spans.Row], tuple[str, ...]]:
        body = _json.mapping(decoded, "the answer")
        if self._api == "v1":
            return model.rows(_json.items(body.get("data"), "data"))
        result = _json.mapping(body.get("result") or {}, "result")
        return _otlp.rows(_json.items(result.get("resourceSpans"), "resourceSpans"))

    def _params(self, query: protocols.TraceQuery, window: windows.Window, traces: int) -> Params:
        if self._api == "v3":
            return _params_v3(query, window, traces)
        params: Params = {
            "service": query.service,
            "start": round(window.start_s * 1e6),
            "end": round(window.end_s * 1e6),
            "limit": traces,
        }
        if query.operation:
            params["operation"] = query.operation
        if query.errors_only:
            params["tags"] = '{"error":"true"}'
        if query.min_duration_s is not None:
            params["minDuration"] = f"{round(query.min_duration_s * 1e6)}us"
        return params

    def _edge(self, length_s: float, value: Any) -> records.TopologyEdge:
        body = _json.mapping(value, "a dependency")
        caller, callee = _json.text(body.get("parent"), "parent"), _json.text(body.get("child"), "child")
        calls = body.get("callCount")
        return records.TopologyEdge(
            caller=entities.Entity(entities.EntityKind.SERVICE, caller),
            callee=entities.Entity(entities.EntityKind.SERVICE, callee),
            source=f"traces ({self._name})",
            weight=_json.number(calls, "callCount") / length_s if calls is not None else None,
        )


def _params_v3(query: protocols.TraceQuery, window: windows.Window, traces: int) -> Params:
    params: Params = {
        "query.service_name": query.service,
        "query.start_time_min": _clock.to_iso(window.start_s),
        "query.start_time_max": _clock.to_iso(window.end_s),
        "query.search_depth": traces,
        "query.num_traces": traces,  # the same, as servers before 1.60 call it
    }
    if query.operation:
        params["query.operation_name"] = query.operation
    if query.errors_only:
        params["query.attributes"] = '{"error":"true"}'
    if query.min_duration_s is not None:
        params["query.duration_min"] = f"{round(query.min_duration_s * 1e6)}us"
    return params
