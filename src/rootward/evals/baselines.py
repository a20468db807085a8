"""Built-in baselines: what a published or obvious method would have answered on the same case, next to ours.

Each takes the case that the reasoner got and returns suspects, best first. The fault's time is given to them (the alert's own
time), as the papers do; the graph, spans and logs are not used, because these methods do not use them.
"""

from collections.abc import Callable, Mapping

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import homes as folding
from rootward.investigator.causal import shifts
from rootward.signals import entities, series

AFTER_LEAD_S = 0.0  # the abnormal part begins with the alert: the papers are given the time of the fault
SAMPLES_MIN = 3


def n_sigma(case: cases.Case) -> list[entities.Entity]:
    """Largest deviation of any sample after the onset, in standard deviations of the time before (the three-sigma rule)."""

    def score(before: series.FloatArray, after: series.FloatArray) -> float:
        return float(np.max(np.abs(after - before.mean()))) / max(float(before.std()), 1e-9)

    return _ranked(case, score)


def median_shift(case: cases.Case) -> list[entities.Entity]:
    """BARO's RobustScorer: largest deviation from the median before, in interquartile ranges of the time before.

    Pham, Ha and Zhang, "BARO: Robust Root Cause Analysis for Microservices", FSE 2024 (the onset given, not detected).
    """

    def score(before: series.FloatArray, after: series.FloatArray) -> float:
        low, middle, high = np.quantile(before, [0.25, 0.5, 0.75])
        return float(np.max(np.abs(after - middle))) / max(float(high - low), 1e-9)

    return _ranked(case, score)


def ranked_correlation(case: cases.Case) -> list[entities.Entity]:
    """Largest absolute rank correlation of any metric with the alert's own (PetShop's correlation baseline, Hardt et al. 2024).

    Without a metric that the alert is about, suspects are ranked by correlation with the step at the onset.
    """
    anchor = _anchor(case)
    scores: dict[entities.Entity, float] = {}
    homes = folding.fold(case)
    alerted = homes.of(case.alert.entity) if case.alert.entity is not None else None
    for signal in case.signals:
        home = homes.of(signal.entity)
        if home == alerted and anchor is not None:
            continue
        reference = (
            np.interp(signal.times_s, anchor.times_s, anchor.values)
            if anchor is not None
            else (signal.times_s >= case.alert.starts_at_s - AFTER_LEAD_S).astype(np.float64)
        )
        both = np.isfinite(signal.values) & np.isfinite(reference)
        if int(both.sum()) < 2 * SAMPLES_MIN:
            continue
        scores[home] = max(scores.get(home, 0.0), abs(_spearman(signal.values[both], reference[both])))
    if alerted is not None:
        scores.setdefault(alerted, 0.0)
    return _order(scores)


BASELINES: Mapping[str, Callable[[cases.Case], list[entities.Entity]]] = {
    "n_sigma": n_sigma,
    "median_shift": median_shift,
    "ranked_correlation": ranked_correlation,
}


def _ranked(case: cases.Case, score: Callable[[series.FloatArray, series.FloatArray], float]) -> list[entities.Entity]:
    """Suspects by the best score of any of their signals."""
    homes = folding.fold(case)
    onset_s = case.alert.starts_at_s - AFTER_LEAD_S
    scores: dict[entities.Entity, float] = {}
    for signal in case.signals:
        finite = np.isfinite(signal.values)
        before = signal.values[finite & (signal.times_s < onset_s)]
        after = signal.values[finite & (signal.times_s >= onset_s)]
        if before.size < SAMPLES_MIN or after.size == 0:
            continue
        home = homes.of(signal.entity)
        scores[home] = max(scores.get(home, 0.0), score(before, after))
    return _order(scores)


def _order(scores: Mapping[entities.Entity, float]) -> list[entities.Entity]:
    return sorted(scores, key=lambda entity: (-scores[entity], entity))


def _anchor(case: cases.Case) -> cases.Signal | None:
    """The alert's own metric, if it was measured: same entity, most telling shift of those whose name or role the alert names."""
    if case.alert.entity is None:
        return None
    homes = folding.fold(case)
    alerted = homes.of(case.alert.entity)
    words = f"{case.alert.metric} {case.alert.name} {case.alert.expr}".lower()
    own = [
        shift
        for shift in shifts.measure(case, homes, case.alert.starts_at_s - AFTER_LEAD_S)
        if shift.home == alerted and (shift.signal.name.lower() in words or str(shift.role).split("_")[0] in words)
    ]
    return max(own, key=lambda shift: abs(shift.z)).signal if own else None


def _spearman(left: series.FloatArray, right: series.FloatArray) -> float:
    """Rank correlation; 0 when one side never moves."""
    a, b = _midranks(left), _midranks(right)
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 0 else 0.0


def _midranks(values: series.FloatArray) -> series.FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2.0)[inverse], dtype=np.float64)
