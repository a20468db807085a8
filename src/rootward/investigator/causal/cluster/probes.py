"""Health checks that fail for their own sake: wrong port, wrong protocol, too little patience."""

import dataclasses
import re
import statistics
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import state

FAMILY = "cluster.probes"
PORT = 7.0
PROTOCOL = 7.0
TIMING = 6.0
UNANSWERED = 2.0  # the probe is right: whatever does not answer is the matter
PATIENCE_SHARE = 0.5  # of the median patience of other workloads' probes of the same kind


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Failing:
    """One container's probe that fails now. `kind` is liveness, readiness or startup; `said` what the kubelet got last."""

    workload: state.Workload
    container: state.Json
    kind: str
    probe: state.Json
    said: str
    evidence: str
    onset_s: float


def clues(view: state.View) -> Iterator[cases.Clue]:
    for workload in view.workloads:
        yield from _not_yet_asked(view, workload)
        found = {one.kind: one for one in _failing(view, workload)}
        killing = [one for kind, one in found.items() if kind != "readiness"]
        for one in killing or list(found.values()):
            fault, weight, why = _judge(view, one)
            yield cases.Clue(
                workload.entity,
                fault,
                weight,
                f"the {one.kind} probe of {workload.name} fails: {why}",
                (one.evidence, *view.evidence("Pod")),
                FAMILY,
                onset_s=one.onset_s,
            )


_SAID = re.compile(r"^(Liveness|Readiness|Startup) probe (?:failed|errored): ?(.*)$", re.DOTALL)


def _failing(view: state.View, workload: state.Workload) -> Iterator[Failing]:
    """Probes that failed lately on pods which are not ready, or which the kubelet keeps restarting for it."""
    containers = {
        str(one.get("name")): one for one in state.items(workload.spec, "containers")
    }  # not what was injected
    for pod in workload.pods:
        restarted = any(int(status.get("restartCount", 0) or 0) > 0 for status in pod.containers)
        for event, evidence in view.events(pod.name, pod.namespace):
            match = _SAID.match(event.message) if event.reason == "Unhealthy" else None
            if match is None or (pod.ready and not (restarted and match.group(1) == "Liveness")):
                continue
            kind = match.group(1).lower()
            container = _asked(containers, kind, match.group(2))
            if container is not None:
                onset_s = event.first_s or event.time_s
                probe = state.part(container, f"{kind}Probe")
                yield Failing(workload, container, kind, probe, match.group(2), evidence, onset_s)


def _asked(containers: dict[str, state.Json], kind: str, said: str) -> state.Json | None:
    """The container whose probe failed: the one whose probe asks the port that the message names, else the first with one."""
    probed = [one for one in containers.values() if state.part(one, f"{kind}Probe")]
    named = re.search(r"\d+\.\d+\.\d+\.\d+:(\d+)", said)
    for one in probed:
        if named and str(number(state.part(one, f"{kind}Probe"), one)) == named.group(1):
            return one
    return None if named else next(iter(probed), None)


def handler(probe: state.Json) -> tuple[str, state.Json]:
    """(grpc | httpGet | tcpSocket | exec | "", its settings)."""
    return next(
        ((name, state.part(probe, name)) for name in ("grpc", "httpGet", "tcpSocket", "exec") if name in probe),
        ("", {}),
    )


def number(probe: state.Json, container: state.Json) -> int | None:
    """The port number that a probe asks; named ports are looked up in the container; None for exec."""
    port = handler(probe)[1].get("port")
    if isinstance(port, int):
        return port
    for one in state.items(container, "ports"):
        if one.get("name") == port:
            return int(one.get("containerPort", 0)) or None
    return int(port) if isinstance(port, str) and port.isdigit() else None


_MISSPOKEN = re.compile(
    r"malformed HTTP|HTTP/1\.x transport connection broken|server gave HTTP response to HTTPS|not look like a TLS"
    r"|http2: |Unimplemented|unknown service|error reading server preface|frame too large|unexpected (?:HTTP|content)|\bEOF\b"
)


def _judge(view: state.View, one: Failing) -> tuple[str, float, str]:
    how, _settings = handler(one.probe)
    port = number(one.probe, one.container)
    declared = {int(entry.get("containerPort", 0)) for entry in state.items(one.container, "ports")}
    kind = one.kind if one.kind != "startup" else "liveness"
    if how != "exec" and port not in declared and declared:
        listens = ", ".join(map(str, sorted(declared)))
        return f"{kind}_port", PORT, f"it asks port {port}, the container listens on {listens}"
    if _MISSPOKEN.search(one.said):
        return f"{kind}_protocol", PROTOCOL, f"it speaks {how}, the answer is of another protocol"
    usual = _usual_patience_s(view, one)
    if usual is not None and patience_s(one.probe) < PATIENCE_SHARE * usual:
        return f"{kind}_timing", TIMING, f"it gives up after {patience_s(one.probe):g} s, others after {usual:g} s"
    return "", UNANSWERED, one.said[:120]


def patience_s(probe: state.Json) -> float:
    """How long after its start a container may stay silent before the probe has failed for good (API defaults filled in)."""
    delay = float(probe.get("initialDelaySeconds", 0) or 0)
    period = float(probe.get("periodSeconds", 10) or 10)
    failures = float(probe.get("failureThreshold", 3) or 3)
    return delay + period * (failures - 1) + float(probe.get("timeoutSeconds", 1) or 1)


def _not_yet_asked(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """A container that has run for a while and is not ready only because its readiness probe waits far longer than others'."""
    if all(pod.ready for pod in workload.pods):
        return
    delays = [
        float(state.part(container, "readinessProbe").get("initialDelaySeconds", 0) or 0)
        for other in view.workloads
        if other is not workload and not other.short
        for container in other.containers
        if state.part(container, "readinessProbe")
    ]
    usual_s = statistics.median(delays) if len(delays) >= 2 else None
    for pod in workload.pods:
        age_s = view.case.now_s - pod.created_s if pod.created_s is not None else 0.0
        running = pod.phase == "Running" and all("running" in state.part(one, "state") for one in pod.containers)
        for container in state.items(workload.spec, "containers"):
            delay_s = float(state.part(container, "readinessProbe").get("initialDelaySeconds", 0) or 0)
            if usual_s is None or pod.ready or not running or not age_s < delay_s or delay_s < 4 * max(usual_s, 10.0):
                continue
            sentence = f"{pod.name} runs for {age_s:.0f} s and is not ready: its readiness probe waits {delay_s:g} s, others {usual_s:g} s"
            yield cases.Clue(workload.entity, "readiness_timing", TIMING, sentence, view.evidence("Pod"), FAMILY)
            return


def _usual_patience_s(view: state.View, one: Failing) -> float | None:
    others = [
        patience_s(state.part(container, f"{one.kind}Probe"))
        for workload in view.workloads
        if workload is not one.workload and not workload.short
        for container in workload.containers
        if state.part(container, f"{one.kind}Probe")
    ]
    return statistics.median(others) if len(others) >= 2 else None
