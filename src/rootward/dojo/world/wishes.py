"""What somebody asked of a fault, where the seed would otherwise choose: its shape over time, its place, its parameters."""

import dataclasses
from collections.abc import Mapping, Sequence

from rootward import errors
from rootward.dojo import faults
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """A family with the places (components or calls), shapes and fixed parameters left to it; `insists` on the shape."""

    family: dr.Family
    places: Sequence[int]
    shapes: Sequence[str]
    parameters: Mapping[str, float]
    insists: bool


def checked(
    layout: lay.Layout,
    family: dr.Family,
    *,
    shape: str | None = None,
    place: str | None = None,
    parameters: Mapping[str, float],
) -> Wish:
    """Fit what was asked to the family and the system.

    Raises:
        WorldError: the family has no such shape, place or parameter, or the value lies outside its range.
    """
    if shape is not None and shape not in family.shapes:
        raise errors.WorldError(f"{family.name} comes as {', '.join(family.shapes)}, not {shape!r}")
    known = {parameter.name: parameter for parameter in family.parameters}
    for name, value in parameters.items():
        if name not in known:
            raise errors.WorldError(faults.unknown(f"parameter of {family.name}", name, tuple(known)))
        low, high = known[name].low, known[name].high
        if not low <= value <= high:
            raise errors.WorldError(f"{family.name}: {name} is {low:g} to {high:g} {known[name].unit}, not {value:g}")
    places = family.targets(layout)
    if not places:
        raise errors.WorldError(f"{layout.plan.name} has nothing that {family.name} could break")
    if place is not None:
        able = {_name(layout, family, found): found for found in places}
        if place not in able:
            raise errors.WorldError(faults.unknown(f"place for {family.name}", place, tuple(able)))
        places = [found for found in places if _name(layout, family, found) == place]
    return Wish(family, places, (shape,) if shape else family.shapes, dict(parameters), shape is not None)


def _name(layout: lay.Layout, family: dr.Family, place: int) -> str:
    if not family.of_calls:
        return layout.components[place].name
    return f"{layout.components[layout.source[place]].name}→{layout.components[layout.target[place]].name}"
