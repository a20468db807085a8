"""The dojo's PromQL beside a real Prometheus, in one run over the same samples: how many answers are equal, and what each costs.

    python benchmarks/promql_compliance.py [--json] [--rounds N]

Asked are the public compliance project's queries, each as a range and as an instant query, over HTTP, one at a time, of two
server processes. Cost is wall time at the client and CPU seconds of the server. Whether answers are equal is decided by our
engine in the dialect of the server found. Needs `prometheus` and `promtool`, and the queries beside the checkout
(`../shared/data/promql_compliance`); says so and exits with 0 where they are not there.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from rootward import _clock
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import prometheus

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS / "real"), str(TESTS / "dojo")]

import promql_comparison as comparison  # noqa: E402 - beside the tests that share it
import promql_world as world  # noqa: E402

START_S, END_S = world.START_S + 1800, world.START_S + world.HOUR_S + 400
LIMIT = 3.0  # our cost by Prometheus's


def serve(port: int) -> None:
    """Our face, in a process of its own."""
    end_s = world.START_S + world.HOUR_S
    demo = telemetry.Telemetry("demo", world.START_S - world.HOUR_S, end_s, end_s, world.demo_metrics())
    uvicorn.run(prometheus.app(demo, _clock.VirtualClock(end_s)), port=port, log_level="warning", lifespan="off")


@contextlib.contextmanager
def our_server() -> Iterator[tuple[str, int]]:
    """Address and process number."""
    port = world.free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(f"{address}/-/ready", timeout=5):
                break
            time.sleep(0.1)
        assert process.pid is not None
        yield address, process.pid
    finally:
        process.terminate()
        process.join(timeout=20)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used, from Linux's /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cost(address: str, pid: int, queries: list[str], rounds: int) -> dict[str, float]:
    """Seconds for the whole list: the best wall time of some rounds, and CPU per round."""
    walls, began = [], cpu_s(pid)
    for _ in range(rounds):
        begin = time.perf_counter()
        for query in queries:
            for path, fields in (
                ("query_range", {"start": START_S, "end": END_S, "step": world.STEP_S}),
                ("query", {"time": START_S + 777.5}),
            ):
                world.fetch(address, path, query=query, **fields)
        walls.append(time.perf_counter() - begin)
    return {"wall_s": round(min(walls), 3), "cpu_s": round((cpu_s(pid) - began) / rounds, 3)}


def measured(rounds: int) -> dict[str, object]:
    metrics, queries = world.demo_metrics(), world.compliance_queries()
    with (
        tempfile.TemporaryDirectory() as home,
        world.holding(metrics, Path(home)) as theirs,
        our_server() as (ours, pid),
    ):
        version = world.ask(theirs, "status/buildinfo")["data"]["version"]
        dialect = options.Dialect.V2 if version.startswith("2.") else options.Dialect.V3
        same = engine.Engine(metrics, options.Options(dialect=dialect, experimental=False))
        different, refused = comparison.compare(theirs, same, queries)
        asked = 2 * len(queries)
        found: dict[str, object] = {
            "prometheus": version,
            "queries": len(queries),
            "answers": asked,
            "equal": asked - len(different),
            "percent": round(100 * (asked - len(different)) / asked, 2),
            "refused_by_both": refused,
            "different": different,
        }
        their_cost = cost(theirs, int((Path(home) / "pid").read_text()), queries, rounds)
        our_cost = cost(ours, pid, queries, rounds)
        ratio = {key: round(our_cost[key] / their_cost[key], 2) for key in our_cost}
        return found | {"theirs": their_cost, "ours": our_cost, "ratio": ratio, "limit": LIMIT}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    missing = [name for name, path in world.BINARIES.items() if path is None]
    if missing or not world.QUERIES.exists():
        lacking = " and ".join(missing) or f"no {world.QUERIES.name} in ../shared/data/promql_compliance"
        print(json.dumps({"skipped": lacking}) if arguments.json else f"skipped: {lacking} not found")
        return
    found = measured(arguments.rounds)
    if arguments.json:
        print(json.dumps(found))
        return
    theirs, ours, ratio = (found[key] for key in ("theirs", "ours", "ratio"))
    print(f"PromQL compliance against Prometheus {found['prometheus']}: {found['percent']}%")
    print(
        f"  {found['equal']} of {found['answers']} answers equal ({found['queries']} queries as range and as instant)"
    )
    print(f"  the whole list over HTTP, one query at a time ({found['answers']} requests):")
    for name, key in (("wall time", "wall_s"), ("CPU of the server", "cpu_s")):
        print(
            f"    {name:18} Prometheus {theirs[key]:6.2f} s, ours {ours[key]:6.2f} s, ratio {ratio[key]:.2f} (at most {LIMIT:.0f})"
        )
    for line in found["different"]:
        print(f"  {line}")


if __name__ == "__main__":
    main()
