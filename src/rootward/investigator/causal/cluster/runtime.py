"""Containers that run and die, that were scaled away, or that fight over a port."""

import json
import re
from collections.abc import Iterator

from rootward import _clock
from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import state

FAMILY = "cluster.runtime"
OOM = 7.0
SCALED = 7.0
CONFLICT = 7.0
SAME_PORT = 4.0  # declared twice, and nothing has failed yet
EVICTED = 4.0
AT_START = 6.0  # it has never come up: it ends within seconds of each start
AT_START_S = 30.0
CRASHING = 3.0  # it exits by itself; why, its log may say
BASELESS = 1.2  # one old restart


def clues(view: state.View) -> Iterator[cases.Clue]:
    for workload in view.workloads:
        yield from _oom(view, workload)
        yield from _scaled_away(view, workload)
        yield from _ports(view, workload)
        yield from _crashing(view, workload)


_KILLED = re.compile(r"OOM-?killed|out of memory|memory limit too low", re.IGNORECASE)


def _ends(pod: state.PodState) -> list[state.Json]:
    """How containers of the pod ended, now and last time."""
    found: list[state.Json] = []
    for status in pod.containers:
        for key in ("state", "lastState"):
            ended = state.part(state.part(status, key), "terminated")
            if ended:
                found.append({**ended, "container": status.get("name"), "restarts": status.get("restartCount", 0)})
    return found


def _oom(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    killed = [pod.name for pod in workload.pods if any(end.get("reason") == "OOMKilled" for end in _ends(pod))]
    pods = {pod.name for pod in workload.pods if not pod.ready or pod.name in killed}
    said = [pair for pair in view.warnings(workload) if pair[0].entity.name in pods and _KILLED.search(pair[0].message)]
    if not killed and not said:
        return
    limits = [
        str(state.part(state.part(one, "resources"), "limits").get("memory", "none")) for one in workload.containers
    ]
    yield cases.Clue(
        workload.entity,
        "oom_killed",
        OOM,
        f"{workload.name} was killed for exceeding its memory limit ({', '.join(limits)})",
        (*(evidence for _event, evidence in said[-1:]), *view.evidence("Pod")),
        FAMILY,
        onset_s=(said[0][0].first_s or said[0][0].time_s) if said else None,
    )


def _at_start(end: state.Json) -> bool:
    """The container ended by itself within seconds of its start, and not for want of memory."""
    begun, ended = (_moment(end.get(key)) for key in ("startedAt", "finishedAt"))
    again = int(end.get("restarts", 0) or 0) >= 2
    quick = begun is not None and ended is not None and 0 <= ended - begun <= AT_START_S
    return again and quick and end.get("reason") in ("Error", "ContainerCannotRun", "StartError")


def _moment(text: object) -> float | None:
    try:
        return _clock.from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _scaled_away(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """Zero replicas asked for, while a service still selects what would run."""
    if workload.kind not in ("Deployment", "StatefulSet") or workload.desired or workload.pods:
        return
    wanted = [
        str(state.part(one, "metadata").get("name", ""))
        for one in view.bodies("Service")
        if state.part(one, "metadata").get("namespace") == workload.namespace
        and (selector := state.part(state.part(one, "spec"), "selector"))
        and state.matches(dict(selector), workload.labels)
    ]
    sentence = f"{workload.name} is scaled to zero replicas" + (
        f"; service {wanted[0]} has nobody behind it" if wanted else ""
    )
    yield cases.Clue(
        workload.entity,
        "zero_replicas",
        SCALED if wanted else 3.0,
        sentence,
        view.evidence(workload.kind, "Service"),
        FAMILY,
    )


def claims(workload: state.Workload) -> dict[int, list[str]]:
    """Port → who in the pod claims it: containers that declare it, and annotations that configure a sidecar to listen there."""
    found: dict[int, list[str]] = {}
    for container in workload.containers:
        for port in state.items(container, "ports"):
            if port.get("protocol", "TCP") == "TCP" and port.get("containerPort"):
                owners = found.setdefault(int(port["containerPort"]), [])
                if str(container.get("name")) not in owners:
                    owners.append(str(container.get("name")))
    for key, value in workload.annotations.items():
        for name, number in _annotated_ports(value):
            found.setdefault(number, []).append(f"annotation {key} ({name})")
    return found


def _annotated_ports(value: str) -> list[tuple[str, int]]:
    """`…Port: 8080` settings in an annotation's JSON (or near-YAML) text."""
    try:
        document = json.loads(value)
    except ValueError:
        document = dict(re.findall(r"(\w*[pP]ort)\W+(\d{2,5})\b", value))
    if not isinstance(document, dict):
        return []
    pairs = [(str(key), str(number)) for key, number in document.items() if str(key).lower().endswith("port")]
    return [(key, int(number)) for key, number in pairs if number.isdigit()]


def _ports(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    for number, owners in claims(workload).items():
        if len(owners) > 1:
            yield cases.Clue(
                workload.entity,
                "port_conflict",
                CONFLICT if workload.short else SAME_PORT,
                f"port {number} of {workload.name} is claimed twice: {' and '.join(owners)}",
                view.evidence(workload.kind, "Pod"),
                FAMILY,
            )


def _crashing(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    for pod in workload.pods:
        if pod.status.get("reason") == "Evicted":
            sentence = f"{pod.name} was evicted: {str(pod.status.get('message', ''))[:120]}"
            yield cases.Clue(workload.entity, "", EVICTED, sentence, view.evidence("Pod"), FAMILY, symptom=True)
        ends = [end for end in _ends(pod) if end.get("reason") != "Completed" or not pod.ready]
        if not ends:
            continue
        end = ends[-1]
        looping = not pod.ready
        sentence = f"container {end['container']} of {pod.name} exits with code {end.get('exitCode')}, restarted {end['restarts']} times"
        weight = BASELESS if not looping else AT_START if _at_start(end) else CRASHING
        yield cases.Clue(
            workload.entity, "crash_loop" if looping else "", weight, sentence, view.evidence("Pod"), FAMILY
        )
        return
