"""The scores that there are, in the order of reports."""

import importlib
from typing import Protocol, cast

from rootward.evals import records, reply

FILES = (
    "right_answer",
    "first_entity",
    "exact_set",
    "any_hit",
    "kind_of_fault",
    "grounded_path",
    "false_confidence",
    "spoke",
    "abstains_no_fault",
    "abstains_outside",
    "abstains_missing",
    "status_right",
    "change_right",
    "onset_error",
)
PRIMARY = "right"


class Score(Protocol):
    """What a file here offers."""

    MEASURE: records.Measure

    def score(self, graded: reply.Graded) -> float | None: ...


def scores() -> tuple[Score, ...]:
    """Every score, in order."""
    return tuple(cast("Score", importlib.import_module(f"rootward.evals.scores.{name}")) for name in FILES)


def measures() -> tuple[records.Measure, ...]:
    """What each means, in order."""
    return tuple(one.MEASURE for one in scores())


def score_all(graded: reply.Graded) -> dict[str, float]:
    """Every score that applies."""
    found = ((one.MEASURE.name, one.score(graded)) for one in scores())
    return {name: value for name, value in found if value is not None}
