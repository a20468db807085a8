"""Many investigations at once in one process: time, memory, and whether all answers are those of one alone.

    python benchmarks/at_once.py [--count 24] [--at-once 8] [--json]

The simulated production runs in a process of its own, so that the memory is the investigator's. An investigation under way holds about 40 MB (its
spans, lines and samples), so whoever runs many admits a few at a time: the others wait for a place, and 500 MB are enough for about ten.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rootward import _clock, _tasks
from rootward.apps import settings, wiring
from rootward.investigator import finding as findings
from rootward.investigator import investigate

SCRIPT = str(Path(sys.executable).with_name("rootward"))
WORLD = ["--world", "web-shop", "--fault", "slow_query", "--seed", "7"]
MEGABYTE = 1024.0  # of the kilobytes that Linux counts in
STARTS_WITHIN_S = 120.0


def served(folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """The production, listening, with settings for it."""
    file = folder / "rootward.yaml"
    command = [SCRIPT, "dojo", "serve", *WORLD, "--port", "0", "--clock", "still", "--write-settings", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline_s = time.monotonic() + STARTS_WITHIN_S
    while not file.exists() and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.2)
    time.sleep(1.0)  # the file is written just before the door opens
    return process, file


def alert_of_world() -> tuple[object, float]:
    """The world's alert and its present, from a process of its own: building the world takes more memory than investigating it."""
    code = (
        "import json; from rootward.dojo import world; s, _ = world.build('web-shop', 'slow_query', 7); "
        "print(json.dumps([s.alert, s.telemetry.now_s]))"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    payload, now_s = json.loads(told)
    return payload, float(now_s)


def all_at_once(file: Path, count: int, at_once: int) -> tuple[list[findings.Finding], float, float]:
    """Findings, seconds, and processor seconds of this process."""
    chosen = settings.load(file, {"ROOTWARD_NETWORK__RECORD_FILE": "''"})
    payload, now_s = alert_of_world()
    alert = wiring.read_alert(payload)
    clock = _clock.SystemClock()
    options = wiring.options_from_settings(chosen)

    async def one() -> findings.Finding:
        sources = wiring.sources_from_settings(chosen, clock)
        try:
            return await investigate.investigate(alert, sources, clock=clock, now_s=now_s, chosen=options)
        finally:
            await sources.aclose()

    async def every() -> list[findings.Finding]:
        return [done for done in await _tasks.run_all([one] * count, limit=at_once) if done is not None]

    began_s, processor_s = time.perf_counter(), time.process_time()
    found = _tasks.run(every())
    return found, time.perf_counter() - began_s, time.process_time() - processor_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, file = served(Path(folder))
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
            found, seconds, processor_s = all_at_once(file, chosen.count, chosen.at_once)
        finally:
            process.terminate()
            process.wait(10)
    same = len({(str(one.status), one.root_causes[:1] and one.root_causes[0].entity) for one in found})
    result = {
        "investigations": len(found),
        "at_once": chosen.at_once,
        "seconds": round(seconds, 1),
        "processor_s_each": round(processor_s / max(len(found), 1), 2),
        "megabytes_before": round(before),
        "megabytes_most": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE),
        "probes_failed": sum(one.timing.probes_failed for one in found),
        "different_answers": same,
        "found": sum(one.status is findings.Status.FOUND for one in found),
    }
    if chosen.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name.replace('_', ' '):20} {value}")


if __name__ == "__main__":
    main()
