"""What the reasoner's probability is worth: a map learnt from answers whose truth is known, and how sure one must be to speak.

The reasoner counts every clue as if it were independent of the others, so its 0.99 is right less often than that. A `Table`, fitted by
`rootward triage calibrate`, maps its probability to how often such answers named the cause and its kind (what a finding states), and to how often
they named the right place at least (what decides whether to speak), both moved for the kind of fault that is named. It also holds how often a
wrong place would have been told from each threshold on, so that a threshold can be chosen that keeps a promise.
"""

import dataclasses
import functools
import importlib.resources
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rootward import errors
from rootward.investigator.causal import case

FORMAT = "rootward-calibration-1"
EDGE = 1e-6  # probabilities are kept this far from 0 and 1 before their logarithm is taken
Z = 1.645  # of a two-sided 90% interval
FALSE_CONFIDENCE_MAX = 0.02
BYTES_MAX = 2**20


@dataclasses.dataclass(frozen=True, slots=True)
class Knot:
    """At the reasoner's probability `raw`: how often such answers are right, with a 90% interval."""

    raw: float
    point: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """How much oftener (in nats of odds) answers that name one kind of fault are right than others of the same probability; `spread` is
    the standard deviation of what is not known of it, `answers` how many it was seen in."""

    nats: float
    spread: float
    answers: int


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What would have come of speaking from `threshold` on, in answers that the map was not fitted on: how many were told a cause, and how
    many a wrong one. `wrong_max` bounds the share of all answers that are told a wrong cause, at the curve's certainty."""

    threshold: float
    told: int
    wrong: int
    wrong_max: float


@dataclasses.dataclass(frozen=True, slots=True)
class Curve:
    """Steps by rising threshold over `answers` answers; each bound holds with probability `certainty`."""

    answers: int
    certainty: float
    steps: tuple[Step, ...]

    def threshold(self, wrong_max: float) -> float | None:
        """The smallest threshold from which on at most this share of alerts is told a wrong cause; None when none can be promised.

        A fixed sequence of tests from the strictest threshold down, each by the exact binomial bound, stopped at the first that fails
        (Angelopoulos, Bates, Candès, Jordan & Lei 2021, "Learn then Test").
        """
        found = None
        for step in reversed(self.steps):
            if step.wrong_max > wrong_max:
                break
            found = step.threshold
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class Worth:
    """From the reasoner's probability and the kind it names to how often such answers hold. `knots` by rising `raw`, no column ever falling;
    `spread` is how much kinds differ, for those that were never seen."""

    knots: tuple[Knot, ...]
    kinds: Mapping[str, Kind]
    spread: float

    def of(self, raw: float, fault: str) -> tuple[float, float, float]:
        """How often answers of this probability and kind hold: (point, low, high), never falling in `raw`."""
        at = [one.raw for one in self.knots]
        point, low, high = (
            float(np.interp(raw, at, [getattr(one, name) for one in self.knots])) for name in ("point", "low", "high")
        )
        kind = self.kinds.get(fault, Kind(0.0, self.spread, 0))
        if not kind.nats and not kind.spread:
            return point, low, high
        centre = _logit(point) + kind.nats
        # What is not known of the map and of the kind are independent, so their half-widths add up as squares.
        below = math.hypot(_logit(point) - _logit(low), Z * kind.spread)
        above = math.hypot(_logit(high) - _logit(point), Z * kind.spread)
        return _sigmoid(centre), _sigmoid(centre - below), _sigmoid(centre + above)


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """`cause`: the cause is named, and its kind; `place`: the cause is named, of whatever kind. `curve` is over thresholds of `place`.
    `answers` are those that the table was made of."""

    cause: Worth
    place: Worth
    curve: Curve | None
    fitted_on: tuple[Mapping[str, Any], ...] = ()
    answers: int = 0

    def to_json(self) -> dict[str, Any]:
        """The form that `read` reads."""
        return {
            "format": FORMAT,
            "fitted_on": [dict(one) for one in self.fitted_on],
            "answers": self.answers,
            "cause": dataclasses.asdict(self.cause),
            "place": dataclasses.asdict(self.place),
            "curve": None if self.curve is None else dataclasses.asdict(self.curve),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Voice:
    """How sure one must be to speak: the table, and how likely the place must be to be right for a cause to be told."""

    table: Table
    speak_min: float

    def place(self, hypothesis: case.Hypothesis) -> float:
        """How likely the place that a leading hypothesis (as the reasoner gave it) names is right: what is stated, never less than cause and kind."""
        return max(self._place(hypothesis), self.table.cause.of(hypothesis.probability, hypothesis.fault)[0])

    def speaks(self, hypothesis: case.Hypothesis) -> bool:
        """Whether the place is sure enough; by the map of places alone, which the promise was certified for."""
        return self._place(hypothesis) >= self.speak_min

    def _place(self, hypothesis: case.Hypothesis) -> float:
        return self.table.place.of(hypothesis.probability, hypothesis.fault)[0]

    def stated(self, judgement: case.Judgement) -> case.Judgement:
        """The judgement with calibrated probabilities, which add up to one at most. The leading hypothesis has the table's; other kinds at its
        place share what its place has besides, and all other places what that leaves, in the proportions that the reasoner gave them; none
        stands above the leading one."""
        if not judgement.hypotheses:
            return judgement
        leading, *others = judgement.hypotheses
        point, low, high = self.table.cause.of(leading.probability, leading.fault)
        place = self.place(leading)
        same = sum(one.probability for one in others if one.entity == leading.entity)
        scales = {
            True: (place - point) / max(same, EDGE),
            False: (1 - place) / max(1 - leading.probability - same, EDGE),
        }

        def lesser(one: case.Hypothesis) -> case.Hypothesis:
            scale = scales[one.entity == leading.entity]
            chance = min(one.probability * scale, point)
            ends = min(one.low * scale, chance), min(max(one.high * scale, chance), 1.0)
            return dataclasses.replace(one, probability=chance, low=ends[0], high=ends[1])

        first = dataclasses.replace(leading, probability=point, low=low, high=high)
        ordered = sorted(map(lesser, others), key=lambda one: -one.probability)
        return dataclasses.replace(judgement, hypotheses=(first, *ordered))


def voice(table: Table, false_confidence_max: float, *, source: str) -> Voice:
    """The table with the threshold that keeps the promise; `source` names it in messages.

    Raises:
        SettingsError: the table has no curve, or too few answers to promise so little.
    """
    if table.curve is None:
        raise errors.SettingsError(
            f"{source} promises nothing: it was fitted without answers to certify a threshold on"
        )
    found = table.curve.threshold(false_confidence_max)
    if found is None:
        least = min(step.wrong_max for step in table.curve.steps)
        raise errors.SettingsError(
            f"investigation.false_confidence_max is {false_confidence_max:g}, and {source} can promise no less than {least:.2%}: "
            "choose a larger share, or calibrate on more answers (docs/guide/confidence.md)"
        )
    return Voice(table, found)


@functools.cache
def shipped() -> Voice:
    """The table that comes with Rootward, and the default promise."""
    return voice(shipped_table(), FALSE_CONFIDENCE_MAX, source="the calibration table that is shipped")


@functools.cache
def shipped_table() -> Table:
    """The table that comes with Rootward, fitted on the suite `calibration`."""
    text = importlib.resources.files("rootward.investigator").joinpath("calibration.json").read_text("utf-8")
    return parse(text, source="the calibration table that is shipped")


def read(path: Path) -> Table:
    """The table in a file.

    Raises:
        InputError: it cannot be read, or is not a table.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise errors.InputError(f"cannot read the calibration table {path}: {error.strerror or error}") from error
    if len(raw) > BYTES_MAX:
        raise errors.InputError(
            f"{path} is larger than {BYTES_MAX // 2**10} KiB; a calibration table is a few KiB of JSON"
        )
    return parse(raw.decode("utf-8", "replace"), source=str(path))


def parse(text: str, *, source: str) -> Table:
    """The table that `text` holds.

    Raises:
        InputError: it is not one; the message says what is wrong with it.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.InputError(f"{source} is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise errors.InputError(
            f"{source} is no calibration table: its format is not {FORMAT!r} (make one: rootward triage calibrate)"
        )
    try:
        table = Table(
            _worth(data["cause"]),
            _worth(data["place"]),
            _curve(data.get("curve")),
            tuple(dict(one) for one in data.get("fitted_on", ())),
            data.get("answers", 0),
        )
        trouble = (
            _trouble(table.cause) or _trouble(table.place) or (_trouble_of_curve(table.curve) if table.curve else "")
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise errors.InputError(f"{source} is no calibration table: {type(error).__name__}: {error}") from error
    if trouble:
        raise errors.InputError(f"{source} is no calibration table: {trouble}")
    return table


def _worth(data: Any) -> Worth:
    kinds = {str(name): Kind(**one) for name, one in data["kinds"].items()}
    return Worth(tuple(Knot(**one) for one in data["knots"]), kinds, data["spread"])


def _curve(data: Any) -> Curve | None:
    if data is None:
        return None
    return Curve(data["answers"], data["certainty"], tuple(Step(**one) for one in data["steps"]))


def _trouble(worth: Worth) -> str:
    """What keeps a map from being one, in words; "" when nothing does."""
    columns = [[one.raw, one.point, one.low, one.high] for one in worth.knots]
    if not columns:
        return "it has no knots"
    if not all(_is_share(value) for row in columns for value in row):
        return "its knots hold something that is not between 0 and 1"
    if any(not low <= point <= high for _, point, low, high in columns):
        return "an interval does not hold its point"
    if not all(_rises([row[place] for row in columns], strictly=place == 0) for place in range(4)):
        return "its knots do not rise"
    numbers = [worth.spread, *(value for kind in worth.kinds.values() for value in (kind.nats, kind.spread))]
    if not all(_is_number(value) for value in numbers) or any(
        value < 0 for value in [worth.spread, *(k.spread for k in worth.kinds.values())]
    ):
        return "a kind's nats or spread is no number, or a spread is negative"
    return ""


def _trouble_of_curve(curve: Curve) -> str:
    if not curve.steps:
        return "its curve has no steps"
    if not all(_is_share(value) for step in curve.steps for value in (step.threshold, step.wrong_max)):
        return "a threshold or bound of its curve is not between 0 and 1"
    if not _rises([step.threshold for step in curve.steps], strictly=True):
        return "the thresholds of its curve do not rise"
    if any(not 0 <= step.wrong <= step.told <= curve.answers for step in curve.steps) or not 0 < curve.certainty < 1:
        return "the counts or the certainty of its curve cannot be"
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _rises(values: Sequence[float], *, strictly: bool) -> bool:
    pairs = itertools.pairwise(values)
    return all(before < after if strictly else before <= after for before, after in pairs)


def _logit(value: float) -> float:
    value = min(max(value, EDGE), 1 - EDGE)
    return math.log(value / (1 - value))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -700.0), 700.0)))
