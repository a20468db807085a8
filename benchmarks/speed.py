"""Speed of what people wait for: import, help, an investigation, the demo as a whole process.

    python benchmarks/speed.py [--runs 5] [--json]

Building worlds, PromQL and log templates have benchmarks of their own: world.py, promql.py, templates.py.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rootward.apps import scenarios
from rootward.dojo import world

SCRIPT = str(Path(sys.executable).with_name("rootward"))
PROCESSES = {
    "python -c pass (the floor)": ([sys.executable, "-c", "pass"], None),
    "import rootward": ([sys.executable, "-c", "import rootward"], 150),
    "rootward --help": ([SCRIPT, "--help"], 300),
    "rootward demo": ([SCRIPT, "demo"], 5000),
}


def process_ms(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def investigation_ms(name: str, services: int | None) -> float:
    scenario, _ = world.build(name, "slow_query", 7, services=services)
    began = time.perf_counter()
    scenarios.explain(scenario)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measured: dict[str, tuple[list[float], float | None]] = {}
    for name, (command, target) in PROCESSES.items():
        process_ms(command)  # warms the file cache
        measured[name] = ([process_ms(command) for _ in range(arguments.runs)], target)
    for name, services in (("web-shop", None), ("payments", None), ("data-pipeline", None), ("generated", 50)):
        label = f"investigation, {name}{f' of {services}' if services else ''}"
        investigation_ms(name, services)
        measured[label] = ([investigation_ms(name, services) for _ in range(arguments.runs)], 2000)
    if arguments.json:
        print(json.dumps({name: {"ms": times, "target_ms": target} for name, (times, target) in measured.items()}))
        return
    print(f"{'what':36} {'min':>8} {'median':>8} {'max':>8}   target (ms)")
    for name, (times, target) in measured.items():
        print(f"{name:36} {min(times):8.0f} {statistics.median(times):8.0f} {max(times):8.0f}   {target or ''}")


if __name__ == "__main__":
    main()
