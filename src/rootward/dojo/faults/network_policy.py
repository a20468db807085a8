"""A new NetworkPolicy forgets one caller: its packets to one callee are dropped, and connections hang until they time out."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import log_formats, objects, texts


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, knobs = draft.layout, draft.knobs
    callee, caller = int(layout.target[target]), int(layout.source[target])
    # Connections that were open before the policy stay open until they are recycled.
    closed = draft.acting(dice, ramp_s=dice["minutes_to_recycle"] * 60.0) * dice["new_connections"]
    knobs.refused[:, target] = 1 - (1 - knobs.refused[:, target]) * (1 - closed)
    knobs.hang_s[target] = dice["connect_timeout_s"]
    draft.refusals[target] = log_formats.UNREACHABLE
    name, namespace = layout.components[callee].name, layout.namespace(callee)
    allowed = sorted(
        {layout.components[layout.source[e]].name for e in layout.calls_to(callee)} - {_name(draft, caller)}
    )
    note = draft.note(
        callee,
        "config",
        f"Restrict ingress of {name} to its known callers",
        dice.rng,
        path=f"deploy/{name}/networkpolicy.yaml",
        patch=texts.hunk([], [f"+        - podSelector: {{matchLabels: {{app: {one}}}}}" for one in allowed], line=9),
        details={"networkpolicy": f"{namespace}/{name}-ingress"},
    )
    draft.objects.append(dr.ObjectChange(draft.onset, _policy(draft, callee, allowed)))
    aliases = (("service", name), ("workload", name), ("service", _name(draft, caller)))
    cause = oracle.Cause(
        "edge", f"{_name(draft, caller)}→{name}", "network_policy", kit.onset_s(draft), note.sha, aliases
    )
    return dr.Planted((cause,), callee)


def _name(draft: dr.Draft, component: int) -> str:
    return draft.layout.components[component].name


def _policy(draft: dr.Draft, callee: int, allowed: list[str]) -> objects.Body:
    name, namespace = _name(draft, callee), draft.layout.namespace(callee)
    callers = [{"podSelector": {"matchLabels": {"app": one}}} for one in allowed]
    spec = {
        "podSelector": {"matchLabels": {"app": name}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": callers, "ports": [{"port": 8080, "protocol": "TCP"}]}],
    }
    made_s = float(draft.times_s[draft.onset])
    return objects.body("networking.k8s.io/v1", "NetworkPolicy", namespace, f"{name}-ingress", made_s, spec=spec)


FAMILY = kit.Family(
    name="network_policy",
    summary="A network policy drops the packets of one caller to one callee.",
    parameters=(
        dr.Parameter("minutes_to_recycle", 0.5, 4.0, "min", -1),
        dr.Parameter("new_connections", 0.7, 1.0, "of attempts", +1),
        dr.Parameter("connect_timeout_s", 0.8, 3.0, "s"),
    ),
    targets=kit.calls_between_services,
    plant=plant,
    group="network",
    rows=(21,),
    of_calls=True,
)
