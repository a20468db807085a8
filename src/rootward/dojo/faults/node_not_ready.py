"""A node falls silent: the machine is dead, or only its kubelet is; its pods count as not ready and are made again elsewhere, but for stateful ones."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import pods
from rootward.dojo.world import troubles as tr

TAINTS = (
    ("node.kubernetes.io/unreachable", "", "NoSchedule"),
    ("node.kubernetes.io/unreachable", "", "NoExecute"),
)
SILENT = ("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")


def targets(layout: lay.Layout) -> list[int]:
    """Busy services, and the databases whose absence is felt."""
    felt = lay.feels(layout)
    return workload_kit.deployments(layout) + [i for i in layout.of_kind(bp.Kind.DATABASE) if felt[i] >= 0.3]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.neighbour(draft, target, dice)
    there = [pod.node for pod in pods.placed(draft) if pod.component == target and pod.start <= draft.onset < pod.end]
    node = max(sorted(set(there)), key=there.count)
    name, until, runs = pods.node_names(draft)[node], workload_kit.ends(draft), bool(dice.rng.uniform() < 0.4)
    noticed = min(draft.onset + draft.steps_in(tr.GRACE_S), until)
    gone = noticed + draft.steps_in(tr.TOLERATION_S)
    draft.marks.append(dr.NodeMark(node, noticed, until, SILENT, TAINTS))
    if not runs:
        draft.marks.append(dr.NodeMark(node, draft.onset, until, silent=True))
    state = pod_states.lost(runs=runs)
    draft.troubles.append(tr.Trouble(-1, draft.onset, until, state, fresh=False, nodes=(node,)))
    draft.troubles.append(
        tr.Trouble(-1, gone, until, tr.HEALTHY, fresh=False, nodes=(node,), taken=tr.LOST_POD, each_s=1.0)
    )
    said = f"Node {name} status is now: NodeNotReady"
    draft.happenings.append(
        dr.Happening(noticed, ("", "Node", name), "NodeNotReady", said, source="node-controller", warning=False)
    )
    cause = oracle.Cause("node", name, "kubelet_unavailable", kit.onset_s(draft))
    note = "the machine runs on, only its kubelet does not" if runs else "the machine is gone"
    return workload_kit.planted(draft, target, cause, note=note)


FAMILY = kit.Family(
    name="node_not_ready",
    summary="A node is not heard of any more, with all its pods: the machine or its kubelet died.",
    parameters=(),
    targets=targets,
    plant=plant,
    group="cluster",
    rows=(40,),
    kinds=("kubelet_unavailable",),
)
