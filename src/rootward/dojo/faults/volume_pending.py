"""A pod waits for its volume: a claim of a class that does not exist, or a disk that is still attached where the pod used to be."""

from typing import Any

from rootward.dojo.faults import kit, node_not_ready, pod_states, workload_kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import objects, pods
from rootward.dojo.world import troubles as tr

CLASS = "gp3-encrypted"


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    if draft.layout.components[target].kind is bp.Kind.DATABASE:
        return _attached(draft, target, dice)
    return _unbound(draft, target, dice)


def _attached(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    """Its machine is replaced, the pod moves, the disk does not let go."""
    component, namespace = draft.layout.components[target], draft.layout.namespace(target)
    claim = objects.uid("PersistentVolumeClaim", namespace, f"data-{component.name}-0")
    details = {"plan": "0 to add, 2 to change, 0 to destroy"}
    note = draft.note(
        -1, "infrastructure", "Replace the storage-optimised nodes", dice.rng, path="infra/node_groups.tf",
        patch='@@ -44,3 +44,3 @@\n \n-  instance_types = ["m6i.2xlarge"]\n+  instance_types = ["m7i.2xlarge"]\n ', details=details,
    )  # fmt: skip
    state = pod_states.still_attached(f"pvc-{claim}")
    draft.troubles.append(
        tr.Trouble(target, draft.onset, workload_kit.ends(draft), state, fresh=False, taken=tr.DELETED)
    )
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "volume_access_mode", note.sha))


def _unbound(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    """A release wants a volume of a class that nobody made."""
    component, namespace = draft.layout.components[target], draft.layout.namespace(target)
    claim = f"{component.name}-spool"

    def change(spec: dict[str, Any]) -> None:
        spec.setdefault("volumes", []).append({"name": "spool", "persistentVolumeClaim": {"claimName": claim}})
        mounts = spec["containers"][0].setdefault("volumeMounts", [])
        mounts.append({"name": "spool", "mountPath": "/var/spool/app"})

    note = workload_kit.manifest(
        draft, target, f"Give {component.name} a spool on disk", dice,
        ([], ["+persistence:", f"+  storageClassName: {CLASS}", "+  size: 20Gi"]), details={"key": "persistence"},
    )  # fmt: skip
    workload_kit.edit(draft, target, change)
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": CLASS,
        "resources": {"requests": {"storage": "20Gi"}},
        "volumeMode": "Filesystem",
    }
    made_s = float(draft.times_s[draft.onset]) - 6.0
    body = objects.body(
        "v1", "PersistentVolumeClaim", namespace, claim, made_s, metadata={"labels": objects.labels(component)},
        spec=spec, status={"phase": "Pending"},
    )  # fmt: skip
    draft.objects.append(dr.ObjectChange(draft.onset, body))
    until = workload_kit.ends(draft)
    if until < draft.steps:
        draft.objects.append(dr.ObjectChange(until, body, deleted=True))
    said = f'storageclass.storage.k8s.io "{CLASS}" not found'
    where = (namespace, "PersistentVolumeClaim", claim)
    source = "persistentvolume-controller"
    workload_kit.repeated(draft, where, "ProvisioningFailed", said, source=source, at=draft.onset, every_s=15.0)
    count = len(pods.node_names(draft))
    why = f"0/{count} nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/{count} nodes are available: {count} Preemption is not helpful for scheduling."
    workload_kit.stuck(draft, target, pod_states.unplaceable(why), dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "storage_class", note.sha))


FAMILY = kit.Family(
    name="volume_pending",
    summary="A pod waits for its volume: its claim's storage class does not exist, or the disk is still attached elsewhere.",
    parameters=(),
    targets=node_not_ready.targets,
    plant=plant,
    group="cluster",
    rows=(39,),
    kinds=("storage_class", "volume_access_mode"),
)
