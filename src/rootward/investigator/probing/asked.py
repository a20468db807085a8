"""Questions that guidance asks as well: put to the back ends as they stand, answers kept with who asked for them."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from rootward import _tasks
from rootward.investigator import briefing, options
from rootward.investigator import frame as framing
from rootward.investigator.causal import case
from rootward.investigator.probing import logs, notebook, traces
from rootward.memory import texts
from rootward.memory.guidance import Probe
from rootward.signals import alert_labels, alerts, answers, entities, protocols, records, series, windows
from rootward.signals.roles import role as roles

S = TypeVar("S", bound=protocols.Source)
SERIES_MAX = 50  # lines of one answer that are reasoned over
TRACES_MAX = 60
QUOTED_LENGTH = 120  # of the newest line or message, in the answer's summary


@dataclasses.dataclass(slots=True, eq=False)
class Brought:
    """What the questions brought home; `keys` are the ids of their evidence, by who asked."""

    signals: list[case.Signal] = dataclasses.field(default_factory=list)
    lines: list[case.LogsOf] = dataclasses.field(default_factory=list)
    spans: list[case.SpansOf] = dataclasses.field(default_factory=list)
    messages: list[tuple[records.Message, str]] = dataclasses.field(default_factory=list)
    keys: dict[str, list[str]] = dataclasses.field(default_factory=dict)


async def read(
    sources: protocols.Sources,
    frame: framing.Frame,
    chosen: options.Options,
    notes: notebook.Notebook,
    questions: Sequence[briefing.Asked],
) -> Brought:
    """Every question in the order given; equal runs give equal evidence ids."""
    jobs = [lambda one=one: _ask(sources, frame, chosen, one.probe) for one in questions]
    found = Brought()
    deadline_s = chosen.deadline_s * DEADLINE_SHARE
    for one, replies in zip(
        questions, await _tasks.run_all(jobs, limit=chosen.concurrency, deadline_s=deadline_s), strict=True
    ):
        what = f"what {one.by} asks: {one.probe.signal} {one.probe.query}"
        if replies is None:
            notes.unanswered(what, one.probe.source, "no answer before the deadline")
        elif not replies:
            notes.unanswered(what, one.probe.source, "not connected")
        for window, answer in replies or ():
            key = notes.note(what, answer, f"asked by {one.by}: {_told(answer)}")
            found.keys.setdefault(one.by, []).append(key)
            if answer.value is not None:
                _place(found, one.probe, window, answer, key, frame.alert)
    return found


DEADLINE_SHARE = 0.8  # what has been answered by then is reasoned over
STEP_MIN_S = 15.0
CALM_S = 3600.0  # of the baseline, nearest to the trouble: how many such lines and traces there usually are
Reply = tuple[windows.Window, answers.Answer[Any]]


async def _ask(sources: protocols.Sources, frame: framing.Frame, chosen: options.Options, probe: Probe) -> list[Reply]:
    """The answers of every source of the probe's kind that it means; none when there is no such source."""
    asking = {"metrics": _metrics, "logs": _lines, "traces": _traces, "messages": _messages}
    return await asking[probe.signal](sources, frame, chosen, probe)


def _meant(sources: Sequence[S], probe: Probe) -> list[S]:
    return [one for one in sources if probe.source in ("", one.name)]


def _times(frame: framing.Frame) -> tuple[windows.Window, windows.Window]:
    """The hour before, and the trouble."""
    start_s = max(frame.baseline.start_s, frame.baseline.end_s - CALM_S)
    return windows.Window(start_s, frame.baseline.end_s), frame.focus


async def _metrics(
    sources: protocols.Sources, frame: framing.Frame, chosen: options.Options, probe: Probe
) -> list[Reply]:
    spans = [frame.whole] if frame.contiguous else [frame.baseline, frame.focus]
    step_s = max(frame.whole.length_s / chosen.points_max, STEP_MIN_S)
    return [
        (window, await source.native(probe.query, window, step_s, chosen.limits))
        for source in _meant(sources.metrics, probe)
        for window in spans
    ]


async def _lines(
    sources: protocols.Sources, frame: framing.Frame, chosen: options.Options, probe: Probe
) -> list[Reply]:
    found: list[Reply] = []
    for source in _meant(sources.logs, probe):
        streams = await source.streams(frame.whole, chosen.limits)
        if not streams.value:
            found.append((frame.whole, streams))
            continue
        query = protocols.LogQuery((logs.every_stream(streams.value),), contains=(probe.query,))
        found += [(window, await source.lines(query, window, chosen.limits)) for window in _times(frame)]
    return found


async def _traces(
    sources: protocols.Sources, frame: framing.Frame, chosen: options.Options, probe: Probe
) -> list[Reply]:
    query = protocols.TraceQuery(probe.query, traces=TRACES_MAX)
    return [
        (window, await source.search(query, window, chosen.limits))
        for source in _meant(sources.traces, probe)
        for window in _times(frame)
    ]


async def _messages(
    sources: protocols.Sources, frame: framing.Frame, chosen: options.Options, probe: Probe
) -> list[Reply]:
    found: list[Reply] = []
    for source in _meant(sources.messages, probe):
        answer = await source.messages(frame.focus, chosen.limits)
        words = probe.query.lower()
        said = [one for one in answer.value or () if words in f"{one.channel} {one.text}".lower()]
        asked = f"{answer.query} (of these, what holds {probe.query!r})"
        if answer.value is None:
            found.append((frame.focus, answer))
        elif not said:
            found.append((frame.focus, answers.Answer(answers.Outcome.NO_DATA, answer.source, asked, answer.window)))
        else:
            found.append((frame.focus, dataclasses.replace(answer, value=said, query=asked)))
    return found


def _told(answer: answers.Answer[Any]) -> str:
    """What came back, in a few words, the newest line or message quoted."""
    value = answer.value
    match value:
        case None:
            return answer.error or str(answer.outcome).replace("_", " ")
        case records.LogBatch():
            return f"{len(value)} lines, the last “{_short(value.lines[-1])}”"
        case records.SpanBatch():
            failed = sum(map(bool, value.error))
            return f"{len(set(value.trace_id))} traces, {failed} of {len(value)} spans with errors"
        case [records.Message() as first, *_]:
            return f"{len(value)} messages, the last “{_short(value[-1].text)}” in {first.channel}"
        case [series.Series(), *_]:
            return f"{len(value)} series"
        case _:
            return "nothing"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= QUOTED_LENGTH else flat[: QUOTED_LENGTH - 1] + "…"


def _place(
    found: Brought, probe: Probe, window: windows.Window, answer: answers.Answer[Any], key: str, alert: alerts.Alert
) -> None:
    value = answer.value
    if isinstance(value, records.LogBatch):
        found.lines += logs.by_entity([(answer, key)])
    elif isinstance(value, records.SpanBatch):
        truncated = answer.outcome is answers.Outcome.TRUNCATED
        found.spans.append(case.SpansOf(window, value, key, truncated=truncated))
    elif value is None:
        return
    elif probe.signal == "messages":
        found.messages += [(one, key) for one in value]
    elif probe.signal == "metrics":
        found.signals += [_signal(one, probe, key, alert) for one in value[:SERIES_MAX]]


def _signal(line: series.Series, probe: Probe, key: str, alert: alerts.Alert) -> case.Signal:
    """About the entity that the probe names, else the one that the labels name, else the alert's."""
    named = texts.entity_of(probe.entity) if probe.entity else None
    entity = named or alert_labels.entity(line.labels) or alert.entity or NOBODY
    name = probe.why or probe.query
    role = roles.Role(probe.role) if probe.role else roles.Role.OTHER
    return case.Signal(entity, role, name, line.times_s, line.values, key, line.unit, detail=dict(line.labels))


NOBODY = entities.Entity(entities.EntityKind.SERVICE, "unknown")


def unseen(brought: Brought, lines: Sequence[case.LogsOf], spans: Sequence[case.SpansOf]) -> Brought:
    """`brought` without lines and traces that the broad questions brought too, so that nothing counts twice."""
    known = {
        (part.entity, time, text)
        for part in lines
        for time, text in zip(part.lines.times_s, part.lines.lines, strict=True)
    }
    traced = {trace for batch in spans for trace in batch.spans.trace_id}
    fresh_lines = []
    for part in brought.lines:
        rows = [
            row
            for row, (time, text) in enumerate(zip(part.lines.times_s, part.lines.lines, strict=True))
            if (part.entity, time, text) not in known
        ]
        if rows:
            fresh_lines.append(dataclasses.replace(part, lines=logs.take(part.lines, rows)))
    fresh_spans = []
    for batch in brought.spans:
        left = traces.without(batch.spans, traced)
        traced |= set(batch.spans.trace_id)
        if len(left):
            fresh_spans.append(dataclasses.replace(batch, spans=left))
    return dataclasses.replace(brought, lines=fresh_lines, spans=fresh_spans)
