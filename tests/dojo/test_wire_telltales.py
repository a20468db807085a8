"""A whole world read through every face but those of search: no word in any answer, header or refusal tells that it is made."""

import re

import pytest
from starlette import testclient

from rootward import _clock
from rootward.dojo import world
from rootward.dojo.wire import clients, faces

WORDS = re.compile(
    r"simulat|\bdojo\b|\bseed\b|example\.(?:com|org)|\bfake|\bmock|\bsynthetic|\bscenario|rootward|\bcapsule|\bdummy|\bfoo\b"
    r"|\bground.truth|\boracle\b|\bsealed\b|\binjected|\bchaos|uvicorn|starlette|python",
    re.IGNORECASE,
)
IDENTIFIERS = re.compile(r"[A-Za-z0-9_-]{20,}")
HEADERS = {"Authorization": "Bearer t", "PRIVATE-TOKEN": "t", "From": "a@b.c"}
NAMED = re.compile(
    r"telemetry\.sdk\.language[^}]*python|python[\d./-]|/python|traceback", re.IGNORECASE
)  # a service in Python says so


@pytest.fixture(scope="module")
def client():
    telemetry = world.build("web-shop", "slow_query", 7)[0].telemetry
    return testclient.TestClient(faces.serve_app(telemetry, _clock.VirtualClock(telemetry.now_s)), headers=HEADERS)


def told(text):
    text = NAMED.sub("", IDENTIFIERS.sub("", text))
    return [text[max(found.start() - 60, 0) : found.end() + 40] for found in WORDS.finditer(text)]


def each(prefix, *paths):
    return [f"{prefix}{path}" for path in paths]


PAGES = [
    *each(
        "/prometheus/api/v1", "/labels", "/metadata", "/rules", "/alerts", "/targets", "/status/config", "/status/flags"
    ),
    *each(
        "/prometheus/api/v1", "/status/runtimeinfo", "/status/buildinfo", "/series?match[]=up", "/query?query=((", "/no"
    ),
    *each("/loki/loki/api/v1", "/labels", "/series?match[]={app=~%22.%2B%22}", "/patterns?query={app=~%22.%2B%22}"),
    *each(
        "/loki/loki/api/v1", "/query_range?query={app=~%22.%2B%22}&limit=5000&since=6h", "/query_range?query={", "/no"
    ),
    *each("/loki/loki/api/v1", "/detected_labels", "/detected_fields?query={app=~%22.%2B%22}", "/status/buildinfo"),
    *each("/kubernetes", "/api", "/apis", "/version", "/openapi/v3", "/openapi/v3/apis/apps/v1", "/api/v1/none", "/no"),
    *each("/kubernetes/api/v1", "/pods", "/events", "/nodes", "/services", "/configmaps", "/secrets", "/endpoints"),
    *each("/kubernetes/apis", "/apps/v1/deployments", "/apps/v1/replicasets", "/metrics.k8s.io/v1beta1/pods"),
    *each("/jaeger/api", "/services", "/traces?service=gateway&limit=200", "/operations?service=gateway", "/traces/zz"),
    *each("/tempo/api", "/search?limit=200", "/search/tags", "/v2/search/tags", "/status/buildinfo", "/search?q=(("),
    *each("/alertmanager/api/v2", "/alerts", "/alerts/groups", "/status", "/receivers", "/silences", "/no"),
    *each(
        "/slack/api",
        "/auth.test",
        "/team.info",
        "/conversations.list",
        "/users.list",
        "/search.messages?query=a",
        "/no",
    ),
    *each(
        "/pagerduty", "/incidents?date_range=all", "/services", "/users", "/oncalls", "/teams", "/log_entries", "/no"
    ),
    *each("/pagerduty", "/change_events?date_range=all&limit=100", "/escalation_policies", "/abilities"),
    *each("/github", "/user", "/user/repos", "/rate_limit", "/search/commits?q=org:x", "/search/code?q=a", "/no"),
    *each("/gitlab/api/v4", "/version", "/user", "/users", "/projects", "/merge_requests?per_page=100", "/no"),
    *each(
        "/grafana/api", "/health", "/frontend/settings", "/datasources", "/search", "/annotations?limit=1000", "/user"
    ),
    *each("/grafana/api", "/folders", "/org", "/no", "/prometheus/grafana/api/v1/rules", "/dashboards/uid/no"),
    *each("", "/", "/no"),
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_or_header_gives_it_away(client, path):
    reply = client.get(path)
    assert told(reply.text) == []
    assert told(" ".join(f"{name}: {value}" for name, value in reply.headers.items())) == []


def test_no_repository_channel_or_dashboard_gives_it_away(client):
    paths = []
    for repository in client.get("/github/user/repos?per_page=100").json():
        base = f"/github/repos/{repository['full_name']}"
        paths += each(
            base, "", "/commits?per_page=100", "/pulls?state=all", "/deployments", "/actions/runs", "/contents"
        )
    for project in client.get("/gitlab/api/v4/projects?per_page=100").json():
        base = f"/gitlab/api/v4/projects/{project['id']}"
        paths += each(
            base, "", "/pipelines", "/deployments", "/releases", "/feature_flags", "/repository/tree?recursive=true"
        )
    for channel in client.get("/slack/api/conversations.list").json()["channels"]:
        paths.append(f"/slack/api/conversations.history?channel={channel['id']}&limit=1000")
    for hit in client.get("/grafana/api/search").json():
        paths.append(f"/grafana/api/dashboards/uid/{hit['uid']}")
    assert len(paths) > 50
    assert {path: found for path in paths if (found := told(client.get(path).text))} == {}


def test_what_is_written_for_other_programs_gives_nothing_away():
    files = clients.files("http://127.0.0.1:9", ["prometheus", "loki", "kubernetes", "grafana", "slack"], mcp=True)
    for name, text in files.items():
        assert told(text) == [] or name == "rootward.yaml", name


def test_the_mcp_server_gives_nothing_away():
    mcp = pytest.importorskip("mcp", reason="not installed (pip install 'rootward[mcp]'): the MCP server was not tried")
    import anyio

    from rootward.dojo.wire import mcp_server

    telemetry = world.build("payments", "slow_query", 3)[0].telemetry
    clock = _clock.VirtualClock(telemetry.now_s)

    async def main():
        vendors = faces.with_gateways(telemetry, clock, faces.faces(telemetry, clock))
        async with mcp.Client(mcp_server.server(vendors, clock)) as client:
            return "\n".join(
                f"{tool.name} {tool.description} {tool.input_schema}" for tool in (await client.list_tools()).tools
            )

    assert told(anyio.run(main)) == []
