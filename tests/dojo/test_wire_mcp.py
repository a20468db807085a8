"""The MCP server: every tool answers over the hand-made shop and a world, refusals are errors that an agent can read."""

import json

import anyio
import pytest
import sample_telemetry as sample

from rootward import _clock
from rootward.dojo.wire import faces

mcp = pytest.importorskip("mcp", reason="not installed (pip install 'rootward[mcp]'): the MCP server was not tried")
POD = "checkout-7d9c6b5f4-abcde"
# tool → arguments, and what the answer has in it
CALLS = [
    ("time_now", {}, "2024-05-01T11:00:00Z"),
    ("api_get", {"vendor": "prometheus", "path": "/-/ready"}, "Ready"),
    ("prometheus_query", {"query": "rate(http_requests_total[5m])"}, '"checkout"'),
    ("prometheus_query_range", {"query": "http_requests_total", "start": "-10m"}, '"values"'),
    ("prometheus_labels", {}, '"job"'),
    ("prometheus_label_values", {"label": "__name__"}, "http_requests_total"),
    ("prometheus_series", {"match": "http_requests_total"}, '"namespace":"shop"'),
    ("prometheus_metadata", {"metric": "http_requests_total"}, '"counter"'),
    ("prometheus_rules", {}, "HighErrors"),
    ("prometheus_targets", {}, "[]"),
    ("loki_query", {"query": '{app="checkout"} |= "error"', "limit": 3}, "error"),
    ("loki_labels", {}, '"app"'),
    ("loki_label_values", {"label": "app"}, '"frontend"'),
    ("loki_series", {"match": '{app="checkout"}'}, POD),
    ("traces_services", {}, '"payments"'),
    ("traces_search", {"service": "checkout", "tags": '{"error":"true"}'}, '"failed":["checkout"]'),
    ("traces_get", {"trace_id": f"{1:032x}"}, '"operation":"charge"'),
    ("traces_dependencies", {}, '"parent":"frontend"'),
    ("tempo_search", {"query": "{status=error}"}, "traceID"),
    ("kubernetes_list", {"kind": "po"}, "CrashLoopBackOff"),
    ("kubernetes_get", {"kind": "Deployment", "name": "checkout", "namespace": "shop"}, "shop:1.4.2"),
    ("kubernetes_describe", {"kind": "pod", "name": POD, "namespace": "shop"}, "Back-off restarting"),
    ("kubernetes_events", {"namespace": "shop", "object_name": POD}, "BackOff"),
    ("kubernetes_logs", {"pod": POD, "namespace": "shop", "tail_lines": 2}, "pay"),
    ("kubernetes_kinds", {}, "virtualservices (VirtualService)"),
    ("repositories_list", {}, "acme/shop"),
    ("commits_list", {"repository": "acme/shop"}, "Smaller pool"),
    ("commit_get", {"repository": "acme/shop", "sha": "b" * 40}, "+pool: 10"),
    ("pulls_list", {"repository": "acme/shop"}, "Still open at now"),
    ("deployments_list", {"repository": "acme/shop"}, "roll out"),
    ("alerts_list", {}, "HighErrors"),
    ("incidents_list", {}, "HighErrors on checkout"),
    ("incident_get", {"incident_id": "12"}, '"notes":[]'),
    ("incident_update", {"incident_id": "12", "status": "acknowledged"}, "acknowledged"),
    ("incident_note", {"incident_id": "12", "text": "pool of 10"}, "noted"),
    ("incident_get", {"incident_id": "12"}, "pool of 10"),
    ("changes_list", {}, "Flag new-pool on"),
    ("slack_channels", {}, '"incidents"'),
    ("slack_history", {"channel": "#incidents"}, "checkout looks odd"),
    ("slack_thread", {"channel": "incidents", "ts": f"{sample.START_S + 1000:.6f}"}, "looking"),
    ("slack_search", {"query": "odd in:#incidents"}, "checkout looks odd"),
    ("slack_post", {"channel": "#incidents", "text": "pool of 10"}, "."),
    ("slack_history", {"channel": "#incidents"}, "pool of 10"),
    ("dashboards_search", {}, "[]"),
    ("dashboard_queries", {"uid": "none"}, None),
]
REFUSALS = [
    ("prometheus_query", {"query": "sum("}, "bad_data"),
    ("prometheus_query", {"query": "up", "time": "yesterday"}, "is no time"),
    ("loki_query", {"query": "{"}, "400"),
    ("kubernetes_list", {"kind": "unicorns"}, "doesn't have a resource type"),
    ("kubernetes_get", {"kind": "pod", "name": "nope", "namespace": "shop"}, "not found"),
    ("traces_get", {"trace_id": "ffff"}, "trace not found"),
    ("slack_history", {"channel": "none"}, "channel_not_found"),
    ("api_get", {"vendor": "oracle", "path": "/"}, "there is no oracle here"),
    ("kubernetes_logs", {"pod": "../../x", "namespace": "shop"}, "not"),
]


def made(telemetry, clock=None):
    from rootward.dojo.wire import mcp_server

    clock = clock or _clock.VirtualClock(telemetry.now_s)
    vendors = faces.with_gateways(telemetry, clock, faces.faces(telemetry, clock))
    return mcp_server.server(vendors, clock)


def asked(server, *calls):
    """The answers to calls, as (is it an error, text)."""

    async def main():
        async with mcp.Client(server) as client:
            found = [await client.call_tool(name, arguments) for name, arguments in calls]
            return [(one.is_error, one.content[0].text) for one in found]

    return anyio.run(main)


def test_every_tool_is_tried_here_and_is_explained(shop):
    async def main():
        async with mcp.Client(made(shop)) as client:
            return (await client.list_tools()).tools

    tools = anyio.run(main)
    assert {tool.name for tool in tools} == {name for name, _, _ in CALLS}
    assert all(len(tool.description) > 15 and tool.annotations for tool in tools)
    writes = {tool.name for tool in tools if not tool.annotations.read_only_hint}
    assert writes == {"slack_post", "incident_update", "incident_note"}


def test_every_tool_answers(shop):
    answers = asked(made(shop), *((name, arguments) for name, arguments, _ in CALLS))
    for (name, _, wanted), (is_error, text) in zip(CALLS, answers, strict=True):
        if wanted is None:
            assert is_error
            continue
        assert not is_error, (name, text)
        assert wanted in text, (name, text[:300])
        assert "FUTURE" not in text, name


def test_refusals_are_errors_in_the_vendors_words(shop):
    answers = asked(made(shop), *((name, arguments) for name, arguments, _ in REFUSALS))
    for (name, _, wanted), (is_error, text) in zip(REFUSALS, answers, strict=True):
        assert is_error, name
        assert wanted in text, (name, text)


def test_tools_are_those_of_the_faces_that_are_there_and_long_answers_are_cut(shop):
    only = sample.telemetry_of_shop({"slack": "absent", "loki": "forbidden"})
    (is_error, text), (_, lines) = asked(
        made(only),
        ("loki_labels", {}),
        ("api_get", {"vendor": "jaeger", "path": "/api/traces?service=frontend&limit=500"}),
    )
    assert is_error
    assert "403" in text
    assert len(lines) < 61_000
    answers = asked(made(only), ("slack_channels", {}))
    assert answers[0][0]


def test_it_speaks_streamable_http_beside_the_faces(shop):
    from starlette import testclient

    clock = _clock.VirtualClock(sample.NOW_S)
    vendors = faces.faces(shop, clock)
    app = faces.mounted(vendors, faces.mcp_app(vendors, clock, loopback=False))
    question = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "time_now", "arguments": {}}}
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    with testclient.TestClient(app) as client:
        assert client.get("/prometheus/-/ready").status_code == 200
        reply = client.post(
            "/mcp", content=json.dumps(question), headers={**headers, "content-type": "application/json"}
        )
    assert "2024-05-01T11:00:00Z" in reply.text, reply.text
