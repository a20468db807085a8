"""Nodes call themselves short of disk and evict pods: their disks fill up, or a threshold was set that healthy disks cannot meet."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods
from rootward.dojo.world import troubles as tr

PRESSURE = ("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
TAINT = ("node.kubernetes.io/disk-pressure", "", "NoSchedule")
GIB = 1024.0**3
DISK_GIB = 100


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    names, until = pods.node_names(draft), workload_kit.ends(draft)
    real = bool(dice.rng.uniform() < 0.45)
    first_s = 240.0 if real else 20.0
    free_share = 0.085 if real else 0.55
    threshold = round(DISK_GIB * (0.1 if real else 0.6))
    note = _change(draft, dice, real=real)
    for n in range(len(names)):
        at = draft.onset + draft.steps_in(first_s + n * float(dice.rng.uniform(15.0, 60.0)))
        if real:
            fall = draft.after(draft.onset, ramp_s=(at - draft.onset) * draft.step_s)
            healed = 0.0 if draft.relief is None else draft.relief
            draft.levels[("node_free_share", n)] = 1.0 - (1.0 - 0.085 / 0.54) * fall * (1.0 - healed)
        if at >= until:
            continue
        draft.marks.append(dr.NodeMark(n, at, until, PRESSURE, (TAINT,)))
        _evict(draft, n, at, dice, words=(threshold, free_share))
    aliases = (*(("node", name) for name in names[1:]), ("workload", "kubelet"))
    kind = "disk_full" if real else "eviction_threshold"
    cause = oracle.Cause("node", names[0], kind, kit.onset_s(draft), note.sha, aliases)
    return workload_kit.planted(draft, target, cause)


def _change(draft: dr.Draft, dice: dr.Dice, *, real: bool) -> dr.Notice:
    if real:
        return draft.note(
            -1, "config", "Trace level for the log collector while we look into missing lines", dice.rng,
            path="platform/log-collector/values.yaml", patch="@@ -6,3 +6,3 @@\n \n-  level: info\n+  level: trace\n ",
            details={"key": "log-collector.level", "from": "info", "to": "trace"},
        )  # fmt: skip
    return draft.note(
        -1, "config", "Harden kubelet eviction settings", dice.rng, path="platform/kubelet/config.yaml",
        patch='@@ -18,3 +18,3 @@\n evictionHard:\n-  nodefs.available: "10%"\n+  nodefs.available: "60%"\n ',
        details={"key": "evictionHard.nodefs.available", "from": "10%", "to": "60%"},
    )  # fmt: skip


def _evict(draft: dr.Draft, n: int, at: int, dice: dr.Dice, *, words: tuple[int, float]) -> None:
    """Pods go one after the other; no other node takes them while all are under pressure."""
    threshold, free = words
    count, until = len(pods.node_names(draft)), workload_kit.ends(draft)
    shown = f"Threshold quantity: {threshold}Gi, available: {round(DISK_GIB * free * 1024 * 1024 - 1731 * (n + 3))}Ki."
    note = f"The node was low on resource: ephemeral-storage. {shown}"
    why = f"0/{count} nodes are available: {count} node(s) had untolerated taint {{{{node.kubernetes.io/disk-pressure: }}}}. preemption: 0/{count} nodes are available: {count} Preemption is not helpful for scheduling."
    state = pod_states.unplaceable(why)
    each_s = dice["seconds_per_eviction"]
    draft.troubles.append(
        tr.Trouble(-1, at, until, state, fresh=False, nodes=(n,), taken=tr.EVICTED, each_s=each_s, note=note)
    )
    where = ("", "Node", pods.node_names(draft)[n])
    said = "Attempting to reclaim ephemeral-storage"
    workload_kit.repeated(draft, where, "EvictionThresholdMet", said, source="kubelet", at=at, every_s=10.0)
    draft.happenings.append(
        dr.Happening(
            at, where, "NodeHasDiskPressure", f"Node {where[2]} status is now: NodeHasDiskPressure", warning=False
        )
    )


FAMILY = kit.Family(
    name="disk_pressure",
    summary="Nodes evict pods for want of disk: their disks are filled, or the threshold was set where healthy disks do not meet it.",
    parameters=(dr.Parameter("seconds_per_eviction", 40.0, 150.0, "s, per node", -1),),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(41,),
    kinds=("disk_full", "eviction_threshold"),
)
