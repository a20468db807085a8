"""Numbers over time from Prometheus and what speaks its HTTP API: Thanos, Mimir, VictoriaMetrics, Cortex.

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any
from urllib import parse

from rootward import _clock, _tasks, errors
from rootward.connectors import _grid, _http, _json, _reads, _samples, _source
from rootward.connectors.prometheus import catalogue, promql, together
from rootward.signals import answers, protocols, redaction, series, windows

ALONE_AT_ONCE = 4  # questions asked singly, side by side, when together they were not answered
_NO_BETTER_ALONE = (errors.BackendUnreachable, errors.BackendRateLimited)


class PrometheusSource(_source.HttpSource):
    """Fulfils `protocols.MetricSource`. `page_url` is where people open its pages ("" gives no links)."""

    READS = _reads.Reads(
        (
            "GET /api/v1/query",
            "GET /api/v1/query_range",
            "POST /api/v1/query_range",
            "GET /api/v1/status/buildinfo",
            "GET /api/v1/label/__name__/values",
            "GET /api/v1/metadata",
            "GET /api/v1/series",
        )
    )

    def __init__(self, name: str, http: _http.HttpClient, *, page_url: str = "") -> None:
        super().__init__(name, http)
        self._page_url = page_url.rstrip("/")

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? Asks a query too: build information is often open where data is not."""
        return await self._ask(self._ping, query="1", limits=limits)

    async def catalogue(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[series.MetricInfo]]:
        """See `protocols.MetricSource.catalogue`; at most `limits.series` metrics."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[series.MetricInfo]]:
            return await catalogue.read(self._http, window, limits, budget)

        return await self._ask(work, query="/api/v1/label/__name__/values", window=window, limits=limits)

    async def query(
        self,
        query: protocols.MetricQuery,
        window: windows.Window,
        step_s: float,
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    ) -> answers.Answer[series.SeriesSet]:
        """See `protocols.MetricSource.query`."""
        return await self.native(promql.compile_query(query), window, step_s, limits)

    async def query_all(
        self,
        queries: Sequence[protocols.MetricQuery],
        window: windows.Window,
        step_s: float,
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    ) -> Sequence[answers.Answer[series.SeriesSet]]:
        """See `protocols.MetricSource.query_all`: one request for all; each by itself when that one is refused, fails or is too much,
        so that a wrong or heavy question costs the others nothing but time."""
        texts = [promql.compile_query(query) for query in queries]
        if len(texts) > 1:
            try:
                parts = await self._range(texts, window, step_s, limits, _http.Budget.start(limits))
            except _NO_BETTER_ALONE as error:
                return [await self._told(text, window, limits, error) for text in texts]
            except (
                errors.BackendError
            ):  # refused, failed, late or too much: which of them it was to blame on, each tells
                pass
            else:
                return [await self._told(text, window, limits, part) for text, part in zip(texts, parts, strict=True)]
        alone = [functools.partial(self.native, text, window, step_s, limits) for text in texts]
        found = await _tasks.run_all(alone, limit=ALONE_AT_ONCE)
        return [answer for answer in found if answer is not None]

    async def native(
        self,
        text: str,
        window: windows.Window,
        step_s: float,
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    ) -> answers.Answer[series.SeriesSet]:
        """See `protocols.MetricSource.native`; `text` is PromQL."""

        async def work(budget: _http.Budget) -> answers.Part[series.SeriesSet]:
            return (await self._range([text], window, step_s, limits, budget))[0]

        return await self._ask(work, query=text, window=window, limits=limits, link=self._link(text, window))

    async def _told(
        self,
        text: str,
        window: windows.Window,
        limits: protocols.Limits,
        part: answers.Part[series.SeriesSet] | errors.BackendError,
    ) -> answers.Answer[series.SeriesSet]:
        """What came for one of several questions, or why nothing did, as the answer to its own query."""

        async def work(_budget: _http.Budget) -> answers.Part[series.SeriesSet]:
            if isinstance(part, errors.BackendError):
                raise part
            return part

        return await self._ask(work, query=text, window=window, limits=limits, link=self._link(text, window))

    async def _range(
        self,
        texts: Sequence[str],
        window: windows.Window,
        step_s: float,
        limits: protocols.Limits,
        budget: _http.Budget,
    ) -> list[answers.Part[series.SeriesSet]]:
        """A part per text, all asked in one request (per piece of the window).

        Raises:
            errors.BackendError: of several texts, also when together they have more series than one question may.
        """
        if not step_s > 0:
            raise errors.QueryRejected(f"a step is more than zero seconds, not {step_s}", source=self._name)
        if window.length_s / step_s > limits.samples:
            raise errors.QueryRejected(
                f"{window.length_s / step_s:.0f} steps are more than {limits.samples} samples", source=self._name
            )
        readers, partial = [_grid.GridReader(window, step_s) for _ in texts], False
        for start_s, end_s in _grid.pieces(window, step_s):
            params: dict[str, str | int | float | bool] = {
                "query": together.union(texts),
                "start": start_s,
                "end": end_s,
                "step": step_s,
                # Prometheus durations are whole numbers of a unit: "1.5s" is refused.
                "timeout": f"{max(int(budget.remaining_s() * 1000), 100)}ms",
                "limit": limits.series + 1,
            }
            body = self._checked(
                await self._http.query_json("/api/v1/query_range", params, budget=budget, read=_samples.decode)
            )
            parts = together.split(body.get("data"), len(texts))
            if len(parts) > 1 and sum(len(part["result"]) for part in parts) > limits.series:
                raise errors.BackendError(f"{self._name}: more than {limits.series} series together", source=self._name)
            for reader, part in zip(readers, parts, strict=True):
                reader.add(part)
            partial |= self._warnings(body, texts, readers)
        return [
            reader.finish(series_max=limits.series, samples_max=limits.samples, partial=partial) for reader in readers
        ]

    def _checked(self, decoded: object) -> Mapping[str, Any]:
        """The body of an answer; some proxies give errors with status 200."""
        body = _json.mapping(decoded, "the answer")
        if body.get("status") == "error":
            said = redaction.redact(_json.optional_text(body.get("error")))
            if body.get("errorType") in ("bad_data", "execution"):
                raise errors.QueryRejected(f"{self._name}: {said}", source=self._name)
            raise errors.BackendError(f"{self._name}: {said or 'it failed and did not say why'}", source=self._name)
        return body

    def _warnings(self, body: Mapping[str, Any], texts: Sequence[str], readers: Sequence[_grid.GridReader]) -> bool:
        """Pass warnings on to those whom they concern; whether they say that part of the data is missing.

        Notes about the query begin with "PromQL"; every other warning comes from storage that did not answer (Thanos's
        partial responses, remote reads). VictoriaMetrics says `isPartial`.
        """
        partial = body.get("isPartial") is True
        if partial:
            for reader in readers:
                reader.warn("the back end says that this answer is partial")
        for key in ("warnings", "infos"):
            value = body.get(key)
            for one in value if isinstance(value, list) else []:
                text = redaction.redact(_json.optional_text(one))
                told = together.without_position(text) if len(texts) > 1 else text
                for place in together.concerned(text, texts):
                    readers[place].warn(told)
                partial |= key == "warnings" and not text.startswith("PromQL")
        return partial

    async def _ping(self, budget: _http.Budget) -> answers.Part[str]:
        params: dict[str, str | int | float | bool] = {"query": "1", "time": self._http.clock.now_s()}
        body = self._checked(await self._http.get_json("/api/v1/query", params, budget=budget))
        _json.mapping(body.get("data"), "data")
        try:
            built = _json.mapping(await self._http.get_json("/api/v1/status/buildinfo", budget=budget), "the answer")
            about = _json.mapping(built.get("data"), "data")
        except (errors.BackendMalformed, errors.QueryRejected, errors.NotPermitted):
            return answers.Part("a Prometheus API (it does not tell its version)")
        return answers.Part(
            f"{about.get('application') or 'Prometheus'} {_json.optional_text(about.get('version'))}".strip()
        )

    def _link(self, text: str, window: windows.Window) -> str:
        if not self._page_url:
            return ""
        shown = {
            "g0.expr": text,
            "g0.tab": "0",
            "g0.range_input": f"{round(window.length_s)}s",
            "g0.end_input": _clock.to_iso(window.end_s)[:19].replace("T", " "),
        }
        return f"{self._page_url}/graph?{parse.urlencode(shown)}"
