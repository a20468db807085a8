"""How fast the dojo answers PromQL: range queries over 100 series × 1,440 points, and the JSON of the Prometheus face.

    python benchmarks/promql.py [--json]

Times are the best of five, on one core.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable

import httpx2
import numpy as np

from rootward import _clock, _rng
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine
from rootward.dojo.wire import prometheus

START_S = 1_700_000_000.0
STEP_S = 60.0
POINTS = 1440
SERIES = 100
LIMIT_MS = 20.0  # what a plain selector and a sum of rates may take
HELD_TO_LIMIT = ("requests_total", "sum by (service) (rate(requests_total[5m]))")
QUERIES = (
    *HELD_TO_LIMIT,
    "rate(requests_total[5m])",
    "rate(gappy_total[5m])",
    "gappy_total",
    "max_over_time(requests_total[5m])",
    "quantile_over_time(0.9, requests_total[5m])",
    "topk(5, rate(requests_total[5m]))",
    "rate(requests_total[5m]) / on (pod) group_left rate(errors_total[5m])",
    "histogram_quantile(0.99, sum by (le, service) (rate(seconds_bucket[5m])))",
    "max_over_time(rate(requests_total[5m])[30m:1m])",
)


def metrics() -> telemetry.Metrics:
    """A day of scrapes every 15 s: two counters of 100 pods, one with its own gaps per pod, and 100 series of buckets."""
    times_s = START_S - 3600 + np.arange(0, POINTS * STEP_S + 3600, 15.0)
    rng = _rng.stream(1, "promql benchmark")
    blocks = []
    for name in ("requests_total", "errors_total"):
        labels = tuple({"__name__": name, "pod": f"pod-{k}", "service": f"s{k % 12}"} for k in range(SERIES))
        counts = rng.poisson(3, (SERIES, len(times_s))).cumsum(axis=1).astype(float)
        blocks.append(telemetry.MetricBlock(times_s, counts, labels))
    labels = tuple({"__name__": "gappy_total", "pod": f"pod-{k}"} for k in range(SERIES))
    gaps = rng.random(blocks[0].values.shape) < 0.01
    blocks.append(telemetry.MetricBlock(times_s, telemetry.absent_to_stale(blocks[0].values, gaps), labels))
    bounds = [*(f"{0.01 * 2**k:g}" for k in range(9)), "+Inf"]
    labels = tuple({"__name__": "seconds_bucket", "service": f"s{k}", "le": le} for k in range(10) for le in bounds)
    counts = rng.poisson(1, (10, 10, len(times_s))).cumsum(axis=2).cumsum(axis=1).reshape(SERIES, -1).astype(float)
    blocks.append(telemetry.MetricBlock(times_s, counts, labels))
    return telemetry.Metrics(tuple(blocks))


def best_ms(action: Callable[[], object]) -> float:
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        action()
        took.append(time.perf_counter() - begin)
    return min(took) * 1000


def over_http(data: telemetry.Metrics) -> tuple[float, int]:
    """The plain selector through the face: milliseconds and bytes."""
    end_s = START_S + POINTS * STEP_S
    face = prometheus.app(telemetry.Telemetry("bench", START_S, end_s, end_s, data), _clock.VirtualClock(end_s))
    params = {"query": HELD_TO_LIMIT[0], "start": START_S, "end": START_S + (POINTS - 1) * STEP_S, "step": STEP_S}

    async def once() -> bytes:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(face), base_url="http://prometheus") as client:
            return (await client.get("/api/v1/query_range", params=params)).content

    return best_ms(lambda: asyncio.run(once())), len(asyncio.run(once()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    data = metrics()
    begin = time.perf_counter()
    promql = engine.Engine(data)
    index_ms = (time.perf_counter() - begin) * 1000
    end_s = START_S + (POINTS - 1) * STEP_S
    took = {query: best_ms(lambda query=query: promql.range(query, START_S, end_s, STEP_S)) for query in QUERIES}
    http_ms, size = over_http(data)
    if as_json:
        rows = [
            {"query": query, "ms": round(ms, 2), "limit_ms": LIMIT_MS if query in HELD_TO_LIMIT else None}
            for query, ms in took.items()
        ]
        print(
            json.dumps(
                {
                    "series": SERIES,
                    "points": POINTS,
                    "index_ms": round(index_ms, 1),
                    "queries": rows,
                    "http_ms": round(http_ms, 1),
                    "http_bytes": size,
                }
            )
        )
        return
    print(
        f"PromQL range queries over {SERIES} series × {POINTS} points (index of {4 * SERIES} series: {index_ms:.0f} ms)"
    )
    for query, ms in took.items():
        mark = f"  (at most {LIMIT_MS:.0f})" if query in HELD_TO_LIMIT else ""
        print(f"{ms:9.2f} ms  {query}{mark}")
    print(f"{http_ms:9.2f} ms  {HELD_TO_LIMIT[0]} over HTTP in process, {size / 1e6:.1f} MB of JSON")


if __name__ == "__main__":
    main()
