"""Pods that run and are not ready because the question is wrong: another port, another protocol, no patience."""

from typing import Any

from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import troubles as tr

QUIET_S = (25.0, 90.0)
"""How long a pod that was asked too impatiently stays in rotation at a time."""


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    kind = ("readiness_port", "readiness_protocol", "readiness_timing")[int(dice.rng.integers(0, 3))]
    change, said, lines = _wrong(kind, dice)
    component = draft.layout.components[target]
    note = workload_kit.manifest(
        draft, target, f"Tune health checks of {component.name}", dice, lines,
        path=f"deploy/{component.name}/templates/deployment.yaml", details={"key": "readinessProbe"},
    )  # fmt: skip
    workload_kit.edit(draft, target, change)
    if kind == "readiness_timing":
        _flap(draft, target, dice, said)
    else:
        workload_kit.stuck(draft, target, pod_states.unready(said), dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, kind, note.sha))


def _wrong(kind: str, dice: dr.Dice) -> tuple[Any, str, tuple[list[str], list[str]]]:
    """How the template changes, what the kubelet gets, and the lines of the diff."""
    port = (8081, 9090, 8443)[int(dice.rng.integers(0, 3))]

    def change(spec: dict[str, Any]) -> None:
        probe = spec["containers"][0]["readinessProbe"]
        if kind == "readiness_port":
            probe["httpGet"] = {"path": "/healthz", "port": port}
        elif kind == "readiness_protocol":
            probe["httpGet"] = {"path": "/healthz", "port": 8080, "scheme": "HTTPS"}
        else:
            probe.update({"periodSeconds": 2, "failureThreshold": 1, "timeoutSeconds": 1})

    if kind == "readiness_port":
        said = f'Get "http://{{address}}:{port}/healthz": dial tcp {{address}}:{port}: connect: connection refused'
        return change, said, (["-              port: 8080"], [f"+              port: {port}"])
    if kind == "readiness_protocol":
        said = 'Get "https://{address}:8080/healthz": http: server gave HTTP response to HTTPS client'
        return change, said, ([], ["+              scheme: HTTPS"])
    said = 'Get "http://{address}:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
    removed = ["-            periodSeconds: 10", "-            failureThreshold: 3"]
    return change, said, (removed, ["+            periodSeconds: 2", "+            failureThreshold: 1"])


def _flap(draft: dr.Draft, target: int, dice: dr.Dice, said: str) -> None:
    """Each pod drops out whenever one answer is late; the more drop out, the later the others answer."""
    state = pod_states.unready(said, every_s=2.0)
    share, until = dice["time_unready"], workload_kit.ends(draft)
    for slot in range(int(draft.layout.replicas[target])):
        at = draft.onset + (slot + 1) * draft.steps_in(30.0)
        while at < until:
            in_s = float(dice.rng.uniform(*QUIET_S))
            out_s = in_s * share / (1.0 - share)
            at += draft.steps_in(in_s)
            back = min(at + draft.steps_in(out_s), until)
            if at < back:
                draft.troubles.append(tr.Trouble(target, at, back, state, fresh=False, slots=(slot,)))
            at = back


FAMILY = kit.Family(
    name="readiness_probe",
    summary="A service's pods run and are not ready: their readiness probe asks the wrong port, speaks the wrong protocol or has no patience.",
    parameters=(dr.Parameter("time_unready", 0.5, 0.93, "of the time, per pod, for want of patience", +1),),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(29,),
    kinds=("readiness_port", "readiness_protocol", "readiness_timing"),
)
