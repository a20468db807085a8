"""Speed of what people wait for: import, help, an investigation, the demo as a whole process; and what an investigation asks of whom.

    python benchmarks/speed.py [--runs 5] [--json]

Building worlds, PromQL and log templates have benchmarks of their own: world.py, promql.py, templates.py.
"""

import argparse
import collections
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from starlette import types

from rootward import _clock, _tasks
from rootward.apps import scenarios, wiring
from rootward.dojo import world
from rootward.dojo.wire import faces
from rootward.investigator import investigate

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


def requests(name: str, services: int | None) -> dict[str, int]:
    """How many requests one investigation makes, by back end, most first."""
    scenario, _ = world.build(name, "slow_query", 7, services=services)
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    counts: collections.Counter[str] = collections.Counter()

    def counted(vendor: str, app: types.ASGIApp) -> types.ASGIApp:
        async def asgi(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
            counts[vendor] += 1
            await app(scope, receive, send)

        return asgi

    apps = {vendor: counted(vendor, app) for vendor, app in faces.faces(scenario.telemetry, clock).items()}
    sources = wiring.sources_from_faces(apps, clock)
    _tasks.run(investigate.investigate(wiring.read_alert(scenario.alert), sources, clock=clock))
    return dict(counts.most_common())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measured: dict[str, tuple[list[float], float | None]] = {}
    for name, (command, target) in PROCESSES.items():
        process_ms(command)  # warms the file cache
        measured[name] = ([process_ms(command) for _ in range(arguments.runs)], target)
    asked: dict[str, dict[str, int]] = {}
    for name, services in (("web-shop", None), ("payments", None), ("data-pipeline", None), ("generated", 50)):
        label = f"investigation, {name}{f' of {services}' if services else ''}"
        asked[label] = requests(name, services)
        measured[label] = ([investigation_ms(name, services) for _ in range(arguments.runs)], 2000)
    if arguments.json:
        speeds = {name: {"ms": times, "target_ms": target} for name, (times, target) in measured.items()}
        print(json.dumps({**speeds, "requests": asked}))
        return
    print(f"{'what':36} {'min':>8} {'median':>8} {'max':>8}   target (ms)")
    for name, (times, target) in measured.items():
        print(f"{name:36} {min(times):8.0f} {statistics.median(times):8.0f} {max(times):8.0f}   {target or ''}")
    print("\nrequests to back ends (target 40)")
    for name, counts in asked.items():
        print(
            f"{name:36} {sum(counts.values()):8}   {', '.join(f'{vendor} {count}' for vendor, count in counts.items())}"
        )


if __name__ == "__main__":
    main()
