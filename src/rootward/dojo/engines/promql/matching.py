"""Binary operators between two vectors: which series meets which, and what the result is called.

After promql/engine.go (VectorBinop, VectorAnd, VectorOr, VectorUnless) of prometheus/prometheus, for all steps at once: a pair of
series is matched once, errors about duplicates arise only where both are present at the same step.
"""

import functools
from collections.abc import Sequence

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import operators, tree, values

Vector = values.Vector
IntArray = values.IntArray


def signatures(labels: Sequence[values.LabelSet], matching: tree.Matching) -> list[values.LabelSet]:
    names = frozenset(matching.names)
    if matching.on:
        return [values.keep_labels(one, names) for one in labels]
    if not names:
        return [values.without_name(one) for one in labels]
    drop = names | {values.NAME}
    return [values.drop_labels(one, drop) for one in labels]


def combine_sets(operator: str, left: Vector, right: Vector, matching: tree.Matching) -> Vector:
    """and, or, unless."""
    keys = signatures(left.labels, matching) + signatures(right.labels, matching)
    groups, first = values.group(keys)
    split = len(left.labels)

    def seen(vector: Vector, at: IntArray) -> values.BoolArray:
        any_of = np.zeros((len(first), vector.present.shape[1]), dtype=bool)
        np.logical_or.at(any_of, at, vector.present)
        return any_of

    if operator == "or":
        apart = bool((groups[split:] > groups[:split].max(initial=-1)).all())  # groups are numbered as they come
        free = right.present if apart else right.present & ~seen(left, groups[:split])[groups[split:]]
        both = Vector(
            [*left.labels, *right.labels],
            np.concatenate([left.values, right.values]),
            np.concatenate([left.present, free]),
        )
        return values.merged(both)
    partner = seen(right, groups[split:])[groups[:split]]
    return Vector(left.labels, left.values, left.present & (partner if operator == "and" else ~partner))


def union(parts: Sequence[Vector], matching: tree.Matching) -> Vector:
    """a or b or c …: at once where no series of one part stands for one of another, as is usual."""
    taken: set[values.LabelSet] = set()
    for part in parts:
        own = set(signatures(part.labels, matching))
        if not taken.isdisjoint(own):
            return functools.reduce(lambda left, right: combine_sets("or", left, right, matching), parts)
        taken |= own
    labels = [one for part in parts for one in part.labels]
    samples = np.concatenate([part.values for part in parts])
    return values.merged(Vector(labels, samples, np.concatenate([part.present for part in parts])))


def combine(operator: str, left: Vector, right: Vector, matching: tree.Matching, *, as_bool: bool = False) -> Vector:
    """Arithmetic and comparisons.

    Raises:
        errors.QueryExecutionError: more than one partner where only one is allowed.
    """
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    many_keys, one_keys = signatures(many.labels, matching), signatures(one.labels, matching)
    _refuse_duplicates(one, one_keys, np.asarray(many.present.any(axis=0)), "left" if swapped else "right", matching)
    pairs = _pairs(many_keys, one_keys)
    if not len(pairs):
        return values.empty(left.values.shape[1])
    many_at, one_at = pairs[:, 0], pairs[:, 1]
    a, b = many.values[many_at], one.values[one_at]
    first, second = (b, a) if swapped else (a, b)
    present = many.present[many_at] & one.present[one_at]
    if operator in operators.ARITHMETIC or as_bool:
        result = operators.scalars(operator, first, second)
    else:
        result = first
        present = present & operators.COMPARISON[operator](first, second)
    drop = operator in operators.ARITHMETIC or as_bool
    labels = [
        _result_labels(many.labels[i], one.labels[j], matching, drop=drop)
        for i, j in zip(many_at.tolist(), one_at.tolist(), strict=True)
    ]
    if matching.many:
        message = "multiple matches for labels: grouping labels must ensure unique matches"
    else:
        message = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        _refuse_many([many_keys[i] for i in many_at], present, message)
    return values.merged(Vector(labels, result, present), message)


def _pairs(many: Sequence[values.LabelSet], one: Sequence[values.LabelSet]) -> IntArray:
    """(row of many, row of one) with equal keys; shape [P, 2]."""
    partners: dict[values.LabelSet, list[int]] = {}
    for row, key in enumerate(one):
        partners.setdefault(key, []).append(row)
    found = [(row, partner) for row, key in enumerate(many) for partner in partners.get(key, ())]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _together(keys: Sequence[values.LabelSet], present: values.BoolArray) -> int | None:
    """A row that shares its key with another one at the same step."""
    groups, first = values.group(keys)
    if len(first) == len(keys):
        return None
    counts = np.zeros((len(first), present.shape[1]), dtype=np.int64)
    np.add.at(counts, groups, present)
    twice = np.flatnonzero((counts > 1).any(axis=1))
    return first[int(twice[0])] if len(twice) else None


def _refuse_many(keys: Sequence[values.LabelSet], present: values.BoolArray, message: str) -> None:
    if _together(keys, present) is not None:
        raise errors.QueryExecutionError(message)


def _refuse_duplicates(
    one: Vector, keys: Sequence[values.LabelSet], met: values.BoolArray, side: str, matching: tree.Matching
) -> None:
    """`met` [N]: at which steps the other side has anything at all; elsewhere Prometheus does not look."""
    row = _together(keys, one.present & met)
    if row is None:
        return
    alike = [show(labels) for labels, key in zip(one.labels, keys, strict=True) if key == keys[row]][:2]
    shown = show(values.keep_labels(keys[row], frozenset(matching.names)) if matching.on else keys[row])
    raise errors.QueryExecutionError(
        f"found duplicate series for the match group {shown} on the {side} hand-side of the operation: "
        f"[{', '.join(reversed(alike))}];many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _result_labels(
    many: values.LabelSet, one: values.LabelSet, matching: tree.Matching, *, drop: bool
) -> values.LabelSet:
    labels = values.without_name(many) if drop else many
    if not matching.many:
        names = frozenset(matching.names)
        return values.keep_labels(labels, names) if matching.on else values.drop_labels(labels, names)
    if not matching.include:
        return labels
    taken = dict(one)
    return values.label_set({**dict(labels), **{name: taken.get(name, "") for name in matching.include}})


def show(labels: values.LabelSet) -> str:
    """Labels as Go's labels.Labels.String writes them."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"
