"""The doctor's list: which golden questions each source can answer, shown by a real sample, or why not.

A green light proves that a back end can be reached, not that it knows anything; so every question is really asked.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward import _tasks
from rootward.signals import answers, measuring, protocols, quantity, roles, templates, topology, windows

BINDINGS_TRIED = 4  # metrics that are asked before a question counts as without data
STEPS = 30  # points asked of each metric
LINES = 500
TRACES = 20
SAMPLE_LENGTH_MAX = 160
_ROLES_OF = {
    "request rate": (roles.Role.RATE, roles.Role.QUEUE_PUBLISH_RATE, roles.Role.DB_QUERY_RATE),
    "errors": (roles.Role.ERROR_RATIO, roles.Role.ERROR_RATE, roles.Role.AVAILABILITY),
    "duration": (
        roles.Role.DURATION_P99, roles.Role.DURATION_P90, roles.Role.DURATION_MEAN, roles.Role.DURATION_P50, roles.Role.DB_STATEMENT_TIME,
    ),
    "saturation": (
        roles.Role.CPU_USAGE, roles.Role.MEMORY_USAGE, roles.Role.MEMORY_LIMIT_RATIO, roles.Role.CPU_THROTTLED, roles.Role.POOL_IN_USE,
        roles.Role.QUEUE_DEPTH, roles.Role.CONSUMER_LAG, roles.Role.SATURATION, roles.Role.DISK_USED_RATIO, roles.Role.IN_FLIGHT,
    ),
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Capability:
    """`sample`: a real value of a real entity, in words ("checkout: 12.3 request/s (http_requests_total)"), "" when there is none; then `error` says why.
    `query` can be asked again in the back end's own language."""

    question: str
    source: str
    outcome: answers.Outcome
    sample: str = ""
    query: str = ""
    error: str = ""


async def capabilities(
    sources: protocols.Sources,
    window: windows.Window,
    *,
    limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    run: measuring.Run = _tasks.run_all,
    concurrency: int = 8,
    deadline_s: float | None = None,
) -> tuple[Capability, ...]:
    """Ask every source everything that its kind can be asked, once; in order of kind, source and question."""
    jobs: list[tuple[str, Callable[[], Awaitable[list[Capability]]]]] = [
        *((one.name, lambda one=one: _of_metrics(one, window, limits)) for one in sources.metrics),
        *((one.name, lambda one=one: _of_logs(one, window, limits)) for one in sources.logs),
        *((one.name, lambda one=one: _of_traces(one, window, limits)) for one in sources.traces),
        *((one.name, lambda one=one: _of_cluster(one, window, limits)) for one in sources.clusters),
        *((one.name, lambda one=one: _of_changes(one, window, limits)) for one in sources.changes),
        *((one.name, lambda one=one: _of_messages(one, window, limits)) for one in sources.messages),
        *((one.name, lambda one=one: _of_alerts(one, window, limits)) for one in sources.alerts),
    ]
    results = await run([job for _, job in jobs], limit=concurrency, deadline_s=deadline_s)
    found: list[Capability] = []
    for (name, _), result in zip(jobs, results, strict=True):
        late = Capability("any question", name, answers.Outcome.FAILED, error="no answer before the deadline")
        found.extend(result if result is not None else [late])
    return tuple(found)


def _told(question: str, answer: answers.Answer[Any], sample: str) -> Capability:
    """A capability from an answer; an answer without a sample is no data."""
    outcome = answer.outcome
    if not sample and outcome in (answers.Outcome.OK, answers.Outcome.TRUNCATED):
        outcome = answers.Outcome.NO_DATA
    error = "" if sample else answer.error or "asked and answered: nothing there"
    return Capability(question, answer.source, outcome, _short(sample), answer.query, error)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SAMPLE_LENGTH_MAX else f"{line[: SAMPLE_LENGTH_MAX - 1]}…"


async def _of_metrics(
    source: protocols.MetricSource, window: windows.Window, limits: protocols.Limits
) -> list[Capability]:
    catalogue = await source.catalogue(window, limits)
    bindings = roles.discover(catalogue.value or ())
    questions: dict[str, list[roles.Binding]] = {
        question: _spread([one for one in bindings if one.observer is None], wanted)
        for question, wanted in _ROLES_OF.items()
    }
    questions["who calls whom"] = [one for one in bindings if one.observer is not None and one.role is roles.Role.RATE]
    found = []
    for question, candidates in questions.items():
        if not candidates:
            reason = catalogue.error or f"none of its {len(catalogue.value or ())} metrics is known to say this"
            outcome = catalogue.outcome if catalogue.value is None else answers.Outcome.NO_DATA
            found.append(Capability(question, source.name, outcome, query=catalogue.query, error=reason))
            continue
        found.append(await _measured(question, source, candidates[:BINDINGS_TRIED], window, limits))
    return found


def _spread(bindings: Sequence[roles.Binding], wanted: Sequence[roles.Role]) -> list[roles.Binding]:
    """One binding of each wanted role, then the rest: a role without data must not hide another that has some."""
    rank = {role: index for index, role in enumerate(wanted)}
    mine = sorted((one for one in bindings if one.role in rank), key=lambda one: rank[one.role])
    first = list({one.role: one for one in reversed(mine)}.values())[::-1]
    return first + [one for one in mine if one not in first]


async def _measured(
    question: str,
    source: protocols.MetricSource,
    candidates: Sequence[roles.Binding],
    window: windows.Window,
    limits: protocols.Limits,
) -> Capability:
    step_s = window.length_s / STEPS
    last: Capability | None = None
    for candidate in candidates:
        (result,) = await measuring.measure(
            source, (candidate,), window, step_s, rate_window_s=max(300.0, step_s), limits=limits
        )
        sample = next((_sample_of(line) for line in result.lines), "")
        # The last term is the whole (all requests, not the failed ones alone), so its answer stands for the question.
        shown = next((one for one in result.answers if not one.answered), result.answers[-1])
        last = _told(question, shown, sample)
        if sample:
            return last
    assert last is not None, "at least one candidate was given"
    return last


def _sample_of(line: measuring.Line) -> str:
    value = line.values[np.isfinite(line.values)][-1]
    who = f"{line.observer.name} → {line.entity.name}" if line.observer else str(line.entity)
    return f"{who}: {quantity.quantity(float(value), line.unit)} ({line.name})"


async def _of_logs(source: protocols.LogSource, window: windows.Window, limits: protocols.Limits) -> list[Capability]:
    streams = await source.streams(window, limits)
    if not streams.value:
        return [_told(question, streams, "") for question in ("log lines", "new log templates")]
    query = protocols.LogQuery((common_matcher(streams.value),))
    answer = await source.lines(query, window, dataclasses.replace(limits, lines=min(limits.lines, LINES)))
    lines = answer.value.lines if answer.value else ()
    sample = f"{len(lines)} lines, the last: {lines[-1]}" if lines else ""
    mined = templates.mine(lines)
    known = f"{len(mined.texts)} templates in {len(lines)} lines, one: {mined.texts[0]}" if lines else ""
    return [_told("log lines", answer, sample), _told("new log templates", answer, known)]


def common_matcher(streams: Sequence[Mapping[str, str]]) -> protocols.Matcher:
    """The condition that as many streams as possible fulfil: the most frequent label exists."""
    counts: dict[str, int] = {}
    for stream in streams:
        for label in stream:
            counts[label] = counts.get(label, 0) + 1
    label = min(counts, key=lambda one: (-counts[one], one)) if counts else "job"
    return protocols.Matcher(label, "=~", ".+")


async def _of_traces(
    source: protocols.TraceSource, window: windows.Window, limits: protocols.Limits
) -> list[Capability]:
    services = await source.services(window, limits)
    if not services.value:
        return [_told(question, services, "") for question in ("who calls whom", "duration")]
    spans: answers.Answer[Any] = services
    edge, timed = "", ""
    for service in services.value[:BINDINGS_TRIED]:
        answer = await source.search(protocols.TraceQuery(service, traces=TRACES), window, limits)
        spans, batch = answer, answer.value
        if batch is None:
            continue
        edges = topology.from_spans(batch)
        edge = next((f"{one.caller.name} → {one.callee.name}" for one in edges), "")
        timed = (
            f"{batch.service[0]} {batch.operation[0]}: {quantity.quantity(float(batch.duration_s[0]), 's')}"
            if len(batch)
            else ""
        )
        if edge:
            break
    return [_told("who calls whom", spans, edge), _told("duration", spans, timed)]


async def _of_cluster(
    source: protocols.ClusterSource, window: windows.Window, limits: protocols.Limits
) -> list[Capability]:
    found = []
    if source.holds("Pod"):
        pods = await source.objects("Pod", limits=limits)
        pod = next((f"{len(pods.value or ())} pods, one: {one.namespace}/{one.name}" for one in pods.value or ()), "")
        found.append(_told("cluster objects", pods, pod))
    if source.holds("Event"):
        events = await source.events(window, limits=limits)
        event = next((f"{one.entity} {one.reason}: {one.message}" for one in reversed(events.value or ())), "")
        found.append(_told("events", events, event))
    return found


async def _of_changes(
    source: protocols.ChangeSource, window: windows.Window, limits: protocols.Limits
) -> list[Capability]:
    answer = await source.changes(window, limits)
    return [
        _told("what changed", answer, next((f"{one.kind}: {one.summary}" for one in reversed(answer.value or ())), ""))
    ]


async def _of_messages(
    source: protocols.MessageSource, window: windows.Window, limits: protocols.Limits
) -> list[Capability]:
    answer = await source.messages(window, limits)
    return [_told("messages", answer, next((f"{one.channel}: {one.text}" for one in reversed(answer.value or ())), ""))]


async def _of_alerts(
    source: protocols.AlertSource, window: windows.Window, limits: protocols.Limits
) -> list[Capability]:
    answer = await source.alerts(window, limits)
    return [
        _told("alerts", answer, next((f"{one.name} {one.summary}".strip() for one in reversed(answer.value or ())), ""))
    ]
