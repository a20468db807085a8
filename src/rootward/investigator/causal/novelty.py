"""What logs say about who is the culprit: lines that are new, that surged, or that stopped, against what the service still does.

A service whose callers send it half the requests logs half of everything: nothing is wrong with it. So a template is not
compared with its own past but with its *driver*: the template of the same service whose count predicted it best before.
What breaks inside a service changes the ratio: the line after the failing step vanishes, an error appears in its place.
The scale is each ratio's own null, from windows of quiet time as long as the time since the onset. Templates that vanish
weigh as much as those that are new (Nezha, Yu et al., FSE 2023, counts event patterns that disappear; so did our trials).
"""

import dataclasses
import functools
import math

import numpy as np
import numpy.typing as npt

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import loglines, picture, vote
from rootward.signals import entities, series

TRUST = 0.9
DRIVER_CORRELATION = 0.5  # below, the service's own total is the better predictor
EXPECTED_FLOOR = 0.5  # what was never seen could still have been due
EXPECTED_MIN = 2.0  # a template expected less often than this cannot be missed
SERIOUS_FACTOR = 1.5  # an error that is new says more than an info line that is new
SIGNIFICANT = 3.0
Z_MAX = 12.0
TOP = 5  # changes per service that count
KEPT = 0.9
EXPLAINED = 0.5  # of a callee's surplus
OFTEN = 3.0  # lines per window
ABOVE_NULL = 1.0  # counts are tame, and each template already has its own dispersion
DISPERSION_MIN = 1.0  # Poisson
WINDOWS_MIN = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One template whose share changed: `observed` lines since the onset where `expected` were due."""

    template: str
    example: str
    observed: float
    expected: float
    z: float
    serious: bool

    @property
    def sentence(self) -> str:
        text = " ".join(self.example.split())[:120]
        if self.expected < 0.5:
            return f"logs a line it did not log before ({self.observed:.0f} times): “{text}”"
        if self.observed < 0.5:
            return f"stopped logging “{text}” ({self.expected:.0f} were due by what else it logs)"
        return f"logs “{text}” {self.observed:.0f} times where {self.expected:.0f} were due by what else it logs"


def votes(seen: picture.Picture) -> list[vote.Vote]:
    """None without lines on both sides of the onset."""
    if seen.logs is None:
        return []
    known = compared(seen)
    if not known:
        return []
    quiet = np.stack([one.quiet for _, one in known])
    peak = float(np.median(quiet.max(axis=0)))
    surplus: dict[entities.Entity, float] = {}
    surest = 0.0
    clues: list[cases.Clue] = []
    for lines, one in known:
        share = vote.significance(one.score, peak, above=ABOVE_NULL)
        surplus[lines.entity] = one.score * share
        surest = max(surest, share)
        if share > 0.3:
            clues.extend(_clue(lines, change) for change in one.changes[:2] if abs(change.z) > SIGNIFICANT)
    return [vote.Vote("logs", _unexplained(seen, surplus), TRUST * surest, tuple(clues))]


@functools.lru_cache(maxsize=1)  # the vote and the signature of code read the same comparison
def compared(seen: picture.Picture) -> tuple[tuple[loglines.Lines, "Compared"], ...]:
    """Every service that can be compared, in order of name."""
    if seen.logs is None:
        return ()
    every = [(lines, compare(lines, seen.logs, seen.onset_s)) for lines in seen.logs.of]
    return tuple((lines, one) for lines, one in every if one is not None)


def _unexplained(seen: picture.Picture, surplus: dict[entities.Entity, float]) -> dict[entities.Entity, float]:
    """A caller keeps what the most changed of its callees does not account for: it logs the other's failure as its own."""
    kept = {}
    for entity, amount in surplus.items():
        behind = max((surplus.get(callee, 0.0) for callee in seen.graph.callees.get(entity, {})), default=0.0)
        kept[entity] = max(amount - EXPLAINED * behind, 0.0)
    return kept


def _clue(lines: loglines.Lines, change: Change) -> cases.Clue:
    return cases.Clue(
        lines.entity,
        "",
        min(math.log1p(abs(change.z) / SIGNIFICANT), 2.5),
        f"{lines.entity.name} {change.sentence}",
        lines.evidence,
        "logs",
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One service: its most significant changes, its score, and what the score was in equally long quiet windows [windows]."""

    changes: tuple[Change, ...]
    score: float
    quiet: series.FloatArray


def compare(lines: loglines.Lines, logs: loglines.Logs, onset_s: float) -> Compared | None:
    """Templates whose share of what the service logs changed at the onset; None without lines recorded on both sides."""
    before = lines.counts[:, logs.recorded & (logs.bins < onset_s)]
    after = lines.counts[:, logs.recorded & (logs.bins >= onset_s)]
    if before.shape[1] < WINDOWS_MIN or not after.shape[1]:
        return None
    drivers = _drivers(before)
    observed = after.sum(axis=1)
    driver_before = np.where(drivers[:, None] >= 0, before[drivers], before.sum(axis=0)[None, :] - before)
    driver_after = np.where(drivers >= 0, observed[drivers], observed.sum() - observed)
    length = max(min(after.shape[1], before.shape[1] // WINDOWS_MIN), 1)
    quiet_observed, quiet_driver = _windows(before, length), _windows(driver_before, length)
    ratio = _ratio(quiet_observed, quiet_driver)
    quiet_expected = quiet_driver * ratio[:, None]
    dispersion = _dispersion(quiet_observed, quiet_expected)
    serious = np.array(lines.serious, dtype=bool)
    expected = ratio * driver_after
    z = _z(observed, expected, dispersion)
    quiet_z = _z(quiet_observed, quiet_expected, dispersion[:, None])
    order = np.argsort(-np.abs(z), kind="stable")[:TOP]
    changes = tuple(
        Change(
            lines.templates[i], lines.example[i], float(observed[i]), float(expected[i]), float(z[i]), lines.serious[i]
        )
        for i in order
        if z[i] > 0 or (z[i] < 0 and not lines.serious[i])
    )
    quiet = np.array([_score(column, serious) for column in quiet_z.T])
    return Compared(changes, _score(z, serious), quiet)


def _z(observed: series.FloatArray, expected: series.FloatArray, dispersion: series.FloatArray) -> series.FloatArray:
    """Signed deviance residual of a negative binomial (McCullagh and Nelder 1989): unlike a difference over a standard deviation it
    knows that none where forty were due is stranger than eighty. Zero where too little was due to be missed."""
    due = np.maximum(expected, EXPECTED_FLOOR)
    size = np.maximum(due / np.maximum(dispersion - 1.0, 1e-3), 1e-3)  # variance = dispersion × mean
    ratio = np.where(observed > 0, np.maximum(observed, 1e-9) / due, 1.0)
    deviance = 2.0 * (observed * np.log(ratio) - (observed + size) * np.log((observed + size) / (due + size)))
    z = np.sign(observed - due) * np.sqrt(np.maximum(deviance, 0.0))
    unseen = (observed < expected) & (expected < EXPECTED_MIN)
    return np.asarray(np.where(unseen, 0.0, np.clip(z, -Z_MAX, Z_MAX)), dtype=np.float64)


def _score(z: series.FloatArray, serious: npt.NDArray[np.bool_]) -> float:
    """The largest changes, each next one counting less. Errors that appear count more than other lines, those that stop not at all:
    that is a recovery."""
    weight = np.where(z > 0, np.where(serious, SERIOUS_FACTOR, 1.0), np.where(serious, 0.0, 1.0))
    weighed = np.sort(np.abs(z) * weight)[::-1][:TOP]
    return float((weighed / np.arange(1, weighed.size + 1)).sum()) if weighed.size else 0.0


def _ratio(observed: series.FloatArray, driver: series.FloatArray) -> series.FloatArray:
    """Lines per line of the driver: the median window's for what comes often (an earlier incident does not move it), else pooled."""
    pooled = np.asarray(observed.sum(axis=1) / np.maximum(driver.sum(axis=1), 1.0), dtype=np.float64)
    often = observed.mean(axis=1) >= OFTEN
    if not often.any():
        return pooled
    each = np.where(driver[often] > 0, observed[often] / np.maximum(driver[often], 1.0), np.nan)
    order = np.argsort(each, axis=1)
    weights = np.cumsum(np.take_along_axis(driver[often], order, axis=1), axis=1)
    middle = (weights >= 0.5 * weights[:, -1:]).argmax(axis=1)
    pooled[often] = np.take_along_axis(each, np.take_along_axis(order, middle[:, None], axis=1), axis=1)[:, 0]
    return np.nan_to_num(pooled)


def _windows(counts: series.FloatArray, length: int) -> series.FloatArray:
    """Sums over consecutive windows of `length` bins, the latest kept whole."""
    windows = counts.shape[1] // length
    kept = counts[:, -windows * length :].reshape(counts.shape[0], windows, length)
    return np.asarray(kept.sum(axis=2), dtype=np.float64)


def _drivers(before: series.FloatArray) -> npt.NDArray[np.int64]:
    """Per template the row that predicts it best (its count is at least as large), or -1 for the rest of the service."""
    size = before.shape[0]
    drivers = np.full(size, -1)
    totals = before.sum(axis=1)
    standard = before - before.mean(axis=1, keepdims=True)
    norm = np.sqrt((standard**2).sum(axis=1))
    correlation = (standard @ standard.T) / np.maximum(np.outer(norm, norm), 1e-9)
    allowed = (totals[None, :] >= 0.8 * totals[:, None]) & ~np.eye(size, dtype=bool)
    correlation = np.where(allowed, correlation, -1.0)
    best = correlation.argmax(axis=1)
    good = correlation[np.arange(size), best] >= DRIVER_CORRELATION
    drivers[good] = best[good]
    return drivers


def _dispersion(observed: series.FloatArray, expected: series.FloatArray) -> series.FloatArray:
    """Variance over mean of the residual per window: one for a Poisson count, more for what comes in bursts.

    The largest tenth of windows is left out: they may be an earlier incident.
    """
    pearson = np.sort((observed - expected) ** 2 / np.maximum(expected, 0.5), axis=1)
    kept = max(1, int(pearson.shape[1] * KEPT))
    return np.asarray(np.maximum(pearson[:, :kept].mean(axis=1), DISPERSION_MIN), dtype=np.float64)
