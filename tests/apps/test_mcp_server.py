"""Rootward as an MCP server, asked by the official client in this process: a finding, its evidence, more questions, memory."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from rootward import _clock, errors
from rootward.apps import mcp_desk, settings, wiring
from rootward.connectors import _http
from rootward.dojo import world
from rootward.dojo.wire import faces

mcp = pytest.importorskip(
    "mcp", reason="not installed (pip install 'rootward[mcp]'): Rootward's MCP server was not tried"
)
ROWS = "connectors: {prometheus: {type: prometheus, url: 'http://p'}}"
Asked = Callable[..., Any]


@pytest.fixture(scope="module")
def scenario() -> Any:
    return world.build("web-shop", "bad_deploy", 3, hours=2, step_s=30)[0]


@pytest.fixture
def made(scenario: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The server over a world's faces, as of its own time, with a memory of its own."""
    from rootward.apps import mcp_server

    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    apps = faces.faces(scenario.telemetry, clock)
    monkeypatch.setattr(_clock, "SystemClock", lambda: _clock.VirtualClock(scenario.telemetry.now_s))
    monkeypatch.setattr(wiring, "sources_from_settings", lambda *_: wiring.sources_from_faces(apps, clock))
    (tmp_path / "rootward.yaml").write_text(ROWS, encoding="utf-8")
    return mcp_server.server(mcp_desk.Desk(settings.load(tmp_path / "rootward.yaml"), clock))


def over(made: Any, work: Callable[[Any], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with mcp.Client(made) as client:
            return await work(client)

    return anyio.run(run)


async def call(client: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def refused(client: Any, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    return result.content[0].text


def test_every_tool_is_explained_and_reads_only(made: Any) -> None:
    listed = over(made, lambda client: client.list_tools()).tools
    assert {one.name for one in listed} == {
        "investigate", "list_findings", "read_finding", "evidence", "search_memory",
        "ask_logs", "ask_metric", "find_metrics", "ask_traces", "ask_objects",
    }  # fmt: skip
    for one in listed:
        assert one.description
        assert one.annotations.read_only_hint is True
        assert one.annotations.destructive_hint is False
        assert "context" not in one.input_schema["properties"]


def test_an_alert_is_investigated_and_everything_about_it_can_be_asked(made: Any, scenario: Any) -> None:
    stages: list[str] = []

    async def progress(_done: float, _total: float | None, message: str | None) -> None:
        stages.append(str(message))

    async def work(client: Any) -> None:
        result = await client.call_tool("investigate", {"alert": scenario.alert}, progress_callback=progress)
        assert not result.is_error, result.content
        told = result.structured_content
        finding = told["finding"]
        assert (told["id"], finding["status"]) == ("I1", "found")
        assert finding["root_causes"][0]["entity"]["name"] == "search"
        assert "reasoning over the answers" in stages
        cited = finding["root_causes"][0]["evidence"]
        assert set(cited) <= set(finding["evidence"])
        assert "charts" not in finding

        listed = await call(client, "list_findings")
        assert [one["id"] for one in listed["findings"]] == ["I1"]
        assert listed["findings"][0]["cause"] == "service/search"
        assert (await call(client, "list_findings", status="quiet"))["findings"] == []
        assert (await call(client, "read_finding", finding="I1"))["finding"]["summary"] == finding["summary"]
        behind = await call(client, "evidence", finding="I1", ids=cited[:1])
        assert [one["id"] for one in behind["evidence"]] == cited[:1]
        assert behind["evidence"][0]["query"]
        found = await call(client, "search_memory", query="search deploy errors")
        assert [one["id"] for one in found["hits"]] == ["I1"]

        lines = await call(client, "ask_logs", service="search", contains="error", finding="I1")
        assert lines["outcome"] in ("ok", "truncated"), lines
        assert lines["lines"]
        assert all("error" in one.lower() for one in lines["lines"])
        assert lines["query"].startswith("{")

    over(made, work)


def test_questions_need_no_finding(made: Any) -> None:
    async def work(client: Any) -> None:
        names = await call(client, "find_metrics", contains="request", minutes=30)
        assert names["outcome"] == "ok"
        name = names["lines"][0].split(" ")[0]
        assert (await call(client, "ask_metric", metric=name, minutes=30))["window"]
        pods = await call(client, "ask_objects", kind="Pod", contains="search")
        assert pods["lines_in_all"] >= 1
        assert all("search" in one for one in pods["lines"])
        assert (await call(client, "ask_traces", service="search", minutes=30))["lines"]
        nothing = await call(client, "ask_metric", metric="no_such_metric", minutes=30)
        assert nothing["outcome"] == "no_data"

    over(made, work)


@pytest.mark.parametrize(
    ("tool", "arguments", "word"),
    [
        ("investigate", {"alert": {"odd": 1}}, "an alert is"),
        ("investigate", {"alert": "{not json"}, "no JSON"),
        ("evidence", {"finding": "I9"}, "I9"),
        ("evidence", {"finding": "G1; drop"}, "list_findings"),
        ("read_finding", {"finding": ""}, "list_findings"),
        ("ask_logs", {"service": "nobody-here"}, "no log stream"),
        ("ask_metric", {"metric": "up", "function": "delete"}, "function"),
        ("list_findings", {"limit": 0}, "limit"),
        ("delete_everything", {}, "delete_everything"),
    ],
)
def test_errors_say_what_is_wrong(made: Any, tool: str, arguments: dict[str, Any], word: str) -> None:
    async def work(client: Any) -> str:
        try:
            return await refused(client, tool, **arguments)
        except mcp.MCPError as error:
            return str(error)

    assert word in over(made, work)


def test_addresses_leave_as_placeholders_and_come_back(made: Any, scenario: Any) -> None:
    fired = json.loads(json.dumps(scenario.alert).replace("StorefrontHighErrorRate", "PageFor ana.lopez@acme.example"))

    async def work(client: Any) -> tuple[str, str]:
        result = await client.call_tool("investigate", {"alert": fired})
        assert not result.is_error, result.content
        found = await client.call_tool("search_memory", {"query": "<email-1>"})
        return result.content[0].text, found.content[0].text

    for text in over(made, work):
        assert "ana.lopez" not in text
        assert "<email-1>" in text


def test_without_back_ends_nothing_is_served(tmp_path: Path) -> None:
    (tmp_path / "rootward.yaml").write_text("{}", encoding="utf-8")
    with pytest.raises(errors.SettingsError, match="no connectors are configured"):
        mcp_desk.Desk(settings.load(tmp_path / "rootward.yaml"), _clock.VirtualClock(1e9))


def test_over_http_only_this_machine_is_served(made: Any) -> None:
    app = made.streamable_http_app(host="127.0.0.1")

    async def run() -> Any:
        async with app.router.lifespan_context(app):
            http = _http._in_process
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
            headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
            return await http.ask(app, "POST", "/mcp", "", {**headers, "host": "evil.example"}, body, bytes_max=10_000)

    assert anyio.run(run).status == 421
