"""An autoscaler that does not scale: it cannot read its metric, reads the wrong one, or points at nothing, while load goes on."""

from rootward.dojo.faults import kit, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import scaling

UNREADABLE = "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container {name} of Pod {name}-7d9c6b5f4d-x2k9q"
NOT_FOUND = 'the HPA controller was unable to get the target\'s current scale: deployments.apps "{name}-api" not found'


def targets(layout: lay.Layout) -> list[int]:
    """Busy services that an autoscaler looks after."""
    scaled = scaling.scalers(layout)
    return [i for i in workload_kit.deployments(layout) if i in scaled]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    at, until = draft.onset, workload_kit.ends(draft)
    way = int(dice.rng.integers(0, 3))
    lines: tuple[list[str], list[str]]
    path, crowd = f"deploy/{component.name}/templates/hpa.yaml", True
    if way == 0:
        condition = ("ScalingActive", "FailedGetResourceMetric", UNREADABLE.format(name=component.name))
        draft.scaling[target] = dr.Unscaled(at, until, -1, condition, "FailedGetResourceMetric")
        lines = (["-      requests:", "-        cpu: 500m"], [])
        summary, path = f"Drop CPU requests of {component.name}", f"deploy/{component.name}/values.yaml"
    elif way == 1:
        condition = ("AbleToScale", "FailedGetScale", NOT_FOUND.format(name=component.name))
        draft.scaling[target] = dr.Unscaled(at, until, -1, condition, "FailedGetScale")
        lines = ([f"-    name: {component.name}"], [f"+    name: {component.name}-api"])
        summary = f"Follow the new naming scheme in the autoscaler of {component.name}"
    else:
        condition = ("", "", "")
        metric = f"s0-prometheus-{component.name}-queue-depth"
        draft.scaling[target] = dr.Unscaled(at, until, 1, condition, "", metric)
        lines = (["-    type: Resource"], ["+    type: External", f"+      name: {metric}"])
        summary, crowd = f"Scale {component.name} on queue depth", False
    note = workload_kit.manifest(draft, target, summary, dice, lines, path=path, details={"key": "autoscaling"})
    if crowd:
        workload_kit.crowd(draft, target, dice, dice["load_factor"])
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "hpa_broken", note.sha))


FAMILY = kit.Family(
    name="hpa_broken",
    summary="A service's autoscaler cannot read its metric, reads the wrong one or points at nothing; load comes and replicas do not.",
    parameters=(dr.Parameter("load_factor", 2.0, 4.5, "times the usual calls", +1),),
    targets=targets,
    plant=plant,
    group="cluster",
    rows=(37,),
)
