"""The connector against a server of the official MCP library: the dojo's own, over streamable HTTP in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from rootward import _clock, _rng
from rootward.apps import wiring
from rootward.connectors import _http
from rootward.connectors.mcp.over_http import HttpSession
from rootward.connectors.mcp.source import McpSource
from rootward.connectors.mcp.tools import Tool
from rootward.dojo import world
from rootward.dojo.wire import faces
from rootward.investigator import investigate
from rootward.signals import protocols, records, windows
from rootward.signals.answers import Outcome

pytest.importorskip("mcp", reason="not installed (pip install 'rootward[mcp]'): the connector was not tried against it")
from mcp.server.transport_security import TransportSecuritySettings

from rootward.dojo.wire import mcp_server

TOOLS = (
    Tool("loki_query", "logs", {"query": '{app=~".+"} |= "{query}"', "start": "{start}", "end": "{end}", "limit": 120}),
    Tool(
        "deployments_list",
        "changes",
        {"repository": "lumen-loom/{service}"},
        fields={"kind": "=deploy", "service": "payload.service", "version": "payload.version", "id": "sha"},
        services=("search", "storefront", "cart"),
    ),
    Tool("slack_history", "messages", {"channel": "deploys", "oldest": "{start}", "latest": "{end}"}),
    Tool(
        "prometheus_query_range",
        "metrics",
        {"query": "{query}", "start": "{start}", "end": "{end}", "step_s": "{step_s}"},
    ),
)

EVENTS = Tool(
    "kubernetes_events",
    "events",
    pattern=r"^(?P<namespace>\S+)\s+\d\S*\s+(?P<severity>Normal|Warning)\s+(?P<reason>\S+)\s+(?P<about_kind>\w+)/(?P<about>\S+)\s+(?P<message>.+)$",
)


@pytest.fixture(scope="module")
def scenario() -> Any:
    return world.build("web-shop", "bad_deploy", 3, hours=2, step_s=30)[0]


@contextlib.asynccontextmanager
async def source_of(scenario: Any, listed: Any = TOOLS, *, sessions: bool = False) -> AsyncIterator[McpSource]:
    """Stateless with JSON as the dojo serves it, or with sessions and events as the library does unless told."""
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    made = mcp_server.server(faces.faces(scenario.telemetry, clock), clock)
    app = mcp_server.http_app(made, loopback=False)
    if sessions:
        app = made.streamable_http_app(
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)
        )
    async with app.router.lifespan_context(app):
        http = _http.HttpClient.in_process("m", app, clock=clock, rng=_rng.stream(1, "test"))
        source = McpSource(
            "m", HttpSession("m", frozenset(one.name for one in listed), http, path="/mcp"), listed, clock=clock
        )
        yield source
        await source.aclose()


def ask(scenario: Any, question: Callable[[McpSource, windows.Window], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        now_s = scenario.telemetry.now_s
        async with source_of(scenario) as source:
            return await question(source, windows.Window(now_s - 7200.0, now_s))

    return asyncio.run(run())


def test_the_server_is_met(scenario: Any) -> None:
    answer = ask(scenario, lambda source, _: source.ping())
    assert answer.outcome is Outcome.OK, answer
    assert answer.value.startswith("production 1.4.0 over MCP 2025-11-25, 4 of its ")


def test_sessions_and_streams_of_events_are_spoken_too(scenario: Any) -> None:
    async def run() -> Any:
        now_s = scenario.telemetry.now_s
        async with source_of(scenario, sessions=True) as source:
            first = await source.messages(windows.Window(now_s - 7200.0, now_s))
            session = source._calls.session
            assert isinstance(session, HttpSession)
            assert session._session, "the server gave one"
            return first

    assert asyncio.run(run()).outcome is Outcome.OK


def test_lines_come_with_their_streams_and_are_cut_at_what_was_asked(scenario: Any) -> None:
    answer = ask(scenario, lambda source, window: source.lines(protocols.LogQuery(contains=("error",)), window))
    assert answer.outcome is Outcome.TRUNCATED, answer
    assert len(answer.value) == 120
    assert all("app" in stream and "pod" in stream for stream in answer.value.streams)
    assert 'loki_query {"query": "{app=~\\".+\\"} |= \\"error\\""' in answer.query


def test_changes_and_messages_are_typed(scenario: Any) -> None:
    changes = ask(scenario, lambda source, window: source.changes(window.widened(before_s=86_400.0)))
    assert changes.outcome is Outcome.OK, changes
    assert "lumen-loom/search" in changes.query
    assert {(one.kind, one.entity.name) for one in changes.value} >= {(records.ChangeKind.DEPLOY, "search")}
    assert all(isinstance(one, records.Change) and one.version and len(one.id) == 40 for one in changes.value)
    messages = ask(scenario, lambda source, window: source.messages(window))
    assert messages.outcome is Outcome.OK, messages
    assert all(isinstance(one, records.Message) and one.text and one.author for one in messages.value)


def test_numbers_come_in_the_servers_own_language(scenario: Any) -> None:
    good = ask(scenario, lambda source, window: source.native("sum by (job) (up)", window, 60.0))
    assert good.outcome is Outcome.OK, good
    assert {tuple(one.labels) for one in good.value} == {("job",)}
    bad = ask(scenario, lambda source, window: source.native("sum by (job", window, 60.0))
    assert bad.outcome is Outcome.BAD_QUERY, bad


def test_an_investigation_uses_tools_where_there_is_no_other_source(scenario: Any) -> None:
    """Logs and changes only by tools: the finding cites them, with the tool and its arguments."""
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    apps = faces.faces(scenario.telemetry, clock)
    left = {name: app for name, app in apps.items() if name not in ("loki", "github", "pagerduty", "slack")}
    known = wiring.sources_from_faces(left, clock)

    async def run() -> Any:
        async with source_of(scenario) as source:
            sources = protocols.Sources(
                metrics=(*known.metrics,), traces=known.traces, clusters=known.clusters, alerts=known.alerts,
                logs=(source,), changes=(source,), messages=(source,),
            )  # fmt: skip
            return await investigate.examine(wiring.read_alert(scenario.alert), sources, clock=clock)

    finding, case = asyncio.run(run())
    assert case.logs
    assert case.changes
    assert finding.status == "found"
    assert any(
        item.source == "m" and item.query.startswith(("loki_query {", "deployments_list {"))
        for item in finding.evidence
    ), finding.evidence


def test_events_of_a_tool_stand_beside_a_cluster_and_take_nothing_from_it(scenario: Any) -> None:
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    known = wiring.sources_from_faces({"kubernetes": faces.faces(scenario.telemetry, clock)["kubernetes"]}, clock)

    async def run() -> Any:
        async with source_of(scenario, (EVENTS,)) as source:
            sources = protocols.Sources(clusters=(*known.clusters, source))
            return await investigate.examine(wiring.read_alert(scenario.alert), sources, clock=clock)

    _, case = asyncio.run(run())
    assert case.objects["Pod"]
    by_source = {event.source for event, _ in case.events}
    assert by_source == {"kubernetes", "m"}
    told = {(str(event.entity.kind), event.reason) for event, _ in case.events if event.source == "m"}
    assert ("workload", "ScalingReplicaSet") in told
    assert not [gap for gap in case.gaps if gap.source == "m"], "what it has no tool for is no gap"
