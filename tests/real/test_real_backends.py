"""The connectors against real servers: a Prometheus that scrapes itself and an Alertmanager that holds an alert, through the commands."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rootward import _clock, _rng
from rootward.connectors import _endpoint, _http
from rootward.connectors.prometheus import PrometheusSource
from rootward.signals import outgoing, protocols, windows

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
ROOTWARD = str(Path(sys.executable).with_name("rootward"))
pytestmark = [
    pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed"),
    pytest.mark.skipif(ALERTMANAGER is None, reason="alertmanager is not installed"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], ready: str, folder: Path) -> Iterator[None]:
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(200):
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    urllib.request.urlopen(ready, timeout=1)
                    break
                assert process.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("servers")
    prometheus, alertmanager, gossip = free_port(), free_port(), free_port()
    scrape = {"job_name": "prometheus", "static_configs": [{"targets": [f"127.0.0.1:{prometheus}"]}]}
    (folder / "prometheus.yml").write_text(
        json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]})
    )
    (folder / "alertmanager.yml").write_text(
        json.dumps({"route": {"receiver": "none"}, "receivers": [{"name": "none"}]})
    )
    first = [
        str(PROMETHEUS),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address=127.0.0.1:{prometheus}",
    ]
    second = [
        str(ALERTMANAGER), "--config.file=alertmanager.yml", "--storage.path=am", f"--web.listen-address=127.0.0.1:{alertmanager}",
        f"--cluster.listen-address=127.0.0.1:{gossip}",
    ]  # fmt: skip
    config = folder / "rootward.yaml"
    connectors = {
        "prom": {"type": "prometheus", "url": f"http://127.0.0.1:{prometheus}"},
        "am": {"type": "alertmanager", "url": f"http://127.0.0.1:{alertmanager}"},
    }
    config.write_text(json.dumps({"connectors": connectors}))
    with (
        running(first, f"http://127.0.0.1:{prometheus}/-/ready", folder),
        running(second, f"http://127.0.0.1:{alertmanager}/-/ready", folder),
    ):
        alert = [{"labels": {"alertname": "PrometheusSlow", "job": "prometheus", "severity": "page"}}]
        request = urllib.request.Request(
            f"http://127.0.0.1:{alertmanager}/api/v2/alerts",
            data=json.dumps(alert).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5)
        time.sleep(8)  # a few scrapes
        yield config


def rootward(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOTWARD, *words], input=stdin, capture_output=True, text=True, timeout=120, check=False)


def test_the_doctor_finds_both_and_shows_real_samples(settings: Path) -> None:
    done = rootward("doctor", "--config", str(settings), "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert {item["name"]: item["outcome"] for item in report["connectors"]} == {"prom": "ok", "am": "ok"}
    sampled = {item["question"] for item in report["questions"] if item["sample"]}
    # Rates need more past than a server has that was started a moment ago.
    assert {"alerts", "saturation"} <= sampled


def test_an_alert_of_the_real_alertmanager_is_investigated_over_the_real_prometheus(settings: Path) -> None:
    url = json.loads(settings.read_text())["connectors"]["am"]["url"]
    alerts = urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=5).read().decode()
    done = rootward("investigate", "--alert", "-", "--config", str(settings), "--json", stdin=alerts)
    assert done.returncode == 0, done.stderr
    finding = json.loads(done.stdout)
    assert finding["alert"] == "PrometheusSlow"
    assert finding["status"] != "found"  # this Prometheus is well
    assert finding["timing"]["probes"] > 5
    assert not [item for item in finding["evidence"] if item["outcome"] in ("failed", "bad_query")]


def test_the_real_prometheus_answers_together_as_alone(settings: Path) -> None:
    url = json.loads(settings.read_text())["connectors"]["prom"]["url"]
    noted: list[outgoing.Sent] = []
    queries = [
        protocols.MetricQuery("prometheus_http_requests_total", aggregate="count", by=("code",)),
        protocols.MetricQuery("up"),
        protocols.MetricQuery("no_such_metric"),
        protocols.MetricQuery("prometheus_http_request_duration_seconds_bucket", quantile=0.9, by=("handler",)),
        protocols.MetricQuery("go_goroutines", function="rate", over_s=5.0),
    ]

    async def ask() -> tuple[list[Any], list[Any], int]:
        record = types.SimpleNamespace(note=noted.append)
        http = _http.HttpClient(
            "prom", _endpoint.Endpoint(url), clock=_clock.SystemClock(), rng=_rng.stream(1, "real"), record=record
        )
        source = PrometheusSource("prom", http)
        window = windows.Window(time.time() - 30.0, time.time())
        together = await source.query_all(queries, window, 1.0)
        requests = len(noted)
        alone = [await source.query(query, window, 1.0) for query in queries]
        await source.aclose()
        return list(together), alone, requests

    together, alone, requests = asyncio.run(ask())
    assert requests == 1
    for one, other in zip(together, alone, strict=True):
        assert (one.outcome, one.query) == (other.outcome, other.query), (one, other)
        lines = [[(dict(line.labels), line.values.tolist()) for line in answer.value or ()] for answer in (one, other)]
        assert str(lines[0]) == str(lines[1])  # as text, in which NaN equals NaN
    assert [str(one.outcome) for one in together] == ["ok", "ok", "no_data", "ok", "ok"]
