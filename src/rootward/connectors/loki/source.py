"""Log lines, their streams and their counts from Loki.

Source: https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

import dataclasses
from collections.abc import Sequence

from rootward import errors
from rootward.connectors import _grid, _http, _json, _reads, _samples, _source
from rootward.connectors.loki import logql, reading
from rootward.signals import answers, protocols, records, redaction, series, windows

PAGE_LINES = 5_000  # Loki's own default of max_entries_limit_per_query
LABELS_ASKED = 20  # labels by which streams are listed, when none is prescribed
# The first of these that exists selects all streams: log agents set it on every one.
USUAL_LABELS = ("service_name", "namespace", "app", "job", "container", "pod", "filename", "host")
_SPLIT_METADATA = {"x-loki-response-encoding-flags": "categorize-labels"}


class LokiSource(_source.HttpSource):
    """Fulfils `protocols.LogSource`. `every_stream_label` names a label that all streams have ("" finds one)."""

    READS = _reads.Reads(
        (
            "GET /loki/api/v1/status/buildinfo",
            "GET /loki/api/v1/labels",
            "GET /loki/api/v1/series",
            "GET /loki/api/v1/query_range",
            "POST /loki/api/v1/query_range",
        )
    )

    def __init__(
        self, name: str, http: _http.HttpClient, *, every_stream_label: str = "", page_lines: int = PAGE_LINES
    ) -> None:
        super().__init__(name, http)
        self._every_stream_label = every_stream_label
        self._page_lines = page_lines

    async def ping(self, limits: protocols.Limits = protocols.DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? Asks for labels too: build information is often open where data is not."""

        async def work(budget: _http.Budget) -> answers.Part[str]:
            now_s = self._http.clock.now_s()
            await self._labels(windows.Window(now_s - 3600.0, now_s), budget)
            try:
                about = await self._http.get_json("/loki/api/v1/status/buildinfo", budget=budget)
            except (errors.BackendMalformed, errors.QueryRejected, errors.NotPermitted):
                return answers.Part("Loki (it does not tell its version)")
            return answers.Part(
                f"Loki {_json.optional_text(_json.mapping(about, 'the answer').get('version'))}".strip()
            )

        return await self._ask(work, query="/loki/api/v1/labels", limits=limits)

    async def streams(
        self, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[dict[str, str]]]:
        """See `protocols.LogSource.streams`; at most `limits.series`."""

        async def work(budget: _http.Budget) -> answers.Part[Sequence[dict[str, str]]]:
            labels = await self._labels(window, budget)
            if not labels:
                return answers.Part([])
            asked = [self._every_stream_label] if self._every_stream_label else labels[:LABELS_ASKED]
            params: list[tuple[str, str | int | float | bool]] = [("match[]", f'{{{one}=~".+"}}') for one in asked]
            body = await self._http.get_json("/loki/api/v1/series", [*params, *_span(window)], budget=budget)
            rows = _json.items(_json.mapping(body, "the answer").get("data"), "data")
            found, warnings = _json.read_each(rows, lambda row: _json.text_labels(row, "a stream"), "streams")
            distinct = sorted({tuple(sorted(redaction.redact_labels(one).items())) for one in found})
            kept = [dict(one) for one in distinct[: limits.series]]
            return answers.Part(kept, truncated=len(kept) < len(distinct), warnings=warnings)

        return await self._ask(work, query="/loki/api/v1/series", window=window, limits=limits)

    async def lines(
        self, query: protocols.LogQuery, window: windows.Window, limits: protocols.Limits = protocols.DEFAULT_LIMITS
    ) -> answers.Answer[records.LogBatch]:
        """See `protocols.LogSource.lines`. TRUNCATED when `limits.lines` came: there may be more."""

        text = logql.pipeline(query, self._every_stream_label or USUAL_LABELS[0])

        async def work(budget: _http.Budget) -> answers.Part[records.LogBatch]:
            nonlocal text
            text = logql.pipeline(query, await self._fallback(query, window, budget))
            return await self._pages(text, query.newest_first, window, limits, budget)

        answer = await self._ask(work, query=text, window=window, limits=limits)
        return dataclasses.replace(answer, query=text)  # with the label that was found out while asking

    async def counts(
        self,
        query: protocols.LogQuery,
        window: windows.Window,
        step_s: float,
        by: tuple[str, ...],
        limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    ) -> answers.Answer[series.SeriesSet]:
        """See `protocols.LogSource.counts`; a step without lines counts 0."""

        text = logql.counts(query, self._every_stream_label or USUAL_LABELS[0], step_s, by)

        async def work(budget: _http.Budget) -> answers.Part[series.SeriesSet]:
            if not step_s > 0 or window.length_s / step_s > limits.samples:
                raise errors.QueryRejected(
                    f"a step of {step_s} s does not suit a window of {window.length_s} s", source=self._name
                )
            nonlocal text
            text = logql.counts(query, await self._fallback(query, window, budget), step_s, by)
            reader = _grid.GridReader(window, step_s)
            for start_s, end_s in _grid.pieces(window, step_s):
                span: dict[str, str | int | float | bool] = {"start": _ns(start_s), "end": _ns(end_s), "step": step_s}
                params = {"query": text, **span}
                body = await self._http.query_json(
                    "/loki/api/v1/query_range", params, budget=budget, read=_samples.decode
                )
                reader.add(_json.mapping(body, "the answer").get("data"))
            return reader.finish(series_max=limits.series, samples_max=limits.samples, absent=0.0)

        answer = await self._ask(work, query=text, window=window, limits=limits)
        return dataclasses.replace(answer, query=text)

    async def _pages(
        self, text: str, newest_first: bool, window: windows.Window, limits: protocols.Limits, budget: _http.Budget
    ) -> answers.Part[records.LogBatch]:
        """Pages from the newest (or oldest) end on. Each begins where the last ended, that nanosecond included, so that lines
        of one moment that fell on both sides of a page's border are not lost."""
        start_ns, end_ns = _ns(window.start_s), _ns(window.end_s) + 1  # Loki leaves the end out
        seen: set[reading.Entry] = set()
        warnings: dict[str, None] = {}
        full = False
        while len(seen) < limits.lines and start_ns < end_ns:
            asked = min(self._page_lines, limits.lines - len(seen) + (1 if seen else 0))
            params: dict[str, str | int | float | bool] = {
                "query": text,
                "start": start_ns,
                "end": end_ns,
                "limit": asked,
                "direction": "backward" if newest_first else "forward",
            }
            try:
                body = await self._http.get_json(
                    "/loki/api/v1/query_range", params, budget=budget, headers=_SPLIT_METADATA
                )
            except errors.BackendError as error:
                if not seen or isinstance(error, errors.NotPermitted | errors.QueryRejected):
                    raise
                warnings[f"later pages did not come: {error}"] = None
                full = True
                break
            found, complaints = reading.page(_json.mapping(body, "the answer").get("data"))
            warnings.update(dict.fromkeys(complaints))
            inside = [one for one in found if start_ns <= one.time_ns < end_ns]
            if len(inside) < len(found):
                warnings["lines outside the window were left out"] = None
            before = len(seen)
            seen.update(inside)
            full = len(found) >= asked
            if not full or not inside:
                break
            stuck = len(seen) == before
            if newest_first:
                end_ns = inside[0].time_ns + (0 if stuck else 1)
            else:
                start_ns = inside[-1].time_ns + (1 if stuck else 0)
        ordered = sorted(seen)
        kept = ordered[-limits.lines :] if newest_first else ordered[: limits.lines]
        return answers.Part(reading.batch(kept), truncated=full, warnings=tuple(warnings))

    async def _fallback(self, query: protocols.LogQuery, window: windows.Window, budget: _http.Budget) -> str:
        """A label that every stream has; asked for only when the query itself selects nothing."""
        if self._every_stream_label:
            return self._every_stream_label
        if any(one.operator in ("=", "=~") and one.value not in ("", ".*") for one in query.matchers):
            return USUAL_LABELS[0]
        labels = await self._labels(window, budget)
        return next((one for one in USUAL_LABELS if one in labels), labels[0] if labels else USUAL_LABELS[0])

    async def _labels(self, window: windows.Window, budget: _http.Budget) -> list[str]:
        """Names of labels that streams have in the window, the usual ones first."""
        body = await self._http.get_json("/loki/api/v1/labels", _span(window), budget=budget)
        found = _json.items(_json.mapping(body, "the answer").get("data"), "data")
        names = sorted({one for one in found if isinstance(one, str) and not one.startswith("__")})
        return sorted(names, key=lambda one: USUAL_LABELS.index(one) if one in USUAL_LABELS else len(USUAL_LABELS))


def _ns(time_s: float) -> int:
    """Nanoseconds, exact to the microsecond that a float of seconds can tell."""
    return round(time_s * 1e6) * 1000


def _span(window: windows.Window) -> list[tuple[str, str | int | float | bool]]:
    return [("start", _ns(window.start_s)), ("end", _ns(window.end_s) + 1)]
