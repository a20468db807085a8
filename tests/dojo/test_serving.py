"""Serving: the clock stands, runs or is moved; the door that moves it stands apart; headers tell the production's time."""

import urllib.request

import pytest
import sample_telemetry as sample
import yaml
from starlette import testclient

from rootward import _clock, errors
from rootward.dojo import serving
from rootward.dojo.wire import clients, faces

VENDORS = ["prometheus", "loki", "kubernetes", "tempo", "alertmanager", "github", "slack", "grafana"]


def clock_of(speed=0.0):
    base = _clock.VirtualClock(50.0)
    return base, serving.ServedClock(sample.NOW_S, sample.END_S, speed=speed, base=base)


def test_a_standing_clock_moves_only_when_it_is_moved():
    base, clock = clock_of()
    base.advance(100)
    assert clock.now_s() == sample.NOW_S
    assert clock.advance(60) == sample.NOW_S + 60


def test_a_running_clock_runs_at_its_speed_and_stops_where_the_telemetry_does():
    base, clock = clock_of(speed=60.0)
    base.advance(10)
    assert clock.now_s() == sample.NOW_S + 600
    base.advance(1e6)
    assert clock.now_s() == sample.END_S


@pytest.mark.parametrize(("text", "speed"), [("still", 0.0), ("running", 1.0), ("x60", 60.0), ("x0.5", 0.5)])
def test_speeds(text, speed):
    assert serving.speed_of(text) == speed


@pytest.mark.parametrize("text", ["", "60", "x", "x0", "x-1", "xnan", "xinf", "fast", "x1e9"])
def test_speeds_that_are_none(text):
    with pytest.raises(errors.InputError, match="still, running, or x"):
        serving.speed_of(text)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), 1e9])
def test_time_never_goes_back_nor_far(seconds):
    with pytest.raises(errors.InputError):
        clock_of()[1].advance(seconds)


def test_the_door_moves_time_and_every_face_follows():
    _, clock = clock_of()
    door = testclient.TestClient(serving.control_app(clock))
    client = testclient.TestClient(faces.serve_app(sample.telemetry_of_shop(), clock))
    assert "FUTURE" not in client.get("/kubernetes/api/v1/pods").text
    assert door.post("/advance?seconds=1800").json() == {
        "now": "2024-05-01T11:30:00.000Z",
        "end": "2024-05-01T12:00:00.000Z",
    }
    assert "FUTURE" in client.get("/kubernetes/api/v1/pods").text
    assert door.post("/advance?seconds=-5").status_code == 400
    assert door.post("/advance?seconds=soon").status_code == 400
    assert client.post("/advance?seconds=5").status_code == 404
    assert door.get("/now").json()["now"] == "2024-05-01T11:30:00.000Z"


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_over_a_socket_the_date_is_the_productions():
    _, clock = clock_of()
    app = faces.serve_app(sample.telemetry_of_shop(), clock)
    with serving.serving(app, clock) as base_url:
        reply = urllib.request.urlopen(f"{base_url}/prometheus/-/ready", timeout=10)
        assert reply.headers["date"] == "Wed, 01 May 2024 11:00:00 GMT"
        assert reply.headers["server"] is None
        port = int(base_url.rpartition(":")[2])
        with pytest.raises(errors.InputError, match="--port 0"):
            serving.listen("127.0.0.1", port)


def test_settings_for_other_programs():
    files = clients.files("http://127.0.0.1:9/", [*VENDORS, "exporters"], mcp=True)
    assert set(files) == {
        "rootward.yaml",
        "holmes.yaml",
        "kubeconfig.yaml",
        "amtool.yml",
        "prometheus.yml",
        "grafana-datasources.yaml",
        "mcp.json",
        "environment.sh",
    }
    ours = yaml.safe_load(files["rootward.yaml"])["connectors"]
    assert ours["slack"] == {"type": "slack", "url": "http://127.0.0.1:9/slack", "token": "viewer"}
    holmes = yaml.safe_load(files["holmes.yaml"])
    assert holmes["toolsets"]["prometheus/metrics"]["config"]["prometheus_url"] == "http://127.0.0.1:9/prometheus/"
    assert holmes["mcp_servers"]["production"]["config"]["url"] == "http://127.0.0.1:9/mcp"
    scraped = yaml.safe_load(files["prometheus.yml"])["scrape_configs"]
    assert scraped[0]["http_sd_configs"][0]["url"] == "http://127.0.0.1:9/exporters/targets"
    sources = yaml.safe_load(files["grafana-datasources.yaml"])["datasources"]
    assert [one["type"] for one in sources] == ["prometheus", "loki", "tempo", "alertmanager"]
    assert "export LOKI_ADDR=http://127.0.0.1:9/loki\n" in files["environment.sh"]


def test_our_own_settings_are_settings(tmp_path):
    from rootward.apps import settings

    path = tmp_path / "rootward.yaml"
    path.write_text(clients.files("http://127.0.0.1:9", VENDORS)["rootward.yaml"])
    assert set(settings.load(path).connectors) == set(VENDORS) - {"grafana"}
