"""What families about a cluster's workloads share: how long they last, roll-outs that get stuck, manifests that change."""

from collections.abc import Callable
from typing import Any

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, scaling, texts
from rootward.dojo.world import layout as lay
from rootward.dojo.world import troubles as tr

RECREATED = 0.35
"""Share of workloads whose roll-outs take the old pods away first (a volume, a licence, a migration asks for it)."""


def deployments(layout: lay.Layout) -> list[int]:
    """Busy services with more than one pod."""
    return [i for i in kit.busy_services(layout) if layout.replicas[i] >= 2]


def ends(draft: dr.Draft) -> int:
    """The step at which somebody begins to mend it; `steps` if nobody does."""
    if draft.relief is None or not (draft.relief > 0).any():
        return draft.steps
    return int((draft.relief > 0).argmax())


def clear_road(draft: dr.Draft, target: int) -> None:
    """Nobody else rolls the component out around the onset: one change at a time."""
    around = draft.steps_in(420.0)

    def free(component: int, at: int) -> bool:
        return component != target or at < draft.onset - around

    draft.releases[:] = [one for one in draft.releases if free(one.component, one.at)]
    draft.limits[:] = [one for one in draft.limits if free(one.component, one.at)]


def stuck(draft: dr.Draft, target: int, state: tr.State, dice: dr.Dice, *, mends: str = tr.ROLL_BACK) -> bool:
    """The roll-out that begins at the onset gets no further; returns whether it took all old pods away first."""
    recreate = bool(dice.rng.uniform() < RECREATED)
    draft.troubles.append(tr.Trouble(target, draft.onset, ends(draft), state, recreate=recreate, mends=mends))
    return recreate


def autoscaled(draft: dr.Draft, target: int) -> bool:
    return target in scaling.scalers(draft.layout)


def blocked(draft: dr.Draft, target: int, state: tr.State, dice: dr.Dice, *, component: int | None = None) -> None:
    """Pods that are made from the onset on suffer (`component` -1: everybody's), and something makes new ones: a release of the
    target, machines that are replaced under its pods, or load that its autoscaler answers."""
    place, until = target if component is None else component, ends(draft)
    draft.troubles.append(tr.Trouble(place, draft.onset, until, state))
    ways = ("release", "machines") * 3 + (("load",) if autoscaled(draft, target) else ())
    way = ways[int(dice.rng.integers(0, len(ways)))]
    if way == "release":
        at = draft.onset + draft.steps_in(float(dice.rng.uniform(15.0, 120.0)))
        history.release(draft, target, at, texts.innocent(draft.layout.components[target], dice.rng))
    elif way == "machines":
        machines(draft, target, state, dice)
    else:
        crowd(draft, target, dice)


def machines(draft: dr.Draft, target: int, state: tr.State, dice: dr.Dice) -> None:
    """The target's machines are replaced one after the other, as every week; its pods have to be made again."""
    at, number = draft.onset + draft.steps_in(30.0), int(dice.rng.integers(100, 1000))
    details = {"plan": "0 to add, 2 to change, 0 to destroy", "ami": f"al2023-{number}"}
    draft.note(-1, "infrastructure", "Weekly rotation of the node group", dice.rng, at=at, details=details)
    left = round(float(dice.rng.uniform(0.0, 0.4)) * float(draft.layout.replicas[target]))
    slots = tuple(range(left, scaling.most(draft.layout, target)))
    draft.troubles.append(
        tr.Trouble(target, at, ends(draft), state, fresh=False, slots=slots, taken=tr.DELETED, each_s=45.0)
    )


def crowd(draft: dr.Draft, target: int, dice: dr.Dice, factor: float = 0.0) -> None:
    """More of what callers ask goes to the target than usual: a campaign, a popular page."""
    times = factor or float(dice.rng.uniform(2.0, 3.2))
    rise = 1.0 + (times - 1.0) * draft.after(draft.onset, ramp_s=float(dice.rng.uniform(120.0, 400.0)))
    if draft.relief is not None:
        rise = 1.0 + (rise - 1.0) * (1.0 - draft.relief)
    for call in draft.layout.calls_to(target):
        draft.knobs.calls_factor[:, call] *= rise


def repeated(
    draft: dr.Draft, where: tuple[str, str, str], reason: str, message: str, *, source: str, at: int, every_s: float
) -> None:
    """A warning that comes again and again from step `at` until somebody mends it; its count rises, as recorders aggregate."""
    last = min(ends(draft), draft.steps) - 1
    for step in sorted({round(at + (last - at) * k / 12.0) for k in range(13)}) if last >= at else ():
        count = 1 + round((step - at) * draft.step_s / every_s)
        draft.happenings.append(dr.Happening(step, where, reason, message, count, at, source=source))


def edit(draft: dr.Draft, target: int, change: Callable[[dict[str, Any]], None]) -> None:
    """The pod template changes at the onset and is rolled out; it is taken back when trouble ends."""
    until = ends(draft)
    draft.edits.append(dr.Edit(target, draft.onset, change, -1 if until >= draft.steps else until))


def manifest(
    draft: dr.Draft, target: int, summary: str, dice: dr.Dice, lines: tuple[list[str], list[str]], **rest: Any
) -> dr.Notice:
    """A change of the component's chart, with the lines removed and added."""
    component = draft.layout.components[target]
    removed, added = lines
    return draft.note(
        target,
        "config",
        summary,
        dice.rng,
        path=rest.pop("path", f"deploy/{component.name}/values.yaml"),
        patch=texts.hunk(removed, added, line=int(dice.rng.integers(8, 60))),
        **rest,
    )


def release(draft: dr.Draft, target: int, title: str, lines: tuple[list[str], list[str]], path: str = "") -> dr.Release:
    """A release at the onset that touches `path` (the component's source unless told)."""
    component = draft.layout.components[target]
    patch = texts.Patch(title, {path or texts.source(component): texts.hunk(*lines, line=31)}, feature=True)
    return history.release(draft, target, draft.onset, patch)


def cause(
    draft: dr.Draft, target: int, fault: str, change: str = "", *, also: tuple[tuple[str, str], ...] = ()
) -> oracle.Cause:
    """The component as the culprit, from the onset on."""
    component = draft.layout.components[target]
    name = component.name
    kind = "service" if component.kind is bp.Kind.SERVICE else component.kind.value
    return oracle.Cause(kind, name, fault, kit.onset_s(draft), change, (("workload", name), *also))


def planted(draft: dr.Draft, target: int, found: oracle.Cause, *, note: str = "") -> dr.Planted:
    """With an innocent neighbour among the suspects: what was released or changed elsewhere within half an hour before."""
    recent = draft.onset - draft.steps_in(1800.0)
    near = [one.component for one in draft.releases if recent <= one.at <= draft.onset and one.component != target]
    return dr.Planted((found,), target, suspects=tuple(draft.layout.components[i].name for i in near), note=note)


def neighbour(draft: dr.Draft, target: int, dice: dr.Dice) -> None:
    """An innocent release of another service a few minutes before the onset, for the hasty."""
    others = [i for i in draft.layout.of_kind(bp.Kind.SERVICE) if i != target and i not in draft.layout.entries]
    if others:
        place = others[int(dice.rng.integers(0, len(others)))]
        at = max(1, draft.onset - draft.steps_in(float(dice.rng.uniform(60.0, 600.0))))
        history.release(draft, place, at, texts.innocent(draft.layout.components[place], dice.rng))
