"""Log lines of baseline and focus, by entity: one question per window over everything that logs."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.investigator.causal import case
from rootward.investigator.probing import notebook as notebooks
from rootward.signals import answers, entities, naming, protocols, records, windows

BASELINE_LOG_WINDOW_S = 3600.0
# Which label names the service that logs, best first: OpenTelemetry, Kubernetes recommended labels, agents' habits.
SERVICE_LABELS = ("service_name", "service", "app_kubernetes_io_name", "app", "job_name", "component", "container")


async def read(
    source: protocols.LogSource, frame: framing.Frame, chosen: options.Options, notebook: notebooks.Notebook
) -> list[case.LogsOf]:
    """Lines per entity, baseline and focus together, oldest first; empty when nothing logs."""
    streams = await source.streams(frame.whole, chosen.limits)
    notebook.note("log streams", streams)
    if not streams.value:
        return []
    query = protocols.LogQuery(matchers=(every_stream(streams.value),))
    limits = dataclasses.replace(chosen.limits, lines=chosen.log_lines_max)
    nearby = windows.Window(
        max(frame.baseline.start_s, frame.baseline.end_s - BASELINE_LOG_WINDOW_S), frame.baseline.end_s
    )
    parts: list[tuple[answers.Answer[records.LogBatch], str]] = []
    for name, window in (("before", nearby), ("during", frame.focus)):
        answer = await source.lines(query, window, limits)
        parts.append((answer, notebook.note(f"log lines {name}", answer, _counted(answer))))
    return by_entity(parts)


def _counted(answer: answers.Answer[records.LogBatch]) -> str:
    return "" if answer.value is None else f"{len(answer.value)} lines of {len(answer.value.streams)} streams"


def every_stream(streams: Sequence[Mapping[str, str]]) -> protocols.Matcher:
    """Everything, by the label that most streams have: a cause may sit in another namespace than its alert."""
    counts: dict[str, int] = {}
    for stream in streams:
        for label in stream:
            counts[label] = counts.get(label, 0) + 1
    common = min(counts, key=lambda label: (-counts[label], label))
    return protocols.Matcher(common, "=~", ".+")


def entity_of(stream: Mapping[str, str]) -> entities.Entity:
    """Who logs in this stream."""
    namespace = stream.get("namespace", "")
    for label in SERVICE_LABELS:
        if stream.get(label):
            return entities.Entity(entities.EntityKind.SERVICE, naming.service_of_pod(stream[label]), namespace)
    if stream.get("pod"):
        return entities.Entity(entities.EntityKind.SERVICE, naming.service_of_pod(stream["pod"]), namespace)
    if stream.get("node"):
        return entities.Entity(entities.EntityKind.NODE, stream["node"])
    return entities.Entity(entities.EntityKind.SERVICE, next(iter(stream.values()), "unknown"), namespace)


def by_entity(parts: Sequence[tuple[answers.Answer[records.LogBatch], str]]) -> list[case.LogsOf]:
    """One LogsOf per entity and answer (before, during), in order of entity; a line belongs to its stream's entity."""
    found: list[case.LogsOf] = []
    for answer, key in parts:
        batch = answer.value
        if batch is None:
            continue
        owners = [entity_of(stream) for stream in batch.streams]
        owner_of_line = [owners[stream] for stream in batch.stream]
        rows: dict[entities.Entity, list[int]] = {}
        for row, owner in enumerate(owner_of_line):
            rows.setdefault(owner, []).append(row)
        truncated = answer.outcome is answers.Outcome.TRUNCATED
        found.extend(case.LogsOf(owner, take(batch, rows[owner]), key, truncated) for owner in sorted(rows))
    return found


def take(batch: records.LogBatch, rows: Sequence[int]) -> records.LogBatch:
    return records.LogBatch(
        times_s=batch.times_s[np.asarray(rows, dtype=np.intp)],
        lines=[batch.lines[row] for row in rows],
        stream=[batch.stream[row] for row in rows],
        streams=batch.streams,
        trace_ids=[batch.trace_ids[row] for row in rows] if batch.trace_ids else (),
    )
