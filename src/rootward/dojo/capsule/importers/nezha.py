"""Nezha (Yu et al., FSE 2023): Online Boutique and Train-Ticket on Kubernetes, a day each, faults injected one after another.

Layout: `<day>/<day>-fault_list.json` beside `metric/`, `log/` and `trace/`; `construct_data/<day>/` beside `rca_data/<day>/` holds a fault-free
minute. `inject_time` is UTC (`inject_timestamp` is eight hours off on some days). One scenario per fault: the whole day's
metrics up to it, and the recorded minutes of logs and spans around and before it. See docs/reference/capsule.md.
"""

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rootward import _clock, errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _metrics, _nezha_metrics, _nezha_records, _sources, _webhook

EXPECTED = "Nezha's <day>/<day>-fault_list.json beside metric/, log/ and trace/"
DAY_S = 86_400.0
MINUTE_S = 60.0
ALERT_AFTER_S = 30.0  # from the injection to the alert
LOOKED_AT_AFTER_S = (
    120.0,
    180.0,
)  # … to the moment at which the alert is looked at: when the records end, between these
KEPT_AFTER_S = 600.0  # … to the end of what the capsule holds
LINES_MAX = 60_000  # of logs; older recorded minutes are left out
SPANS_MAX = 120_000
OWN_MINUTES = 4  # recorded minutes around the fault that are kept whatever their size
NODE_FILES = 8  # log files read to learn which node a pod runs on
QUIET_CASES = 8  # fault-free windows per day …
QUIET_APART_S = 3_600.0
QUIET_AFTER_S = 1_800.0  # … that long after the last fault
QUIET_BEFORE_S = 900.0
FAULTS = {
    "cpu_contention": "cpu_overload",
    "cpu_consumed": "cpu_overload",
    "memory_contention": "memory_pressure",
    "memory_consumed": "memory_pressure",
    "network_delay": "network_delay",
    "network_loss": "network_loss",
    "return": "code_return",
    "exception": "code_exception",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    inject_s: float
    pod: str
    kind: str
    original: dict[str, Any]


class Day:
    """One recorded day, its metrics read once and its logs and spans read as cases need them."""

    def __init__(self, fault_list: Path) -> None:
        self.folder = fault_list.parent
        self.date = fault_list.name.removesuffix("-fault_list.json")
        try:
            self.midnight_s = _clock.from_iso(self.date)
        except ValueError as error:
            raise errors.DatasetError(f"{fault_list}: expected a date before -fault_list.json") from error
        self.faults = read_faults(fault_list)
        folders = [self.folder, self.folder.parent.parent / "construct_data" / self.date]
        self._logs = _nezha_records.minutes([folder / "log" for folder in folders], self.midnight_s)
        self._spans = _nezha_records.minutes([folder / "trace" for folder in folders], self.midnight_s)
        self._log_reader = _nezha_records.Reader(_nezha_records.LOG_COLUMNS)
        self._span_reader = _nezha_records.Reader(_nezha_records.TRACE_COLUMNS)
        self.metrics = _nezha_metrics.read(self.folder / "metric", self._placed(), self._entrance())

    def telemetry(self, moment_s: float) -> telemetry.Telemetry:
        """What the system held at `moment_s` and shortly after."""
        end_s = moment_s + KEPT_AFTER_S
        blocks = [_metrics.until(block, self.midnight_s - DAY_S, end_s) for block in self.metrics.blocks]
        blocks = [block for block in blocks if len(block.times_s)]
        if not blocks:
            raise errors.DatasetError(f"{self.folder}: no metrics before {_clock.to_iso(end_s)}")
        logs = self._recorded(self._logs, moment_s, self._log_reader, LINES_MAX)
        spans = self._recorded(self._spans, moment_s, self._span_reader, SPANS_MAX)
        kept_logs = None if logs is None else _nezha_records.logs(logs, end_s=end_s)
        kept_spans = None if spans is None else _nezha_records.spans(spans, self.metrics.node_of, end_s=end_s)
        return telemetry.Telemetry(
            name=f"nezha-{self.date}",
            start_s=min(float(block.times_s[0]) for block in blocks),
            end_s=end_s,
            now_s=_looked_at_s(moment_s, kept_logs, kept_spans),
            metrics=telemetry.Metrics(tuple(blocks), _nezha_metrics.meta()),
            logs=kept_logs,
            spans=kept_spans,
        )

    def _recorded(
        self,
        minutes: list[_nezha_records.Minute],
        moment_s: float,
        reader: _nezha_records.Reader,
        rows_max: int,
    ) -> pa.Table | None:
        """Records up to the moment; None when none were recorded around it, because a recording's gap is not silence."""
        past = [minute for minute in minutes if minute.ends_s <= moment_s + OWN_MINUTES * MINUTE_S]
        own = [minute for minute in past if minute.ends_s > moment_s]
        return reader.latest(past, rows_max=rows_max, at_least=len(own)) if own else None

    def _placed(self) -> dict[str, str]:
        """Pod → node, from log files spread over the day."""
        chosen = [self._logs[index] for index in spread(len(self._logs), NODE_FILES)]
        placed: dict[str, str] = {}
        for minute in chosen:
            table = self._log_reader.latest([minute], rows_max=0, at_least=1)
            rows = (
                table.select(["PodName", "Node"])
                .group_by(["PodName", "Node"], use_threads=False)
                .aggregate([])
                .to_pylist()
            )
            placed |= {row["PodName"]: row["Node"] for row in rows if row["Node"]}
        return placed

    def _entrance(self) -> str:
        """The service at which most traces begin: where front_service.csv was measured."""
        if not self._spans:
            return ""
        table = self._span_reader.latest(self._spans[:1], rows_max=0, at_least=1)
        pairs = zip(table.column("ParentID").to_pylist(), table.column("PodName").to_pylist(), strict=True)
        roots = Counter(_nezha_records.service_of(pod) for parent, pod in pairs if parent == "root")
        return max(roots, key=lambda service: (roots[service], service), default="")


def cases(src: Path, *, fault_free: bool = False) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    """Every fault of every day at `src`, or (`fault_free`) windows well away from them.

    Raises:
        DatasetError: `src` holds no Nezha data, or a file of it is damaged.
    """
    with _sources.opened(src) as root:
        for path in _sources.find(root, "*-fault_list.json", expected=EXPECTED):
            day = Day(path)
            yield from _quiet_cases(day) if fault_free else _fault_cases(day)


def count(src: Path) -> int:
    """How many faults the days in the folder `src` list."""
    return sum(len(read_faults(path)) for path in _sources.find(src, "*-fault_list.json", expected=EXPECTED))


def read_faults(path: Path) -> list[Fault]:
    """The faults of a day, oldest first.

    Raises:
        DatasetError: not a fault list.
    """
    try:
        by_hour = json.loads(path.read_text(encoding="utf-8-sig"))
        faults = [
            Fault(_clock.from_iso(fault["inject_time"]), str(fault["inject_pod"]), str(fault["inject_type"]), fault)
            for hour in by_hour.values()
            for fault in hour
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise errors.DatasetError(
            f"{path}: expected hour → list of inject_time, inject_pod and inject_type ({error!r})"
        ) from error
    return sorted(faults, key=lambda fault: fault.inject_s)


def _fault_cases(day: Day) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    for fault in day.faults:
        service = _nezha_records.service_of(fault.pod)
        cause = oracle.Cause(
            kind="service",
            name=service,
            fault=FAULTS.get(fault.kind, ""),
            onset_s=fault.inject_s,
            aliases=(("pod", fault.pod), ("workload", service)),
        )
        yield (
            _case_id(day, fault.inject_s),
            _scenario(day, fault.inject_s),
            oracle.Truth("found", (cause,), original=fault.original),
        )


def _quiet_cases(day: Day) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    for moment_s in quiet_moments([fault.inject_s for fault in day.faults], *_span(day)):
        truth = oracle.Truth("no_fault", note="nothing was injected in the half hour before or the quarter hour after")
        yield f"{_case_id(day, moment_s)}-quiet", _scenario(day, moment_s), truth


def quiet_moments(faults_s: list[float], start_s: float, end_s: float) -> list[float]:
    """Up to QUIET_CASES moments of a day (recorded from `start_s` to `end_s`) far enough from every fault, evenly chosen."""
    injected = np.array(faults_s, dtype=np.float64)
    candidates = np.arange(start_s + QUIET_AFTER_S, end_s - KEPT_AFTER_S, QUIET_APART_S)
    quiet = [
        float(moment)
        for moment in candidates
        if not np.any((injected > moment - QUIET_AFTER_S) & (injected < moment + QUIET_BEFORE_S))
    ]
    return [quiet[index] for index in spread(len(quiet), QUIET_CASES)]


def spread(available: int, wanted: int) -> list[int]:
    """Up to `wanted` indices below `available`, evenly over the range, first and last among them."""
    return sorted({int(index) for index in np.linspace(0, available - 1, wanted)}) if available else []


def _span(day: Day) -> tuple[float, float]:
    blocks = day.metrics.blocks
    return max(float(block.times_s[0]) for block in blocks), min(float(block.times_s[-1]) for block in blocks)


def _looked_at_s(moment_s: float, logs: telemetry.Logs | None, spans: telemetry.Spans | None) -> float:
    """When the alert is looked at: a second after the last record, so that the end of a recording does not look like silence."""
    earliest, latest = (moment_s + after_s for after_s in LOOKED_AT_AFTER_S)
    ends_ns = [*(logs.times_ns[-1:] if logs else ()), *(spans.start_ns[-1:] if spans else ())]
    return float(np.clip(np.ceil(max(ends_ns) / 1e9) + 1.0, earliest, latest)) if ends_ns else latest


def _case_id(day: Day, moment_s: float) -> str:
    return f"nezha-{day.date}-{re.sub('[^0-9]', '', _clock.to_iso(moment_s)[11:19])}"


def _scenario(day: Day, moment_s: float) -> telemetry.Scenario:
    front = day.metrics.front or "frontend"
    labels = {"alertname": "FrontendDegraded", "service": front, "severity": "critical"}
    annotations = {"summary": f"Requests at {front} are slow or fail"}
    starts_s = moment_s + ALERT_AFTER_S
    expr = f'{_nezha_metrics.DURATIONS[None]}{{service="{front}"}}'
    data = dataclasses.replace(
        day.telemetry(moment_s), alerts=(_webhook.fired(labels, annotations, starts_s=starts_s),)
    )
    data = dataclasses.replace(data, access=_webhook.absent(data))
    return telemetry.Scenario(data, _webhook.payload(labels, annotations, starts_s=starts_s, expr=expr))
