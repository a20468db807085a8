"""What PromQL expressions evaluate to, for all steps of a query at once."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rootward import errors

LabelSet = tuple[tuple[str, str], ...]
"""(name, value) pairs in order of name, no empty values: hashable, and in the order in which Prometheus sorts series."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

NAME = "__name__"
SAME_LABELS = "vector cannot contain metrics with the same labelset"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """`values` shape [N], one per step."""

    values: FloatArray


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """An instant vector at each of N steps: `values` and `present` shape [S, N]; a value counts only where present."""

    labels: Sequence[LabelSet]
    values: FloatArray
    present: BoolArray

    def rows(self, keep: Sequence[int] | IntArray) -> "Vector":
        index = np.asarray(keep, dtype=np.intp)
        return Vector([self.labels[i] for i in index], self.values[index], self.present[index])

    def without_empty(self) -> "Vector":
        """Without series that are present at no step."""
        some = self.present.any(axis=1)
        return self if bool(some.all()) else self.rows(np.flatnonzero(some))


Value = Scalar | Text | Vector


def empty(steps: int) -> Vector:
    return Vector([], np.empty((0, steps)), np.empty((0, steps), dtype=bool))


def label_set(pairs: dict[str, str]) -> LabelSet:
    """Sorted, without empty values (an empty label is an absent one)."""
    given = sorted(pairs.items())
    return tuple(given) if all(pairs.values()) else tuple(pair for pair in given if pair[1])


def label_sets(rows: Sequence[Mapping[str, str]]) -> list[LabelSet]:
    """`label_set` of each: those with the same names in the same order, as a page's mostly are, are sorted once."""
    shapes: dict[tuple[str, ...], tuple[list[str], list[int]]] = {}
    out: list[LabelSet] = []
    for pairs in rows:
        names, given = tuple(pairs), list(pairs.values())
        shape = shapes.get(names)
        if shape is None:
            order = sorted(range(len(names)), key=names.__getitem__)
            shape = shapes[names] = ([names[i] for i in order], order)
        if "" in given:
            out.append(label_set(dict(pairs)))
        else:
            out.append(tuple(zip(shape[0], map(given.__getitem__, shape[1]), strict=True)))
    return out


def name_of(labels: LabelSet) -> str:
    """The metric's name, "" for none."""
    for name, value in labels:
        if name >= NAME:
            return value if name == NAME else ""
    return ""


def without_name(labels: LabelSet) -> LabelSet:
    return tuple(pair for pair in labels if pair[0] != NAME)


def keep_labels(labels: LabelSet, names: frozenset[str]) -> LabelSet:
    return tuple(pair for pair in labels if pair[0] in names)


def drop_labels(labels: LabelSet, names: frozenset[str]) -> LabelSet:
    return tuple(pair for pair in labels if pair[0] not in names)


def drop_name(vector: Vector, *, strict: bool = False) -> Vector:
    """The vector without metric names; see `merged` for what happens to look-alikes."""
    return merged(
        Vector([without_name(labels) for labels in vector.labels], vector.values, vector.present), strict=strict
    )


def merged(vector: Vector, message: str = SAME_LABELS, *, strict: bool = False) -> Vector:
    """Rows with equal labels become one.

    Raises:
        errors.QueryExecutionError: two of them are present at the same step (at any steps, where `strict`).
    """
    if len(set(vector.labels)) == len(vector.labels):
        return vector
    vector = vector.without_empty()
    groups, first = group(vector.labels)
    if len(first) == len(vector.labels):
        return vector
    counts = np.zeros((len(first), vector.values.shape[1]), dtype=np.int64)
    np.add.at(counts, groups, vector.present)
    if strict or bool((counts > 1).any()):
        raise errors.QueryExecutionError(message)
    values = np.full(counts.shape, np.nan)
    for row, target in enumerate(groups):
        values[target] = np.where(vector.present[row], vector.values[row], values[target])
    return Vector([vector.labels[i] for i in first], values, counts > 0)


def group(keys: Sequence[LabelSet]) -> tuple[IntArray, list[int]]:
    """The group number of each key [S], and the position of the first key of each group, in order of first appearance."""
    numbers: dict[LabelSet, int] = {}
    first: list[int] = []
    out = np.empty(len(keys), dtype=np.int64)
    for position, key in enumerate(keys):
        number = numbers.setdefault(key, len(numbers))
        if number == len(first):
            first.append(position)
        out[position] = number
    return out, first
