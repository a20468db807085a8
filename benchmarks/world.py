"""How long it takes to build a world of six hours at 15 s steps: `python benchmarks/world.py [--json]`."""

import argparse
import json
import statistics
import time

from rootward.dojo import world

CASES = (
    ("web-shop", None),
    ("payments", None),
    ("data-pipeline", None),
    ("generated", 50),
    ("generated", 200),
    ("generated", 500),
)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rounds", type=int, default=3, help="seeds per world")
    options = parser.parse_args()
    world.build("web-shop", "slow_query", 0)  # the first build pays for imports
    rows = [measure(name, services, options.rounds) for name, services in CASES]
    if options.json:
        print(json.dumps({"hours": 6, "step_s": 15, "rounds": options.rounds, "worlds": rows}, indent=2))
        return
    print(f"{'world':16} {'wall s':>7} {'max':>7} {'cpu s':>7} {'series':>8} {'lines':>7} {'spans':>7}")
    for row in rows:
        print("{world:16} {wall_s:7} {wall_s_max:7} {cpu_s:7} {series:8} {lines:7} {spans:7}".format(**row))


if __name__ == "__main__":
    main()
