"""What families about a cluster's workloads share: how long they last, roll-outs that get stuck, manifests that change."""

from collections.abc import Callable
from typing import Any

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
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
