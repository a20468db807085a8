"""Our PromQL against a real Prometheus on the same samples: the compliance project's queries and our own, answer by answer.

Run with `-s` to see the figures. Needs `prometheus` and `promtool` (any 2.x or 3.x); the compliance queries are read from
`../shared/data/promql_compliance` beside the checkout, and left out loudly where there is none.
"""

import contextlib
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import promql_comparison as comparison
import promql_world as world
import pytest
import uvicorn

from rootward import _clock
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import prometheus

sys.path.insert(0, str(Path(__file__).parents[1] / "dojo"))

import promql_queries

START_S, HOUR_S, STEP_S = world.START_S, world.HOUR_S, world.STEP_S
pytestmark = pytest.mark.skipif(not all(world.BINARIES.values()), reason="prometheus and promtool are not installed")

OWN_QUERIES = Path(__file__).with_name("prometheus_differential_queries.txt")


@pytest.fixture(scope="module")
def metrics() -> telemetry.Metrics:
    return world.demo_metrics()


@pytest.fixture(scope="module")
def server(metrics: telemetry.Metrics, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with world.holding(metrics, tmp_path_factory.mktemp("prometheus")) as address:
        yield address


@pytest.fixture(scope="module")
def ours(metrics: telemetry.Metrics, server: str) -> engine.Engine:
    version = world.ask(server, "status/buildinfo")["data"]["version"]
    dialect = options.Dialect.V2 if version.startswith("2.") else options.Dialect.V3
    return engine.Engine(metrics, options.Options(dialect=dialect, experimental=False))


def own_queries() -> list[str]:
    lines = OWN_QUERIES.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.skipif(
    not world.QUERIES.exists(), reason=f"no {world.QUERIES.name} beside the checkout (../shared/data/promql_compliance)"
)
def test_compliance_queries_get_prometheus_s_answers(server: str, ours: engine.Engine) -> None:
    queries = world.compliance_queries()
    assert len(queries) == 539
    found, refused = comparison.compare(server, ours, queries)
    print(
        f"\ncompliance: {2 * len(queries) - len(found)} of {2 * len(queries)} answers equal; {refused} queries refused by both"
    )
    print("\n".join(found))
    assert refused >= 5
    assert found == []


def test_own_queries_get_prometheus_s_answers(server: str, ours: engine.Engine) -> None:
    queries = own_queries()
    found, refused = comparison.compare(server, ours, queries)
    print(
        f"\nown: {2 * len(queries) - len(found)} of {2 * len(queries)} answers equal; {refused} queries refused by both"
    )
    print("\n".join(found))
    assert found == []


GENERATED = 500
BROKEN = 500
WORDS = promql_queries.Vocabulary(
    metrics={
        "demo_memory_usage_bytes": {"type": ("free", "used", "cached"), "instance": world.INSTANCES},
        "demo_cpu_usage_seconds_total": {"mode": ("idle", "user"), "instance": world.INSTANCES},
        "demo_num_cpus": {"job": ("demo",), "instance": world.INSTANCES},
        "demo_intermittent_metric": {"instance": world.INSTANCES},
        "demo_api_request_duration_seconds_count": {"path": ("/api/foo", "/api/bar"), "method": ("GET", "POST")},
        "demo_nonexistent": {"job": ("demo",)},
    },
    counters=("demo_cpu_usage_seconds_total", "demo_api_request_duration_seconds_count"),
    buckets=("demo_api_request_duration_seconds_bucket",),
    moments_s=(START_S, START_S + 1234.5),
)
WORDS.metrics["demo_api_request_duration_seconds_bucket"] = {
    "le": ("0.0001", "+Inf"),
    "path": ("/api/foo",),
    "method": ("GET",),
}
QUERIES = promql_queries.Queries(WORDS)


def drawn(strategy: promql_queries.Query, count: int) -> list[str]:
    """Different queries, the same every time."""
    found: dict[str, None] = {}

    @hypothesis.settings(
        max_examples=2 * count, deadline=None, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(query=strategy)
    def collect(query: str) -> None:
        if len(query) < 400:
            found.setdefault(query)

    collect()
    return list(found)[:count]


def test_generated_queries_get_prometheus_s_answers(server: str, ours: engine.Engine) -> None:
    queries = drawn(QUERIES.any(), GENERATED)
    found, refused = comparison.compare(server, ours, queries)
    print(
        f"\ngenerated: {2 * len(queries) - len(found)} of {2 * len(queries)} answers equal; {refused} queries refused by both"
    )
    print("\n".join(found))
    assert len(queries) == GENERATED
    assert found == []


NEWER = re.compile(
    r"label name in|bad duration syntax|missing unit character|expected duration|unexpected duration|<Item|in input$"
)


def test_broken_queries_are_refused_in_prometheus_s_words(server: str, face: str) -> None:
    """The same status and kind of error for all; the same words but where version 3 has other ones than version 2."""
    queries = drawn(promql_queries.broken(QUERIES.any()), BROKEN)
    counts = {"answered": 0, "same words": 0, "other words": 0}
    wrong, other = [], []
    for query in queries:
        theirs, ours = (world.ask(address, "query", query=query, time=START_S + 777) for address in (server, face))
        says, we_say = theirs.get("error", ""), ours.get("error", "")
        if theirs.get("errorType") != ours.get("errorType"):
            if not NEWER.search(says):
                wrong.append(f"{query!r}: {says!r} against our {we_say!r}")
        elif not says:
            counts["answered"] += 1
        else:
            counts["same words" if says == we_say else "other words"] += 1
            if says != we_say and not NEWER.search(says):
                other.append(f"{query!r}: {says!r} against our {we_say!r}")
    print(f"\nbroken: {len(queries)} queries, {counts}")
    print("\n".join([*wrong, *other]))
    assert wrong == []
    assert len(other) <= len(queries) // 100


@pytest.fixture(scope="module")
def face(metrics: telemetry.Metrics) -> Iterator[str]:
    """The address of our Prometheus face over the same samples, looked at in the middle of them."""
    end_s = START_S + HOUR_S
    demo = telemetry.Telemetry("demo", START_S - HOUR_S, end_s, end_s, metrics)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        config = uvicorn.Config(
            prometheus.app(demo, _clock.VirtualClock(START_S + HOUR_S)), log_level="warning", lifespan="off"
        )
        program = uvicorn.Server(config)
        thread = threading.Thread(target=program.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            program.should_exit = True
            thread.join(timeout=20)


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [world.BINARIES["promtool"], "query", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_promtool_reads_our_face(face: str) -> None:
    assert promtool("instant", f"--time={START_S}", face, "sum(demo_num_cpus)") == f"{{}} => 12 @[{START_S}]\n"
    span = [f"--start={START_S - 60}", f"--end={START_S}", "--step=30s"]
    assert promtool("range", *span, face, "sum(demo_num_cpus)").split() == [
        "{}", "=>", *(part for at in (60, 30, 0) for part in ("12", f"@[{START_S - at}]")),
    ]  # fmt: skip
    series = promtool(
        "series", "--match=demo_num_cpus", f"--start={START_S - 600}", f"--end={START_S}", face
    ).splitlines()
    assert len(series) == 3
    assert "demo" in promtool("labels", f"--start={START_S - 600}", f"--end={START_S}", face, "job").split()


def test_promtool_is_told_what_is_wrong(face: str) -> None:
    done = subprocess.run(
        [world.BINARIES["promtool"], "query", "instant", face, "sum("],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "parse error" in done.stderr
