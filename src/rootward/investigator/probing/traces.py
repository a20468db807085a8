"""Traces through the alert's service (or the system's entry points), before and during: whole traces, sampled and bounded."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward import _tasks
from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.investigator.causal import case
from rootward.investigator.probing import notebook as notebooks
from rootward.signals import answers, protocols, records, windows

ENTRY_POINTS_MAX = 4
SHARE_MIN = 20  # traces that each is asked for at least
SCOUT_TRACES = 3
SCOUT_SERVICES_MAX = 40
BASELINE_TRACE_WINDOW_S = 3600.0


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Traces:
    spans: Sequence[case.SpansOf] = ()
    edges: Sequence[records.TopologyEdge] = ()


async def read(
    source: protocols.TraceSource, frame: framing.Frame, chosen: options.Options, notebook: notebooks.Notebook
) -> Traces:
    """Traces of baseline and focus that pass the alert's service and the entry points, and the back end's own call graph."""
    services = await source.services(frame.focus, chosen.limits)
    notebook.note("traced services", services)
    if not services.value:
        return Traces()
    entries, spans_each = await _entry_points(source, services.value, frame, chosen)
    share = _share(chosen, len(entries), spans_each)
    # The baseline's traces are drawn from the hour that is nearest to the trouble: what normal looked like lately.
    nearby = windows.Window(
        max(frame.baseline.start_s, frame.baseline.end_s - BASELINE_TRACE_WINDOW_S), frame.baseline.end_s
    )
    found = []
    for window in (nearby, frame.focus):
        found.extend(await _search(source, entries, share, window, chosen, notebook))
    edges: Sequence[records.TopologyEdge] = ()
    graph = await source.dependencies(frame.whole, chosen.limits)
    if graph.outcome is not answers.Outcome.BAD_QUERY:  # this back end simply has no such question
        key = notebook.note("who calls whom", graph)
        edges = [dataclasses.replace(edge, evidence=key) for edge in graph.value or ()]
    return Traces(found, edges)


async def _search(
    source: protocols.TraceSource,
    entries: Sequence[str],
    share: int,
    window: windows.Window,
    chosen: options.Options,
    notebook: notebooks.Notebook,
) -> list[case.SpansOf]:
    jobs = [
        lambda service=service: source.search(protocols.TraceQuery(service, traces=share), window, chosen.limits)
        for service in entries
    ]
    found = []
    seen: set[str] = set()
    for service, answer in zip(entries, await _tasks.run_all(jobs, limit=chosen.concurrency), strict=True):
        if answer is None:
            continue
        key = notebook.note(f"traces through {service}", answer)
        if answer.value is not None:
            fresh = without(answer.value, seen)
            seen.update(answer.value.trace_id)
            found.append(case.SpansOf(window, fresh, key, truncated=answer.outcome is answers.Outcome.TRUNCATED))
    return found


async def _entry_points(
    source: protocols.TraceSource, services: Sequence[str], frame: framing.Frame, chosen: options.Options
) -> tuple[list[str], float]:
    """The alert's own service first, then the services in which traces begin, most frequent first; and the spans of a trace."""
    named = frame.alert.entity.name if frame.alert.entity else ""
    scouts = [named] if named in services else list(services[:SCOUT_SERVICES_MAX])
    jobs = [
        lambda service=service: source.search(
            protocols.TraceQuery(service, traces=SCOUT_TRACES), frame.whole, chosen.limits
        )
        for service in scouts
    ]
    roots: dict[str, int] = {}
    spans, traces = 0, set[str]()
    for answer in await _tasks.run_all(jobs, limit=chosen.concurrency):
        if answer is None or answer.value is None:
            continue
        spans += len(answer.value)
        traces.update(answer.value.trace_id)
        for service, parent in zip(answer.value.service, answer.value.parent_id, strict=True):
            if not parent:
                roots[service] = roots.get(service, 0) + 1
    ranked = sorted(roots, key=lambda service: (-roots[service], service))
    first = [named] if named in services else []
    entries = list(dict.fromkeys(first + ranked))[:ENTRY_POINTS_MAX] or list(services[:ENTRY_POINTS_MAX])
    return entries, spans / max(len(traces), 1)


def _share(chosen: options.Options, entries: int, spans_each: float) -> int:
    """How many traces each entry point is asked for: many small ones, or few large ones."""
    affordable = chosen.traces_max if spans_each <= 0 else min(chosen.traces_max, int(chosen.spans_max / spans_each))
    return max(SHARE_MIN, affordable // entries)


def without(spans: records.SpanBatch, seen: set[str]) -> records.SpanBatch:
    """The spans whose trace was not seen yet: two entry points may share traces."""
    keep = np.array([trace not in seen for trace in spans.trace_id], dtype=bool)
    if keep.all():
        return spans
    rows = np.flatnonzero(keep)
    chosen = rows.tolist()
    return records.SpanBatch(
        trace_id=[spans.trace_id[row] for row in chosen],
        span_id=[spans.span_id[row] for row in chosen],
        parent_id=[spans.parent_id[row] for row in chosen],
        service=[spans.service[row] for row in chosen],
        instance=[spans.instance[row] for row in chosen],
        operation=[spans.operation[row] for row in chosen],
        kind=[spans.kind[row] for row in chosen],
        start_s=spans.start_s[rows],
        duration_s=spans.duration_s[rows],
        error=[spans.error[row] for row in chosen],
        attributes=[spans.attributes[row] for row in chosen],
    )
