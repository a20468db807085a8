"""Evidence as lines of text: what a person would read off a chart, a log, a trace or a cluster, computed and not cut.

Each function gives the whole (every line, object or change, one text each) and the short form, the most telling first.
"""

import collections
import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rootward.investigator.causal import case
from rootward.signals import records, series, templates, windows


class Lines(NamedTuple):
    """`telling`: those of the whole that show trouble by measurement. Never log lines: whoever sends a request can have one written."""

    whole: list[str]
    short: list[str]
    telling: list[str] = []  # noqa: RUF012 -- a tuple's default, never changed


SHORT = 14
MOVED_MIN = 3.0  # times the usual spread (5th to 95th percentile) that a line has to leave its median by, to be telling
ERRORS_MIN = 0.1  # of spans
SLOWER_MIN = math.log(2.0)
MESSAGE_CHARS = 280


def moment(time_s: float) -> str:
    """UTC, to the second."""
    return dt.datetime.fromtimestamp(time_s, tz=dt.UTC).strftime("%m-%d %H:%M:%S")


def number(value: float) -> str:
    """Four significant digits, as claims quote them."""
    return f"{value:.4g}" if math.isfinite(value) else "no samples"


def of_signals(signals: Sequence[case.Signal], baseline: windows.Window, focus: windows.Window) -> Lines:
    """One line per measured line: before, during, its extreme and when; the largest relative change first in the short form."""
    moved = [_moved(one.times_s, one.values, baseline, focus) for one in signals]
    return _ranked([(score, f"{_named(one)}: {text}") for (score, text), one in zip(moved, signals, strict=True)])


def of_series(found: series.SeriesSet, baseline: windows.Window, focus: windows.Window) -> Lines:
    """The same of series as a back end gave them."""
    moved = [_moved(one.times_s, one.values, baseline, focus) for one in found]
    return _ranked([(score, f"{_labels(one.labels)}: {text}") for (score, text), one in zip(moved, found, strict=True)])


def _ranked(scored: Sequence[tuple[float, str]]) -> Lines:
    order = sorted(scored, key=lambda pair: -pair[0])
    telling = [text for score, text in order if score >= MOVED_MIN]
    return Lines([text for _, text in scored], [text for _, text in order[:SHORT]], telling)


def of_logs(parts: Iterable[tuple[str, str, records.LogBatch]], focus: windows.Window) -> dict[str, Lines]:
    """Of (evidence id, owner, lines): by evidence, every line with its time and owner; in short the templates among them with how often
    each came before and during the trouble in all of the evidence, since the two are often asked for apart."""
    rows = [
        (float(batch.times_s[i]), owner, line, key) for key, owner, batch in parts for i, line in enumerate(batch.lines)
    ]
    rows.sort(key=lambda row: row[:3])
    mined = templates.mine([line for _, _, line, _ in rows])
    size = len(mined.texts)
    inside = np.asarray([time_s >= focus.start_s for time_s, *_ in rows], dtype=bool)
    during = np.bincount(mined.ids[inside], minlength=size) if size else np.zeros(0)
    before = np.bincount(mined.ids[~inside], minlength=size) if size else np.zeros(0)
    order = np.lexsort((np.arange(size), -during / (before + 1.0)))
    whole: dict[str, list[str]] = collections.defaultdict(list)
    owners: dict[tuple[str, int], str] = {}
    for (time_s, owner, line, key), template in zip(rows, mined.ids.tolist(), strict=True):
        whole[key].append(f"{moment(time_s)} {owner}: {line}")
        owners.setdefault((key, template), owner)
    short = {
        key: [
            f"{int(before[i])} before, {int(during[i])} during: {owners[key, i]}: {mined.examples[i]}"
            for i in order.tolist()
            if (key, i) in owners
        ][:SHORT]
        for key in whole
    }
    return {key: Lines(lines, short[key]) for key, lines in whole.items()}


def of_spans(parts: Sequence[tuple[str, records.SpanBatch]], focus: windows.Window) -> dict[str, Lines]:
    """Per service and operation, over all of the evidence: spans, share of errors, median and 95th percentile of duration, before and
    during; the same lines under every id, since the two are asked for apart."""
    groups: dict[tuple[str, str, str], dict[str, list[tuple[float, bool]]]] = {}
    for _, batch in parts:
        for i in range(len(batch)):
            group = groups.setdefault(
                (batch.service[i], batch.operation[i], batch.kind[i]), {"before": [], "during": []}
            )
            when = "during" if batch.start_s[i] >= focus.start_s else "before"
            group[when].append((1000.0 * float(batch.duration_s[i]), bool(batch.error[i])))
    found: list[tuple[float, str, bool]] = []
    for (service, operation, kind), times in groups.items():
        texts = [_took(when, spans) for when, spans in times.items()]
        moved = abs(_heavy(times["during"]) - _heavy(times["before"])) if all(times.values()) else 3.0
        bad = _wrong(times["during"]) >= ERRORS_MIN or (all(times.values()) and moved >= SLOWER_MIN)
        found.append((moved, f"{service} {operation} ({kind or 'span'}): {'; '.join(texts)}", bad))
    found.sort(key=lambda one: (-one[0], one[1]))
    ordered = [text for _, text, _ in found]
    return {key: Lines(ordered, ordered[:SHORT], [text for _, text, bad in found if bad]) for key, _ in parts}


def _took(when: str, spans: Sequence[tuple[float, bool]]) -> str:
    if not spans:
        return f"{when} none"
    took = np.asarray([one for one, _ in spans])
    wrong = 100 * _wrong(spans)
    median, slow = np.percentile(took, [50, 95])
    return f"{when} {len(spans)} spans, {number(wrong)}% errors, median {number(median)} ms, p95 {number(slow)} ms"


def _heavy(spans: Sequence[tuple[float, bool]]) -> float:
    """Logarithm of the median duration, errors counting as a second each: what two times are compared by."""
    return math.log1p(float(np.median([one for one, _ in spans])) + 1e3 * _wrong(spans))


def _wrong(spans: Sequence[tuple[float, bool]]) -> float:
    return sum(bad for _, bad in spans) / len(spans) if spans else 0.0


def of_objects(objects: Sequence[records.ClusterObject]) -> Lines:
    """One line per object, with what its status says; those that are not well first in the short form."""
    found = [(_trouble(one), f"{one.kind} {one.namespace}/{one.name}: {_status(one)}") for one in objects]
    order = sorted(found, key=lambda pair: -pair[0])
    telling = [text for score, text in order if score >= MOVED_MIN]
    return Lines([text for _, text in found], [text for _, text in order[:SHORT]], telling)


def of_changes(changes: Iterable[records.Change]) -> Lines:
    """Newest last, in the short form first; with the files that a change touched."""
    whole = [
        f"{moment(one.time_s)} {one.kind} {one.entity.name if one.entity else ''} {one.version} by {one.author or 'unknown'}: "
        f"{one.summary}{_files(one)}"
        for one in changes
    ]
    return Lines(whole, whole[: -SHORT - 1 : -1])


def of_messages(messages: Iterable[records.Message]) -> Lines:
    """Newest last, in the short form first."""
    whole = [
        f"{moment(one.time_s)} #{one.channel} {one.author}: {' '.join(one.text.split())[:MESSAGE_CHARS]}"
        for one in messages
    ]
    return Lines(whole, whole[: -SHORT - 1 : -1])


def of_events(events: Iterable[records.Event]) -> Lines:
    """Warnings first in the short form, then the newest."""
    listed = list(events)
    whole = [f"{moment(one.time_s)} {one.entity} {one.reason} ×{one.count}: {one.message}" for one in listed]
    order = sorted(range(len(listed)), key=lambda i: (not listed[i].warning, -listed[i].time_s))
    return Lines(whole, [whole[i] for i in order[:SHORT]])


def _moved(
    times_s: series.FloatArray, values: series.FloatArray, baseline: windows.Window, focus: windows.Window
) -> tuple[float, str]:
    """How much a line moved (to order by) and that in words."""
    usual = values[(times_s >= baseline.start_s) & (times_s < focus.start_s) & np.isfinite(values)]
    inside = (times_s >= focus.start_s) & np.isfinite(values)
    if not inside.any():
        return (
            2.0 if len(usual) else 0.0
        ), f"before median {number(float(np.median(usual))) if len(usual) else 'no samples'}; during no samples"
    trouble, at_s = values[inside], times_s[inside]
    before = float(np.median(usual)) if len(usual) else float("nan")
    peak = int(np.argmax(np.abs(trouble - (before if math.isfinite(before) else 0.0))))
    spread = float(np.percentile(usual, 95) - np.percentile(usual, 5)) if len(usual) else 0.0
    scale = max(spread, 0.02 * abs(before) if math.isfinite(before) else 0.0, 1e-9)
    moved = abs(float(trouble[peak]) - before) / scale if math.isfinite(before) else 5.0
    return min(moved, 1e6), (
        f"before median {number(before)}; during median {number(float(np.median(trouble)))}, "
        f"farthest {number(float(trouble[peak]))} at {moment(float(at_s[peak]))}, last {number(float(trouble[-1]))}"
    )


def _named(one: case.Signal) -> str:
    observer = f" seen by {one.observer.name}" if one.observer is not None else ""
    return f"{one.entity} {one.role}{_labels(one.detail)}{observer}{f' [{one.unit}]' if one.unit else ''}"


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) + "}" if labels else ""


def _files(change: records.Change) -> str:
    return f" [{', '.join(sorted(change.files)[:6])}]" if change.files else ""


def _trouble(one: records.ClusterObject) -> float:
    status = one.body.get("status") or {}
    containers = status.get("containerStatuses") or []
    restarts = sum(int(c.get("restartCount") or 0) for c in containers if isinstance(c, dict))
    unready = sum(not c.get("ready", True) for c in containers if isinstance(c, dict))
    bad = sum(
        isinstance(c, dict)
        and (c.get("type") == "Ready") != (c.get("status") == "True")
        and c.get("type") in _CONDITIONS
        for c in status.get("conditions") or []
    )
    missing = _count(status.get("replicas")) - _count(status.get("readyReplicas")) if "replicas" in status else 0
    return float(10 * unready + 5 * bad + 3 * max(missing, 0) + min(restarts, 5))


_CONDITIONS = frozenset({"Ready", "MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"})


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _status(one: records.ClusterObject) -> str:
    status = one.body.get("status") or {}
    told = [str(status[key]) for key in ("phase", "reason") if status.get(key)]
    told += [f"{key} {status[key]}" for key in ("replicas", "readyReplicas", "unavailableReplicas") if key in status]
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        waiting, last = state.get("waiting") or {}, (container.get("lastState") or {}).get("terminated") or {}
        told.append(
            f"{container.get('name')} restarts {container.get('restartCount', 0)} {waiting.get('reason', '')} "
            f"{('last ended ' + str(last.get('reason')) + ' exit ' + str(last.get('exitCode'))) if last else ''}".strip()
        )
    told += [f"{c.get('type')}={c.get('status')}" for c in status.get("conditions") or [] if isinstance(c, dict)][:6]
    return "; ".join(told) or "no status"
