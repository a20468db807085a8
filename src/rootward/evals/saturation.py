"""Is the suite used up? Two questions: have we seen the ways of failing, and does adding scenarios still change anything?

The first is species counting (Böhme, "STADS: Software Testing as Species Discovery", TOSEM 2018): a mode of failure is a species, a failing
scenario a catch. Only scenarios that were drawn at random may be counted; those hunted for on purpose would break it.
"""

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward.evals import statistics
from rootward.evals.statistics import intervals

ESTY = 1.645  # one-sided 95%
UNSEEN_MAX = 0.05  # above this bound, the next failure may well be a new one
RECENT_SHARE = 0.2  # the scenarios taken as the last that were added
SHUFFLES = 200
NEW_MODES_MAX = 0.5  # expected among the recent
DISCRIMINATIVE_MIN = 0.10
LABEL_NOISE = 0.02  # share of truths that may themselves be wrong
EASY = 0.90  # rate from which what is missing is harder noise, not new families
CURVE_POINTS = 40
ASYMPTOTIC = 1_000_000  # scenarios: Student's t is normal
KEEP_ADDING, HARDER_NOISE, NEW_FAMILIES, STOP = "keep adding", "add harder noise", "add new families", "stop"


@dataclasses.dataclass(frozen=True, slots=True)
class Discovery:
    """`modes` of failure among `failures` catches, `once` and `twice` of them caught once and twice.

    `unseen` is the chance that the next failure is of a new mode (Good–Turing), `unseen_high` its 95% upper bound (Esty 1983; the rule of
    three when no mode was caught once), `coverage` the share of failures whose modes are known (Chao & Jost 2012), `richness` a lower
    bound of the number of modes (Chao 1984). `curve` holds (catches, expected modes), beyond `failures` extrapolated.
    """

    failures: int
    modes: int
    once: int
    twice: int
    unseen: float
    unseen_high: float
    coverage: float
    richness: float
    curve: tuple[tuple[float, float], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Ceiling:
    """What the last `recent` of the scenarios changed, in a random order of them all (mean of many orders).

    `new_modes` were first seen among them, the rate `moved` by so much against `half_width` of its interval. `discriminative` is the share
    of scenarios that tell runs or versions apart, None when every scenario ran once and there is nothing to compare with. `flips` is how
    likely another draw of scenarios would decide differently between two versions (None without two).
    """

    recent: int
    new_modes: float
    moved: float
    half_width: float
    headroom: float
    discriminative: statistics.Rate | None
    flips: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Saturation:
    """The verdict (`keep adding`, `add harder noise`, `add new families`, `stop`) with its reasons, most important first."""

    verdict: str
    used_up: bool
    reasons: tuple[str, ...]
    discovery: Discovery
    ceiling: Ceiling

    def to_json(self) -> dict[str, Any]:
        discovery = {
            k: v if isinstance(v, int) else intervals.number(v)
            for k, v in _plain(self.discovery).items()
            if k != "curve"
        }
        ceiling = {
            k: v if isinstance(v, int | None) else intervals.number(v)
            for k, v in _plain(self.ceiling).items()
            if k != "discriminative"
        }
        share = self.ceiling.discriminative
        return {
            "verdict": self.verdict,
            "used_up": self.used_up,
            "reasons": list(self.reasons),
            "discovery": discovery | {"curve": [[round(x, 2), round(y, 3)] for x, y in self.discovery.curve]},
            "ceiling": ceiling | {"discriminative": share.to_json() if share else None},
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario: its share of right runs, the modes in which it failed, and whether it tells runs or versions apart (None: unknown)."""

    scenario: str
    hits: float
    runs: int
    modes: frozenset[str]
    tells_apart: bool | None


def discovery(catches: Mapping[str, int]) -> Discovery:
    """From the number of failing scenarios per mode of failure."""
    counts = [count for count in catches.values() if count > 0]
    n, found = sum(counts), len(counts)
    once, twice = counts.count(1), counts.count(2)
    if n == 0:
        return Discovery(0, 0, 0, 0, 1.0, 1.0, 0.0, 0.0, ())
    unseen = once / n
    high = unseen + ESTY * math.sqrt(once * (1 - unseen) + 2 * twice) / n if once else 3 / n
    known = 1 - unseen * ((n - 1) * once / ((n - 1) * once + 2 * twice)) if once and n > 1 else 1 - unseen
    # Without a mode caught twice the estimator divides by zero; Chao's bias-corrected form stands in.
    missing = (n - 1) / n * (once * once / (2 * twice) if twice else once * (once - 1) / 2)
    return Discovery(
        n, found, once, twice, unseen, min(1.0, high), known, found + missing, _curve(counts, missing, once)
    )


def _curve(counts: Sequence[int], missing: float, once: int) -> tuple[tuple[float, float], ...]:
    """Rarefaction up to all catches, then extrapolation to twice as many (Colwell et al., Journal of Plant Ecology 5, 2012)."""
    n = sum(counts)
    inner = sorted({max(1, round(n * i / CURVE_POINTS)) for i in range(1, CURVE_POINTS + 1)})
    points = [(0.0, 0.0)]
    for m in inner:
        absent = sum(math.exp(_log_choose(n - c, m) - _log_choose(n, m)) for c in counts if n - c >= m)
        points.append((float(m), len(counts) - absent))
    for i in range(1, CURVE_POINTS // 2 + 1):
        more = n * i / (CURVE_POINTS // 2)
        gain = missing * (1 - (1 - once / (n * missing + once)) ** more) if missing > 0 else 0.0
        points.append((n + more, len(counts) + gain))
    return tuple(points)


def ceiling(outcomes: Sequence[Outcome], *, rng: np.random.Generator, flips: float | None = None) -> Ceiling:
    """What the last scenarios changed; `flips` comes from a comparison of two versions, if there is one."""
    total = len(outcomes)
    recent = min(total, max(1, round(total * RECENT_SHARE)))
    band = statistics.clustered([o.hits for o in outcomes], [o.runs for o in outcomes])
    spread = collections.Counter(mode for outcome in outcomes for mode in outcome.modes)
    # A mode is new among the recent when all scenarios that show it are: the chance of that, over all orders.
    new = sum(math.comb(recent, c) / math.comb(total, c) for c in spread.values())
    known = [outcome.tells_apart for outcome in outcomes if outcome.tells_apart is not None]
    return Ceiling(
        recent=recent,
        new_modes=new,
        moved=_moved(outcomes, recent, rng),
        half_width=(band.high - band.low) / 2,
        headroom=1 - band.low,
        discriminative=statistics.rate(sum(known), len(known)) if known else None,
        flips=flips,
    )


def _moved(outcomes: Sequence[Outcome], recent: int, rng: np.random.Generator) -> float:
    """Mean |change of the rate| by the last scenarios, over random orders."""
    hits, runs = np.array([o.hits for o in outcomes]), np.array([o.runs for o in outcomes])
    earlier = len(outcomes) - recent
    if earlier < 1:
        return 1.0
    orders = [rng.permutation(len(outcomes))[:earlier] for _ in range(SHUFFLES)]
    final = hits.sum() / runs.sum()
    return float(np.mean([abs(hits[order].sum() / runs[order].sum() - final) for order in orders]))


def judge(outcomes: Sequence[Outcome], *, rng: np.random.Generator, flips: float | None = None) -> Saturation:
    """The verdict over scenarios that were drawn at random."""
    seen = discovery(collections.Counter(mode for outcome in outcomes for mode in outcome.modes))
    top = ceiling(outcomes, rng=rng, flips=flips)
    failing = any(outcome.hits < outcome.runs for outcome in outcomes)
    open_ends = _open_ends(seen, top, failing=failing)
    if open_ends:
        return Saturation(KEEP_ADDING, False, tuple(open_ends), seen, top)
    settled = [
        f"the last {top.recent} scenarios moved the rate by {top.moved * 100:.1f} points, within a quarter of its half-width",
        f"the chance that the next failure is of a new mode is at most {seen.unseen_high:.0%}"
        if failing
        else "no scenario fails",
    ]
    if top.discriminative is not None:
        settled.append(f"{top.discriminative.point:.0%} of the scenarios tell runs or versions apart")
    rate = sum(o.hits for o in outcomes) / sum(o.runs for o in outcomes)
    if top.headroom <= LABEL_NOISE:
        return Saturation(STOP, True, (f"what is left ({top.headroom:.1%}) may be wrong labels", *settled), seen, top)
    verdict = HARDER_NOISE if rate >= EASY else NEW_FAMILIES
    return Saturation(verdict, True, tuple(settled), seen, top)


def _open_ends(seen: Discovery, top: Ceiling, *, failing: bool) -> list[str]:
    """Why the suite is not used up, each in a sentence."""
    found = []
    last = f"the last {top.recent} scenarios" if top.recent > 1 else "the last scenario"
    if failing and seen.unseen_high >= UNSEEN_MAX:
        found.append(
            f"the chance that the next failure is of a new mode is {seen.unseen:.0%}, at most {seen.unseen_high:.0%} "
            f"({seen.once} of {seen.modes} modes were seen once)"
        )
    if top.new_modes >= NEW_MODES_MAX:
        found.append(f"{last} added {top.new_modes:.1f} new modes of failure, in the mean over random orders")
    if top.moved >= top.half_width / 4:
        found.append(f"{last} still moved the rate by {top.moved * 100:.1f} points")
    if top.discriminative is not None and top.discriminative.point >= DISCRIMINATIVE_MIN:
        found.append(f"{top.discriminative.point:.0%} of the scenarios tell runs or versions apart")
    if top.flips is not None and top.flips >= 0.05:
        found.append(
            f"with a chance of {top.flips:.0%} another draw of scenarios would decide differently between the versions"
        )
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Worth:
    """What one more scenario of a segment is worth: how much narrower its band would be, times its share of traffic."""

    segment: str
    rate: statistics.Rate
    traffic: float
    narrower: float

    @property
    def worth(self) -> float:
        return self.narrower * self.traffic

    def to_json(self) -> dict[str, Any]:
        return {
            "segment": self.segment,
            "rate": self.rate.to_json(),
            "traffic": intervals.number(self.traffic),
            "narrower": intervals.number(self.narrower),
            "worth": round(self.worth, 6),
        }


def worth(segment: str, hits: Sequence[float], runs: Sequence[int], traffic: float) -> Worth:
    """Expected reduction of the width of a segment's band by one more scenario, right or wrong as those so far suggest.

    Widths are taken with the normal quantile: with the t quantile a segment of one scenario would look as if a second told nothing.
    """
    count, total, scenarios = sum(runs), float(sum(hits)), len(runs)
    effective = intervals.effective_runs(np.asarray(hits, dtype=np.float64), np.asarray(runs, dtype=np.float64))
    right = (sum(h / r for h, r in zip(hits, runs, strict=True)) + 0.5) / (scenarios + 1)

    def width(more: int, outcome: float) -> float:
        repeats = more * count / scenarios
        p = (total + outcome * repeats) / (count + repeats)
        low, high = intervals.wilson(p, effective * (scenarios + more) / scenarios, ASYMPTOTIC)
        return high - low

    expected = right * width(1, 1.0) + (1 - right) * width(1, 0.0)
    return Worth(segment, statistics.clustered(hits, runs), traffic, width(0, 0.0) - expected)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _plain(record: Discovery | Ceiling) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
