"""Pods that no node takes: a label that no node has, a taint on all of them, rules that exclude each other, a request too large, cordons."""

from collections.abc import Callable
from typing import Any

from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods

Asks = tuple[str, str, Callable[[dict[str, Any]], None], tuple[list[str], list[str]]]
"""Kind, what keeps a node away, how the template changes, lines of the diff."""
SELECTOR = {"node.kubernetes.io/instance-type": "c7g.2xlarge"}


def _template(kind: str, draft: dr.Draft, target: int) -> Asks:
    component = draft.layout.components[target]

    def change(spec: dict[str, Any]) -> None:
        if kind == "node_selector":
            spec["nodeSelector"] = dict(SELECTOR)
        elif kind == "pod_anti_affinity":
            apart = {
                "labelSelector": {"matchLabels": {"team": component.team}},
                "topologyKey": "topology.kubernetes.io/region",
            }
            spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [apart]}}
        else:
            resources = spec["containers"][0]["resources"]
            resources["requests"] = {**resources["requests"], "cpu": "16"}
            resources["limits"] = {**resources["limits"], "cpu": "16"}

    return {
        "node_selector": (
            kind, "{n} node(s) didn't match Pod's node affinity/selector", change,
            ([], ["+nodeSelector:", "+  node.kubernetes.io/instance-type: c7g.2xlarge"]),
        ),
        "pod_anti_affinity": (
            kind, "{n} node(s) didn't match pod anti-affinity rules", change,
            (["-    topologyKey: kubernetes.io/hostname"], ["+    topologyKey: topology.kubernetes.io/region"]),
        ),
        "capacity_cpu": (kind, "{n} Insufficient cpu", change, (["-    cpu: 1600m"], ["+    cpu: 16"])),
    }[kind]  # fmt: skip


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    kinds = FAMILY.kinds
    kind = kinds[int(dice.rng.integers(0, len(kinds)))]
    nodes = len(pods.node_names(draft))
    if kind in ("taint_toleration", "node_cordon"):
        return _machines(draft, target, kind, nodes, dice)
    _, why, change, lines = _template(kind, draft, target)
    component = draft.layout.components[target]
    note = workload_kit.manifest(
        draft, target, f"Place {component.name} deliberately", dice, lines,
        path=f"deploy/{component.name}/templates/deployment.yaml", details={"key": kind.split("_", maxsplit=1)[0]},
    )  # fmt: skip
    workload_kit.edit(draft, target, change)
    victims = (
        "No preemption victims found for incoming pod"
        if kind == "capacity_cpu"
        else "Preemption is not helpful for scheduling"
    )
    state = pod_states.unplaceable(_message(why, nodes, victims))
    workload_kit.stuck(draft, target, state, dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, kind, note.sha))


def _message(why: str, nodes: int, victims: str) -> str:
    text = f"0/{nodes} nodes are available: {why.format(n=nodes)}. preemption: 0/{nodes} nodes are available: {nodes} {victims}."
    return text.replace("{", "{{").replace("}", "}}")


def _machines(draft: dr.Draft, target: int, kind: str, nodes: int, dice: dr.Dice) -> dr.Planted:
    """All nodes are tainted for somebody else, or left cordoned by an upgrade that stopped half-way."""
    until = workload_kit.ends(draft)
    tainted = kind == "taint_toleration"
    for n in range(nodes):
        taints = (("dedicated", "batch", "NoSchedule"),) if tainted else ()
        draft.marks.append(dr.NodeMark(n, draft.onset, until, taints=taints, cordoned=not tainted))
    summary = "Dedicate the node group to batch work" if tainted else "Begin upgrade of the node group to 1.31.4"
    added = (
        ['+  taint { key = "dedicated", value = "batch", effect = "NO_SCHEDULE" }']
        if tainted
        else ['+  release_version = "1.31.4"']
    )
    note = draft.note(
        -1, "infrastructure", summary, dice.rng, path="infra/node_groups.tf",
        patch=f"@@ -31,2 +31,3 @@\n \n{added[0]}\n ", details={"plan": "0 to add, 1 to change, 0 to destroy"},
    )  # fmt: skip
    why = "{n} node(s) had untolerated taint {{dedicated: batch}}" if tainted else "{n} node(s) were unschedulable"
    state = pod_states.unplaceable(_message(why, nodes, "Preemption is not helpful for scheduling"))
    workload_kit.blocked(draft, target, state, dice, component=-1)
    names = tuple(("node", name) for name in pods.node_names(draft))
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, kind, note.sha, also=names))


FAMILY = kit.Family(
    name="unschedulable",
    summary="New pods of a service fit on no node: its selector, its rules or its request, or the nodes' taints or cordons.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(35,),
    kinds=("node_selector", "pod_anti_affinity", "capacity_cpu", "taint_toleration", "node_cordon"),
)
