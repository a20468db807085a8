"""Fake back ends for the contract suite: what each vendor answers when all is well, and ways of not being well."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib import parse

import numpy as np

from rootward import _clock, _rng
from rootward.connectors import _http
from rootward.connectors.alertmanager import AlertmanagerSource
from rootward.connectors.github import GitHubSource
from rootward.connectors.jaeger import JaegerSource
from rootward.connectors.kubernetes import KubernetesSource
from rootward.connectors.loki import LokiSource
from rootward.connectors.mcp.over_http import HttpSession
from rootward.connectors.mcp.source import McpSource
from rootward.connectors.mcp.tools import Tool
from rootward.connectors.pagerduty import PagerDutySource
from rootward.connectors.prometheus import PrometheusSource
from rootward.connectors.slack import SlackSource
from rootward.connectors.tempo import TempoSource
from rootward.signals import protocols, windows

NOW_S = 1_714_561_200.0
WINDOW = windows.Window(NOW_S - 600.0, NOW_S)
STEP_S = 60.0
AT = _clock.to_iso(NOW_S - 300.0)
AT_NS = str(int(NOW_S - 300) * 10**9)
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

Handler = Callable[[str, dict[str, str]], Any]


class Backend:
    """An ASGI application that answers with `handler(path, params)` as JSON; what it was asked stays in `asked`."""

    def __init__(self, handler: Handler, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.handler = handler
        self.status = status
        self.headers = headers or {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        as_json = dict(scope["headers"]).get(b"content-type") == b"application/json"
        params = json.loads(body) if as_json else dict(parse.parse_qsl(scope["query_string"].decode() or body.decode()))
        self.asked.append((scope["path"], params))
        answer = self.handler(scope["path"], params)
        if isinstance(answer, Awaitable):
            answer = await answer
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json")]
        headers += [(key.encode(), value.encode()) for key, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})


def client(app: Any, clock: _clock.Clock | None = None) -> _http.HttpClient:
    clock = clock or _clock.VirtualClock(NOW_S)
    return _http.HttpClient.in_process("fake", app, clock=clock, rng=_rng.stream(1, "test"))


async def hang(_path: str = "", _params: Any = None) -> Any:
    await asyncio.Event().wait()


def prometheus(path: str, _params: dict[str, str]) -> Any:
    if path.endswith("/metadata"):
        return {"status": "success", "data": {"up": [{"type": "gauge", "help": "Up.", "unit": ""}]}}
    if path.endswith("/values"):
        return {"status": "success", "data": ["up"]}
    if path.endswith("/series"):
        return {"status": "success", "data": [{"__name__": "up", "job": "web"}]}
    if path.endswith("/query"):
        return {"status": "success", "data": {"resultType": "scalar", "result": [NOW_S, "1"]}}
    if path.endswith("/buildinfo"):
        return {"status": "success", "data": {"version": "2.53.0"}}
    times = np.arange(WINDOW.start_s, WINDOW.end_s + 1, STEP_S)
    row = {"metric": {"__name__": "up", "job": "web"}, "values": [[float(t), "1"] for t in times]}
    return {"status": "success", "data": {"resultType": "matrix", "result": [row]}}


def loki(path: str, params: dict[str, str]) -> Any:
    if path.endswith("/labels"):
        return {"status": "success", "data": ["app", "pod"]}
    if path.endswith("/series"):
        return {"status": "success", "data": [{"app": "web", "pod": "web-1"}]}
    if path.endswith("/buildinfo"):
        return {"version": "3.3.2"}
    if "count_over_time" in params.get("query", ""):
        row = {"metric": {"app": "web"}, "values": [[NOW_S - 60, "3"]]}
        return {"status": "success", "data": {"resultType": "matrix", "result": [row]}}
    line = [AT_NS, "boom", {"structuredMetadata": {"trace_id": TRACE}}]
    stream = {"stream": {"app": "web"}, "values": [line]}
    return {"status": "success", "data": {"resultType": "streams", "result": [stream]}}


def kubernetes(path: str, _params: dict[str, str]) -> Any:
    if path == "/version":
        return {"gitVersion": "v1.31.2"}
    if path.endswith("/log"):
        return f"{AT} started\n{AT} password=hunter2\n".encode()
    if path.endswith("/events"):
        about = {"kind": "Pod", "name": "web-1", "namespace": "shop"}
        one = {
            "metadata": {"name": "e"},
            "involvedObject": about,
            "reason": "BackOff",
            "message": "again",
            "type": "Warning",
        }
        return {"kind": "EventList", "metadata": {}, "items": [{**one, "count": 2, "lastTimestamp": AT}]}
    pod = {"metadata": {"name": "web-1", "namespace": "shop"}, "spec": {}, "status": {"phase": "Running"}}
    return {"kind": "PodList", "metadata": {}, "items": [pod]}


def jaeger(path: str, _params: dict[str, str]) -> Any:
    if path.endswith("/services"):
        return {"data": ["web"]}
    if path.endswith("/dependencies"):
        return {"data": [{"parent": "web", "child": "cart", "callCount": 60}]}
    span = {
        "traceID": TRACE,
        "spanID": SPAN,
        "operationName": "GET /",
        "references": [],
        "startTime": int(NOW_S - 300) * 10**6,
        "duration": 1500,
        "tags": [{"key": "span.kind", "value": "server"}, {"key": "error", "value": True}],
        "processID": "p1",
    }
    processes = {"p1": {"serviceName": "web", "tags": [{"key": "k8s.pod.name", "value": "web-1"}]}}
    return {"data": [{"traceID": TRACE, "spans": [span], "processes": processes}]}


def _resource_spans() -> list[Any]:
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": AT_NS,
        "endTimeUnixNano": str(int(AT_NS) + 1_500_000),
        "status": {"code": 2},
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": "500"}}],
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "web"}}]}
    return [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]


def jaeger_v3(path: str, _params: dict[str, str]) -> Any:
    if path.endswith("/services"):
        return {"services": ["web"]}
    if path.endswith("/dependencies"):
        return {"data": [{"parent": "web", "child": "cart", "callCount": 60}]}
    return {"result": {"resourceSpans": _resource_spans()}}


def tempo(path: str, _params: dict[str, str]) -> Any:
    if path.endswith("/values"):
        return {"tagValues": [{"type": "string", "value": "web"}]}
    if path.endswith("/buildinfo"):
        return {"version": "2.6.1"}
    if path.endswith("/search"):
        return {"traces": [{"traceID": TRACE}]}
    return {"trace": {"resourceSpans": _resource_spans()}}


def alertmanager(path: str, _params: dict[str, str]) -> Any:
    if path.endswith("/status"):
        return {"versionInfo": {"version": "0.27.0"}}
    alert = {"labels": {"alertname": "Down", "service": "web"}, "startsAt": AT, "endsAt": "2030-01-01T00:00:00Z"}
    return [{**alert, "annotations": {"summary": "web is down"}, "fingerprint": "f1"}]


def github(path: str, _params: dict[str, str]) -> Any:
    if path == "/user/repos":
        return [{"full_name": "acme/shop"}]
    about = {"message": "Smaller pool", "committer": {"date": AT}, "author": {"name": "ana"}}
    commit = {"sha": "b" * 40, "commit": about, "author": {"login": "ana"}}
    if path.endswith("/commits"):
        return [commit]
    if "/commits/" in path:
        return {**commit, "files": [{"filename": "services/cart/config.yaml", "patch": "-pool: 50\n+pool: 5"}]}
    if path.endswith("/pulls"):
        return [{"number": 7, "title": "Pool", "merged_at": AT, "merge_commit_sha": "b" * 40}]
    if path.endswith("/deployments"):
        payload = {"service": "cart", "version": "1.4.3"}
        return [{"id": 9, "sha": "b" * 40, "ref": "main", "environment": "prod", "created_at": AT, "payload": payload}]
    if path.endswith("/statuses"):
        return [{"state": "success"}]
    return {"full_name": "acme/shop"}


def slack(path: str, _params: dict[str, str]) -> Any:
    body: dict[str, Any] = {"ok": True}
    ts = f"{NOW_S - 300:.6f}"
    if path.endswith("conversations.list"):
        body["channels"] = [{"id": "C1", "name": "incidents", "is_member": True}]
    elif path.endswith("users.list"):
        body["members"] = [{"id": "U1", "name": "ana"}]
    elif path.endswith("conversations.history"):
        parent = {"ts": ts, "user": "U1", "text": "look <@U1> &amp; go", "reply_count": 1, "thread_ts": ts}
        body["messages"] = [{**parent, "latest_reply": f"{NOW_S - 200:.6f}"}]
    elif path.endswith("conversations.replies"):
        body["messages"] = [{"ts": f"{NOW_S - 200:.6f}", "user": "U1", "text": "looking", "thread_ts": ts}]
    else:
        body["team"] = "acme"
    return body


def pagerduty(path: str, _params: dict[str, str]) -> Any:
    if path.endswith("/alerts"):
        return {"alerts": [{"body": {"details": {"labels": {"alertname": "Down", "service": "web"}}}}]}
    if path.endswith("/incidents"):
        one = {
            "id": "Q1",
            "title": "web is down",
            "created_at": AT,
            "status": "triggered",
            "service": {"summary": "web"},
        }
        return {"incidents": [one], "more": False}
    one = {"id": "C1", "summary": "flag on", "timestamp": AT, "custom_details": {"kind": "flag", "service": "web"}}
    return {"change_events": [one], "more": False}


MCP_TOOLS = (
    Tool("search_logs", "logs", {"from": "{start}", "to": "{end}", "limit": "{limit}"}, records="lines"),
    Tool("levels", "metrics", {"from": "{start_s}", "promql": "{query}"}, records="samples", metric="queue_depth"),
    Tool("changes", "changes", {"minutes": "{minutes}"}, records="changes"),
    Tool("chat", "messages", {"since": "{start}"}, records="messages"),
    Tool("events", "events", {"namespace": "{namespace}"}, records="events"),
    Tool("get", "objects", {"kind": "{kind}"}, records="items", kinds=("Pod",)),
)
MCP_RESULTS: dict[str, Any] = {
    "search_logs": {"lines": [{"time": AT, "service": "web", "message": "boom"}]},
    "levels": {"samples": [{"time": NOW_S - 300, "service": "web", "value": 7}]},
    "changes": {
        "changes": [{"time": AT, "kind": "deploy", "service": "web", "summary": "web 1.4.3", "version": "1.4.3"}]
    },
    "chat": {"messages": [{"time": AT, "author": "ana", "channel": "incidents", "text": "looking"}]},
    "events": {
        "events": [
            {"time": AT, "kind": "Pod", "name": "web-1", "reason": "BackOff", "message": "again", "type": "Warning"}
        ]
    },
    "get": {
        "items": [{"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}, "status": {"phase": "Running"}}]
    },
}


def mcp_server(results: dict[str, Any]) -> Handler:
    """A server with `results` as the structured contents that its tools give."""

    def answer(_path: str, message: dict[str, Any]) -> Any:
        method = message.get("method")
        if method == "initialize":
            about = {"name": "watch", "version": "2"}
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": about}
        elif method == "tools/list":
            result = {"tools": [{"name": name, "inputSchema": {}} for name in MCP_RESULTS]}
        elif method == "tools/call":
            result = {"content": [], "structuredContent": results[message["params"]["name"]]}
        else:
            return {}
        return {"jsonrpc": "2.0", "id": message.get("id"), "result": result}

    return answer


Ask = Callable[[Any, protocols.Limits], Awaitable[Any]]
QUERY, OTHER = protocols.MetricQuery("up"), protocols.MetricQuery("down")
LINES = protocols.LogQuery()
TRACES = protocols.TraceQuery("web", traces=5)


async def second_of(asked: Awaitable[Any]) -> Any:
    return (await asked)[1]


# name → (source over a client, healthy handler, question name → how it is asked)
CONNECTORS: dict[str, tuple[Callable[[_http.HttpClient], Any], Handler, dict[str, Ask]]] = {
    "prometheus": (
        lambda http: PrometheusSource("p", http),
        prometheus,
        {
            "catalogue": lambda s, n: s.catalogue(WINDOW, n),
            "query": lambda s, n: s.query(QUERY, WINDOW, STEP_S, n),
            "native": lambda s, n: s.native("up", WINDOW, STEP_S, n),
            "query_all": lambda s, n: second_of(s.query_all([OTHER, QUERY], WINDOW, STEP_S, n)),
        },
    ),
    "loki": (
        lambda http: LokiSource("l", http),
        loki,
        {
            "streams": lambda s, n: s.streams(WINDOW, n),
            "lines": lambda s, n: s.lines(LINES, WINDOW, n),
            "counts": lambda s, n: s.counts(LINES, WINDOW, STEP_S, ("app",), n),
        },
    ),
    "kubernetes": (
        lambda http: KubernetesSource("k", http),
        kubernetes,
        {
            "objects": lambda s, n: s.objects("Pod", limits=n),
            "events": lambda s, n: s.events(WINDOW, limits=n),
            "pod_logs": lambda s, n: s.pod_logs("web-1", "shop", limits=n),
        },
    ),
    "jaeger": (
        lambda http: JaegerSource("j", http),
        jaeger,
        {
            "services": lambda s, n: s.services(WINDOW, n),
            "search": lambda s, n: s.search(TRACES, WINDOW, n),
            "dependencies": lambda s, n: s.dependencies(WINDOW, n),
        },
    ),
    "jaeger_v3": (
        lambda http: JaegerSource("j", http, api="v3"),
        jaeger_v3,
        {
            "services": lambda s, n: s.services(WINDOW, n),
            "search": lambda s, n: s.search(TRACES, WINDOW, n),
        },
    ),
    "tempo": (
        lambda http: TempoSource("t", http),
        tempo,
        {
            "services": lambda s, n: s.services(WINDOW, n),
            "search": lambda s, n: s.search(TRACES, WINDOW, n),
        },
    ),
    "alertmanager": (
        lambda http: AlertmanagerSource("a", http),
        alertmanager,
        {"alerts": lambda s, n: s.alerts(WINDOW, n)},
    ),
    "github": (
        lambda http: GitHubSource("g", http),
        github,
        {"changes": lambda s, n: s.changes(WINDOW, n)},
    ),
    "slack": (
        lambda http: SlackSource("s", http),
        slack,
        {"messages": lambda s, n: s.messages(WINDOW, n)},
    ),
    "pagerduty": (
        lambda http: PagerDutySource("d", http),
        pagerduty,
        {"alerts": lambda s, n: s.alerts(WINDOW, n), "changes": lambda s, n: s.changes(WINDOW, n)},
    ),
    "mcp": (
        lambda http: McpSource(
            "m", HttpSession("m", frozenset(MCP_RESULTS), http, path="/mcp"), MCP_TOOLS, clock=http.clock
        ),
        mcp_server(MCP_RESULTS),
        {
            "streams": lambda s, n: s.streams(WINDOW, n),
            "lines": lambda s, n: s.lines(LINES, WINDOW, n),
            "counts": lambda s, n: s.counts(LINES, WINDOW, STEP_S, ("service",), n),
            "query": lambda s, n: s.query(protocols.MetricQuery("queue_depth"), WINDOW, STEP_S, n),
            "native": lambda s, n: s.native("depth", WINDOW, STEP_S, n),
            "changes": lambda s, n: s.changes(WINDOW, n),
            "messages": lambda s, n: s.messages(WINDOW, n),
            "events": lambda s, n: s.events(WINDOW, limits=n),
            "objects": lambda s, n: s.objects("Pod", limits=n),
        },
    ),
}  # fmt: skip
CONNECTORS = {
    name: (build, handler, {"ping": lambda s, n: s.ping(n), **asks})
    for name, (build, handler, asks) in CONNECTORS.items()
}
QUESTIONS = [(name, question) for name, (_, _, asks) in CONNECTORS.items() for question in asks]
EMPTY: dict[str, Handler] = {
    "prometheus": lambda path, _p: {
        "status": "success",
        "data": [] if "range" not in path else {"resultType": "matrix", "result": []},
    },
    "loki": lambda path, p: {
        "status": "success",
        "data": {"resultType": "matrix" if "sum" in p.get("query", "") else "streams", "result": []}
        if "query_range" in path
        else None,
    },
    "kubernetes": lambda path, _p: b"" if path.endswith("/log") else {"items": None, "metadata": {}},
    "jaeger": lambda _path, _p: {"data": None},
    "jaeger_v3": lambda _path, _p: {},
    "tempo": lambda _path, _p: {"traces": [], "tagValues": []},
    "alertmanager": lambda _path, _p: [],
    "github": lambda _path, _p: [],
    "slack": lambda _path, _p: {"ok": True, "channels": [], "members": [], "messages": []},
    "pagerduty": lambda _path, _p: {"incidents": [], "change_events": [], "more": False},
    "mcp": mcp_server({name: {key: [] for key in held} for name, held in MCP_RESULTS.items()}),
}
