"""What PromQL expressions evaluate to, for all steps of a query at once."""

import bisect
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
        return Vector([self.labels[i] for i in index.tolist()], self.values[index], self.present[index])

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


class _Pairs(dict[str, tuple[str, str]]):
    """The pairs of one label by value, each made once: thousands of series share them, and equal ones are found by looking."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, value: str) -> tuple[str, str]:
        pair = self[value] = (self._name, value)
        return pair


class LabelSets:
    """`label_set` for many series, which mostly have the same names as their neighbours: a label at a time."""

    def __init__(self) -> None:
        self._pairs: dict[str, _Pairs] = {}

    def of(self, rows: Sequence[Mapping[str, str]]) -> list[LabelSet]:
        """Of each row; in order."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for place, row in enumerate(rows):
            alike.setdefault(tuple(row), []).append(place)
        out: list[LabelSet] = [()] * len(rows)
        for names, places in alike.items():
            given = zip(*(rows[place].values() for place in places), strict=True)
            columns = sorted(zip(names, given, strict=True))
            tables = [self._pairs.setdefault(name, _Pairs(name)) for name, _ in columns]
            pairs = [[known[value] for value in column] for known, (_, column) in zip(tables, columns, strict=True)]
            holed = any("" in known for known in tables)
            for place, labels in zip(places, zip(*pairs, strict=True), strict=bool(names)):
                out[place] = tuple(pair for pair in labels if pair[1]) if holed else labels
        return out


def with_label(labels: LabelSet, name: str, value: str) -> LabelSet:
    """The same with one label set to `value`; without it for ""."""
    at = bisect.bisect_left(labels, (name,))
    rest = labels[at + 1 :] if at < len(labels) and labels[at][0] == name else labels[at:]
    return (*labels[:at], (name, value), *rest) if value else (*labels[:at], *rest)


def name_of(labels: LabelSet) -> str:
    """The metric's name, "" for none."""
    for name, value in labels:
        if name >= NAME:
            return value if name == NAME else ""
    return ""


def without_name(labels: LabelSet) -> LabelSet:
    if labels and labels[0][0] == NAME:  # before all names that begin with a small letter
        return labels[1:]
    return tuple([pair for pair in labels if pair[0] != NAME])


def keep_labels(labels: LabelSet, names: frozenset[str]) -> LabelSet:
    return tuple([pair for pair in labels if pair[0] in names])


def drop_labels(labels: LabelSet, names: frozenset[str]) -> LabelSet:
    return tuple([pair for pair in labels if pair[0] not in names])


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
    out: list[int] = []
    for position, key in enumerate(keys):
        number = numbers.setdefault(key, len(numbers))
        if number == len(first):
            first.append(position)
        out.append(number)
    return np.array(out, dtype=np.int64), first
