"""A Service that leads nowhere while its pods are ready: a selector that nobody matches or everybody does, a wrong target port, no Service."""

from rootward.dojo.faults import kit, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import objects

NO_SUCH_HOST = {
    "go": "dial tcp: lookup {host} on 172.20.0.10:53: no such host",
    "java": "java.net.UnknownHostException: {host}",
    "python": "socket.gaierror: [Errno -2] Name or service not known ({host})",
    "node": "getaddrinfo ENOTFOUND {host}",
    "nginx": "{host} could not be resolved (3: Host not found)",
}
NOT_FOUND = {
    "go": "{host} answered 404 Not Found",
    "java": "org.springframework.web.client.HttpClientErrorException$NotFound: 404 from {host}",
    "python": "httpx.HTTPStatusError: Client error '404 Not Found' for {host}",
    "node": "upstream {host} responded with status 404",
    "nginx": 'upstream sent status 404 while reading response header from upstream, upstream: "http://{ip}:{port}/"',
}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.neighbour(draft, target, dice)
    component = draft.layout.components[target]
    until = workload_kit.ends(draft)
    kind = ("service_selector", "service_selector", "service_port", "service_dns")[int(dice.rng.integers(0, 4))]
    lost, removed, added = 1.0, [f"-    app: {component.name}"], [f"+    app.kubernetes.io/instance: {component.name}"]
    made = dr.Routing(target, draft.onset, until, selector={"app.kubernetes.io/instance": component.name})
    mates = _mates(draft, target)
    if kind == "service_selector" and len(mates) > 1 and dice.rng.uniform() < 0.4:
        made = dr.Routing(target, draft.onset, until, selector={"team": component.team})
        pods = draft.layout.replicas[mates].sum()
        lost, added = 1.0 - float(draft.layout.replicas[target] / pods), [f"+    team: {component.team}"]
    elif kind == "service_port":
        made = dr.Routing(target, draft.onset, until, target_port=8081)
        removed, added = ["-      targetPort: 8080"], ["+      targetPort: 8081"]
    elif kind == "service_dns":
        made = dr.Routing(target, draft.onset, until, missing=True)
        removed, added = ["-service:", "-  enabled: true"], ["+service:", "+  enabled: false"]
    draft.routings.append(made)
    note = workload_kit.manifest(
        draft, target, f"Harmonise the service manifest of {component.name}", dice, (removed, added),
        path=f"deploy/{component.name}/templates/service.yaml", details={"key": "service"},
    )  # fmt: skip
    acting = draft.acting(dice)
    for call in draft.layout.calls_to(target):
        draft.knobs.refused[:, call] = 1.0 - (1.0 - draft.knobs.refused[:, call]) * (1.0 - lost * acting)
        if made.missing:
            draft.refusals[call] = NO_SUCH_HOST
        elif lost < 1.0:
            draft.refusals[call] = NOT_FOUND
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, kind, note.sha))


def _mates(draft: dr.Draft, target: int) -> list[int]:
    """Components whose pods carry the same team's label in the same namespace, the target among them."""
    layout = draft.layout
    team = objects.labels(layout.components[target])["team"]
    return [
        i
        for i, one in enumerate(layout.components)
        if one.team == team and not one.host and layout.namespace(i) == layout.namespace(target)
    ]


FAMILY = kit.Family(
    name="service_routing",
    summary="A Service leads nowhere while its pods are ready: a wrong selector, a wrong target port, or it was removed.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(26,),
    kinds=("service_selector", "service_port", "service_dns"),
)
