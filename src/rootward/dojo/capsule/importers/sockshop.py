"""Sock Shop as RCD recorded it (Ikram et al., NeurIPS 2022): one service's CPU or memory hogged, metrics before and during.

Layout: `<service>-<cpu|mem>/<repetition>/{normal,anomalous}.csv`; a `time` column in seconds and columns `<service>_<cpu|mem|lod|lat_NN>`.
`anomalous.csv` begins when the fault does. `normal.csv` was recorded minutes to days earlier: see `_history`.
"""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from rootward import errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _csv, _history, _metrics, _sources, _webhook

EXPECTED = "RCD's <service>-<cpu|mem>/<repetition>/anomalous.csv beside normal.csv"
STEP_S = 1.0
NAMESPACE = "sock-shop"
FAULTS = {"cpu": "cpu_overload", "mem": "memory_pressure"}
NAMES = {  # column suffix → metric, its type's help, unit
    "cpu": ("container_cpu_usage_percent", "CPU used, in percent of one core", "percent"),
    "mem": ("container_memory_usage_bytes", "Memory used", "bytes"),
    "lod": ("request_rate_per_second", "Requests served per second", "requests per second"),
    "lat": ("request_duration_seconds", "Duration of requests, by quantile", "seconds"),
}
COLUMN = re.compile(r"(?P<service>.+)_(?P<what>cpu|mem|lod|lat)(?:_(?P<percent>\d+))?")

Table = tuple[telemetry.FloatArray, dict[str, telemetry.FloatArray]]


def cases(
    src: Path, *, fault_free: bool = False, baseline: str = "auto"
) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    """Every repetition at `src`, or (`fault_free`) its normal part alone.

    Raises:
        DatasetError: `src` holds no Sock Shop data in RCD's layout, or a file of it is damaged.
    """
    with _sources.opened(src) as root:
        if fault_free:
            for path in _sources.find(root, "normal.csv", expected=EXPECTED):
                yield _quiet_case(path)
            return
        for path in _sources.find(root, "anomalous.csv", expected=EXPECTED):
            yield _case(path, baseline)


def count(src: Path) -> int:
    """How many repetitions lie in the folder `src`."""
    return len(_sources.find(src, "anomalous.csv", expected=EXPECTED))


def _case(path: Path, baseline: str) -> tuple[str, telemetry.Scenario, oracle.Truth]:
    folder, service, what = _fault_of(path)
    during = _read(path)
    onset_s, moved_s, parts = float(during[0][0]), 0.0, [during]
    if path.with_name("normal.csv").is_file():
        times_s, columns = _read(path.with_name("normal.csv"))
        moved_s = _history.shift_s(times_s, onset_s, step_s=STEP_S, baseline=baseline)
        parts.insert(0, (times_s - moved_s, columns))
    cause = oracle.Cause(kind="service", name=service, fault=FAULTS[what], onset_s=onset_s)
    truth = oracle.Truth(
        "found", (cause,), note=_history.note(moved_s), original={"folder": folder, "repetition": path.parent.name}
    )
    return (
        f"sockshop-{folder}-{path.parent.name}",
        _scenario(parts, starts_s=onset_s, now_s=float(during[0][-1])),
        truth,
    )


def _quiet_case(path: Path) -> tuple[str, telemetry.Scenario, oracle.Truth]:
    folder, _, _ = _fault_of(path)
    part = _read(path)
    starts_s, now_s = float(part[0][len(part[0]) * 2 // 3]), float(part[0][-1])
    truth = oracle.Truth("no_fault", note="the part before the fault was injected")
    return f"sockshop-{folder}-{path.parent.name}-normal", _scenario([part], starts_s=starts_s, now_s=now_s), truth


def _fault_of(path: Path) -> tuple[str, str, str]:
    """(folder, service, cpu or mem) from the folder two levels up."""
    folder = path.resolve().parent.parent.name
    service, _, what = folder.rpartition("-")
    if not service or what not in FAULTS:
        raise errors.DatasetError(f"{path}: expected {EXPECTED}; {folder!r} names no service and metric")
    return folder, service, what


def _scenario(parts: list[Table], *, starts_s: float, now_s: float) -> telemetry.Scenario:
    labels = {"alertname": "ServiceDegraded", "namespace": NAMESPACE, "severity": "critical"}
    annotations = {"summary": "Sock Shop does not behave as usual"}
    recorded = _metrics.merged([_block(part) for part in parts])
    data = telemetry.Telemetry(
        name="sockshop",
        start_s=float(recorded.times_s[0]),
        end_s=now_s + STEP_S,
        now_s=now_s,
        metrics=telemetry.Metrics(
            (recorded,), {name: telemetry.MetricMeta("gauge", text, unit) for name, text, unit in NAMES.values()}
        ),
        alerts=(_webhook.fired(labels, annotations, starts_s=starts_s),),
    )
    data = dataclasses.replace(data, access=_webhook.absent(data))
    return telemetry.Scenario(data, _webhook.payload(labels, annotations, starts_s=starts_s))


def _block(part: Table) -> telemetry.MetricBlock:
    times_s, columns = part
    series = []
    for column, values in columns.items():
        match = COLUMN.fullmatch(column)
        if match is None:
            continue
        labels = {"__name__": NAMES[match["what"]][0], "namespace": NAMESPACE, "service": match["service"]}
        if match["percent"]:
            labels["quantile"] = f"{int(match['percent']) / 100:g}"
        series.append((labels, values))
    return _metrics.block(times_s, series)


def _read(path: Path) -> Table:
    header, *body = _csv.rows(path) or [[]]
    if header[:1] != ["time"] or not any(COLUMN.fullmatch(column) for column in header):
        raise errors.DatasetError(
            f"{path}: expected a `time` column first and columns such as carts_cpu or carts_lat_99"
        )
    cells = _csv.numbers(path, body, width=len(header))
    return cells[:, 0], {column: cells[:, index] for index, column in enumerate(header) if index}
