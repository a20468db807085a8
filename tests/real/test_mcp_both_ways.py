"""MCP both ways with nothing in between left out: `rootward mcp` as a process asked by the official client, over sockets; and the
connector with `rootward dojo mcp` as the process that it starts."""

import json
import os
import sys
import urllib.request

import anyio
import dojo_server
import pytest

from rootward import _clock
from rootward.apps.cli import main
from rootward.dojo import world as worlds

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
mcp = pytest.importorskip("mcp", reason="not installed (pip install 'rootward[mcp]'): MCP was not tried")
MAIN = "from rootward.apps.cli.main import main; main()"


@pytest.fixture(scope="module")
def served():
    with dojo_server.serving_world() as found:
        yield found


def settings_file(folder, rows, record=""):
    path = folder / "rootward.yaml"
    path.write_text(
        json.dumps(
            {
                "connectors": rows,
                "memory": {"path": str(folder / "memory.sqlite")},
                "network": {"record_file": record},
                "limits": {"seconds": 60},
            }
        )
    )
    return path


def fired(base_url):
    with urllib.request.urlopen(f"{base_url}/alertmanager/api/v2/alerts", timeout=20) as reply:
        return json.load(reply)


def asked(config, work):
    async def run():
        arguments = ["-c", MAIN, "mcp", "--config", str(config)]
        parameters = mcp.StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))
        async with mcp.Client(parameters) as client:
            return await work(client)

    return anyio.run(run)


def test_an_agent_has_an_alert_investigated(served, tmp_path):
    base_url = served[0]
    kinds = ("prometheus", "loki", "jaeger", "alertmanager")
    rows = {kind: {"type": kind, "url": f"{base_url}/{kind}", "token": "viewer"} for kind in kinds}
    stages = []

    async def progress(_done, _total, message):
        stages.append(message)

    async def work(client):
        told = await client.call_tool("investigate", {"alert": fired(base_url)[0]}, progress_callback=progress)
        assert not told.is_error, told.content
        listed = await client.call_tool("list_findings", {})
        evidence = await client.call_tool("evidence", {"finding": told.structured_content["id"]})
        return told.structured_content, listed.structured_content, evidence.structured_content

    told, listed, evidence = asked(settings_file(tmp_path, rows), work)
    assert told["id"] == "I1", told["note"]
    assert told["finding"]["status"] in ("found", "quiet", "outside", "no_fault")
    assert [one["id"] for one in listed["findings"]] == ["I1"]
    assert {one["id"] for one in evidence["evidence"]} == set(told["finding"]["evidence"])
    assert any("reasoning" in one for one in stages)


def test_the_doctor_reads_samples_through_a_command_that_it_starts(tmp_path, capfd, monkeypatch):
    tools = [
        {
            "name": "loki_query",
            "answers": "logs",
            "arguments": {"query": '{app=~".+"}', "start": "{start}", "end": "{end}", "limit": 50},
        },
        {
            "name": "slack_history",
            "answers": "messages",
            "arguments": {"channel": "deploys", "oldest": "{start}", "latest": "{end}"},
        },
    ]
    world = ["-c", MAIN, "dojo", "mcp", "--world", "payments", "--seed", "3"]
    source = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    row = {"type": "mcp", "command": sys.executable, "args": world, "env": source, "tools": tools}
    config = settings_file(tmp_path, {"production": row})
    now_s = worlds.build("payments", "slow_query", 3)[0].telemetry.now_s
    typed = ["rootward", "doctor", "--config", str(config), "--at", _clock.to_iso(now_s), "--json"]
    monkeypatch.setattr(sys, "argv", typed)
    with pytest.raises(SystemExit) as stop:
        main.main()
    report = json.loads(capfd.readouterr().out)
    assert not stop.value.code, report
    assert report["connectors"][0]["detail"].startswith("production 1.4.0 over MCP")
    found = {one["question"]: one for one in report["questions"]}
    assert found["log lines"]["outcome"] in ("ok", "truncated"), report
    assert found["log lines"]["query"].startswith("loki_query {")
    assert found["messages"]["outcome"] == "ok", report


def test_requests_to_a_server_over_http_are_on_record(served, tmp_path, capfd, monkeypatch):
    base_url, recorded, _ = served
    tools = [
        {
            "name": "slack_history",
            "answers": "messages",
            "arguments": {"channel": "deploys", "oldest": "{start}", "latest": "{end}"},
        }
    ]
    row = {"type": "mcp", "url": f"{base_url}/mcp", "token": "viewer", "tools": tools}
    config = settings_file(tmp_path, {"production": row}, record=str(tmp_path / "outgoing.jsonl"))
    typed = ["rootward", "doctor", "--config", str(config), "--at", _clock.to_iso(recorded.now_s), "--json"]
    monkeypatch.setattr(sys, "argv", typed)
    with pytest.raises(SystemExit) as stop:
        main.main()
    assert not stop.value.code, capfd.readouterr().out
    sent = [json.loads(line) for line in (tmp_path / "outgoing.jsonl").read_text().splitlines()]
    assert {(one["name"], one["method"], one["path"]) for one in sent} == {("production", "POST", "/mcp")}
    assert len(sent) == 4, "a greeting and its end, the list of tools, one call"
