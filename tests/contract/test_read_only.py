"""Production is only read: every request of every connector is on its list, and a hostile name cannot make it another."""

import asyncio
from typing import Any

import backends
import pytest

from rootward import _clock, _tasks
from rootward.apps import wiring
from rootward.connectors import _reads
from rootward.dojo import world
from rootward.dojo.wire import faces
from rootward.investigator import investigate
from rootward.signals import protocols
from rootward.signals.answers import Outcome

LIMITS = protocols.Limits(seconds=5.0)
HOSTILE = ["..", ".", "a/../../secrets", "x?watch=1", "x#y", "", "a\\b", "../../api/v1/namespaces/x/pods"]
QUERY_APIS = {"/api/v1/query_range", "/loki/api/v1/query_range"}  # a POST there is a long question


VENDORS = [name for name in backends.CONNECTORS if name != "mcp"]  # whose list is of tools: see test_mcp_source.py


def sources_of() -> dict[str, _reads.Reads]:
    return {name: backends.CONNECTORS[name][0](backends.client(backends.CONNECTORS[name][1])).READS for name in VENDORS}


@pytest.mark.parametrize("name", VENDORS)
def test_lists_hold_reads_only(name: str) -> None:
    for request in sources_of()[name].requests:
        method, path = request.split()
        assert method == "GET" or (method == "POST" and path in QUERY_APIS), request


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("kubernetes", "DELETE", "/api/v1/namespaces/shop/pods"),
        ("kubernetes", "POST", "/api/v1/namespaces/shop/pods"),
        ("kubernetes", "GET", "/api/v1/namespaces/shop/pods/cart/exec"),
        ("prometheus", "POST", "/api/v1/admin/tsdb/delete_series"),
        ("prometheus", "POST", "/-/reload"),
        ("alertmanager", "POST", "/api/v2/silences"),
        ("slack", "GET", "/api/chat.postMessage"),
        ("slack", "GET", "/api/chat.postMessage/../conversations.history"),
        ("github", "POST", "/repos/shop/cart/deployments"),
        ("pagerduty", "PUT", "/incidents"),
        ("loki", "POST", "/loki/api/v1/push"),
    ],
)
def test_what_is_not_on_the_list_is_not_sent(name: str, method: str, path: str) -> None:
    build, handler, _ = backends.CONNECTORS[name]
    backend = backends.Backend(handler)
    source = build(backends.client(backend))

    async def run() -> str:
        async def work(budget: Any) -> Any:
            return await source._http.request(method, path, budget=budget)

        answer = await source._ask(work, query="q", limits=LIMITS)
        assert answer.outcome is Outcome.BAD_QUERY
        return str(answer.error)

    assert "not sent" in asyncio.run(run())
    assert backend.asked == []


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("place", ["pod", "namespace"])
def test_a_pod_s_name_cannot_lead_elsewhere(hostile: str, place: str) -> None:
    backend = backends.Backend(backends.CONNECTORS["kubernetes"][1])
    source = backends.CONNECTORS["kubernetes"][0](backends.client(backend))
    names = {"pod": "web-1", "namespace": "shop", place: hostile}
    answer = asyncio.run(source.pod_logs(names["pod"], names["namespace"], limits=LIMITS))
    assert answer.outcome is Outcome.BAD_QUERY, answer
    assert backend.asked == []


def test_a_whole_investigation_makes_no_request_that_is_not_on_the_lists() -> None:
    scenario, _ = world.build("web-shop", "bad_deploy", 3, hours=2, step_s=30)
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    made: list[tuple[str, str, str]] = []

    def watched(vendor: str, app: Any) -> Any:
        async def asgi(scope: Any, receive: Any, send: Any) -> None:
            made.append((vendor, scope["method"], scope["path"]))
            await app(scope, receive, send)

        return asgi

    apps = {name: watched(name, app) for name, app in faces.faces(scenario.telemetry, clock).items()}
    sources = wiring.sources_from_faces(apps, clock)
    _tasks.run(investigate.investigate(wiring.read_alert(scenario.alert), sources, clock=clock))
    lists = sources_of()
    assert {vendor for vendor, _, _ in made} >= {"prometheus", "loki", "kubernetes", "jaeger", "github", "slack"}
    for vendor, method, path in made:
        assert lists[vendor].allow(method, path), (vendor, method, path)
