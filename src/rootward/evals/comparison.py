"""Two runs over the same scenarios: what became better or worse, beyond chance, and what could not have been seen at all."""

import dataclasses
from typing import Any

import numpy as np

from rootward import _rng, errors
from rootward.evals import records, stability, statistics, tallies
from rootward.evals.statistics import intervals

ALPHA = 0.05
BOOTSTRAPS = 1_000
BETTER, WORSE, SAME, UNSEEN = "better", "worse", "the same", "no difference seen"


@dataclasses.dataclass(frozen=True, slots=True)
class Contrast:
    """One measure, over all shared scenarios or over one segment of them.

    `before` and `after` are None for amounts. `adjusted` is p after Holm over all gates (gates), or after Benjamini–Hochberg over all
    segments (segments), else p itself; the verdict goes by it.
    """

    name: str
    title: str
    before: statistics.Rate | None
    after: statistics.Rate | None
    change: statistics.Paired
    adjusted: float
    verdict: str
    unit: str = ""
    gate: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
            "change": self.change.to_json(),
            "adjusted": intervals.number(self.adjusted),
            "verdict": self.verdict,
            "gate": self.gate,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Influence:
    """How much the decision on the primary measure hangs on single scenarios.

    `alone` lists those whose removal would change it; `flips` is how often another draw of scenarios (bootstrap) would.
    """

    alone: tuple[str, ...]
    flips: float


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """`measures` with the primary first, `segments` of the primary with the largest change first.

    `fixed` and `broken` are scenarios whose primary score rose or fell. `clear_after` is after how many scenarios, in a random order and
    looked at after each, it would have been clear that there is a difference (None: never).
    """

    before: records.Run
    after: records.Run
    scenarios: int
    only_before: int
    only_after: int
    measures: tuple[Contrast, ...]
    segments: tuple[Contrast, ...]
    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    influence: Influence
    clear_after: int | None
    margin: float

    @property
    def same_suite(self) -> bool:
        return self.before.digest == self.after.digest

    @property
    def primary(self) -> Contrast:
        return self.measures[0]

    @property
    def gates_hold(self) -> bool:
        """No gate is worse."""
        return all(contrast.verdict != WORSE for contrast in self.measures if contrast.gate)

    def to_json(self) -> dict[str, Any]:
        return {
            "before": {"label": self.before.label, "suite": self.before.suite, "digest": self.before.digest},
            "after": {"label": self.after.label, "suite": self.after.suite, "digest": self.after.digest},
            "same_suite": self.same_suite,
            "scenarios": self.scenarios,
            "only_before": self.only_before,
            "only_after": self.only_after,
            "gates_hold": self.gates_hold,
            "measures": [contrast.to_json() for contrast in self.measures],
            "segments": [contrast.to_json() for contrast in self.segments],
            "fixed": list(self.fixed),
            "broken": list(self.broken),
            "influence": {"alone": list(self.influence.alone), "flips": intervals.number(self.influence.flips)},
            "clear_after": self.clear_after,
            "margin": self.margin,
        }


def compare(before: records.Run, after: records.Run, *, seed: int = 0, margin: float = stability.MARGIN) -> Comparison:
    """Compare over the scenarios that both ran, unperturbed.

    Raises:
        RunError: they share no scenario, or the later run's primary measure is unknown to the earlier.
    """
    olds, news = tallies.unperturbed(before), tallies.unperturbed(after)
    known = {measure.name for measure in before.measures}
    measures = sorted((m for m in after.measures if m.name in known), key=lambda m: m.name != after.primary)
    shared = _shared(olds, news, after.primary)
    if after.primary not in known or not shared:
        raise errors.RunError(
            f"{before.label or before.suite} and {after.label or after.suite} have no scenario with a score of {after.primary!r} in common; "
            "compare runs of the same suite"
        )
    rng = _rng.stream(seed, "comparison")
    contrasts = [_contrast(measure, olds, news, rng, margin) for measure in measures]
    contrasts = _gated([each for each in contrasts if each.change.count])
    old, new = (tallies.tally(rows, after.primary).only(shared) for rows in (olds, news))
    moved = list(zip(shared, old.means, new.means, strict=True))
    differences = np.array([b - a for _, a, b in moved])
    return Comparison(
        before=dataclasses.replace(before, rows=()),
        after=dataclasses.replace(after, rows=()),
        scenarios=len(shared),
        only_before=len({row.scenario for row in olds} - {row.scenario for row in news}),
        only_after=len({row.scenario for row in news} - {row.scenario for row in olds}),
        measures=tuple(contrasts),
        segments=_segments(olds, news, measures[0], rng, margin),
        fixed=tuple(name for name, a, b in moved if b > a),
        broken=tuple(name for name, a, b in moved if b < a),
        influence=_influence(shared, differences, rng),
        clear_after=_clear_after(differences, rng),
        margin=margin,
    )


def flip_probability(before: records.Run, after: records.Run, *, rng: np.random.Generator) -> float | None:
    """How often another draw of the shared scenarios would decide differently; None when they share none."""
    olds, news = tallies.unperturbed(before), tallies.unperturbed(after)
    shared = _shared(olds, news, after.primary)
    if not shared:
        return None
    old, new = (tallies.tally(rows, after.primary).only(shared) for rows in (olds, news))
    return _influence(shared, np.array(new.means) - np.array(old.means), rng).flips


def _shared(olds: list[records.Row], news: list[records.Row], measure: str) -> list[str]:
    """Scenarios that both scored, in order of name."""
    return sorted(set(tallies.tally(olds, measure).scenarios) & set(tallies.tally(news, measure).scenarios))


def _contrast(
    measure: records.Measure,
    olds: list[records.Row],
    news: list[records.Row],
    rng: np.random.Generator,
    margin: float,
    segment: str = "",
) -> Contrast:
    shared = _shared(olds, news, measure.name)
    old, new = (tallies.tally(rows, measure.name).only(shared) for rows in (olds, news))
    amount = measure.kind == "amount"
    change = statistics.paired(old.means, new.means, rng=rng, bound=None if amount else 1.0)
    return Contrast(
        name=segment or measure.name,
        title=segment or measure.title,
        before=None if amount else old.rate,
        after=None if amount else new.rate,
        change=change,
        adjusted=change.p,
        verdict=_verdict(measure, change, change.p, None if amount else margin, old, new),
        unit=measure.unit,
        gate=measure.gate and not segment,
    )


def _verdict(
    measure: records.Measure,
    change: statistics.Paired,
    p: float,
    margin: float | None,
    old: tallies.Tally,
    new: tallies.Tally,
) -> str:
    if not change.count:
        return UNSEEN
    if p <= ALPHA:
        return BETTER if (change.difference > 0) == (measure.better == "higher") else WORSE
    differences = [b - a for a, b in zip(old.means, new.means, strict=True)]
    if margin is not None and stability.label(differences, margin=margin)[0] == stability.STABLE:
        return SAME
    return UNSEEN


def _gated(contrasts: list[Contrast]) -> list[Contrast]:
    """Gates go by p-values adjusted over all of them."""
    gates = [each for each in contrasts if each.gate]
    adjusted = dict(zip((each.name for each in gates), statistics.holm([each.change.p for each in gates]), strict=True))
    return [_readjusted(each, adjusted.get(each.name, each.adjusted)) for each in contrasts]


def _readjusted(contrast: Contrast, adjusted: float) -> Contrast:
    """What no longer holds against all the others is no difference seen."""
    verdict = UNSEEN if contrast.verdict in (BETTER, WORSE) and adjusted > ALPHA else contrast.verdict
    return dataclasses.replace(contrast, adjusted=adjusted, verdict=verdict)


def _segments(
    olds: list[records.Row],
    news: list[records.Row],
    measure: records.Measure,
    rng: np.random.Generator,
    margin: float,
) -> tuple[Contrast, ...]:
    old, new = tallies.segments(olds), tallies.segments(news)
    found = [
        _contrast(measure, old[key], new[key], rng, margin, segment=f"{key[0]}={key[1]}") for key in old if key in new
    ]
    found = [each for each in found if each.change.count]
    adjusted = statistics.benjamini_hochberg([each.change.p for each in found])
    made = [_readjusted(each, q) for each, q in zip(found, adjusted, strict=True)]
    return tuple(sorted(made, key=lambda each: (each.adjusted, -abs(each.change.difference), each.name)))


def _decision(total: Any, squares: Any, count: int) -> Any:
    """−1, 0 or 1 from sums of differences: the side of zero on which the t interval lies, if on one (elementwise)."""
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0.0) * count / max(count - 1, 1)
    half = statistics.student_quantile(1 - ALPHA / 2, max(count - 1, 1)) * np.sqrt(variance / count)
    return np.where(np.abs(mean) > half + 1e-12, np.sign(mean), 0.0)


def _influence(scenarios: list[str], differences: intervals.FloatArray, rng: np.random.Generator) -> Influence:
    count = len(differences)
    total, squares = differences.sum(), np.square(differences).sum()
    decided = _decision(total, squares, count)
    alone: tuple[str, ...] = ()
    if count > 1:
        without = _decision(total - differences, squares - differences**2, count - 1)
        alone = tuple(name for name, each in zip(scenarios, without, strict=True) if each != decided)
    drawn = differences[rng.integers(0, count, size=(BOOTSTRAPS, count))]
    again = _decision(drawn.sum(axis=1), np.square(drawn).sum(axis=1), count)
    return Influence(alone, float(np.mean(again != decided)))


def _clear_after(differences: intervals.FloatArray, rng: np.random.Generator) -> int | None:
    sequence = statistics.Betting()
    for place, i in enumerate(rng.permutation(len(differences)), start=1):
        low, high = sequence.update(float(np.clip(differences[i], -1.0, 1.0)))
        if low > 0 or high < 0:
            return place
    return None
