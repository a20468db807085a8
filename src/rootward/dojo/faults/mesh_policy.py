"""Calls that are refused for who makes them or from where: an authorisation policy, strict mutual TLS, traffic kept to the caller's own node."""

import dataclasses
from typing import Any

from rootward.dojo.faults import kit, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import objects, pods

DENIED = {
    "go": "{host} answered 403 Forbidden: RBAC: access denied",
    "java": "org.springframework.web.client.HttpClientErrorException$Forbidden: 403 from {host}: RBAC: access denied",
    "python": "httpx.HTTPStatusError: Client error '403 Forbidden' for {host}: RBAC: access denied",
    "node": "upstream {host} responded with status 403: RBAC: access denied",
    "nginx": 'upstream sent status 403 (RBAC: access denied) while reading response header from upstream, upstream: "http://{ip}:{port}/"',
}
RESET = {
    "go": "read tcp {ip}:{port}: read: connection reset by peer ({host})",
    "java": "java.net.SocketException: Connection reset calling {host}",
    "python": "httpx.ReadError: [Errno 104] Connection reset by peer ({host})",
    "node": "read ECONNRESET {host}:{port}",
    "nginx": 'recv() failed (104: Connection reset by peer) while reading response header from upstream, upstream: "http://{ip}:{port}/"',
}
NOWHERE = {
    "go": "dial tcp {ip}:{port}: i/o timeout",
    "java": "java.net.SocketTimeoutException: Connect timed out: {host}/{ip}:{port}",
    "python": "httpx.ConnectTimeout: connection to {host} ({ip}:{port}) timed out",
    "node": "connect ETIMEDOUT {ip}:{port}",
    "nginx": 'upstream timed out (110: Operation timed out) while connecting to upstream, upstream: "http://{ip}:{port}/"',
}
SECURITY = "security.istio.io/v1"


def targets(layout: lay.Layout) -> list[int]:
    """Calls of busy services, of those through a mesh where there is one."""
    busy = workload_kit.deployments(layout)
    return [e for i in busy for e in layout.calls_to(i) if layout.required[e] >= 0.5 and layout.waits[e] > 0]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    callee = int(layout.target[target])
    workload_kit.neighbour(draft, callee, dice)
    kinds = (
        ("mesh_policy_denied", "mtls_strict", "traffic_policy_local") if layout.plan.mesh else ("traffic_policy_local",)
    )
    kind = kinds[int(dice.rng.integers(0, len(kinds)))]
    make = {"mesh_policy_denied": _denied, "mtls_strict": _strict, "traffic_policy_local": _local}[kind]
    change = make(draft, target, dice)
    acting = draft.acting(dice)
    for call, share in change.shares.items():
        draft.knobs.refused[:, call] = 1.0 - (1.0 - draft.knobs.refused[:, call]) * (1.0 - share * acting)
        draft.refusals[call] = change.texts
    found = workload_kit.cause(draft, callee, kind, change.note.sha)
    return workload_kit.planted(draft, callee, found)


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Which calls fail, how many of them, and what their callers say."""

    note: dr.Notice
    shares: dict[int, float]
    texts: dict[str, str]


def _policy(draft: dr.Draft, kind: str, callee: int, spec: dict[str, Any]) -> None:
    component, namespace = draft.layout.components[callee], draft.layout.namespace(callee)
    until = workload_kit.ends(draft)
    body = objects.body(SECURITY, kind, namespace, component.name, float(draft.times_s[draft.onset]), spec=spec)
    draft.objects.append(dr.ObjectChange(draft.onset, body))
    if until < draft.steps:
        draft.objects.append(dr.ObjectChange(until, body, deleted=True))


def _denied(draft: dr.Draft, target: int, dice: dr.Dice) -> Change:
    """The list of who may call forgets one caller."""
    layout = draft.layout
    callee, caller = int(layout.target[target]), layout.components[layout.source[target]].name
    name, namespace = layout.components[callee].name, layout.namespace(callee)
    others = sorted({layout.components[layout.source[e]].name for e in layout.calls_to(callee)} - {caller}) or ["admin"]
    principals = [f"cluster.local/ns/{namespace}/sa/{other}" for other in others]
    spec = {
        "selector": {"matchLabels": {"app": name}},
        "action": "ALLOW",
        "rules": [{"from": [{"source": {"principals": principals}}]}],
    }
    _policy(draft, "AuthorizationPolicy", callee, spec)
    note = workload_kit.manifest(
        draft, callee, f"Allow only known callers of {name}", dice,
        ([], ["+  rules:", *(f"+    - {one}" for one in principals)]),
        path=f"deploy/{name}/templates/authorization.yaml", details={"key": "AuthorizationPolicy"},
    )  # fmt: skip
    calls = [e for e in layout.calls_to(callee) if layout.components[layout.source[e]].name == caller]
    return Change(note, dict.fromkeys(calls, 1.0), DENIED)


def _strict(draft: dr.Draft, target: int, dice: dr.Dice) -> Change:
    """Mutual TLS becomes a must; one caller's pods have no sidecar."""
    layout = draft.layout
    callee = int(layout.target[target])
    name = layout.components[callee].name
    _policy(
        draft, "PeerAuthentication", callee, {"selector": {"matchLabels": {"app": name}}, "mtls": {"mode": "STRICT"}}
    )
    note = workload_kit.manifest(
        draft, callee, f"Require mutual TLS for {name}", dice, (["-  mode: PERMISSIVE"], ["+  mode: STRICT"]),
        path=f"deploy/{name}/templates/peer-authentication.yaml", details={"key": "PeerAuthentication"},
    )  # fmt: skip
    return Change(note, {target: 1.0}, RESET)


def _local(draft: dr.Draft, target: int, dice: dr.Dice) -> Change:
    """Requests stay on the caller's node, where there may be no pod to answer them."""
    layout = draft.layout
    callee = int(layout.target[target])
    name = layout.components[callee].name
    draft.routings.append(dr.Routing(callee, draft.onset, workload_kit.ends(draft), local=True))
    note = workload_kit.manifest(
        draft, callee, f"Keep traffic of {name} on the node to save transfer costs", dice,
        ([], ["+  internalTrafficPolicy: Local"]),
        path=f"deploy/{name}/templates/service.yaml", details={"key": "internalTrafficPolicy"},
    )  # fmt: skip
    there: dict[int, list[int]] = {}
    for pod in pods.placed(draft):
        if pod.start <= draft.onset < pod.end:
            there.setdefault(pod.component, []).append(pod.node)
    own = set(there.get(callee, []))
    shares = {}
    for call in layout.calls_to(callee):
        callers = there.get(int(layout.source[call]), [])
        shares[call] = sum(node not in own for node in callers) / max(len(callers), 1)
    return Change(note, shares, NOWHERE)


FAMILY = kit.Family(
    name="mesh_policy",
    summary="A service refuses calls for who makes them or from where: an authorisation policy, strict mutual TLS, traffic kept to the caller's node.",
    parameters=(),
    targets=targets,
    plant=plant,
    group="cluster",
    rows=(28,),
    kinds=("mesh_policy_denied", "mtls_strict", "traffic_policy_local"),
    of_calls=True,
)
