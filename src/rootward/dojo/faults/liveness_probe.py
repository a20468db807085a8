"""Healthy containers that the kubelet kills: the liveness probe asks the wrong port, the wrong protocol, or gives up at the first late answer."""

from typing import Any

from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import troubles as tr

EXIT_CODES = {"java": 143, "node": 137, "python": 137}
"""The JVM says that SIGTERM ended it; others that do not listen are killed after the grace period."""


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    kind = ("liveness_timing", "liveness_timing", "liveness_port", "liveness_protocol")[int(dice.rng.integers(0, 4))]
    component = draft.layout.components[target]
    port = (8081, 9000)[int(dice.rng.integers(0, 2))]

    def change(spec: dict[str, Any]) -> None:
        probe = spec["containers"][0]["livenessProbe"]
        if kind == "liveness_port":
            probe["httpGet"] = {"path": "/healthz", "port": port}
        elif kind == "liveness_protocol":
            probe["httpGet"] = {"path": "/healthz", "port": 8080, "scheme": "HTTPS"}
        else:
            probe.update({"initialDelaySeconds": 0, "periodSeconds": 3, "failureThreshold": 1, "timeoutSeconds": 1})

    said, lines = {
        "liveness_port": (
            f'Get "http://{{address}}:{port}/healthz": dial tcp {{address}}:{port}: connect: connection refused',
            (["-              port: 8080"], [f"+              port: {port}"]),
        ),
        "liveness_protocol": (
            'Get "https://{address}:8080/healthz": http: server gave HTTP response to HTTPS client',
            ([], ["+              scheme: HTTPS"]),
        ),
        "liveness_timing": (
            'Get "http://{address}:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            (
                ["-            failureThreshold: 3"],
                ["+            failureThreshold: 1", "+            periodSeconds: 3"],
            ),
        ),
    }[kind]
    note = workload_kit.manifest(
        draft, target, f"Detect hanging {component.name} pods faster", dice, lines,
        path=f"deploy/{component.name}/templates/deployment.yaml", details={"key": "livenessProbe"},
    )  # fmt: skip
    workload_kit.edit(draft, target, change)
    runs_s = dice["seconds_between_kills"] if kind == "liveness_timing" else 45.0
    state = pod_states.killed_by_probe(said, runs_s=runs_s, exit_code=EXIT_CODES.get(component.language, 137))
    draft.troubles.append(tr.Trouble(target, draft.onset, workload_kit.ends(draft), state, blocks=False))
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, kind, note.sha))


FAMILY = kit.Family(
    name="liveness_probe",
    summary="A service's healthy containers are killed again and again: their liveness probe asks wrongly or has no patience.",
    parameters=(dr.Parameter("seconds_between_kills", 45.0, 240.0, "s", -1),),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(30,),
    kinds=("liveness_timing", "liveness_port", "liveness_protocol"),
)
