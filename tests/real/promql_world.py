"""A real Prometheus that holds given samples, the compliance project's queries and the data that they ask about.

Shared by the tests with real programs and by benchmarks/promql.py. The compliance queries are read from
`../shared/data/promql_compliance` beside the checkout.
"""

import contextlib
import itertools
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import yaml

from rootward import _rng
from rootward.dojo.capsule import telemetry

BINARIES = {name: shutil.which(name) for name in ("prometheus", "promtool")}

QUERIES = Path(__file__).resolve().parents[3] / "shared" / "data" / "promql_compliance" / "promql-test-queries.yml"
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
INSTANCES = tuple(f"demo.promlabs.com:1000{number}" for number in range(3))


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
            labels = {"__name__": name, "job": "demo", "instance": INSTANCES[number], **extra}
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


@contextlib.contextmanager
def holding(metrics: telemetry.Metrics, home: Path) -> Iterator[str]:
    """The address of a Prometheus over the same samples."""
    (home / "samples.om").write_text("".join(open_metrics(metrics)))
    command = [BINARIES["promtool"], "tsdb", "create-blocks-from", "openmetrics", home / "samples.om", home / "data"]
    subprocess.run(command, check=True, capture_output=True)
    with running(home, "scrape_configs: []\n", ["--storage.tsdb.retention.time=100y"]) as address:
        yield address


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(home: Path, config: str, arguments: Sequence[str] = ()) -> Iterator[str]:
    """The address of a Prometheus with this configuration, its data under `home`."""
    (home / "prometheus.yml").write_text(config)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    words = [
        str(BINARIES["prometheus"]),
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=promql-at-modifier,promql-negative-offset",
        *arguments,
    ]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        (home / "pid").write_text(str(process.pid))
        try:
            _await_ready(address, process, home / "log")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=20)


def _await_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
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
    raise AssertionError(f"Prometheus is not ready: {log.read_text()[-2000:]}")


def fetch(server: str, path: str, **fields: object) -> bytes:
    """The answer's body, whatever its status."""
    form = urllib.parse.urlencode(fields, doseq=True).encode() if fields else None
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{server}/api/v1/{path}", form), timeout=60) as reply:
            return bytes(reply.read())
    except urllib.error.HTTPError as error:
        return error.read()


def ask(server: str, path: str, **fields: object) -> dict:
    return json.loads(fetch(server, path, **fields))


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
