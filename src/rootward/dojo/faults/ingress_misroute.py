"""An Ingress leads nowhere: a Service that does not exist, a port that is not offered, a class that no controller serves. The door
answers with errors, or with 404 where it does not even know the path; the rooms behind it are idle."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit, workload_kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import detours
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay

NO_SERVICE = dict.fromkeys(
    ("nginx", "go"), 'Service "{host}-web" does not have any active Endpoint, upstream: "http://{host}-web:{port}/"'
)
UNKNOWN_CLASS = (
    "ignoring ingress {namespace}/{name} because of error while validating ingress class: "
    'no object matching key "{other}" in local store'
)
CLASSES = ("nginx-public", "nginx-edge", "nginx-v2", "public")
NO_PORT = dict.fromkeys(
    ("nginx", "go"),
    'connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://{ip}:8000/"',
)


def targets(layout: lay.Layout) -> list[int]:
    """Calls from an nginx at the door to a service that is asked for a fair share of requests."""
    doors = [i for i in layout.entries if layout.components[i].language == "nginx"]
    calls = [e for i in doors for e in layout.calls_from(i)]
    return [
        e
        for e in calls
        if layout.components[layout.target[e]].kind is bp.Kind.SERVICE
        and layout.call_rate[e] >= 0.08 * layout.rate[layout.source[e]]
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    door, behind = int(layout.source[target]), int(layout.target[target])
    name = layout.components[behind].name
    workload_kit.neighbour(draft, behind, dice)
    if _whole(layout, door, layout.namespace(behind)) and dice.rng.uniform() < 0.4:
        return _unserved(draft, door, layout.namespace(behind), dice)
    missing = bool(dice.rng.uniform() < 0.6)
    until = workload_kit.ends(draft)
    other, port = (f"{name}-web", 8080) if missing else (name, 8000)
    draft.detours.append(detours.Detour(door, behind, draft.onset, until, other, port))
    removed = [f"-              name: {name}"] if missing else ["-                number: 8080"]
    added = [f"+              name: {other}"] if missing else [f"+                number: {port}"]
    note = workload_kit.manifest(
        draft, door, f"Route /{name} through the new ingress template", dice, (removed, added),
        path=f"deploy/{layout.components[door].name}/templates/ingress.yaml", details={"key": "ingress"},
    )  # fmt: skip
    acting = draft.acting(dice)
    draft.knobs.refused[:, target] = 1.0 - (1.0 - draft.knobs.refused[:, target]) * (1.0 - acting)
    draft.refusals[target] = NO_SERVICE if missing else NO_PORT
    here = layout.components[door].name
    cause = oracle.Cause("service", here, "ingress_misroute", kit.onset_s(draft), note.sha, (("workload", here),))
    return workload_kit.planted(draft, door, cause)


def _calls(layout: lay.Layout, door: int, namespace: str) -> list[int]:
    """Calls of a door that one Ingress is for."""
    return [e for e in layout.calls_from(door) if layout.namespace(int(layout.target[e])) == namespace]


def _whole(layout: lay.Layout, door: int, namespace: str) -> bool:
    """Whether the site that is probed from outside depends on this Ingress."""
    routed = sum(float(layout.call_rate[e]) for e in _calls(layout, door, namespace))
    return door == layout.entries[0] and routed >= 0.9 * float(layout.rate[door])


def _unserved(draft: dr.Draft, door: int, namespace: str, dice: dr.Dice) -> dr.Planted:
    """The Ingress names a class that does not exist, so its controller drops it: 404 for every path, and nobody behind is asked."""
    layout, until = draft.layout, workload_kit.ends(draft)
    here, other = layout.components[door].name, CLASSES[int(dice.rng.integers(0, len(CLASSES)))]
    draft.unserved.append(detours.Unserved(door, namespace, draft.onset, until, other))
    note = workload_kit.manifest(
        draft, door, f"Move the {namespace} ingress to class {other}", dice,
        (["-  ingressClassName: nginx"], [f"+  ingressClassName: {other}"]),
        path=f"deploy/{here}/templates/ingress.yaml", details={"key": "ingressClassName", "from": "nginx", "to": other},
    )  # fmt: skip
    acting = draft.acting(dice)
    for call in _calls(layout, door, namespace):
        draft.knobs.calls_factor[:, call] *= 1.0 - acting
    draft.levels[fr.UNROUTED, door] = acting
    draft.reach = 1.0 - acting
    said = np.zeros(draft.steps)
    said[draft.onset : until : draft.steps_in(300.0)] = 3.0 / draft.step_s
    text = UNKNOWN_CLASS.format(namespace=namespace, name=here, other=other)
    draft.voices.append(dr.Voice(door, "warn", said, (text,), steady=True))
    cause = oracle.Cause("service", here, "ingress_misroute", kit.onset_s(draft), note.sha, (("workload", here),))
    return workload_kit.planted(draft, door, cause, note=f"the ingress of {namespace} has the class {other}")


FAMILY = kit.Family(
    name="ingress_misroute",
    summary="An Ingress leads to a Service or port that does not exist, or has a class that no controller serves; what stands behind it is idle.",
    parameters=(),
    targets=targets,
    plant=plant,
    group="cluster",
    rows=(27,),
    of_calls=True,
)
