"""Pods as the API returns them, in whatever state they are: phases, conditions, why a container waits or how it ended."""

import dataclasses

from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects, volumes
from rootward.dojo.world import pods as pd
from rootward.dojo.world import troubles as tr

Body = objects.Body


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """How a pod is doing since `since_s`: in `state` (None: as it should), `restarts` so far, `last` the latest end of its
    container, `down` while that container waits to be started again."""

    since_s: float
    state: tr.State | None = None
    restarts: int = 0
    last: pd.Restart | None = None
    down: bool = False
    deleting: bool = False
    failed: bool = False  # evicted: the object stays, nothing runs

    @property
    def ready(self) -> bool:
        if self.state is not None and not (self.state.kind == tr.CRASHING and self.state.answers):
            return False
        return not (self.down or self.deleting or self.failed)


def look(frame: fr.Frame, p: int, step: int) -> Look:
    """How pod `p` does at `step`, a step at which it exists."""
    pod = frame.fleet.pods[p]
    ended = [one for one in pod.restarts if one.at <= step]
    last = ended[-1] if ended else None
    down = last is not None and step < last.ready
    spell = pod.spell(step)
    begun = [pod.created_s + 9.0]
    if last is not None:
        begun.append(float(frame.times_s[min(last.at if down else last.ready, frame.steps - 1)]))
    begun += [
        float(frame.times_s[min(at, frame.steps - 1)])
        for one in pod.spells
        for at in (one.start, one.end)
        if at <= step
    ]
    return Look(max(begun), spell.state if spell else None, len(ended), last, down)


def moments(pod: pd.Pod, steps: int) -> list[int]:
    """Steps at which the pod's object changes while it exists."""
    found = {max(pod.start, 0)}
    for restart in pod.restarts:
        found |= {restart.at, restart.ready}
    for spell in pod.spells:
        found |= {spell.start, spell.end}
    return sorted(at for at in found if pod.start <= at < min(pod.end, steps))


def texts(frame: fr.Frame, p: int) -> dict[str, str]:
    """What messages about a pod may name."""
    pod = frame.fleet.pods[p]
    component = frame.layout.components[pod.component]
    namespace = frame.layout.namespace(pod.component)
    return {
        "pod": pod.name,
        "namespace": namespace,
        "node": frame.fleet.nodes[pod.node],
        "image": objects.image(frame, component, pod.version),
        "container": component.name,
        "replica_set": f"{component.name}-{pod.template}",
        "address": pod.address,
        "uid": objects.uid("Pod", namespace, pod.name),
    }


def body(frame: fr.Frame, p: int, spec: Body, now: Look) -> Body:
    """The whole object."""
    described = frame.fleet.pods[p]
    component = frame.layout.components[described.component]
    namespace, created_s = frame.layout.namespace(described.component), described.created_s
    if described.template:
        owner = objects.owned("ReplicaSet", namespace, f"{component.name}-{described.template}")
        template = {"pod-template-hash": described.template}
    else:
        owner = objects.owned("StatefulSet", namespace, component.name)
        template = {"statefulset.kubernetes.io/pod-name": described.name}
    metadata: Body = {"labels": objects.labels(component) | template, "ownerReferences": owner}
    if now.deleting:
        metadata["deletionTimestamp"] = objects.stamp(now.since_s)
        metadata["deletionGracePeriodSeconds"] = 30
    placed: Body = {**spec, "restartPolicy": "Always"}
    if mounted := _volumes(frame, described):
        placed["volumes"] = [*mounted, *spec.get("volumes", ())]
    unplaced = now.state is not None and now.state.kind == tr.UNSCHEDULED
    if not unplaced:
        placed["nodeName"] = frame.fleet.nodes[described.node]
    status = _status(frame, p, spec, now)
    return objects.body(
        "v1", "Pod", namespace, described.name, created_s, metadata=metadata, spec=placed, status=status
    )


def _volumes(frame: fr.Frame, pod: pd.Pod) -> list[Body]:
    """The claims that a pod mounts: its own, or those that all pods of its component share."""
    claims = volumes.claims(frame.layout, pod.component, frame.draft.seed)
    mine = [one for k, one in enumerate(claims) if one.shared or k == pod.slot]
    return [
        {"name": one.name.split("-", maxsplit=1)[0], "persistentVolumeClaim": {"claimName": one.name}} for one in mine
    ]


def _status(frame: fr.Frame, p: int, spec: Body, now: Look) -> Body:
    described = frame.fleet.pods[p]
    created = objects.stamp(described.created_s)
    if now.failed:
        return {"phase": "Failed", "reason": "Evicted", "message": described.note, "startTime": created}
    kind = now.state.kind if now.state is not None else ""
    status: Body = {"phase": "Pending" if kind in tr.PENDING else "Running", "qosClass": "Burstable"}
    status["conditions"] = _conditions(frame, p, now)
    if kind == tr.UNSCHEDULED:
        return status
    node_name = frame.fleet.nodes[described.node]
    status["hostIP"] = node_name.removeprefix("ip-").split(".", maxsplit=1)[0].replace("-", ".")
    status["startTime"] = created
    if kind != tr.WAITING or (now.state is not None and now.state.reason != "ContainerCreating"):
        status["podIP"] = described.address
    if "initContainers" in spec:
        status["initContainerStatuses"] = [_init(frame, p, one, now) for one in spec["initContainers"]]
    status["containerStatuses"] = [_container(frame, p, spec, now)]
    return status


def _conditions(frame: fr.Frame, p: int, now: Look) -> list[Body]:
    created, since = objects.stamp(frame.fleet.pods[p].created_s), objects.stamp(now.since_s)
    kind, message = (now.state.kind, now.state.message) if now.state is not None else ("", "")
    if kind == tr.UNSCHEDULED:
        refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": created}
        return [{**refused, "message": message.format(**texts(frame, p))}]
    initialised: Body = {"type": "Initialized", "status": "True", "lastTransitionTime": created}
    if kind == tr.INITIALISING:
        names = ", ".join(one["name"] for one in [{"name": now.state.reason if now.state else ""}])
        initialised |= {
            "status": "False",
            "reason": "ContainersNotInitialized",
            "message": f"containers with incomplete status: [{names}]",
        }
    conditions = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": created}, initialised]
    for name in ("Ready", "ContainersReady"):
        condition: Body = {"type": name, "status": "True" if now.ready else "False", "lastTransitionTime": since}
        if not now.ready and kind != tr.LOST:
            container = frame.layout.components[frame.fleet.pods[p].component].name
            condition |= {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{container}]",
            }
        elif kind == tr.LOST and name == "ContainersReady":
            condition["status"] = "True"  # the kubelet's last word; only the node controller speaks since
        conditions.append(condition)
    return conditions


def _init(frame: fr.Frame, p: int, spec: Body, now: Look) -> Body:
    begun = objects.stamp(frame.fleet.pods[p].created_s + 3.0)
    waiting = now.state is not None and now.state.kind == tr.INITIALISING
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": begun, "finishedAt": begun}}
    return {
        "name": spec["name"],
        "image": spec["image"],
        "ready": not waiting,
        "started": waiting,
        "restartCount": 0,
        "state": {"running": {"startedAt": begun}} if waiting else ended,
        "lastState": {},
    }


def _container(frame: fr.Frame, p: int, spec: Body, now: Look) -> Body:
    described = frame.fleet.pods[p]
    name, namespace = frame.layout.components[described.component].name, frame.layout.namespace(described.component)
    kind = now.state.kind if now.state is not None else ""
    status: Body = {
        "name": name,
        "image": spec["containers"][0]["image"],
        "ready": now.ready or kind == tr.LOST,
        "started": now.ready or kind in (tr.UNREADY, tr.LOST),
        "restartCount": now.restarts,
        "state": {"running": {"startedAt": objects.stamp(now.since_s)}},
        "lastState": {},
    }
    if kind == tr.INITIALISING:
        status["state"] = {"waiting": {"reason": "PodInitializing"}}
    if kind == tr.WAITING and now.state is not None:
        waiting = {"reason": now.state.reason}
        if now.state.message:
            waiting["message"] = now.state.message.format(**texts(frame, p))
        status["state"] = {"waiting": waiting}
    if now.last is not None:
        ended_s = float(frame.times_s[min(now.last.at, frame.steps - 1)])
        runs_s = now.state.runs_s if now.state is not None else 300.0
        status["lastState"] = {
            "terminated": {
                "exitCode": now.last.exit_code,
                "reason": now.last.reason,
                "finishedAt": objects.stamp(ended_s),
                "startedAt": objects.stamp(max(described.created_s, ended_s - runs_s)),
            }
        }
        if now.down:
            delay = pd.BACK_OFF_S[min(max(now.restarts, 1), len(pd.BACK_OFF_S) - 1)]
            again = f"back-off {_span(delay)} restarting failed container={name} pod={described.name}_{namespace}"
            waiting = {
                "reason": "CrashLoopBackOff",
                "message": f"{again}({objects.uid('Pod', namespace, described.name)})",
            }
            status["state"] = {"waiting": waiting}
    return status


def _span(seconds: float) -> str:
    return f"{int(seconds) // 60}m{int(seconds) % 60}s" if seconds >= 60 else f"{int(seconds)}s"
