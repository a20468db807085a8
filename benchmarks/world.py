"""How long it takes to build a world of six hours at 15 s steps: `python benchmarks/world.py [--json]`.

The largest is built in a process of its own, which tells its peak memory, and is then served and asked a first question.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time

import httpx2

from rootward import _clock
from rootward.dojo import world
from rootward.dojo.wire import faces

CASES = (
    ("web-shop", None),
    ("payments", None),
    ("data-pipeline", None),
    ("generated", 50),
    ("generated", 200),
    ("generated", 500),
)
LARGEST = 1000
CPU_S_MAX, PEAK_GB_MAX = 10.0, 2.0  # for LARGEST
QUERY = "sum by (namespace) (rate(container_network_receive_bytes_total[5m]))"


def measure(name: str, services: int | None, rounds: int) -> dict[str, object]:
    """Wall and CPU seconds per build (median and worst over seeds), and how much was made."""
    wall_s, cpu_s = [], []
    for seed in range(rounds):
        begin, used = time.perf_counter(), time.process_time()
        scenario, _ = world.build(name, "slow_query", seed, services=services)
        wall_s.append(time.perf_counter() - begin)
        cpu_s.append(time.process_time() - used)
    made = scenario.telemetry
    return {
        "world": name if services is None else f"{name}-{services}",
        "wall_s": round(statistics.median(wall_s), 3),
        "wall_s_max": round(max(wall_s), 3),
        "cpu_s": round(statistics.median(cpu_s), 3),
        "series": sum(len(block.labels) for block in made.metrics.blocks),
        "lines": len(made.logs.lines) if made.logs else 0,
        "spans": len(made.spans.span_ids) if made.spans else 0,
    }


def measure_largest(seed: int) -> dict[str, object]:
    """The same of one build in this process, which has built nothing before: CPU with imports, peak memory, first answers."""
    used = time.process_time()
    scenario, _ = world.build("generated", "slow_query", seed, services=LARGEST)
    row: dict[str, object] = {
        "world": f"generated-{LARGEST}",
        "cpu_s": round(time.process_time() - used, 2),
        "cpu_s_max": CPU_S_MAX,
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2),
        "peak_gb_max": PEAK_GB_MAX,
        "series": sum(len(block.labels) for block in scenario.telemetry.metrics.blocks),
    }
    used = time.process_time()
    served = faces.serve_app(scenario.telemetry, _clock.VirtualClock(scenario.telemetry.now_s))
    row["serve_cpu_s"] = round(time.process_time() - used, 2)
    asked = {"query": QUERY, "start": scenario.telemetry.now_s - 3600, "end": scenario.telemetry.now_s, "step": 60}

    async def answers() -> None:
        transport = httpx2.ASGITransport(served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://dojo") as client:
            for path, params in (("/prometheus/api/v1/query_range", asked), ("/kubernetes/api/v1/pods", {})):
                (await client.get(path, params=params)).raise_for_status()

    used = time.process_time()
    asyncio.run(answers())
    row["answers_cpu_s"] = round(time.process_time() - used, 2)
    row["served_peak_gb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2)
    return row


def in_its_own_process(seed: int) -> dict[str, object]:
    told = subprocess.run([sys.executable, __file__, "--largest", str(seed)], check=True, capture_output=True)
    found: dict[str, object] = json.loads(told.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=3, help="seeds per world")
    parser.add_argument("--largest", type=int, metavar="SEED", help="only the largest, once, as JSON")
    options = parser.parse_args()
    if options.largest is not None:
        print(json.dumps(measure_largest(options.largest)))
        return
    world.build("web-shop", "slow_query", 0)  # the first build pays for imports
    rows = [measure(name, services, options.rounds) for name, services in CASES]
    largest = [in_its_own_process(seed) for seed in range(options.rounds)]
    if options.json:
        report = {"hours": 6, "step_s": 15, "rounds": options.rounds, "worlds": rows, "largest": largest}
        print(json.dumps(report, indent=2))
        return
    print(f"{'world':16} {'wall s':>7} {'max':>7} {'cpu s':>7} {'series':>8} {'lines':>7} {'spans':>7}")
    for row in rows:
        print("{world:16} {wall_s:7} {wall_s_max:7} {cpu_s:7} {series:8} {lines:7} {spans:7}".format(**row))
    print(f"\n{LARGEST} services, each seed in a process of its own (targets: {CPU_S_MAX:g} CPU s, {PEAK_GB_MAX:g} GB)")
    print(f"{'cpu s':>7} {'peak GB':>8} {'series':>8} {'serve s':>8} {'answers s':>10} {'then GB':>8}")
    for row in largest:
        print("{cpu_s:7} {peak_gb:8} {series:8} {serve_cpu_s:8} {answers_cpu_s:10} {served_peak_gb:8}".format(**row))


if __name__ == "__main__":
    main()
