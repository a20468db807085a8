"""Our PromQL against a real Prometheus on the same samples: the compliance project's queries and our own, answer by answer.

Run with `-s` to see the figures. Needs `prometheus` and `promtool` (any 2.x or 3.x); the compliance queries are read from
`../shared/data/promql_compliance` beside the checkout, and left out loudly where there is none.
"""

import contextlib
import itertools
import json
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import uvicorn
import yaml

from rootward import _clock, _rng, errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import prometheus

BINARIES = {name: shutil.which(name) for name in ("prometheus", "promtool")}
pytestmark = pytest.mark.skipif(not all(BINARIES.values()), reason="prometheus and promtool are not installed")

QUERIES = Path(__file__).resolve().parents[3] / "shared" / "data" / "promql_compliance" / "promql-test-queries.yml"
OWN_QUERIES = Path(__file__).with_name("prometheus_differential_queries.txt")
VARIANTS = {
    "range": ["1s", "15s", "1m", "5m", "15m", "1h"],
    "offset": ["1m", "5m", "10m"],
    "simpleAggrOp": ["sum", "avg", "max", "min", "count", "stddev", "stdvar"],
    "simpleTimeAggrOp": ["sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last"],
    "topBottomOp": ["topk", "bottomk"],
    "quantile": ["-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"],
    "arithBinOp": ["+", "-", "*", "/", "%", "^"],
    "compBinOp": ["==", "!=", "<", ">", "<=", ">="],
    "binOp": ["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="],
    "simpleMathFunc": ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"],
    "extrapolatedRateFunc": ["delta", "rate", "increase"],
    "clampFunc": ["clamp_min", "clamp_max"],
    "instantRateFunc": ["idelta", "irate"],
    "dateFunc": ["day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"],
}
START_S = 1_700_000_000
HOUR_S = 3600
STEP_S = 10


def demo_metrics() -> telemetry.Metrics:
    """Two hours of what the compliance project's demo service exposes, three instances scraped every 5 s at their own moments,
    with lost scrapes, counter resets and a series that comes and goes."""
    blocks = []
    for number in range(3):
        rng = _rng.stream(20, "demo", number)
        times_s = np.round(
            START_S - HOUR_S + number * 1.237 + np.arange(0, 2 * HOUR_S, 5) + rng.normal(0, 0.004, 1440), 3
        )
        keep = rng.random(1440) > 0.01
        for name, extra, values in _demo_series(rng, times_s):
            labels = {"__name__": name, "job": "demo", "instance": f"demo.promlabs.com:1000{number}", **extra}
            here = keep & (np.arange(1440) // 40 % 3 != 1) if name == "demo_intermittent_metric" else keep
            blocks.append(telemetry.MetricBlock(times_s[here], values[None, here], (labels,)))
    return telemetry.Metrics(tuple(blocks))


def _demo_series(rng: np.random.Generator, times_s: np.ndarray) -> Iterator[tuple[str, dict[str, str], np.ndarray]]:
    size = len(times_s)
    for kind in ("buffers", "cached", "free", "used"):
        yield "demo_memory_usage_bytes", {"type": kind}, np.round(3e8 + 1e6 * np.cumsum(rng.normal(0, 1, size)))
    for mode in ("idle", "system", "user"):
        counter = np.cumsum(rng.gamma(2, 0.4, size))
        reset = int(rng.integers(size // 2, size - 200))
        counter[reset:] -= counter[reset - 1]
        yield "demo_cpu_usage_seconds_total", {"mode": mode}, counter
    yield "demo_num_cpus", {}, np.full(size, 4.0)
    yield "demo_intermittent_metric", {}, np.ones(size)
    yield "demo_disk_usage_bytes", {}, np.cumsum(rng.gamma(2, 1e5, size)) + 2e10
    yield "demo_disk_total_bytes", {}, np.full(size, 1e11)
    yield "demo_batch_last_success_timestamp_seconds", {}, np.floor(times_s / 97) * 97 + rng.random() * 3
    for method, path in itertools.product(("GET", "POST"), ("/api/foo", "/api/bar")):
        labels = {"method": method, "path": path, "status": "200"}
        per_bucket = rng.poisson(1.5, (12, size)).cumsum(axis=1).cumsum(axis=0).astype(float)
        bounds = [*(f"{0.0001 * 2.5**k:g}" for k in range(11)), "+Inf"]
        for bound, counts in zip(bounds, per_bucket, strict=True):
            yield "demo_api_request_duration_seconds_bucket", {**labels, "le": bound}, counts
        yield "demo_api_request_duration_seconds_sum", labels, per_bucket[-1] * 0.013
        yield "demo_api_request_duration_seconds_count", labels, per_bucket[-1]


def open_metrics(metrics: telemetry.Metrics) -> Iterator[str]:
    by_name: dict[str, list[telemetry.MetricBlock]] = {}
    for block in metrics.blocks:
        by_name.setdefault(block.labels[0]["__name__"], []).append(block)
    for name in sorted(by_name):
        yield f"# TYPE {name} unknown\n"
        for block in by_name[name]:
            shown = ",".join(f'{key}="{value}"' for key, value in block.labels[0].items() if key != "__name__")
            for moment, value in zip(block.times_s.tolist(), block.values[0].tolist(), strict=True):
                yield f"{name}{{{shown}}} {value!r} {moment:.3f}\n"
    yield "# EOF\n"


@pytest.fixture(scope="module")
def metrics() -> telemetry.Metrics:
    return demo_metrics()


@pytest.fixture(scope="module")
def server(metrics: telemetry.Metrics, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that holds the same samples."""
    home = tmp_path_factory.mktemp("prometheus")
    (home / "samples.om").write_text("".join(open_metrics(metrics)))
    command = [BINARIES["promtool"], "tsdb", "create-blocks-from", "openmetrics", home / "samples.om", home / "data"]
    subprocess.run(command, check=True, capture_output=True)
    (home / "prometheus.yml").write_text("scrape_configs: []\n")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    arguments = [
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=promql-at-modifier,promql-negative-offset",
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen([BINARIES["prometheus"], *arguments], stdout=log, stderr=log)
        try:
            _await_ready(address, process, home / "log")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


def _await_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with (
            contextlib.suppress(urllib.error.URLError),
            urllib.request.urlopen(f"{address}/-/ready", timeout=5) as reply,
        ):
            if reply.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"Prometheus is not ready: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def ours(metrics: telemetry.Metrics, server: str) -> engine.Engine:
    version = ask(server, "status/buildinfo")["data"]["version"]
    dialect = options.Dialect.V2 if version.startswith("2.") else options.Dialect.V3
    return engine.Engine(metrics, options.Options(dialect=dialect, experimental=False))


def ask(server: str, path: str, **fields: object) -> dict:
    request = urllib.request.Request(
        f"{server}/api/v1/{path}", urllib.parse.urlencode(fields).encode() if fields else None
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        return json.load(error)


def compliance_queries() -> list[str]:
    queries = []
    for case in yaml.safe_load(QUERIES.read_text())["test_cases"]:
        names = case.get("variant_args", [])
        for chosen in itertools.product(*(VARIANTS[name] for name in names)):
            query = case["query"]
            for name, value in zip(names, chosen, strict=True):
                query = re.sub(r"\{\{\s*\." + name + r"\s*\}\}", lambda _, value=value: value, query)
            queries.append(query)
    return queries


def own_queries() -> list[str]:
    lines = OWN_QUERIES.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def theirs_of(reply: dict) -> tuple[str, dict[tuple, tuple[np.ndarray, np.ndarray]]]:
    """Kind ("error" for a refusal), and per series its times in ms and values."""
    if reply["status"] == "error":
        return "error", {}
    data = reply["data"]
    if data["resultType"] in ("scalar", "string"):
        rows = [({}, [data["result"]])] if data["resultType"] == "scalar" else []
    else:
        rows = [(one["metric"], one.get("values") or [one["value"]]) for one in data["result"]]
    return data["resultType"], {
        tuple(sorted(labels.items())): (
            np.array([round(moment * 1000) for moment, _ in points]),
            np.array([float(value) for _, value in points]),
        )
        for labels, points in rows
    }


def ours_of(evaluate) -> tuple[str, dict[tuple, tuple[np.ndarray, np.ndarray]]]:
    try:
        result = evaluate()
    except errors.EngineError:
        return "error", {}
    series = () if result.kind == "string" else result.series
    return result.kind, {one.labels: (one.times_ms, one.values) for one in series}


def difference(left, right) -> str:
    """What differs, "" for nothing; values may differ by rounding."""
    if left[0] != right[0]:
        return f"kind {left[0]} against {right[0]}"
    if set(left[1]) != set(right[1]):
        return f"only ours {sorted(set(left[1]) - set(right[1]))[:2]}, only theirs {sorted(set(right[1]) - set(left[1]))[:2]}"
    for labels, (times_ms, values) in left[1].items():
        other_times_ms, other = right[1][labels]
        if not np.array_equal(times_ms, other_times_ms):
            return f"{labels}: {len(times_ms)} points against {len(other_times_ms)}"
        equal = np.isclose(values, other, rtol=1e-9, atol=1e-12, equal_nan=True)
        if not equal.all():
            at = int(np.flatnonzero(~equal)[0])
            return (
                f"{labels} at {times_ms[at]}: {values[at]!r} against {other[at]!r} ({(~equal).sum()} of {equal.size})"
            )
    return ""


def compare(server: str, ours: engine.Engine, queries: list[str]) -> tuple[list[str], int]:
    """Differences in range and instant answers, and how many answers were errors on both sides."""
    start, end = START_S + 1800, START_S + 2 * HOUR_S - 3500 + 300
    found, refused = [], 0
    for query in queries:
        reply = ask(server, "query_range", query=query, start=start, end=end, step=STEP_S)
        both = ours_of(lambda query=query: ours.range(query, start, end, STEP_S)), theirs_of(reply)
        refused += both[0][0] == both[1][0] == "error"
        if gap := difference(*both):
            found.append(f"range {query!r}: {gap} {reply.get('error', '')}")
        reply = ask(server, "query", query=query, time=start + 777.5)
        gap = difference(ours_of(lambda query=query: ours.instant(query, start + 777.5)), theirs_of(reply))
        if gap:
            found.append(f"instant {query!r}: {gap} {reply.get('error', '')}")
    return found, refused


@pytest.mark.skipif(
    not QUERIES.exists(), reason=f"no {QUERIES.name} beside the checkout (../shared/data/promql_compliance)"
)
def test_compliance_queries_get_prometheus_s_answers(server: str, ours: engine.Engine) -> None:
    queries = compliance_queries()
    assert len(queries) == 539
    found, refused = compare(server, ours, queries)
    print(
        f"\ncompliance: {2 * len(queries) - len(found)} of {2 * len(queries)} answers equal; {refused} queries refused by both"
    )
    print("\n".join(found))
    assert refused >= 5
    assert found == []


def test_own_queries_get_prometheus_s_answers(server: str, ours: engine.Engine) -> None:
    queries = own_queries()
    found, refused = compare(server, ours, queries)
    print(
        f"\nown: {2 * len(queries) - len(found)} of {2 * len(queries)} answers equal; {refused} queries refused by both"
    )
    print("\n".join(found))
    assert found == []


@pytest.fixture(scope="module")
def face(metrics: telemetry.Metrics) -> Iterator[str]:
    """The address of our Prometheus face over the same samples, looked at in the middle of them."""
    end_s = START_S + HOUR_S
    world = telemetry.Telemetry("demo", START_S - HOUR_S, end_s, end_s, metrics)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        config = uvicorn.Config(
            prometheus.app(world, _clock.VirtualClock(START_S)), log_level="warning", lifespan="off"
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
        [BINARIES["promtool"], "query", *arguments], capture_output=True, text=True, timeout=60, check=False
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
        [BINARIES["promtool"], "query", "instant", face, "sum("],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "parse error" in done.stderr
