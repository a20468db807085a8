"""Where nodes stand in the drawing: callers left of what they call, few crossings (the layered method of Sugiyama et al. 1981)."""

import dataclasses
from collections.abc import Mapping, Sequence

from rootward.memory.graph import model

SWEEPS = 6  # passes that put each node near the mean of its neighbours
COLUMN, ROW = 250, 62  # pixels from one node to the next
WIDTH, HEIGHT = 180, 42  # of a node
MARGIN = 16

Pair = tuple[model.Node, model.Node]


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Upper left corners in pixels, and the size of the whole."""

    places: Mapping[model.Node, tuple[float, float]]
    width: float
    height: float


def lay_out(nodes: Sequence[model.Node], pairs: Sequence[Pair]) -> Layout:
    """Pure and the same for the same graph; calls in a ring are drawn, one of them backwards."""
    forward = _without_rings(nodes, pairs)
    layers = _layers(nodes, forward)
    columns: list[list[model.Node]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
    for one in nodes:
        columns[layers[one]].append(one)
    _untangle(columns, forward)
    tallest = max((len(column) for column in columns), default=0)
    places = {}
    for x, column in enumerate(columns):
        top = (tallest - len(column)) * ROW / 2
        for y, one in enumerate(column):
            places[one] = (MARGIN + x * COLUMN, MARGIN + top + y * ROW)
    width = 2 * MARGIN + max(len(columns) - 1, 0) * COLUMN + WIDTH
    return Layout(places, width, 2 * MARGIN + max(tallest - 1, 0) * ROW + HEIGHT)


def _without_rings(nodes: Sequence[model.Node], pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that a walk in depth does not meet backwards."""
    below: dict[model.Node, list[model.Node]] = {}
    for one, other in pairs:
        below.setdefault(one, []).append(other)
    state: dict[model.Node, int] = {}  # 1 while on the way down, 2 when done
    kept: list[Pair] = []
    for start in nodes:
        stack = [(start, iter(below.get(start, ())))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            here, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[here] = 2
                stack.pop()
            elif state.get(following) != 1:
                kept.append((here, following))
                if following not in state:
                    state[following] = 1
                    stack.append((following, iter(below.get(following, ()))))
    return kept


def _layers(nodes: Sequence[model.Node], forward: Sequence[Pair]) -> dict[model.Node, int]:
    """The longest way to each node from where calls begin."""
    layers = dict.fromkeys(nodes, 0)
    for _ in range(len(nodes)):
        moved = False
        for one, other in forward:
            if layers[other] < layers[one] + 1:
                layers[other] = layers[one] + 1
                moved = True
        if not moved:
            break
    return layers


def _untangle(columns: list[list[model.Node]], forward: Sequence[Pair]) -> None:
    """Each column in the order of its neighbours' mean places, from left to right and back."""
    near: dict[model.Node, list[model.Node]] = {}
    for one, other in forward:
        near.setdefault(one, []).append(other)
        near.setdefault(other, []).append(one)
    place = {one: float(y) for column in columns for y, one in enumerate(column)}
    for sweep in range(SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            means = {
                one: sum(place[other] for other in near[one]) / len(near[one]) if near.get(one) else place[one]
                for one in column
            }
            column.sort(key=lambda one, means=means: (means[one], one))  # type: ignore[misc]
            shift = (max(map(len, columns)) - len(column)) / 2
            place.update({one: y + shift for y, one in enumerate(column)})
