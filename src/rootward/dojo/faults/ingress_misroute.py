"""An Ingress sends a path to a Service that does not exist, or to a port that it does not offer: the door fails, the rooms behind it are idle."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, workload_kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

NO_SERVICE = dict.fromkeys(
    ("nginx", "go"), 'Service "{host}-web" does not have any active Endpoint, upstream: "http://{host}-web:{port}/"'
)
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
    missing = bool(dice.rng.uniform() < 0.6)
    until = workload_kit.ends(draft)
    other, port = (f"{name}-web", 8080) if missing else (name, 8000)
    draft.detours.append(dr.Detour(door, behind, draft.onset, until, other, port))
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


FAMILY = kit.Family(
    name="ingress_misroute",
    summary="An Ingress sends a path to a Service or port that does not exist; what stands behind it is idle.",
    parameters=(),
    targets=targets,
    plant=plant,
    group="cluster",
    rows=(27,),
    of_calls=True,
)
