"""A simple classifier that tries to tell two sets of samples apart: logistic regression on ranks, their squares and products.

Its area under the ROC curve is what a stranger would achieve: 0.5 means that the two cannot be told apart, 1 that they always can.
Rows of one group never stand on both sides of a fold. The interval is a bootstrap over groups (Efron), because rows of a group are
alike.
"""

import dataclasses

import numpy as np

from rootward.evals.realism import samples as sm

FOLDS = 5
RIDGE = 1.0
ROUNDS = 25
RESAMPLES = 400


@dataclasses.dataclass(frozen=True, slots=True)
class Separation:
    """`auc` with its 95% interval; `rows` and `groups` of the smaller side."""

    auc: float
    low: float
    high: float
    rows: int
    groups: int

    def __str__(self) -> str:
        return f"{self.auc:.2f} [{self.low:.2f}–{self.high:.2f}] ({self.rows} rows of {self.groups})"


def separation(left: sm.Samples, right: sm.Samples, rng: np.random.Generator) -> Separation | None:
    """How well rows of `left` and `right` can be told apart by one who has seen others of both; None if there are too few groups."""
    groups = [*dict.fromkeys(left.groups)], [*dict.fromkeys(right.groups)]
    if min(len(groups[0]), len(groups[1])) < FOLDS:
        return None
    rows = _spread(np.concatenate([left.rows, right.rows]))
    truth = np.repeat([0.0, 1.0], [len(left.rows), len(right.rows)])
    names = np.array([f"0{g}" for g in left.groups] + [f"1{g}" for g in right.groups])
    fold_of = {}
    for side, mine in enumerate(groups):
        for k, at in enumerate(rng.permutation(len(mine))):
            fold_of[f"{side}{mine[int(at)]}"] = k % FOLDS
    folds = np.array([fold_of[name] for name in names])
    score = np.zeros(len(rows))
    for fold in range(FOLDS):
        held = folds == fold
        score[held] = rows[held] @ _fit(rows[~held], truth[~held])
    low, high = _band(score, truth, names, rng)
    smaller = int(len(groups[1]) < len(groups[0]))
    return Separation(_auc(score, truth), low, high, min(len(left.rows), len(right.rows)), len(groups[smaller]))


def carried_over(
    known: tuple[sm.Samples, sm.Samples], new: tuple[sm.Samples, sm.Samples], rng: np.random.Generator
) -> Separation | None:
    """How well rows of `new` can be told apart by one who has only seen `known`: what gives away the kind, not the system.

    None if one of the four has too few groups.
    """
    parts = (*known, *new)
    if min(len(set(part.groups)) for part in parts) < FOLDS:
        return None
    rows = _spread(np.concatenate([part.rows for part in parts]))
    seen = len(known[0].rows) + len(known[1].rows)
    learnt = np.repeat([0.0, 1.0], [len(part.rows) for part in known])
    truth = np.repeat([0.0, 1.0], [len(part.rows) for part in new])
    score = rows[seen:] @ _fit(rows[:seen], learnt)
    names = np.array([f"0{g}" for g in new[0].groups] + [f"1{g}" for g in new[1].groups])
    low, high = _band(score, truth, names, rng)
    smaller = min(new, key=lambda part: len(set(part.groups)))
    fewest = min(len(part.rows) for part in new)
    return Separation(_auc(score, truth), low, high, fewest, len(set(smaller.groups)))


def _spread(rows: sm.FloatArray) -> sm.FloatArray:
    """Each feature as a centred rank, then squares and products of pairs, and a constant."""
    ranks = np.empty_like(rows)
    for k in range(rows.shape[1]):
        values, inverse, counts = np.unique(rows[:, k], return_inverse=True, return_counts=True)
        del values
        ends = np.cumsum(counts)
        ranks[:, k] = (ends - (counts + 1) / 2.0)[inverse]
    ranks = (ranks / max(len(rows) - 1, 1) - 0.5) * np.sqrt(12.0)
    pairs = [ranks[:, i] * ranks[:, j] for i in range(ranks.shape[1]) for j in range(i, ranks.shape[1])]
    return np.column_stack([np.ones(len(rows)), ranks, *pairs])


def _fit(rows: sm.FloatArray, truth: sm.FloatArray) -> sm.FloatArray:
    """Ridge logistic regression by Newton's method, both sides weighing the same."""
    weight = np.where(truth > 0, 0.5 / max(truth.mean(), 1e-9), 0.5 / max(1 - truth.mean(), 1e-9))
    beta = np.zeros(rows.shape[1])
    ridge = np.full(rows.shape[1], RIDGE)
    ridge[0] = 1e-6
    for _ in range(ROUNDS):
        p = 1.0 / (1.0 + np.exp(-np.clip(rows @ beta, -30, 30)))
        gradient = rows.T @ (weight * (truth - p)) - ridge * beta
        curvature = (rows * (weight * p * (1 - p))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        beta += step
        if float(np.abs(step).max()) < 1e-6:
            break
    return beta


def _auc(score: sm.FloatArray, truth: sm.FloatArray) -> float:
    """The chance that a row of the right side scores above one of the left, ties half (Mann–Whitney)."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    rank = (ends - (counts - 1) / 2.0)[inverse]
    positive = float(truth.sum())
    negative = len(truth) - positive
    return float((rank[truth > 0].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _band(
    score: sm.FloatArray,
    truth: sm.FloatArray,
    names: np.ndarray[tuple[int], np.dtype[np.str_]],
    rng: np.random.Generator,
) -> tuple[float, float]:
    members: dict[bool, list[np.ndarray[tuple[int], np.dtype[np.intp]]]] = {True: [], False: []}
    for name in dict.fromkeys(names.tolist()):
        at = np.flatnonzero(names == name)
        members[bool(truth[at[0]])].append(at)
    found = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate(
            [side[int(k)] for side in members.values() for k in rng.integers(0, len(side), len(side))]
        )
        found.append(_auc(score[chosen], truth[chosen]))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))
