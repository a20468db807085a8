"""What families of faults share: where in a system trouble is felt, when it begins, and one fault within another."""

import numpy as np

from rootward import errors
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import shapes

Family = dr.Family


def within(draft: dr.Draft, family: dr.Family, dice: dr.Dice, *, apart_from: int = -1) -> dr.Planted:
    """Let another family's fault in, as hard and in the shape that `dice` says, at a place of the seed's choice that no chain of
    calls connects with `apart_from` if there is one.

    Raises:
        WorldError: the family finds no place in this system.
    """
    layout = draft.layout
    places = family.targets(layout)
    free = [one for one in places if apart_from < 0 or not _connected(layout, _place(layout, family, one), apart_from)]
    rng = draft.rng("within", family.name)
    able = free or [one for one in places if _place(layout, family, one) != apart_from]
    if not able:
        raise errors.WorldError(f"{layout.plan.name}: no place for {family.name}")
    target = able[int(rng.integers(0, len(able)))]
    strength = dr.Strength(dice.strength.severity, dice.shape if dice.shape.kind in family.shapes else shapes.STEP)
    return family.plant(draft, target, dr.roll(family.parameters, rng, strength, {}))


def _place(layout: lay.Layout, family: dr.Family, target: int) -> int:
    return int(layout.target[target]) if family.of_calls else target


def _connected(layout: lay.Layout, one: int, other: int) -> bool:
    return bool(layout.path(one, other) or layout.path(other, one))


def busy_services(layout: lay.Layout, *, language: tuple[str, ...] = (), share: float = 0.05) -> list[int]:
    """Services behind an entry that see at least `share` of its traffic and whose failure its callers feel."""
    rates = layout.rate[layout.of_kind(bp.Kind.SERVICE)]
    least = min(share * float(rates.max()), 0.5 * float(np.median(rates)))  # in wide systems nobody sees much of it
    felt = lay.feels(layout)
    return [
        i
        for i in layout.of_kind(bp.Kind.SERVICE)
        if i not in layout.entries
        and layout.rate[i] >= least
        and felt[i] >= 0.3
        and (not language or layout.components[i].language in language)
    ]


def onset_s(draft: dr.Draft) -> float:
    """Seconds since the epoch at which the fault begins to act."""
    return float(draft.times_s[draft.onset])
