"""A real Prometheus that scrapes what we expose, federates and reads from our face, and promtool's opinion of our text.

The world's clock is moved on between scrapes, so that what is scraped changes as it would.
"""

import contextlib
import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import promql_world
import pytest
import uvicorn
import yaml

from rootward import _clock
from rootward.dojo import world
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import faces

pytestmark = pytest.mark.skipif(
    not all(promql_world.BINARIES.values()), reason="prometheus and promtool are not installed"
)
SCRAPES = 4
WAIT_S = 40.0


@pytest.fixture(scope="module")
def production() -> telemetry.Telemetry:
    return world.build("web-shop", "slow_query", 1, hours=2)[0].telemetry


@pytest.fixture(scope="module")
def clock(production: telemetry.Telemetry) -> _clock.VirtualClock:
    return _clock.VirtualClock(production.now_s - 600)


@pytest.fixture(scope="module")
def served(production: telemetry.Telemetry, clock: _clock.VirtualClock) -> Iterator[str]:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        config = uvicorn.Config(faces.serve_app(production, clock), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)


def fetched(url: str, accept: str = "*/*") -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=30) as reply:
        return reply.read().decode()


def vector(address: str, query: str, time_s: float | None = None) -> dict[tuple[tuple[str, str], ...], float]:
    fields = {"query": query} | ({} if time_s is None else {"time": time_s})
    found = promql_world.ask(address, "query", **fields)
    assert found["status"] == "success", found
    return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in found["data"]["result"]}


def until(good: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not good():
        assert time.monotonic() < deadline, f"{what}: not in {WAIT_S:.0f} s"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def scraper(served: str, clock: _clock.VirtualClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that finds our targets, has scraped each a few times, and federates from our face."""
    targets = {"job_name": "production", "honor_labels": True, "http_sd_configs": [{"url": f"{served}/exporters/targets", "refresh_interval": "1s"}]}  # fmt: skip
    federation = {
        "job_name": "federation",
        "honor_labels": True,
        "honor_timestamps": False,
        "metrics_path": "/prometheus/federate",
        "params": {"match[]": ['{__name__="up"}', '{__name__=~"kube_pod_.*"}']},
        "metric_relabel_configs": [{"target_label": "came_by", "replacement": "federation"}],
        "static_configs": [{"targets": [served.removeprefix("http://")]}],
    }
    config = yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [targets, federation]})
    with promql_world.running(
        tmp_path_factory.mktemp("scraper"), config, ["--enable-feature=exemplar-storage"]
    ) as address:
        until(lambda: len(vector(address, 'up{job!="federation"}')) > 10, "targets are found")
        for _ in range(SCRAPES):
            clock.advance(15)
            time.sleep(1.1)
        yield address


def test_every_target_is_scraped_as_the_production_knows_it(scraper: str, served: str) -> None:
    theirs = vector(scraper, 'up{came_by="",job!="federation"}')
    listed = promql_world.ask(f"{served}/prometheus", "targets")["data"]["activeTargets"]
    assert len(listed) > 20
    assert theirs == {
        tuple(sorted({"__name__": "up", **one["labels"]}.items())): float(one["health"] == "up") for one in listed
    }


def test_what_was_scraped_is_what_the_face_answers(scraper: str, served: str) -> None:
    """Series by series, and rates of counters that went on between the scrapes."""
    for name in ("http_server_request_duration_seconds_bucket", "kube_pod_info", "process_resident_memory_bytes"):
        theirs, ours = vector(scraper, f'{name}{{came_by=""}}'), vector(f"{served}/prometheus", name)
        assert ours
        assert theirs == ours
    moved = vector(scraper, "sum(resets(http_requests_total[1m])) + sum(changes(http_requests_total[1m]))")
    assert moved[()] > SCRAPES


def test_types_helps_and_exemplars_arrive(scraper: str, production: telemetry.Telemetry) -> None:
    theirs = promql_world.ask(scraper, "metadata")["data"]
    for name in ("http_server_request_duration_seconds", "go_goroutines"):
        assert theirs[name][0]["type"] == production.metrics.meta[name].kind
        assert theirs[name][0]["help"] == production.metrics.meta[name].help
    now = time.time()
    found = promql_world.ask(
        scraper, "query_exemplars", query='{__name__=~".*_bucket"}', start=now - 3e7, end=now + 3e7
    )
    traces = {some["labels"]["trace_id"] for one in found["data"] for some in one["exemplars"]}
    assert production.spans is not None
    assert traces
    assert traces <= set(production.spans.trace_ids)


def test_federation_brings_the_newest_samples(scraper: str, served: str) -> None:
    theirs = vector(scraper, '{__name__=~"kube_pod_.*",came_by="federation"}')
    ours = vector(f"{served}/prometheus", '{__name__=~"kube_pod_.*"}')
    assert ours
    assert {tuple(pair for pair in labels if pair[0] != "came_by"): value for labels, value in theirs.items()} == ours


def test_a_real_prometheus_reads_from_our_face(served: str, clock: _clock.VirtualClock, tmp_path: Path) -> None:
    """It evaluates over what remote read brings, and gets what our own engine says."""
    config = yaml.safe_dump({"remote_read": [{"url": f"{served}/prometheus/api/v1/read", "read_recent": True}]})
    at_s = clock.now_s() - 7.3  # between scrapes, where versions 2 and 3 mean the same window
    with promql_world.running(tmp_path, config) as address:
        for query in (
            "up",
            "sum by (service_name) (rate(http_server_request_duration_seconds_count[5m]))",
            "histogram_quantile(0.9, sum by (le) (http_server_request_duration_seconds_bucket))",
            'max_over_time(kube_deployment_spec_replicas{namespace!~"x|y"}[10m])',
        ):
            theirs, ours = vector(address, query, at_s), vector(f"{served}/prometheus", query, at_s)
            assert ours
            assert theirs.keys() == ours.keys()
            assert theirs == pytest.approx(ours, nan_ok=True), query


def test_promtool_can_parse_every_page(served: str) -> None:
    """Its lint may dislike names that real exporters use; what it cannot parse it says with exit status 1."""
    targets = json.loads(fetched(f"{served}/exporters/targets"))
    up = {dict(labels)["instance"] for labels, value in vector(f"{served}/prometheus", "up").items() if value == 1}
    urls = {
        f"{served}/exporters/metrics?job={one['labels']['job']}&instance={one['labels']['instance']}"
        for one in [one for one in targets if one["labels"]["instance"] in up][:5]
    }
    for url in (f"{served}/exporters/metrics", *urls, f"{served}/prometheus/metrics"):
        text = fetched(url)
        done = subprocess.run(
            [str(promql_world.BINARIES["promtool"]), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
        )  # fmt: skip
        assert "parsing error" not in done.stderr, done.stderr[:2000]
        assert done.returncode in (0, 3), done.stderr[:2000]
        assert fetched(url, "application/openmetrics-text").endswith("# EOF\n") or "/prometheus/" in url
