"""A batch job of higher priority takes the room of a service's pods: they are preempted, and find no other."""

from typing import Any

from rootward import _rng
from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import objects, pods
from rootward.dojo.world import rollouts as ro
from rootward.dojo.world import troubles as tr

JOBS = ("feature-backfill", "embedding-rebuild", "ledger-recompute")
PRIORITY = "analytics-critical"


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    job, namespace = JOBS[int(dice.rng.integers(0, len(JOBS)))], "analytics"
    note = draft.note(
        -1, "config", f"Let {job} finish before the morning", dice.rng, path=f"analytics/{job}/job.yaml",
        patch=f"@@ -11,3 +11,3 @@\n \n-      priorityClassName: batch\n+      priorityClassName: {PRIORITY}\n ",
        details={"key": "priorityClassName", "from": "batch", "to": PRIORITY},
    )  # fmt: skip
    at, made_s = draft.onset, float(draft.times_s[draft.onset]) - 3.0
    names = pods.node_names(draft)
    bodies = [
        _priority(made_s),
        objects.body("v1", "Namespace", "", namespace, made_s - 9e6, status={"phase": "Active"}),
    ]
    bodies += [_pod(draft, job, namespace, n, made_s, dice) for n in range(len(names))]
    bodies.append(_job(draft, job, namespace, made_s, len(names)))
    draft.objects += [dr.ObjectChange(at, body) for body in bodies]
    count = len(names)
    why = f"0/{count} nodes are available: {count} Insufficient cpu. preemption: 0/{count} nodes are available: {count} No preemption victims found for incoming pod."
    uid = str(bodies[2]["metadata"]["uid"])
    slots = tuple(range(round(float(layout.replicas[target]) * (1.0 - dice["share_preempted"])), 64))
    draft.troubles.append(
        tr.Trouble(
            target, at + 1, workload_kit.ends(draft), pod_states.unplaceable(why), fresh=False, slots=slots,
            taken=tr.PREEMPTED, each_s=15.0, note=f"Preempted by pod {uid} on node {names[0]}",
        )
    )  # fmt: skip
    aliases = (("service", job), ("service", component.name), ("workload", component.name))
    cause = oracle.Cause("workload", job, "pod_preempted", kit.onset_s(draft), note.sha, aliases)
    return workload_kit.planted(draft, target, cause)


def _priority(made_s: float) -> dict[str, Any]:
    text = "Analytics that must be done before business hours."
    return objects.body(
        "scheduling.k8s.io/v1", "PriorityClass", "", PRIORITY, made_s, value=1_000_000, description=text,
        preemptionPolicy="PreemptLowerPriority",
    )  # fmt: skip


def _template(draft: dr.Draft, job: str) -> dict[str, Any]:
    container = {
        "name": job,
        "image": f"registry.{draft.layout.plan.domain}/{job}:2.3.0",
        "resources": {"requests": {"cpu": "6", "memory": "16Gi"}, "limits": {"cpu": "6", "memory": "16Gi"}},
    }
    return {"priorityClassName": PRIORITY, "priority": 1_000_000, "restartPolicy": "Never", "containers": [container]}


def _pod(draft: dr.Draft, job: str, namespace: str, n: int, made_s: float, dice: dr.Dice) -> dict[str, Any]:
    name = f"{job}-{_rng.token(dice.rng, 5, ro.SUFFIX)}"
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job,
        "uid": objects.uid("Job", namespace, job),
        "controller": True,
    }
    metadata = {"labels": {"app": job, "job-name": job}, "ownerReferences": [owner]}
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": objects.stamp(made_s)}
        for kind in ("PodScheduled", "Ready")
    ]
    running = {
        "name": job,
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": objects.stamp(made_s + 9)}},
    }
    return objects.body(
        "v1", "Pod", namespace, name, made_s, metadata=metadata,
        spec={**_template(draft, job), "nodeName": pods.node_names(draft)[n]},
        status={"phase": "Running", "startTime": objects.stamp(made_s), "conditions": conditions, "containerStatuses": [running]},
    )  # fmt: skip


def _job(draft: dr.Draft, job: str, namespace: str, made_s: float, count: int) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": job, "job-name": job}}, "spec": _template(draft, job)}
    spec = {"parallelism": count, "completions": count * 4, "template": template}
    return objects.body(
        "batch/v1", "Job", namespace, job, made_s, metadata={"labels": {"app": job}}, spec=spec,
        status={"active": count, "startTime": objects.stamp(made_s)},
    )  # fmt: skip


FAMILY = kit.Family(
    name="pod_preempted",
    summary="A batch job of higher priority preempts pods of a service, which then fit nowhere.",
    parameters=(dr.Parameter("share_preempted", 0.5, 1.0, "of the service's pods", +1),),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(36,),
)
