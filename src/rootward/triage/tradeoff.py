"""What speaking from each threshold on brings and costs: how often it speaks, how often it is wrong, and where the promise puts the threshold."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rootward import _rng
from rootward.evals import calibration, statistics
from rootward.evals.statistics import intervals
from rootward.investigator import confidence
from rootward.triage.answers import Answer

THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.88, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99)


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """Speaking from `threshold` on: `spoke` is the share of all alerts that were told a cause, `wrong` that of all alerts that were told a
    wrong one; `among` is how many of those told were wrong, `right` how many had both cause and kind right."""

    threshold: float
    spoke: statistics.Rate
    wrong: statistics.Rate
    among: statistics.Rate
    right: statistics.Rate

    def to_json(self) -> dict[str, Any]:
        rates = {name: getattr(self, name).to_json() for name in ("spoke", "wrong", "among", "right")}
        return {"threshold": self.threshold, **rates}


@dataclasses.dataclass(frozen=True, slots=True)
class Tradeoff:
    """Points by rising threshold, and the `chosen` one. `quiet` is how many of the alerts without a cause to tell were told none, at the
    chosen threshold; `promise` the share of wrong ones that it was chosen for. `before` and `after` measure the reasoner's own and the
    calibrated confidence over every answer that has a candidate; None without any."""

    points: tuple[Point, ...]
    chosen: Point
    promise: float
    answers: int
    quiet: statistics.Rate
    before: calibration.Calibration | None
    after: calibration.Calibration | None

    def to_json(self) -> dict[str, Any]:
        return {
            "answers": self.answers,
            "promise": self.promise,
            "chosen": self.chosen.to_json(),
            "quiet": self.quiet.to_json(),
            "points": [point.to_json() for point in self.points],
            "confidence": {
                name: None
                if found is None
                else {"brier": intervals.number(found.brier), "error": intervals.number(found.error)}
                for name, found in (("before", self.before), ("after", self.after))
            },
        }


def measure(answers: Sequence[Answer], voice: confidence.Voice, promise: float) -> Tradeoff:
    """The trade-off over answers whose truth is known; `voice` was chosen for `promise`."""
    chances = {one.scenario: voice.table.place.of(one.raw, one.fault)[0] for one in answers if one.evident}
    silent = [one for one in answers if one.quiet_due]
    kept = sum(chances.get(one.scenario, -1.0) < voice.speak_min for one in silent)
    candidates = [one for one in answers if one.evident]
    rng = _rng.stream(0, "trade-off")
    raw = [calibration.Stated(one.scenario, one.raw, one.right) for one in candidates]
    mapped = [
        calibration.Stated(one.scenario, voice.table.cause.of(one.raw, one.fault)[0], one.right) for one in candidates
    ]
    return Tradeoff(
        tuple(_point(answers, chances, threshold) for threshold in THRESHOLDS),
        _point(answers, chances, voice.speak_min),
        promise,
        len(answers),
        statistics.rate(kept, len(silent)),
        calibration.measure(raw, rng=rng),
        calibration.measure(mapped, rng=rng),
    )


def _point(answers: Sequence[Answer], chances: dict[str, float], threshold: float) -> Point:
    told = [one for one in answers if one.evident and chances[one.scenario] >= threshold]
    wrong, right = sum(one.wrong for one in told), sum(one.right for one in told)
    return Point(
        threshold,
        statistics.rate(len(told), len(answers)),
        statistics.rate(wrong, len(answers)),
        statistics.rate(wrong, len(told)),
        statistics.rate(right, len(told)),
    )
