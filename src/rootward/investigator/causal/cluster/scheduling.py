"""Pods that no node takes: what the scheduler said, checked against what nodes offer; and the scheduler that says nothing."""

import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import nodes, state
from rootward.signals import entities, records

FAMILY = "cluster.scheduling"
REFUSED = 7.5  # the scheduler names the reason, the pod is still pending
SILENT = 7.0  # a pending pod that the scheduler has not looked at
PATIENCE_S = 20.0  # a healthy scheduler binds or refuses within a second


def clues(view: state.View) -> Iterator[cases.Clue]:
    robbed = _preempted(view)
    yield from robbed.values()
    for workload in view.workloads:
        if workload.name in robbed:
            continue  # that nothing is left for it is for the sake of those who took it
        waiting = [pod for pod in workload.pods if pod.phase == "Pending" and not pod.node]
        if waiting:
            yield from _waiting(view, workload, waiting)


_BY = re.compile(r"[Pp]reempted by (?:a )?pod(?: |/)?([0-9a-f-]{36}|\S+)")


def _preempted(view: state.View) -> dict[str, cases.Clue]:
    """Workload → who took the place of its pods, which it lacks now: the owner of the pod that the scheduler names."""
    owners = {str(state.part(pod.body, "metadata").get("uid", "")): pod for pod in view.pods}
    owners |= {pod.name: pod for pod in view.pods}
    found: dict[str, cases.Clue] = {}
    for workload in view.workloads:
        if not workload.short:
            continue
        for event, evidence in view.case.events:
            if event.reason != "Preempted" or not event.entity.name.startswith(f"{workload.name}-"):
                continue
            match = _BY.search(event.message)
            taker = owners.get(match.group(1)) if match else None
            guilty = view.workload_of(taker) if taker is not None else None
            found[workload.name] = cases.Clue(
                guilty.entity if guilty is not None else workload.entity,
                "pod_preempted",
                REFUSED,
                f"pods of {workload.name} were preempted"
                + (f" by {guilty.name}, whose priority is higher" if guilty is not None else ""),
                (evidence, *view.evidence("Pod")),
                FAMILY,
                onset_s=event.first_s or event.time_s,
                victims=(workload.entity,),
            )
            break
    return found


def _waiting(view: state.View, workload: state.Workload, pods: list[state.PodState]) -> Iterator[cases.Clue]:
    verdicts = [
        pair
        for pod in pods
        for pair in view.events(pod.name, pod.namespace)
        if pair[0].reason == "FailedScheduling" and "skip schedule" not in pair[0].message
    ]
    if not verdicts:
        yield from _silent(view, workload, pods)
        return
    event, evidence = max(verdicts, key=lambda pair: pair[0].time_s)
    found = _reason(view, workload, event)
    if found is None:
        return
    fault, why = found
    yield cases.Clue(
        workload.entity,
        fault,
        REFUSED,
        f"no node takes {pods[-1].name}: {why}",
        (evidence, *view.evidence("Pod", "Node")),
        FAMILY,
        onset_s=event.first_s or event.time_s,
    )


_PART = re.compile(
    r"(?:(\d+) )?(Insufficient [\w./-]+|Too many pods|node\(s\) .+?|pod has unbound.+?|persistentvolumeclaim .+?)(?=, \d|, Insufficient|$)"
)


def _reason(view: state.View, workload: state.Workload, event: records.Event) -> tuple[str, str] | None:
    """The kind of fault behind the scheduler's message, the most deliberate obstacle first.

    A taint or an anti-affinity rule that stands on the only nodes which the pod accepts is the obstacle; that the other nodes
    do not match its selector is then intended. Cordons count only when nothing else keeps a node away.
    """
    said = event.message.partition(" preemption:")[0].rstrip(".")
    said = said.partition("nodes are available: ")[2] or said
    reasons = {match.group(2): int(match.group(1) or 1) for match in _PART.finditer(said)}
    taints = re.findall(r"untolerated taint \{([^}]*)\}|had taint \{([^}]*)\}", said)
    own = [key for pair in taints for key in pair if key and not key.startswith("node.kubernetes.io/")]
    if own:
        return "taint_toleration", f"it does not tolerate the taint {{{own[0]}}}"
    if "anti-affinity" in said:
        return "pod_anti_affinity", "its pod anti-affinity rules leave no node"
    for resource, fault in (("cpu", "capacity_cpu"), ("memory", "capacity_memory")):
        if f"Insufficient {resource}" in said:
            return fault, _capacity(view, workload, resource)
    if "affinity/selector" in said or "node affinity" in said or "node selector" in said:
        return _selector(view, workload)
    if "pod affinity" in said:
        return "pod_affinity", "its pod affinity rules leave no node"
    if "topology spread" in said:
        return "topology_spread", "its topology spread constraints leave no node"
    if "persistentvolumeclaim" in said.lower() or "volume" in said:
        return None  # the storage family knows why
    if reasons and all("unschedulable" in reason for reason in reasons):
        return "node_cordon", "all nodes are cordoned"
    if any(key.startswith("node.kubernetes.io/") for pair in taints for key in pair if key):
        return None  # the nodes family names the node
    return ("unknown", said[:160]) if said else None


def _capacity(view: state.View, workload: state.Workload, resource: str) -> str:
    asked = sum(
        state.quantity(state.part(state.part(container, "resources"), "requests").get(resource, 0)) or 0.0
        for container in workload.containers
    )
    offered = [
        state.quantity(state.part(state.part(node, "status"), "allocatable").get(resource, 0)) or 0.0
        for node in view.nodes
    ]
    if offered and asked > max(offered):
        return f"it requests {asked:g} of {resource}, more than any node has ({max(offered):g})"
    return f"no node has enough {resource} left ({asked:g} requested)"


def _selector(view: state.View, workload: state.Workload) -> tuple[str, str]:
    selector = {str(key): str(value) for key, value in state.part(workload.spec, "nodeSelector").items()}
    labels = [
        {str(key): str(value) for key, value in state.part(state.part(node, "metadata"), "labels").items()}
        for node in view.nodes
    ]
    if selector and not any(state.matches(selector, have) for have in labels):
        wanted = ", ".join(f"{key}={value}" for key, value in selector.items())
        return "node_selector", f"its node selector asks for {wanted}, which no node has"
    return "node_affinity", "its node affinity matches no node"


def _silent(view: state.View, workload: state.Workload, pods: list[state.PodState]) -> Iterator[cases.Clue]:
    old = [pod for pod in pods if pod.created_s is None or view.case.now_s - pod.created_s > PATIENCE_S]
    if not old:
        return
    scheduler = str(workload.spec.get("schedulerName") or "default-scheduler")
    evidence = view.evidence("Pod", "Node")
    if scheduler != "default-scheduler":
        sentence = f"{old[-1].name} waits for the scheduler {scheduler}, which has not looked at it"
        yield cases.Clue(workload.entity, "bad_config", SILENT, sentence, evidence, FAMILY)
        return
    node = nodes.control_plane(view)
    yield cases.Clue(
        node or entities.Entity(entities.EntityKind.WORKLOAD, "kube-scheduler", "kube-system"),
        "kube_scheduler_unavailable",
        SILENT,
        f"{old[-1].name} is pending and the scheduler has neither placed nor refused it",
        evidence,
        FAMILY,
        onset_s=min((pod.created_s for pod in old if pod.created_s is not None), default=None),
    )
