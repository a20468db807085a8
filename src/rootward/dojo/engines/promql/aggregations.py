"""sum, topk, quantile and the other aggregation operators, for all steps at once."""

import zlib
from collections.abc import Callable

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import budget, numbers, options, quoting, ranking, syntax, values

FloatArray = values.FloatArray
BoolArray = values.BoolArray
IntArray = values.IntArray
Vector = values.Vector


class _Groups:
    """Rows of a vector put in order of group, so that one reduceat serves all groups."""

    def __init__(self, vector: Vector, numbers_of: IntArray, size: int) -> None:
        self.order = np.argsort(numbers_of, kind="stable")
        self.group = numbers_of[self.order]
        self.starts = np.searchsorted(self.group, np.arange(size))
        self.values = vector.values[self.order]
        self.present = vector.present[self.order]
        self.full = bool(self.present.all())

    def reduce(self, operation: np.ufunc, samples: FloatArray, neutral: float) -> FloatArray:
        """`samples` [S, N] in this order → [G, N]; absent samples count as `neutral`."""
        filled = samples if self.full else np.where(self.present, samples, neutral)
        result: FloatArray = operation.reduceat(filled, self.starts, axis=0)
        return result

    def counts(self) -> FloatArray:
        result: FloatArray = np.add.reduceat(self.present, self.starts, axis=0, dtype=np.float64)
        return result

    def mean(self) -> FloatArray:
        counts = np.maximum(self.counts(), 1)
        result = self.reduce(np.add, self.values, 0.0) / counts
        if np.isinf(result).any():  # the sum may be too large where the mean is not
            scaled = self.reduce(np.add, self.values / counts[self.group], 0.0)
            result = np.where(np.isinf(result), scaled, result)
        return result

    def variance(self) -> FloatArray:
        away = self.values - self.mean()[self.group]
        return self.reduce(np.add, away * away, 0.0) / np.maximum(self.counts(), 1)


_REDUCTIONS: dict[str, Callable[[_Groups], FloatArray]] = {
    "sum": lambda g: g.reduce(np.add, g.values, 0.0),
    "avg": lambda g: g.mean(),
    "min": lambda g: g.reduce(np.fmin, g.values, np.nan),
    "max": lambda g: g.reduce(np.fmax, g.values, np.nan),
    "count": lambda g: g.counts(),
    "group": lambda g: np.ones_like(g.counts()),
    "stddev": lambda g: np.sqrt(g.variance()),
    "stdvar": lambda g: g.variance(),
}


def grouping(vector: Vector, names: frozenset[str], *, without: bool) -> tuple[list[values.LabelSet], IntArray]:
    """The labels of each output group, and the group of each row."""
    if without:
        drop = names | {values.NAME}
        keys = [values.drop_labels(labels, drop) for labels in vector.labels]
    elif names:
        keys = [values.keep_labels(labels, names) for labels in vector.labels]
    else:
        keys = [()] * len(vector.labels)
    groups, first = values.group(keys)
    return [keys[i] for i in first], groups


def simple(operator: str, vector: Vector, names: frozenset[str], settings: options.Options, *, without: bool) -> Vector:
    """The operators without a parameter."""
    if not vector.labels:
        return vector
    labels, groups = grouping(vector, names, without=without)
    arranged = _Groups(vector, groups, len(labels))
    result = _REDUCTIONS[operator](arranged)
    if operator in ("stddev", "stdvar") and settings.dialect is options.Dialect.V2:
        result = np.where(arranged.counts() == 1, 0.0, result)  # even of a single NaN
    return Vector(labels, result, np.logical_or.reduceat(arranged.present, arranged.starts, axis=0))


def quantile(q: FloatArray, vector: Vector, names: frozenset[str], *, without: bool) -> Vector:
    """`q` [N]."""
    labels, groups = grouping(vector, names, without=without)
    out = np.full((len(labels), vector.values.shape[1]), np.nan)
    present = np.zeros(out.shape, dtype=bool)
    for number in range(len(labels)):
        rows = np.flatnonzero(groups == number)
        inside = vector.present[rows].T
        out[number] = ranking.quantile(q, vector.values[rows].T, inside)
        present[number] = inside.any(axis=1)
    return Vector(labels, out, present)


def rank(operator: str, k: FloatArray, vector: Vector, names: frozenset[str], *, without: bool) -> Vector:
    """topk, bottomk and limitk: series keep their labels; at one step alone the rows come in order of rank.

    Raises:
        errors.QueryExecutionError: `k` [N] is NaN or does not fit an integer.
    """
    if bool((np.isnan(k) | (np.abs(k) > 2.0**63)).any()):
        raise errors.QueryExecutionError(
            "Parameter value is NaN" if np.isnan(k).any() else f"Scalar value {k.max():g} overflows int64"
        )
    labels, groups = grouping(vector, names, without=without)
    keep = np.zeros(vector.present.shape, dtype=bool)
    order: list[int] = []
    for number in range(len(labels)):
        rows = np.flatnonzero(groups == number)
        samples, present = vector.values[rows], vector.present[rows]
        key = {"topk": -samples, "bottomk": samples}.get(operator, np.zeros(samples.shape))
        one_step = vector.values.shape[1] == 1
        if not one_step and bool((np.trunc(k) >= len(rows)).all()):
            keep[rows] = present  # all of them, and a range has no order of rank
            order.extend(rows)
            continue
        ranked = _ranked(key, present)
        place = np.empty_like(ranked)
        np.put_along_axis(place, ranked, np.arange(len(rows))[:, None], axis=0)
        keep[rows] = present & (place < np.trunc(k))
        order.extend(rows[ranked[:, 0]] if one_step else rows)
    return Vector(vector.labels, vector.values, keep).rows(order).without_empty()


def _ranked(key: FloatArray, present: BoolArray) -> IntArray:
    """Rows [S, N] in order of `key` at each step: NaN after all numbers, the absent after that."""
    unknown = np.isnan(key)
    if present.all() or not unknown.any():
        return np.argsort(np.where(present, key, np.nan), axis=0, kind="stable")
    return np.lexsort((np.nan_to_num(key, nan=0.0, posinf=np.inf, neginf=-np.inf), unknown, ~present), axis=0)


def limit_ratio(ratio: FloatArray, vector: Vector) -> Vector:
    """About `ratio` [N] of the series, chosen by a hash of their labels; a negative ratio takes the complement of its absolute."""
    if not vector.labels:
        return vector
    place = np.array([zlib.crc32(repr(labels).encode(errors="replace")) / 2**32 for labels in vector.labels])[:, None]
    wanted = np.clip(ratio, -1.0, 1.0)
    chosen = np.where(wanted >= 0, place < wanted, place >= 1.0 + wanted)
    return Vector(vector.labels, vector.values, vector.present & chosen).without_empty()


def count_values(
    label: str, vector: Vector, names: frozenset[str], settings: options.Options, *, without: bool
) -> Vector:
    """How many series of a group have each value, as one series per value.

    Raises:
        errors.QueryExecutionError: `label` is no name of a label.
        errors.QueryTooLarge: more different values than the limit on series.
    """
    if not syntax.valid_label(label, settings.dialect):
        raise errors.QueryExecutionError(f"invalid label name {quoting.quoted(label)}")
    labels, groups = grouping(vector, names, without=without)
    rows: dict[values.LabelSet, FloatArray] = {}
    for number, base in enumerate(labels):
        member = np.flatnonzero(groups == number)
        samples, present = vector.values[member], vector.present[member]
        found, which = np.unique(samples[present], return_inverse=True)
        steps = present.shape[1]
        if (
            len(rows) + len(found) > settings.limits.series
            or (len(rows) + len(found)) * steps > settings.limits.samples
        ):
            raise errors.QueryTooLarge(budget.TOO_MANY_SAMPLES)
        counts = np.zeros((len(found), steps))
        np.add.at(counts, (which.ravel(), np.nonzero(present)[1]), 1.0)
        for value, count in zip(found.tolist(), counts, strict=True):
            key = values.label_set({**dict(base), label: numbers.plain(value)})
            rows[key] = rows[key] + count if key in rows else count
    if not rows:
        return values.empty(vector.values.shape[1])
    stacked = np.stack(list(rows.values()))
    return Vector(list(rows), stacked, stacked > 0)
