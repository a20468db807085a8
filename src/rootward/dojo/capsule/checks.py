"""Everything that can be wrong with a capsule, all at once: what `store.load` would refuse, and what it would not notice."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.capsule import files, store, telemetry


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """`problems` in words, naming the file; empty when all is well. `sealed`: whether there is a truth."""

    path: Path
    files: int
    bytes: int
    sealed: bool
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(path: Path) -> Report:
    """Read every file of the capsule at `path`, the sealed truth included, and compare all that can be compared.

    Raises:
        CapsuleError: there is no capsule to check (no readable manifest), or it is of another version.
    """
    manifest = files.read_manifest(path)
    listed = manifest["files"]
    problems = [*_damaged(path, manifest), *_strangers(path, listed), *_truth_problems(path)]
    if not problems:
        scenario = store.load(path)
        problems += content_problems(scenario)
        if manifest.get("counts") != store.counts(scenario.telemetry):
            problems.append(f"{files.MANIFEST}: its counts are not what the files hold")
    return Report(
        path=path,
        files=len(listed),
        bytes=sum(int(entry.get("bytes", 0)) for entry in listed.values()),
        sealed=store.has_truth(path),
        problems=tuple(problems),
    )


def content_problems(scenario: telemetry.Scenario) -> list[str]:
    """What is inconsistent inside a scenario: order, indexes, identities."""
    data = scenario.telemetry
    problems = [*_metric_problems(data.metrics)]
    if data.logs is not None:
        problems += _log_problems(data.logs)
    if data.spans is not None:
        problems += _span_problems(data.spans)
    if not data.start_s <= data.now_s <= data.end_s:
        problems.append(f"{files.MANIFEST}: now ({data.now_s}) lies outside the window {data.start_s} to {data.end_s}")
    return [*problems, *_alert_problems(scenario.alert)]


def _damaged(path: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(manifest["files"]):
        try:
            files.read_checked(path, name, manifest)
        except errors.CapsuleError as error:
            yield str(error)


def _strangers(path: Path, listed: Mapping[str, Any]) -> Iterator[str]:
    expected = {files.MANIFEST, files.TRUTH, files.TRUTH_CHECKSUM, *listed}
    for found in sorted(path.rglob("*")):
        name = found.relative_to(path).as_posix()
        if not found.is_dir() and name not in expected:
            yield f"{name}: a file that the manifest does not list"


def _truth_problems(path: Path) -> Iterator[str]:
    if store.has_truth(path):
        try:
            store.load_truth(path)
        except errors.CapsuleError as error:
            yield str(error)


def _metric_problems(metrics: telemetry.Metrics) -> Iterator[str]:
    seen: set[frozenset[tuple[str, str]]] = set()
    for number, block in enumerate(metrics.blocks):
        where = f"{files.METRICS}, block {number}"
        if not np.all(np.diff(block.times_s) > 0):
            yield f"{where}: its times do not increase"
        if not np.all(np.isfinite(block.times_s)):
            yield f"{where}: a time is no number"
        for labels in block.labels:
            key = frozenset(labels.items())
            if not labels.get("__name__"):
                yield f"{where}: a series without a name: {dict(labels)}"
            if key in seen:
                yield f"{where}: a series stands there twice: {dict(labels)}"
            seen.add(key)


def _log_problems(logs: telemetry.Logs) -> Iterator[str]:
    if np.any(np.diff(logs.times_ns) < 0):
        yield f"{files.LOGS}: its lines are not in order of time"
    if _outside(logs.stream, len(logs.streams)):
        yield f"{files.LOGS}: a line belongs to a stream that does not exist"
    if len({len(logs.lines), len(logs.times_ns), len(logs.stream)}) > 1:
        yield f"{files.LOGS}: its columns differ in length"


def _span_problems(spans: telemetry.Spans) -> Iterator[str]:
    if np.any(np.diff(spans.start_ns) < 0):
        yield f"{files.SPANS}: its spans are not in order of start"
    if np.any(spans.duration_ns < 0):
        yield f"{files.SPANS}: a span ends before it starts"
    if _outside(spans.process, len(spans.processes)) or _outside(spans.name, len(spans.names)):
        yield f"{files.SPANS}: a span names a process or an operation that does not exist"
    if len(set(zip(spans.trace_ids, spans.span_ids, strict=True))) < len(spans.span_ids):
        yield f"{files.SPANS}: a span stands there twice"


def _outside(indexes: np.ndarray[Any, Any], size: int) -> bool:
    return bool(np.any((indexes < 0) | (indexes >= size)))


def _alert_problems(payload: Mapping[str, Any]) -> Iterator[str]:
    alerts = payload.get("alerts")
    if not isinstance(alerts, list) or not alerts:
        yield f"{files.ALERT}: not an Alertmanager webhook payload (no list of alerts)"
    elif not all(isinstance(alert, dict) and isinstance(alert.get("labels"), dict) for alert in alerts):
        yield f"{files.ALERT}: an alert has no labels"
