"""info(): the labels of target_info, or of another info metric, added to the series of the same target.

After promql/info.go of prometheus/prometheus: series belong together by `instance` and `job`.
"""

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import context, selectors, tree, values

_TARGET = ("instance", "job")
_DEFAULT_NAME = tree.Matcher(selectors.NAME, "=", "target_info")


def enriched(
    ctx: context.Context, vector: values.Vector, wanted: tree.Selector | None, times_ms: values.IntArray
) -> values.Vector:
    """`wanted` chooses the labels to add (those that it names; all without it) and, by `__name__`, the info metric.

    Raises:
        errors.QueryExecutionError: two info series of one target disagree about a label at the same step.
    """
    matchers = () if wanted is None else wanted.matchers
    named = tuple(one for one in matchers if one.name == selectors.NAME)
    rest = tuple(one for one in matchers if one.name != selectors.NAME)
    chosen = frozenset(one.name for one in rest)
    found = ctx.selected(tree.Selector(0, 0, "", (*(named or (_DEFAULT_NAME,)), *rest)), times_ms)
    is_info = frozenset(values.name_of(labels) for labels in found.labels)
    out: list[values.Vector] = []
    for row, labels in enumerate(vector.labels):
        if values.name_of(labels) in is_info:
            out.append(vector.rows([row]))
            continue
        out += _row(vector.rows([row]), found, chosen, required=any(one.value for one in rest if one.operator == "="))
    if not out:
        return values.empty(len(times_ms))
    joined = values.Vector(
        [labels for one in out for labels in one.labels],
        np.concatenate([one.values for one in out]),
        np.concatenate([one.present for one in out]),
    )
    return values.merged(joined.without_empty())


def _row(one: values.Vector, found: values.Vector, chosen: frozenset[str], *, required: bool) -> list[values.Vector]:
    """A series split by which info labels hold at which step; without any it stays as it is, unless one is `required`."""
    own = dict(one.labels[0])
    target = tuple(own.get(name, "") for name in _TARGET)
    partners = [
        row for row, labels in enumerate(found.labels) if tuple(dict(labels).get(n, "") for n in _TARGET) == target
    ]
    names = np.array([values.name_of(found.labels[row]) for row in partners])
    for name in set(names.tolist()):
        at = [row for row, other in zip(partners, names, strict=True) if other == name]
        if (found.present[at].sum(axis=0) > 1).any():
            raise errors.QueryExecutionError(f"found duplicate series for info metric {name}")
    combinations: dict[bytes, list[int]] = {}
    held = found.present[partners] if partners else np.zeros((0, one.values.shape[1]), dtype=bool)
    for step in range(held.shape[1]):
        combinations.setdefault(held[:, step].tobytes(), []).append(step)
    rows = []
    for steps in combinations.values():
        active = [row for row, is_held in zip(partners, held[:, steps[0]], strict=True) if is_held]
        if required and not active:
            continue
        added = {
            name: value
            for row in active
            for name, value in found.labels[row]
            if name not in own and name != values.NAME and (not chosen or name in chosen)
        }
        present = np.zeros(one.present.shape, dtype=bool)
        present[:, steps] = one.present[:, steps]
        rows.append(values.Vector([values.label_set({**own, **added})], one.values, present))
    return rows
