"""Nodes and what runs on them for the cluster's sake: kubelet, container runtime, kube-proxy, control plane."""

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterator

from rootward import _clock
from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import configured, state
from rootward.signals import entities

FAMILY = "cluster.nodes"
NOT_READY = 8.0
NO_ADDRESS = 8.0  # the network plugin says so, for pods that have no sandbox yet
RUNTIME_ERRORS = 7.5  # sandbox creation fails on a node that still calls itself ready
SYSTEM_POD = 6.0
NO_ROUTE = 6.0  # clients on one node alone cannot reach service addresses whose endpoints are ready
PRESSURE = 5.0
THRESHOLD = 7.0  # the evictions themselves say that the threshold is out of proportion
UNUSUAL = 0.3  # of the disk; kubelets evict below a tenth by default
SHARED = frozenset({"disk_full", "memory_pressure", "pid_pressure", "eviction_threshold"})
_RUNTIME = re.compile(r"containerd|cri-o|crio\.sock|docker\.sock|container runtime|runtime\.v1|PLEG", re.IGNORECASE)


def clues(view: state.View) -> Iterator[cases.Clue]:
    found = [clue for node in view.nodes for clue in _conditions(view, node)]
    yield from _first_of_its_kind(found)
    yield from _no_addresses(view)
    yield from _system_pods(view)
    yield from _no_route(view)


def entity(name: str) -> entities.Entity:
    return entities.Entity(entities.EntityKind.NODE, name)


def control_plane(view: state.View) -> entities.Entity | None:
    """The node that runs the control plane: by its pods, by role labels, or None."""
    for pod in view.system_pods:
        if pod.name.startswith("kube-scheduler") and pod.node:
            return entity(pod.node)
    for node in view.nodes:
        labels = state.part(state.part(node, "metadata"), "labels")
        roles = {str(key).rpartition("/")[2] for key in labels if "node-role.kubernetes.io/" in str(key)}
        if roles & {"control-plane", "master"} or labels.get("kubernetes.io/role") in ("master", "control-plane"):
            return entity(str(state.part(node, "metadata").get("name", "")))
    return None


def down(view: state.View) -> set[str]:
    """Names of the nodes whose Ready condition is not True."""
    return {
        str(state.part(node, "metadata").get("name", ""))
        for node in view.nodes
        for condition in state.items(state.part(node, "status"), "conditions")
        if condition.get("type") == "Ready" and condition.get("status") != "True"
    }


def _first_of_its_kind(found: list[cases.Clue]) -> Iterator[cases.Clue]:
    """When most nodes come under the same pressure, one thing does it: the first node stands for all."""
    for clue in found:
        alike = [one for one in found if one.fault == clue.fault and one.fault in SHARED]
        if len(alike) <= 2 or clue is min(alike, key=lambda one: (one.onset_s or 0.0, str(one.entity))):
            more = f"; so do {len(alike) - 1} others" if len(alike) > 2 else ""
            yield dataclasses.replace(clue, sentence=f"{clue.sentence}{more}")
        else:
            yield dataclasses.replace(clue, weight=clue.weight * 0.3, symptom=True)


def _moment(text: object) -> float | None:
    try:
        return _clock.from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


_THRESHOLD = re.compile(r"Threshold quantity: (\S+?), available: (\S+?)\.? ?")


def _threshold(view: state.View, node: state.Json) -> str:
    """What an eviction on the node said, if its threshold asks for more of the disk than a kubelet should."""
    capacity = state.quantity(state.part(state.part(node, "status"), "capacity").get("ephemeral-storage", 0)) or 0.0
    name = str(state.part(node, "metadata").get("name", ""))
    for pod in view.pods:
        said = str(pod.status.get("message", "")) if pod.status.get("reason") == "Evicted" and pod.node == name else ""
        match = _THRESHOLD.search(said)
        asked = (state.quantity(match.group(1)) or 0.0) if match else 0.0
        if match and capacity and asked > UNUSUAL * capacity:
            return f"it evicts below {match.group(1)} of {capacity / 2**30:.0f}Gi"
    return ""


def _conditions(view: state.View, node: state.Json) -> Iterator[cases.Clue]:
    name = str(state.part(node, "metadata").get("name", ""))
    evidence = view.evidence("Node")
    ready = True
    for condition in state.items(state.part(node, "status"), "conditions"):
        kind, status = condition.get("type"), condition.get("status")
        said = f"{condition.get('reason', '')}: {condition.get('message', '')}"
        if kind == "Ready" and status != "True":
            ready = False
            runtime = _runtime_errors(view, name)
            fault = "kubelet_unavailable"
            if status == "False" and (_RUNTIME.search(said) or runtime):
                fault = "containerd_unavailable"
            sentence = f"node {name} is not ready ({said.strip(': ')})"
            yield cases.Clue(entity(name), fault, NOT_READY, sentence, (*evidence, *runtime[:2]), FAMILY)
        elif kind in _PRESSURES and status == "True":
            sentence = f"node {name} reports {kind} ({said.strip(': ')})"
            since_s = _moment(condition.get("lastTransitionTime"))
            if kind == "DiskPressure" and (asked := _threshold(view, node)):
                sentence = f"{sentence}: {asked}"
                clue = cases.Clue(entity(name), "eviction_threshold", THRESHOLD, sentence, evidence, FAMILY)
                yield dataclasses.replace(clue, onset_s=since_s)
                continue
            clue = cases.Clue(entity(name), _PRESSURES[str(kind)], PRESSURE, sentence, evidence, FAMILY)
            yield dataclasses.replace(clue, onset_s=since_s)
    runtime = _runtime_errors(view, name) if ready else []
    if runtime:
        sentence = f"on node {name} the container runtime does not answer the kubelet"
        yield cases.Clue(entity(name), "containerd_unavailable", RUNTIME_ERRORS, sentence, tuple(runtime[:3]), FAMILY)


_PRESSURES = {"DiskPressure": "disk_full", "MemoryPressure": "memory_pressure", "PIDPressure": "pid_pressure"}


def _runtime_errors(view: state.View, node: str) -> list[str]:
    """Evidence that pods of the node, which still lack a sandbox, were refused one by a runtime that cannot be dialled."""
    found = []
    for pod in view.pods:
        if pod.node == node and not pod.ready:
            for event, evidence in view.events(pod.name, pod.namespace):
                said = event.message
                if event.reason == "FailedCreatePodSandBox" and "connection error" in said and _RUNTIME.search(said):
                    found.append(evidence)
    return found


_ADDRESSES = re.compile(
    r"assign an IP address|no (?:free |available )?IP addresses|IP_SPACE_EXHAUSTED|no more IPs|failed to allocate .*address"
    r"|insufficient .*(?:cidr|address)",
    re.IGNORECASE,
)
_PLUGIN = re.compile(r'plugin type="([^"]+)"')


def _no_addresses(view: state.View) -> Iterator[cases.Clue]:
    """Pods without a sandbox because the network plugin has no address to give: whichever nodes they are on."""
    found: list[tuple[str, str, float, str]] = []
    for pod in view.pods:
        for event, evidence in view.events(pod.name, pod.namespace) if pod.phase == "Pending" else ():
            if event.reason == "FailedCreatePodSandBox" and _ADDRESSES.search(event.message):
                plugin = _PLUGIN.search(event.message)
                name = plugin.group(1) if plugin else "cni"
                found.append((name, evidence, event.first_s or event.time_s, pod.name))
    if found:
        pods = sorted({pod for *_, pod in found})
        waiting = [one.entity for one in view.workloads if any(pod.name in pods for pod in one.pods)]
        yield cases.Clue(
            entities.Entity(entities.EntityKind.WORKLOAD, found[0][0], "kube-system"),
            "pod_ips_exhausted",
            NO_ADDRESS,
            f"the network plugin {found[0][0]} has no address for new pods ({', '.join(pods[:3])})",
            tuple(dict.fromkeys(evidence for _, evidence, *_ in found))[:3],
            FAMILY,
            onset_s=min(at_s for _, _, at_s, _ in found),
            victims=tuple(waiting),
        )


_COMPONENTS = {
    "kube-proxy": "kube_proxy_unavailable",
    "kube-scheduler": "kube_scheduler_unavailable",
    "kube-controller-manager": "kube_controller_unavailable",
    "etcd": "etcd_unavailable",
    "kube-apiserver": "kube_apiserver_unavailable",
    "coredns": "dns_failure",
    "node-local-dns": "dns_failure",
}


def _system_pods(view: state.View) -> Iterator[cases.Clue]:
    for pod in view.system_pods:
        fault = next((fault for name, fault in _COMPONENTS.items() if pod.name.startswith(name)), None)
        if fault is None or not pod.status or pod.ready or pod.phase == "Succeeded" or pod.node in down(view):
            continue
        target = (
            entity(pod.node) if pod.node else entities.Entity(entities.EntityKind.WORKLOAD, pod.owner, pod.namespace)
        )
        weight = SYSTEM_POD if not _others_ready(view, pod) or "proxy" in pod.name else 1.5
        sentence = f"{pod.namespace}/{pod.name} is not ready ({pod.phase})"
        yield cases.Clue(target, fault, weight, sentence, view.evidence("Pod"), FAMILY)


def _others_ready(view: state.View, pod: state.PodState) -> bool:
    return any(one.ready for one in view.system_pods if one.owner == pod.owner and one.name != pod.name)


_TIMEOUT = re.compile(
    r"(?:dial tcp|connect(?:ing|ion)? to|connect:?)\W+(\d+\.\d+\.\d+\.\d+):(\d+)\W{0,3}.{0,20}?(?:i/o timeout|timed out|no route)"
)


def _no_route(view: state.View) -> Iterator[cases.Clue]:
    """Clients on one node time out dialling cluster addresses behind which ready endpoints stand: its kube-proxy forwards nothing.

    A line may quote a callee's own failure ("rpc error: … rpc error: …"); the one who dialled is then that many calls away
    from the one who logged, along the addresses that workloads are configured with.
    """
    services = {
        str(state.part(one, "spec").get("clusterIP")): str(state.part(one, "metadata").get("name", ""))
        for one in view.bodies("Service")
        if state.part(one, "spec").get("clusterIP") not in (None, "", "None")
    }
    serving = _serving(view)
    by_name = {one.name: one for one in view.workloads}
    failing: dict[str, set[str]] = defaultdict(set)
    cited: dict[str, list[str]] = defaultdict(list)
    for speaker, line, _time_s, evidence in view.lines(_TIMEOUT.search):
        match = _TIMEOUT.search(line)
        if match is None or services.get(match.group(1)) not in serving:
            continue
        callee = services[match.group(1)]
        for dialler in _dialled(by_name, speaker, callee, line.count("rpc error")):
            for pod in dialler.pods:
                if pod.node and pod.ready:
                    failing[pod.node].add(f"{dialler.name} → {callee}")
                    cited[pod.node].append(evidence)
    ranked = sorted(failing, key=lambda node: -len(failing[node]))
    if ranked and (len(ranked) == 1 or len(failing[ranked[0]]) > len(failing[ranked[1]])):
        node = ranked[0]
        sentence = f"clients on node {node} time out at service addresses whose endpoints are ready ({', '.join(sorted(failing[node])[:3])})"
        ids = (*dict.fromkeys(cited[node]), *view.evidence("Service", "Endpoints"))
        yield cases.Clue(entity(node), "kube_proxy_unavailable", NO_ROUTE, sentence, ids[:5], FAMILY)


def _serving(view: state.View) -> set[str]:
    """Services whose endpoints are ready and whose pods stand on nodes that are ready."""
    dead = down(view)
    found = set()
    for service in view.bodies("Service"):
        metadata, spec = state.part(service, "metadata"), state.part(service, "spec")
        chosen = view.selected(dict(state.part(spec, "selector")), str(metadata.get("namespace", "")))
        if any(pod.ready and pod.node not in dead for one in chosen for pod in one.pods):
            found.add(str(metadata.get("name", "")))
    return found


def _dialled(by_name: dict[str, state.Workload], logger: str, callee: str, quoted: int) -> list[state.Workload]:
    """Who dialled `callee`, `quoted - 1` configured calls away from `logger`."""
    level = [logger]
    for _ in range(max(quoted - 1, 0)):
        reached = [one.host for name in level if name in by_name for one in configured.addresses(by_name[name])]
        level = sorted({host for host in reached if host in by_name})
    names = [name for name in level if name in by_name]
    told = [name for name in names if any(one.host == callee for one in configured.addresses(by_name[name]))]
    return [by_name[name] for name in told or (names if quoted <= 1 else [])]
