"""Metric queries above the window: aggregation by labels, arithmetic, comparison, and matching of two vectors."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rootward import errors
from rootward.dojo.engines import re2
from rootward.dojo.engines.logql import tree

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Key = tuple[tuple[str, str], ...]

MAX_SERIES = 500
TOO_MANY_SERIES = (
    "maximum number of series (500) reached for a single query; consider reducing query cardinality by adding more specific"
    " stream selectors, reducing the time range, or aggregating results with functions like sum, count or topk"
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`values`, `present` shape [T] over the grid; a value where `present` is false means nothing."""

    labels: dict[str, str]
    values: FloatArray
    present: BoolArray


def group_key(labels: Mapping[str, str], grouping: tree.Grouping | None) -> Key:
    """The labels that remain, in order of name, without empty ones."""
    if grouping is None:
        return tuple(sorted(pair for pair in labels.items() if pair[1] != ""))
    if grouping.without:
        return tuple(sorted(pair for pair in labels.items() if pair[0] not in grouping.labels and pair[1] != ""))
    return tuple(sorted((name, labels[name]) for name in set(grouping.labels) if labels.get(name)))


def aggregate(query: tree.VectorAggregation, inner: list[Series]) -> list[Series]:
    """sum, avg, … over groups; topk and bottomk keep whole series where they are among the k of their group."""
    if query.op in ("sort", "sort_desc"):
        sign = -1.0 if query.op == "sort_desc" else 1.0
        return sorted(inner, key=lambda one: sign * float(one.values[-1]) if one.present[-1] else np.inf)
    groups: dict[Key, list[Series]] = {}
    grouping = query.grouping or tree.Grouping(without=False, labels=())
    for one in inner:
        groups.setdefault(group_key(one.labels, grouping), []).append(one)
    if query.op in ("topk", "bottomk"):
        return [kept for members in groups.values() for kept in _ranked(query, members)]
    out = []
    for key, members in groups.items():
        values = np.array([one.values for one in members])
        present = np.array([one.present for one in members])
        out.append(Series(dict(key), _AGGREGATES[query.op](values, present), np.asarray(present.any(axis=0))))
    return out


def _mean(values: FloatArray, present: BoolArray) -> FloatArray:
    mean: FloatArray = np.where(present, values, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return mean


def _variance(values: FloatArray, present: BoolArray) -> FloatArray:
    return _mean((values - _mean(values, present)) ** 2, present)


_AGGREGATES: dict[str, Callable[[FloatArray, BoolArray], FloatArray]] = {
    "sum": lambda v, p: np.where(p, v, 0.0).sum(axis=0),
    "avg": _mean,
    "min": lambda v, p: np.where(p, v, np.inf).min(axis=0),
    "max": lambda v, p: np.where(p, v, -np.inf).max(axis=0),
    "count": lambda _v, p: p.sum(axis=0).astype(np.float64),
    "stddev": lambda v, p: np.sqrt(_variance(v, p)),
    "stdvar": _variance,
}


def _ranked(query: tree.VectorAggregation, members: list[Series]) -> list[Series]:
    worst = -np.inf if query.op == "topk" else np.inf
    values = np.array([np.where(one.present, one.values, worst) for one in members])
    order = np.argsort(-values if query.op == "topk" else values, axis=0, kind="stable")
    rank = np.argsort(order, axis=0, kind="stable")
    count = int(query.parameter or 1)
    kept = [Series(one.labels, one.values, one.present & (rank[i] < count)) for i, one in enumerate(members)]
    return [one for one in kept if one.present.any()]


def label_replace(query: tree.LabelReplace, inner: list[Series]) -> list[Series]:
    """Sets `target` from groups of an anchored match on `source`; unmatched series stay as they are."""
    names, found = re2.captures(
        re2.whole(query.pattern, dot_newline=True), [one.labels.get(query.source, "") for one in inner]
    )
    out = []
    for one, groups in zip(inner, found, strict=True):
        labels = dict(one.labels)
        if groups is not None:
            labels[query.target] = _expand(query.replacement, one.labels.get(query.source, ""), names, groups)
        out.append(Series({k: v for k, v in labels.items() if v != ""}, one.values, one.present))
    return out


def _expand(template: str, whole: str, names: Sequence[str], groups: Sequence[str]) -> str:
    """Go's `$1`, `${name}`; a group that is not there is empty."""

    def group(reference: re.Match[str]) -> str:
        name = reference.group(1) or reference.group(2)
        if name.isdecimal():
            number = int(name[:4])
            return whole if number == 0 else groups[number - 1] if number <= len(groups) else ""
        return groups[names.index(name)] if name in names else ""

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", group, template)


_ARITHMETIC: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
}
_COMPARISON: dict[str, Callable[[FloatArray, FloatArray], BoolArray]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}


def binary(
    query: tree.Binary, left: list[Series] | float, right: list[Series] | float, count: int
) -> list[Series] | float:
    """Scalars with scalars, vectors with scalars, vectors with vectors; `count` points in the grid."""
    if isinstance(left, float) and isinstance(right, float):
        values, present = _apply(query, np.full(1, left), np.full(1, right), scalars=True)
        return float(values[0]) if present[0] else 0.0
    if isinstance(left, float):
        assert not isinstance(right, float)
        return [_with(query, np.full(count, left), one.values, one, keep=one.values) for one in right]
    if isinstance(right, float):
        return [_with(query, one.values, np.full(count, right), one, keep=one.values) for one in left]
    if query.op in ("and", "or", "unless"):
        return _set_operation(query, left, right)
    return _matched(query, left, right)


def _apply(query: tree.Binary, a: FloatArray, b: FloatArray, *, scalars: bool = False) -> tuple[FloatArray, BoolArray]:
    with np.errstate(all="ignore"):
        if query.op in _ARITHMETIC:
            return _ARITHMETIC[query.op](a, b), np.ones(len(a), dtype=np.bool_)
        holds = _COMPARISON[query.op](a, b)
    if query.as_bool or scalars:
        return holds.astype(np.float64), np.ones(len(a), dtype=np.bool_)
    return a, holds


def _with(query: tree.Binary, a: FloatArray, b: FloatArray, one: Series, keep: FloatArray) -> Series:
    values, holds = _apply(query, a, b)
    filters = query.op in _COMPARISON and not query.as_bool
    return Series(one.labels, keep if filters else values, one.present & holds)


def _match_key(labels: Mapping[str, str], matching: tree.Matching) -> Key:
    grouping = tree.Grouping(without=not matching.on, labels=matching.labels)
    return group_key(labels, grouping)


def _set_operation(query: tree.Binary, left: list[Series], right: list[Series]) -> list[Series]:
    def covered(side: list[Series]) -> dict[Key, BoolArray]:
        out: dict[Key, BoolArray] = {}
        for one in side:
            key = _match_key(one.labels, query.matching)
            out[key] = out[key] | one.present if key in out else one.present
        return out

    def limited(side: list[Series], other: dict[Key, BoolArray], *, inside: bool) -> list[Series]:
        nowhere = np.zeros(len(side[0].present) if side else 0, dtype=np.bool_)
        found = ((one, other.get(_match_key(one.labels, query.matching), nowhere)) for one in side)
        return [Series(one.labels, one.values, one.present & (mask if inside else ~mask)) for one, mask in found]

    if query.op == "or":
        return left + limited(right, covered(left), inside=False)
    return limited(left, covered(right), inside=query.op == "and")


def _matched(query: tree.Binary, left: list[Series], right: list[Series]) -> list[Series]:
    """One to one, or many to one with group_left and group_right."""
    flipped = query.matching.group == "right"
    many, ones = (right, left) if flipped else (left, right)
    by_key: dict[Key, Series] = {}
    for one in ones:
        key = _match_key(one.labels, query.matching)
        if key in by_key:
            raise errors.QueryExecutionError(
                "multiple matches for labels: many-to-many matching not allowed: matching labels must be unique on one side"
            )
        by_key[key] = one
    out: list[Series] = []
    seen: set[Key] = set()
    for each in many:
        key = _match_key(each.labels, query.matching)
        other = by_key.get(key)
        if other is None:
            continue
        if key in seen and not query.matching.group:
            raise errors.QueryExecutionError(
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
        seen.add(key)
        a, b = (other, each) if flipped else (each, other)
        values, holds = _apply(query, a.values, b.values)
        out.append(Series(_result_labels(query, each, other, key), values, a.present & b.present & holds))
    return out


def _result_labels(query: tree.Binary, each: Series, other: Series, key: Key) -> dict[str, str]:
    if not query.matching.group:
        return dict(key)
    borrowed = {name: other.labels[name] for name in query.matching.include if name in other.labels}
    return {**each.labels, **borrowed}
