"""What series of numbers look like apart from their unit: how wide they wander, the colour of their noise, bursts, tails, trends.

Windows of `POINTS` samples, as far apart as the recording's, from the time before anything was wrong. The colour of noise is the slope of the
log-periodogram (0 white, -1 pink, -2 brown); burstiness after Goh and Barabási, "Burstiness and memory in complex systems",
EPL 81 (2008).
"""

import dataclasses
import re
from collections.abc import Iterator

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.evals.realism import samples as sm

POINTS = 45
FEATURES = (
    "variation",
    "memory of a minute",
    "colour of noise",
    "tail of changes",
    "skewness",
    "flat share",
    "trend",
    "peak over median",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Role:
    """What is compared with what: `gauges` are names of levels, `counters` of cumulative ones, `ratios` of sum and count pairs."""

    name: str
    gauges: str = "$^"
    counters: str = "$^"
    sums: str = "$^"


ROLES = (
    Role("cpu", r"pod_cpu_usage_cores|container_cpu_usage_percent", "container_cpu_usage_seconds_total"),
    Role("memory", r"pod_memory_usage_bytes|container_memory_usage_bytes|container_memory_working_set_bytes"),
    Role(
        "latency",
        r"pod_server_request_duration_seconds|request_duration_seconds|aws_xray_latency_average",
        sums=r"(http_server_request_duration_seconds|http_request_duration_seconds|http_server_requests_seconds|grpc_server_handling_seconds)_sum",
    ),
    Role(
        "request rate",
        r"request_rate_per_second|aws_xray_requests_sum",
        r"(http_server_request_duration_seconds|http_request_duration_seconds|http_server_requests_seconds|grpc_server_handling_seconds)_count|traces_service_graph_request_total",
    ),
)


def samples(telemetry: tm.Telemetry, until_s: float, role: Role, source: str, step_s: float) -> sm.Samples:
    """One row per window of every series of a role that ends before `until_s`; grouped by series."""
    rows, groups = [], []
    for name, values in _levels(telemetry, until_s, role, step_s):
        for k in range(len(values) // POINTS):
            window = values[len(values) - (k + 1) * POINTS : len(values) - k * POINTS]
            found = features(window)
            if found is not None:
                rows.append(found)
                groups.append(f"{source}/{name}")
    return sm.made(rows, groups, len(FEATURES))


def _levels(telemetry: tm.Telemetry, until_s: float, role: Role, step_s: float) -> Iterator[tuple[str, sm.FloatArray]]:
    """Series of a role as levels, one value per `step_s`."""
    counts: dict[tuple[str, ...], sm.FloatArray | None] = {}
    for block in telemetry.metrics.blocks:
        for labels in block.labels:
            if re.fullmatch(role.sums, labels["__name__"]):
                counts[_key(labels, "_sum")] = None
    for block in telemetry.metrics.blocks:
        for labels, row in zip(block.labels, block.values, strict=True):
            if labels["__name__"].endswith("_count") and _key(labels, "_count") in counts:
                counts[_key(labels, "_count")] = row
    for block in telemetry.metrics.blocks:
        for labels, row in zip(block.labels, block.values, strict=True):
            name = labels["__name__"]
            if re.fullmatch(role.gauges, name):
                yield _title(labels), _means(block.times_s, row, until_s, step_s)
            elif re.fullmatch(role.counters, name):
                yield _title(labels), _rates(block.times_s, row, until_s, step_s)
            elif re.fullmatch(role.sums, name):
                count = counts[_key(labels, "_sum")]
                if count is not None:
                    spent = _rates(block.times_s, row, until_s, step_s)
                    done = _rates(block.times_s, count, until_s, step_s)
                    with np.errstate(divide="ignore", invalid="ignore"):
                        yield _title(labels), np.where(done > 0, spent / done, np.nan)


def step_s(telemetry: tm.Telemetry, role: Role) -> float:
    """Seconds between the samples of a role's series, at least a minute; 0 where it has none."""
    steps = [
        float(np.median(np.diff(block.times_s)))
        for block in telemetry.metrics.blocks
        if len(block.times_s) > POINTS
        and any(re.fullmatch(f"{role.gauges}|{role.counters}|{role.sums}", one["__name__"]) for one in block.labels)
    ]
    return max(60.0, float(np.median(steps))) if steps else 0.0


def _key(labels: tm.Labels, ending: str) -> tuple[str, ...]:
    rest = sorted(f"{k}={v}" for k, v in labels.items() if k != "__name__")
    return (labels["__name__"].removesuffix(ending), *rest)


def _title(labels: tm.Labels) -> str:
    return " ".join(f"{k}={v}" for k, v in sorted(labels.items()))


def _means(times_s: sm.FloatArray, row: sm.FloatArray, until_s: float, step_s: float) -> sm.FloatArray:
    """Means of the samples of each step up to `until_s`; series that are no denser as they are."""
    seen = ~np.isnan(row) & (times_s <= until_s)
    if seen.sum() < 3:
        return np.zeros(0)
    moments_s, values = times_s[seen], row[seen]
    if np.median(np.diff(moments_s)) >= step_s:
        return values
    minute = ((moments_s - moments_s[0]) // step_s).astype(np.intp)
    totals, counts = np.bincount(minute, values), np.bincount(minute)
    return totals[counts > 0] / counts[counts > 0]


def _rates(times_s: sm.FloatArray, row: sm.FloatArray, until_s: float, step_s: float) -> sm.FloatArray:
    """Increase per second in each step of a counter; resets count from zero."""
    seen = ~np.isnan(row) & (times_s <= until_s)
    if seen.sum() < 3:
        return np.zeros(0)
    moments_s, values = times_s[seen], row[seen]
    grown = np.maximum(np.diff(values), 0.0)
    minute = ((moments_s[1:] - moments_s[0]) // step_s).astype(np.intp)
    spans = np.bincount(minute, np.diff(moments_s))
    return np.bincount(minute, grown)[spans > 0] / spans[spans > 0]


def features(window: sm.FloatArray) -> list[float] | None:
    """The numbers of FEATURES for one window; None for one that has gaps or never moves."""
    if not np.isfinite(window).all() or window.std() <= 1e-12 * abs(float(window.mean())) or window.mean() <= 0:
        return None
    time = np.arange(len(window), dtype=np.float64)
    level = window / window.mean()
    straight = np.polyval(np.polyfit(time, level, 1), time)
    rest = level - straight
    if rest.std() < 1e-9:
        return None
    steps = np.diff(level)
    power = np.abs(np.fft.rfft(rest))[1:] ** 2
    slope = float(np.polyfit(np.log(np.arange(1, len(power) + 1)), np.log(power + 1e-18), 1)[0])
    spread = steps.std()
    middle = float(np.median(window))
    return [
        float(np.log10(level.std())),
        float(np.corrcoef(rest[1:], rest[:-1])[0, 1]),
        slope,
        float(np.log(np.mean((steps - steps.mean()) ** 4) / spread**4)) if spread > 0 else 0.0,
        float(np.mean(rest**3) / rest.std() ** 3),
        float(np.mean(np.abs(steps) < 1e-12)),
        float(abs(np.corrcoef(time, level)[0, 1])),
        float(np.log10(window.max() / middle)) if middle > 0 else 3.0,
    ]
