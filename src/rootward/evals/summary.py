"""Everything a report says about one run, computed once from its rows."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import _rng
from rootward.evals import calibration, comparison, records, saturation, segmentation, stability, statistics, tallies

NONE_NAMED = "none named"
UNBUILT = "unbuilt"  # status of a scenario whose world could not be made: it says nothing about the subject


@dataclasses.dataclass(frozen=True, slots=True)
class Score:
    """A rate or share over all scenarios."""

    measure: records.Measure
    rate: statistics.Rate


@dataclasses.dataclass(frozen=True, slots=True)
class Amount:
    """The median and the 95th percentile of what scenarios took, each with bounds."""

    name: str
    title: str
    unit: str
    median: statistics.Quantile
    high: statistics.Quantile


@dataclasses.dataclass(frozen=True, slots=True)
class Mode:
    """A mode of failure, in how many scenarios it was seen, and one of them."""

    label: str
    scenarios: int
    example: str


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """`run` is the header of what was run; `confusion` counts (true kind, kind answered).

    `unanswered` runs are among the `runs` and failed; `unbuilt` scenarios are among nothing.
    """

    run: records.Run
    scenarios: int
    runs: int
    unanswered: int
    unbuilt: int
    scores: tuple[Score, ...]
    amounts: tuple[Amount, ...]
    passes: tuple[statistics.PassPoint, ...]
    segments: tuple[segmentation.Segment, ...]
    worths: tuple[saturation.Worth, ...]
    stability: stability.Stability | None
    calibration: calibration.Calibration | None
    saturation: saturation.Saturation | None
    confusion: Mapping[tuple[str, str], int]
    modes: tuple[Mode, ...]

    @property
    def primary(self) -> Score:
        return next(score for score in self.scores if score.measure.name == self.run.primary)

    def to_json(self, *, with_seconds: bool = True) -> dict[str, Any]:
        """Without seconds, equal runs of a deterministic subject give equal bytes."""
        amounts = [amount for amount in self.amounts if with_seconds or amount.name != "seconds"]
        return {
            "suite": self.run.suite,
            "digest": self.run.digest,
            "subject": self.run.subject,
            "version": self.run.version,
            "seed": self.run.seed,
            "primary": self.run.primary,
            "scenarios": self.scenarios,
            "runs": self.runs,
            "unanswered": self.unanswered,
            "unbuilt": self.unbuilt,
            "scores": {score.measure.name: score.rate.to_json() for score in self.scores},
            "amounts": {
                amount.name: {"unit": amount.unit, "median": amount.median.to_json(), "p95": amount.high.to_json()}
                for amount in amounts
            },
            "passes": [point.to_json() for point in self.passes],
            "segments": [segment.to_json() for segment in self.segments],
            "next_scenario": [each.to_json() for each in self.worths],
            "stability": self.stability.to_json() if self.stability else None,
            "calibration": self.calibration.to_json() if self.calibration else None,
            "saturation": self.saturation.to_json() if self.saturation else None,
            "confusion": [{"true": t, "answered": a, "count": n} for (t, a), n in self.confusion.items()],
            "failures": [dataclasses.asdict(mode) for mode in self.modes],
        }


def summarise(run: records.Run, *, seed: int = 0, against: records.Run | None = None) -> Summary:
    """All figures of `run`; with another version's run of the same suite, saturation also asks whether the suite tells them apart."""
    rows = tallies.unperturbed(run)
    found = segmentation.segments(run)
    return Summary(
        run=dataclasses.replace(run, rows=()),
        scenarios=len({row.scenario for row in run.rows if row.status != UNBUILT}),
        runs=sum(row.status != UNBUILT for row in run.rows),
        unanswered=sum(row.status in ("error", "timeout") for row in run.rows),
        unbuilt=len({row.scenario for row in run.rows if row.status == UNBUILT}),
        scores=tuple(
            Score(measure, tallies.tally(rows, measure.name).rate)
            for measure in run.measures
            if measure.kind != "amount"
        ),
        amounts=_amounts(run, rows),
        passes=_passes(run, rows),
        segments=found,
        worths=segmentation.worths(run, found),
        stability=stability.measure(run, rng=_rng.stream(seed, "stability")),
        calibration=calibration.measure(
            [
                calibration.Stated(row.scenario, row.confidence, row.right)
                for row in rows
                if row.confidence is not None and row.right is not None
            ],
            rng=_rng.stream(seed, "calibration"),
        ),
        saturation=_saturation(run, rows, against, seed),
        confusion=_confusion(rows),
        modes=_modes(rows),
    )


def _amounts(run: records.Run, rows: Sequence[records.Row]) -> tuple[Amount, ...]:
    """Of measures that are amounts, then of what each run took; per scenario the mean over its repeats."""
    asked = [(m.name, m.title, m.unit, _means(rows, m.name)) for m in run.measures if m.kind == "amount"]
    for name, title, unit in (
        ("seconds", "time per investigation", "s"),
        ("probes", "questions asked", ""),
        ("tokens", "tokens", ""),
        ("cost", "cost", "$"),
    ):
        if name in {measure.name for measure in run.measures}:
            continue  # a score of the suite already says it
        values: dict[str, list[float]] = collections.defaultdict(list)
        for row in rows:
            values[row.scenario].append(float(getattr(row, name)))
        if any(any(each) for each in values.values()):
            asked.append((name, title, unit, [sum(each) / len(each) for each in values.values()]))
    return tuple(
        Amount(name, title, unit, statistics.quantile(values, 0.5), statistics.quantile(values, 0.95))
        for name, title, unit, values in asked
        if values
    )


def _means(rows: Sequence[records.Row], name: str) -> list[float]:
    return list(tallies.tally(rows, name).means)


def _passes(run: records.Run, rows: Sequence[records.Row]) -> tuple[statistics.PassPoint, ...]:
    """The curve, when there are repeats."""
    own = tallies.tally(rows, run.primary)
    curve = statistics.pass_curve([round(hits) for hits in own.hits], own.runs)
    return curve if len(curve) > 1 else ()


def _saturation(
    run: records.Run, rows: Sequence[records.Row], against: records.Run | None, seed: int
) -> saturation.Saturation | None:
    own = tallies.tally(rows, run.primary)
    if not own.scenarios:
        return None
    modes: dict[str, set[str]] = collections.defaultdict(set)
    for row in rows:
        if row.failure:
            modes[row.scenario].add(row.failure)
    seen: dict[str, list[float]] = collections.defaultdict(list)
    for row in [*run.rows, *(tallies.unperturbed(against) if against else ())]:
        if run.primary in row.scores:
            seen[row.scenario].append(row.scores[run.primary])
    outcomes = [
        saturation.Outcome(
            scenario,
            hits,
            runs,
            frozenset(modes[scenario]),
            len(set(seen[scenario])) > 1 if len(seen[scenario]) > 1 else None,
        )
        for scenario, hits, runs in zip(own.scenarios, own.hits, own.runs, strict=True)
    ]
    flips = comparison.flip_probability(against, run, rng=_rng.stream(seed, "flips")) if against else None
    return saturation.judge(outcomes, rng=_rng.stream(seed, "saturation"), flips=flips)


def _confusion(rows: Sequence[records.Row]) -> Mapping[tuple[str, str], int]:
    counts = collections.Counter((row.fault, row.answered or NONE_NAMED) for row in rows if row.fault)
    return dict(sorted(counts.items()))


def _modes(rows: Sequence[records.Row]) -> tuple[Mode, ...]:
    scenarios: dict[str, set[str]] = collections.defaultdict(set)
    for row in rows:
        if row.failure:
            scenarios[row.failure].add(row.scenario)
    made = [Mode(label, len(names), min(names)) for label, names in scenarios.items()]
    return tuple(sorted(made, key=lambda mode: (-mode.scenarios, mode.label)))
