"""Where the subject fails: every segment with its band, what is hot beyond chance, and where the next scenario is worth most."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from rootward.evals import records, saturation, statistics, tallies
from rootward.evals.statistics import distributions, intervals

HOT_SHARE = 0.10  # of segments called hot, this many may be so by chance


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """One value of one field.

    `impact` is its share of traffic times the lower bound of its failure rate. `hot` says that this bound lies above the failure rate of
    the whole, by more than chance over all segments would do (Benjamini–Hochberg, `q`).
    """

    field: str
    value: str
    right: statistics.Rate
    scores: Mapping[str, statistics.Rate]
    traffic: float
    q: float
    hot: bool

    @property
    def name(self) -> str:
        return f"{self.field}={self.value}"

    @property
    def impact(self) -> float:
        return self.traffic * (1 - self.right.high)

    def to_json(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "value": self.value,
            "right": self.right.to_json(),
            "scores": {name: rate.to_json() for name, rate in self.scores.items()},
            "traffic": intervals.number(self.traffic),
            "impact": intervals.number(self.impact),
            "q": intervals.number(self.q),
            "hot": self.hot,
        }


def segments(run: records.Run) -> tuple[Segment, ...]:
    """All segments of the unperturbed rows: the hot ones first, then by impact."""
    rows = tallies.unperturbed(run)
    whole = tallies.tally(rows, run.primary)
    if not whole.scenarios:
        return ()
    failing = 1 - sum(whole.means) / len(whole.means)
    found = [
        (field, value, part, tallies.tally(part, run.primary))
        for (field, value), part in tallies.segments(rows).items()
    ]
    found = [each for each in found if each[3].scenarios]
    adjusted = statistics.benjamini_hochberg([_chance(each[3], failing) for each in found])
    names = [measure.name for measure in run.measures if measure.kind != "amount"]
    made = [
        Segment(
            field=field,
            value=value,
            right=(right := own.rate),
            scores={name: rate for name in names if (rate := tallies.tally(part, name).rate).count},
            traffic=run.traffic.get(f"{field}={value}", len(own.scenarios) / len(whole.scenarios)),
            q=q,
            hot=q <= HOT_SHARE and 1 - right.high > failing,
        )
        for (field, value, part, own), q in zip(found, adjusted, strict=True)
    ]
    return tuple(sorted(made, key=lambda each: (not each.hot, -each.impact, each.right.point, each.name)))


def _chance(own: tallies.Tally, failing: float) -> float:
    """How likely so many of the segment's scenarios would fail if it failed as often as the whole."""
    count = len(own.scenarios)
    failed = math.ceil(count - sum(own.means) - 1e-9)
    return 1 - distributions.binomial_cdf(failed - 1, count, failing)


def worths(run: records.Run, found: Sequence[Segment]) -> tuple[saturation.Worth, ...]:
    """Segments by what one more scenario of them would tell, the most first."""
    parts = tallies.segments(tallies.unperturbed(run))
    listed = []
    for segment in found:
        own = tallies.tally(parts[segment.field, segment.value], run.primary)
        listed.append(saturation.worth(segment.name, own.hits, own.runs, segment.traffic))
    return tuple(sorted(listed, key=lambda each: (-each.worth, each.segment)))
