"""Tools of an MCP server as sources: each question goes to the tools that settings list for it, and to no others."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from rootward import _clock, errors
from rootward.connectors import _grid, _http, _json
from rootward.connectors.mcp import calls, reading, selecting, tools, wire
from rootward.signals import answers, protocols, records, series, windows

T = TypeVar("T")
_OF_KIND: dict[tools.Kind, str] = {
    "logs": "logs", "metrics": "metrics", "changes": "changes", "messages": "messages", "events": "clusters", "objects": "clusters",
}  # fmt: skip
_DEFAULT = protocols.DEFAULT_LIMITS


class McpSource:
    """Fulfils the protocols of `kinds` (fields of `protocols.Sources`). What no tool is listed for is BAD_QUERY, and nothing is sent."""

    def __init__(self, name: str, session: wire.Session, listed: Sequence[tools.Tool], *, clock: _clock.Clock) -> None:
        self._name = name
        self._calls = calls.Caller(name, session, listed)
        self._clock = clock

    @property
    def name(self) -> str:
        return self._name

    @property
    def kinds(self) -> tuple[str, ...]:
        """Where it can stand in `protocols.Sources`."""
        return tuple(dict.fromkeys(_OF_KIND[one.answers] for one in self._calls.tools))

    def holds(self, kind: str) -> bool:
        """See `protocols.ClusterSource.holds`."""
        if kind == "Event" and any(one.answers == "events" for one in self._calls.tools):
            return True
        return any(one.answers == "objects" and (not one.kinds or kind in one.kinds) for one in self._calls.tools)

    async def aclose(self) -> None:
        """End the connection, and the program if it is one. Calling it twice is fine."""
        await self._calls.session.aclose()

    async def ping(self, limits: protocols.Limits = _DEFAULT) -> answers.Answer[str]:
        """Who answers, and whether it has the tools that settings list, all of them reading ones. None is called."""

        async def ask(budget: _http.Budget) -> answers.Part[str]:
            server = await self._calls.session.server(budget)
            lacking = [one.name for one in self._calls.tools if one.name not in server.tools]
            writing = [one.name for one in self._calls.tools if server.tools.get(one.name)]
            if lacking or writing:
                what = f"has no tool {', '.join(lacking)}" if lacking else f"says that {', '.join(writing)} writes"
                raise errors.QueryRejected(
                    f"{self._name}: the server {what}; correct tools in settings", source=self._name
                )
            return answers.Part(f"{server.name}, {len(self._calls.tools)} of its {len(server.tools)} tools in use")

        return await self._captured(ask, "tools/list", limits, None)

    async def streams(
        self, window: windows.Window, limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[Sequence[dict[str, str]]]:
        """See `protocols.LogSource.streams`: those of the lines that come for the window."""

        async def ask(budget: _http.Budget) -> answers.Part[Sequence[dict[str, str]]]:
            part = await self._lines(protocols.LogQuery(), window, limits, budget)
            kept = [dict(one) for one in part.value.streams[: limits.series]]
            return answers.Part(kept, part.truncated or len(kept) < len(part.value.streams), part.warnings)

        return await self._captured(ask, self._calls.shown("logs", window, limits.lines), limits, window)

    async def lines(
        self, query: protocols.LogQuery, window: windows.Window, limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[records.LogBatch]:
        """See `protocols.LogSource.lines`; what a tool cannot select is selected here."""
        shown = self._calls.shown("logs", window, limits.lines, names=selecting.names(query))
        return await self._captured(lambda budget: self._lines(query, window, limits, budget), shown, limits, window)

    async def counts(
        self,
        query: protocols.LogQuery,
        window: windows.Window,
        step_s: float,
        by: tuple[str, ...],
        limits: protocols.Limits = _DEFAULT,
    ) -> answers.Answer[series.SeriesSet]:
        """See `protocols.LogSource.counts`: counted here, so only as complete as the lines that come."""

        async def ask(budget: _http.Budget) -> answers.Part[series.SeriesSet]:
            if not step_s > 0 or window.length_s / step_s > limits.samples:
                raise errors.QueryRejected(
                    f"a step of {step_s} s does not suit a window of {window.length_s} s", source=self._name
                )
            part = await self._lines(query, window, limits, budget)
            times_s = _grid.grid(window, step_s)
            found: dict[tuple[tuple[str, str], ...], series.FloatArray] = {}
            for time_s, stream in zip(part.value.times_s, part.value.stream, strict=True):
                labels = part.value.streams[stream]
                row = found.setdefault(tuple((one, labels.get(one, "")) for one in by), np.zeros(len(times_s)))
                index = int(np.ceil((time_s - window.start_s) / step_s - 1e-9))
                if index < len(times_s):
                    row[index] += 1.0
            kept = [series.Series(dict(key), times_s, row) for key, row in sorted(found.items())][: limits.series]
            return answers.Part(kept, part.truncated or len(kept) < len(found), part.warnings)

        shown = self._calls.shown("logs", window, limits.lines, names=selecting.names(query))
        return await self._captured(ask, shown, limits, window)

    async def messages(
        self, window: windows.Window, limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[Sequence[records.Message]]:
        """See `protocols.MessageSource.messages`."""
        return await self._records("messages", reading.Reader.message, window, limits, _time_s)

    async def changes(
        self,
        window: windows.Window,
        limits: protocols.Limits = _DEFAULT,
        *,
        closely: windows.Window | None = None,  # noqa: ARG002 -- files come with a record or not at all
    ) -> answers.Answer[Sequence[records.Change]]:
        """See `protocols.ChangeSource.changes`."""
        return await self._records("changes", reading.Reader.change, window, limits, _time_s)

    async def events(
        self, window: windows.Window, namespace: str = "", limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[Sequence[records.Event]]:
        """See `protocols.ClusterSource.events`."""
        return await self._records(
            "events", reading.Reader.event, window, limits, _time_s, names={"namespace": namespace}
        )

    async def objects(
        self, kind: str, namespace: str = "", label_selector: str = "", limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[Sequence[records.ClusterObject]]:
        """See `protocols.ClusterSource.objects`; selectors are no question that tools share."""
        now_s = self._clock.now_s()
        window = windows.Window(now_s - 3600.0, now_s)

        def read(reader: reading.Reader, row: reading.Row) -> records.ClusterObject:
            return reader.object(row, kind)

        if label_selector or not self.holds(kind):
            return await self._records("objects", read, window, limits, None, none="cannot be asked here")
        listed = [one for one in self._calls.of("objects") if not one.kinds or kind in one.kinds]
        return await self._records(
            "objects", read, window, limits, None, listed=listed, names={"kind": kind, "namespace": namespace}
        )

    async def pod_logs(
        self,
        pod: str,
        namespace: str,
        container: str = "",
        *,
        previous: bool = False,
        limits: protocols.Limits = _DEFAULT,
    ) -> answers.Answer[records.LogBatch]:
        """See `protocols.ClusterSource.pod_logs`; no tool is listed for it."""
        del namespace, container, previous, limits
        error = f"{self._name}: no tool is listed for the logs of a pod, so nothing was sent"
        return answers.Answer(answers.Outcome.BAD_QUERY, self._name, f"logs of {pod}", error=error)

    async def catalogue(
        self, window: windows.Window, limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[Sequence[series.MetricInfo]]:
        """See `protocols.MetricSource.catalogue`: the metrics that settings name. Nothing is asked."""
        named = sorted((one for one in self._calls.of("metrics") if one.metric), key=lambda one: one.metric)
        found = [
            series.MetricInfo(one.metric, "gauge", one.unit, labels=dict.fromkeys(one.labels, ())) for one in named
        ]
        outcome = answers.Outcome.OK if found else answers.Outcome.NO_DATA
        return answers.Answer(outcome, self._name, "metrics named in settings", window, found[: limits.series] or None)

    async def query(
        self, query: protocols.MetricQuery, window: windows.Window, step_s: float, limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[series.SeriesSet]:
        """See `protocols.MetricSource.query`: values as they come, selected and put together here."""
        listed = [one for one in self._calls.of("metrics") if one.metric == query.metric]

        plain = query.function == "value" and query.quantile is None
        wrong = (
            ""
            if plain
            else f"the numbers of {query.metric} are taken as they come: no {query.function} or quantile of them can be asked"
        )
        return await self._numbers(listed, "", window, step_s, limits, query=query, wrong=wrong)

    async def query_all(
        self,
        queries: Sequence[protocols.MetricQuery],
        window: windows.Window,
        step_s: float,
        limits: protocols.Limits = _DEFAULT,
    ) -> Sequence[answers.Answer[series.SeriesSet]]:
        """See `protocols.MetricSource.query_all`."""
        return [await self.query(one, window, step_s, limits) for one in queries]

    async def native(
        self, text: str, window: windows.Window, step_s: float, limits: protocols.Limits = _DEFAULT
    ) -> answers.Answer[series.SeriesSet]:
        """See `protocols.MetricSource.native`: for tools whose arguments take `{query}`."""
        return await self._numbers(
            [one for one in self._calls.of("metrics") if one.needs_query], text, window, step_s, limits
        )

    async def _captured(
        self,
        ask: Callable[[_http.Budget], Any],
        shown: str,
        limits: protocols.Limits,
        window: windows.Window | None,
    ) -> answers.Answer[Any]:
        async def bounded() -> answers.Part[Any]:
            try:
                part: answers.Part[Any] = await ask(_http.Budget.start(limits))
                return part
            except errors.BackendMalformed as error:
                if error.source:
                    raise
                raise errors.BackendMalformed(f"{self._name}: {error}", source=self._name) from error

        return await answers.capture(bounded, source=self._name, query=shown, window=window)

    async def _lines(
        self, query: protocols.LogQuery, window: windows.Window, limits: protocols.Limits, budget: _http.Budget
    ) -> answers.Part[records.LogBatch]:
        names = selecting.names(query)
        part = await self._calls.rows(self._calls.of("logs"), window, budget, limit=limits.lines, names=names)
        told, read = _read(part, reading.Reader.line)
        inside = sorted(
            (one for one in read if window.contains(one[0]) and selecting.selects(query, one[1], one[2])),
            key=lambda one: one[0],
        )
        kept = inside[-limits.lines :] if query.newest_first else inside[: limits.lines]
        numbers: dict[tuple[tuple[str, str], ...], int] = {}
        batch = records.LogBatch(
            times_s=np.array([one[0] for one in kept], dtype=np.float64),
            lines=[one[2] for one in kept],
            stream=[numbers.setdefault(tuple(sorted(one[1].items())), len(numbers)) for one in kept],
            streams=[dict(one) for one in numbers],
            trace_ids=[one[3] for one in kept],
        )
        return answers.Part(batch, part.truncated or len(kept) < len(inside), told)

    async def _records(
        self,
        kind: tools.Kind,
        read: Callable[[reading.Reader, reading.Row], Any],
        window: windows.Window,
        limits: protocols.Limits,
        time_s: Callable[[Any], float] | None,
        *,
        listed: Sequence[tools.Tool] | None = None,
        none: str = "",
        names: Mapping[str, str] = calls.NOBODY,
    ) -> answers.Answer[Any]:
        """Records of one kind, in order of time (`time_s`) or, without, of name."""

        async def ask(budget: _http.Budget) -> answers.Part[list[Any]]:
            chosen = [] if none else self._calls.of(kind) if listed is None else listed
            part = await self._calls.rows(chosen, window, budget, limit=limits.records, names=names)
            told, found = _read(part, read)
            if time_s is None:
                found.sort(key=lambda one: (one.namespace, one.name))
                kept = found[: limits.records]
            else:
                found = sorted((one for one in found if window.contains(time_s(one))), key=time_s)
                kept = found[-limits.records :]
            return answers.Part(kept, part.truncated or len(kept) < len(found), told)

        shown = self._calls.shown(kind, window, limits.records, names)
        return await self._captured(ask, shown, limits, window if time_s is not None else None)

    async def _numbers(
        self,
        listed: Sequence[tools.Tool],
        text: str,
        window: windows.Window,
        step_s: float,
        limits: protocols.Limits,
        *,
        query: protocols.MetricQuery | None = None,
        wrong: str = "",
    ) -> answers.Answer[series.SeriesSet]:
        async def ask(budget: _http.Budget) -> answers.Part[series.SeriesSet]:
            if wrong or not step_s > 0 or window.length_s / step_s > limits.samples:
                raise errors.QueryRejected(
                    f"{self._name}: {wrong or f'a step of {step_s} s does not suit the window'}", source=self._name
                )
            part = await self._calls.rows(
                listed, window, budget, limit=limits.samples, names={"query": text}, step_s=step_s
            )
            reader = _grid.GridReader(window, step_s)
            for one, rows in part.value:
                reader.add(reading.matrix(rows, one))
            found = reader.finish(series_max=limits.series, samples_max=limits.samples, partial=part.truncated)
            value = found.value if query is None else selecting.put_together(query, found.value)
            return answers.Part(value, found.truncated, (*part.warnings, *found.warnings))

        values = tools.known(window, {"query": text}, limit=limits.samples, step_s=step_s)
        shown = "; ".join(tools.shown(one.name, tools.filled(one.arguments, values)) for one in listed)
        return await self._captured(
            ask, shown or f"metrics: no tool is listed for {text or (query.metric if query else '')}", limits, window
        )


def _read(
    part: answers.Part[calls.Rows], read: Callable[[reading.Reader, reading.Row], T]
) -> tuple[tuple[str, ...], list[T]]:
    """(warnings, records)."""
    found: list[T] = []
    warnings = dict.fromkeys(part.warnings)
    for reader, rows in part.value:
        good, told = _json.read_each(rows, functools.partial(read, reader), "records")
        found += good
        warnings |= dict.fromkeys(told) | ({f"{reader.untimed} {reading.NO_TIME}": None} if reader.untimed else {})
    return tuple(warnings), found


def _time_s(one: Any) -> float:
    return float(one.time_s)
