"""Services and their Endpoints over time: what a Service selects, which of it is ready, where its port leads."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects
from rootward.dojo.world import troubles as tr

OLD_S = 86_400.0 * 40
MOMENTS = 120
"""The most versions of one Endpoints object that are kept, the latest."""


def versions(frame: fr.Frame, i: int) -> list[tm.ObjectVersion]:
    """The Service whenever it was changed, and its Endpoints whenever the set of ready pods was."""
    start_s = float(frame.times_s[0]) - 1.0
    routes = [one for one in frame.draft.routings if one.component == i]
    edges = sorted({0, *(at for one in routes for at in (one.at, one.until) if 0 < at < frame.steps)})
    found: list[tm.ObjectVersion] = []
    for step in edges:
        route = _route(routes, step)
        body = _service(frame, i, route)
        found.append(_from(frame, step, start_s, body, deleted=route is not None and route.missing))
    for step in _moments(frame, i, edges):
        route = _route(routes, step)
        body = _endpoints(frame, i, step, route)
        found.append(_from(frame, step, start_s, body, deleted=route is not None and route.missing))
    return found


def _from(frame: fr.Frame, step: int, start_s: float, body: objects.Body, *, deleted: bool) -> tm.ObjectVersion:
    return tm.ObjectVersion(start_s if step == 0 else float(frame.times_s[step]), body, deleted)


def _route(routes: list[dr.Routing], step: int) -> dr.Routing | None:
    return next((one for one in routes if one.at <= step < one.until), None)


def _moments(frame: fr.Frame, i: int, edges: list[int]) -> list[int]:
    pods = frame.fleet.of(i)
    ready = frame.fleet.ready[pods].astype(np.int8) + frame.fleet.exists[pods].astype(np.int8)
    changed = {int(step) + 1 for step in np.flatnonzero((np.diff(ready, axis=1) != 0).any(axis=0))}
    return [0, *sorted((changed | set(edges)) - {0})[-MOMENTS:]]


def _service(frame: fr.Frame, i: int, route: dr.Routing | None) -> objects.Body:
    component, port = frame.layout.components[i], objects.port_of(frame.layout.components[i])
    target = route.target_port if route is not None and route.target_port else port
    selector = dict(route.selector) if route is not None and route.selector else {"app": component.name}
    return objects.body(
        "v1",
        "Service",
        frame.layout.namespace(i),
        component.name,
        float(frame.times_s[0]) - 1.0 - OLD_S,
        metadata={"labels": objects.labels(component)},
        spec={
            "type": "ClusterIP",
            "clusterIP": f"172.20.{i // 200}.{10 + i % 200}",
            "selector": selector,
            "internalTrafficPolicy": "Local" if route is not None and route.local else "Cluster",
            "ports": [{"name": "main", "port": port, "targetPort": target, "protocol": "TCP"}],
        },
    )


def _selected(frame: fr.Frame, i: int, route: dr.Routing | None) -> list[int]:
    """Pods that the Service's selector matches: its own, unless it was changed."""
    if route is None or not route.selector:
        return frame.fleet.of(i)
    alike = [
        j
        for j, component in enumerate(frame.layout.components)
        if frame.layout.namespace(j) == frame.layout.namespace(i)
        and all(objects.labels(component).get(key) == value for key, value in route.selector.items())
    ]
    return [p for j in alike for p in frame.fleet.of(j)]


def _endpoints(frame: fr.Frame, i: int, step: int, route: dr.Routing | None) -> objects.Body:
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    port = route.target_port if route is not None and route.target_port else objects.port_of(component)
    subset: objects.Body = {}
    for p in _selected(frame, i, route):
        pod = frame.fleet.pods[p]
        if not frame.fleet.exists[p, step] or _without_address(frame, p, step):
            continue
        key = "addresses" if frame.fleet.ready[p, step] else "notReadyAddresses"
        subset.setdefault(key, []).append(
            {
                "ip": pod.address,
                "nodeName": frame.fleet.nodes[pod.node],
                "targetRef": {"kind": "Pod", "name": pod.name, "namespace": namespace},
            }
        )
    body = objects.body(
        "v1",
        "Endpoints",
        namespace,
        component.name,
        float(frame.times_s[0]) - 1.0 - OLD_S,
        metadata={"labels": objects.labels(component)},
    )
    if subset:
        body["subsets"] = [{**subset, "ports": [{"name": "main", "port": port, "protocol": "TCP"}]}]
    return body


def _without_address(frame: fr.Frame, p: int, step: int) -> bool:
    spell = frame.fleet.pods[p].spell(step)
    if spell is None:
        return False
    return spell.state.kind == tr.UNSCHEDULED or spell.state.reason == "ContainerCreating"
