"""Native histograms against a real Prometheus that holds the same ones: bucket by bucket, and what is worked out from them.

The text formats cannot carry them, so they are written to the server as another Prometheus would (remote write). Needs `prometheus`
from 2.40 on.
"""

import json
import math
import struct
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import promql_world as world
import pyarrow as pa
import pytest

from rootward import _rng
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, native, options
from rootward.dojo.wire import _prometheus_json

pytestmark = pytest.mark.skipif(not world.BINARIES["prometheus"], reason="prometheus is not installed")
START_S, COUNT, EVERY_S = float(world.START_S), 120, 15.0
SINCE_3 = ("avg(rate(latency_seconds[2m]))", "avg by (zone) (latency_seconds)", "abs(latency_seconds)", "max(latency_seconds)",
           "histogram_avg(latency_seconds)", "histogram_stddev(latency_seconds)", "histogram_stdvar(latency_seconds)",
           "sum_over_time(latency_seconds[1m])", "avg_over_time(latency_seconds[1m])", "last_over_time(latency_seconds[1m])",
           "latency_seconds * 2", "latency_seconds / 4", "-latency_seconds", "latency_seconds - latency_seconds offset 1m")  # fmt: skip
"""What 2.42 takes for numbers that are 0, or does not know yet."""
QUERIES = (
    "latency_seconds",
    'latency_seconds{pod="b"}',
    "latency_seconds offset 2m",
    "rate(latency_seconds[2m])",
    "increase(latency_seconds[1m17s])",
    "delta(latency_seconds[90s])",
    "sum(rate(latency_seconds[2m]))",
    "sum by (zone) (rate(latency_seconds[2m]))",
    "sum without (pod) (latency_seconds)",
    "count(latency_seconds)",
    "count by (zone) (latency_seconds)",
    "group(latency_seconds)",
    "absent(latency_seconds)",
    "absent(other_seconds)",
    "absent_over_time(latency_seconds[1m])",
    "count_over_time(latency_seconds[2m])",
    "present_over_time(latency_seconds[2m])",
    "timestamp(latency_seconds)",
    "histogram_count(latency_seconds)",
    "histogram_sum(rate(latency_seconds[2m]))",
    "histogram_sum(rate(latency_seconds[2m])) / histogram_count(rate(latency_seconds[2m]))",
    *(f"histogram_quantile({q}, sum(rate(latency_seconds[2m])))" for q in ("-1", "0", "0.001", "0.5", "0.95", "0.999", "1", "1.5", "NaN")),
    *(f"histogram_quantile({q}, latency_seconds)" for q in ("0.05", "0.5", "0.9")),
    *(f"histogram_fraction({pair}, rate(latency_seconds[2m]))" for pair in ("0, 1", "-1, 0.2", "0.2, 0.3", "0.0001, 100", "1, 0", "-Inf, +Inf", "NaN, 1")),
    "latency_seconds + latency_seconds",
    "sum(latency_seconds) + sum(latency_seconds offset 1m)",
    "other_seconds",
)  # fmt: skip


def series() -> tuple[telemetry.HistogramSeries, ...]:
    """Three pods: one of a finer schema, one whose process starts anew, one that is late and has gaps."""
    found = []
    for number, (pod, schema, offset, size) in enumerate((("a", 1, -8, 14), ("b", 3, -20, 40), ("c", 1, -6, 10))):
        rng = _rng.stream(7, "histograms", pod)
        steps = rng.poisson(2.0 * rng.random(size + 1)[:, None], (size + 1, COUNT)).astype(np.float64)
        cells = np.cumsum(steps, axis=1)
        if pod == "b":
            cells[:, 70:] -= cells[:, 69:70]
        times_s = START_S + number * 3.37 + EVERY_S * np.arange(COUNT)
        middles = 2.0 ** ((offset + np.arange(size) - 0.5) / 2.0**schema)
        full = np.concatenate([cells.sum(axis=0)[None], (cells[1:] * middles[:, None]).sum(axis=0)[None], cells])
        keep = np.ones(COUNT, dtype=bool) if pod != "c" else (np.arange(COUNT) > 30) & (np.arange(COUNT) % 17 != 3)
        labels = {"__name__": "latency_seconds", "pod": pod, "zone": "x" if pod == "a" else "y"}
        absent = np.zeros(int(keep.sum()), dtype=bool)
        found.append(telemetry.HistogramSeries(labels, times_s[keep], schema, 0.001, offset, full[:, keep], absent))
    return tuple(found)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _part(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _histogram(one: telemetry.HistogramSeries, at: int) -> bytes:
    cells = one.cells[:, at]
    counts = [round(value) for value in cells[native.BUCKETS :].tolist()]
    deltas = [now - before for before, now in zip([0, *counts], counts, strict=False)]
    span = b"\x08" + _zigzag(one.offset) + b"\x10" + _varint(len(counts))
    return (
        b"\x08" + _varint(round(cells[native.COUNT]))
        + b"\x19" + struct.pack("<d", cells[native.SUM])
        + b"\x20" + _zigzag(one.schema)
        + b"\x29" + struct.pack("<d", one.near_zero)
        + b"\x30" + _varint(round(cells[native.ZERO]))
        + _part(11, span)
        + _part(12, b"".join(map(_zigzag, deltas)))
        + b"\x78" + _varint(round(one.times_s[at] * 1000))
    )  # fmt: skip


def write(server: str, found: tuple[telemetry.HistogramSeries, ...]) -> None:
    body = b""
    for one in found:
        labels = b"".join(_part(1, _part(1, k.encode()) + _part(2, v.encode())) for k, v in sorted(one.labels.items()))
        body += _part(1, labels + b"".join(_part(4, _histogram(one, at)) for at in range(len(one.times_s))))
    packed = bytes(pa.compress(body, codec="snappy", asbytes=True))
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    request = urllib.request.Request(f"{server}/api/v1/write", packed, headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.status in (200, 204)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("prometheus")
    flags = [
        "--enable-feature=native-histograms",
        "--web.enable-remote-write-receiver",
        "--storage.tsdb.retention.time=100y",
    ]
    with world.running(home, "scrape_configs: []\n", flags) as address:
        write(address, series())
        yield address


def same(left: Any, right: Any) -> bool:
    """Equal, but for rounding of what is a number in text."""
    if isinstance(left, dict) and isinstance(right, dict):
        return set(left) == set(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    try:
        first, second = float(left), float(right)
    except (TypeError, ValueError):
        return bool(left == right)
    return (math.isnan(first) and math.isnan(second)) or math.isclose(first, second, rel_tol=1e-8, abs_tol=1e-9)


def test_histograms_and_what_comes_of_them_are_prometheus_s(server: str) -> None:
    version = world.ask(server, "status/buildinfo")["data"]["version"]
    dialect = options.Dialect.V2 if version.startswith("2.") else options.Dialect.V3
    ours = engine.Engine(telemetry.Metrics(histograms=series()), options.Options(dialect=dialect, experimental=False))
    end_s = START_S + EVERY_S * COUNT
    gaps = []
    queries = QUERIES if version.startswith("2.") else QUERIES + SINCE_3
    for query in queries:
        theirs = world.ask(server, "query_range", query=query, start=START_S + 60, end=end_s, step=37)
        mine = json.loads(_prometheus_json.result(ours.range(query, START_S + 60, end_s, 37), 0))
        if not same(mine, theirs.get("data")):
            gaps.append(f"range {query}")
        moment_s = START_S + 1400.5
        theirs = world.ask(server, "query", query=query, time=moment_s)
        mine = json.loads(_prometheus_json.result(ours.instant(query, moment_s), 0))
        mine["result"].sort(key=str)
        theirs["data"]["result"].sort(key=str)
        if not same(mine, theirs["data"]):
            gaps.append(f"instant {query}")
    print(
        f"\nnative histograms, Prometheus {version}: {2 * len(queries) - len(gaps)} of {2 * len(queries)} answers equal"
    )
    assert gaps == []
