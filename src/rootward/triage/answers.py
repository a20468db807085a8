"""Answers whose truth is known: of each, what the reasoner held likeliest, whether that was so, and whether it could be told at all."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from rootward import errors
from rootward.evals import records


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One alert that was answered.

    `raw` is the reasoner's probability of its leading candidate, before calibration, and `fault` the kind of fault that it names; `right`
    when it is the cause and its kind, `wrong` when it names no true cause at all. `evident` when something that can be cited speaks for it:
    without, it is never told. An answer without any candidate has raw 0 and is not evident. `quiet_due` is why nothing was to be told
    (no_fault, outside, quiet), "" where there was a cause.
    """

    scenario: str
    raw: float = 0.0
    fault: str = ""
    right: bool = False
    wrong: bool = False
    evident: bool = False
    quiet_due: str = ""


def of_runs(runs: Iterable[records.Run]) -> list[Answer]:
    """The answers of runs of evals, each scenario once (in the last run that has it), without perturbed ones and repeats.

    Raises:
        RunError: no row tells what the reasoner held likeliest, as those of other subjects and of earlier versions do not.
    """
    listed = list(runs)
    rows = [row for run in listed for row in run.rows if not row.perturbation and row.repeat == 0 and row.scores]
    found = {row.scenario: _answer(row) for row in rows if row.status not in ("error", "timeout")}
    if not any(answer.raw for answer in found.values()):
        suites = ", ".join(dict.fromkeys(run.suite for run in listed)) or "no run"
        raise errors.RunError(
            f"no answer in {suites} says how likely its leading candidate was: calibration needs runs of the subject `embedded` by this version"
        )
    return [found[name] for name in sorted(found)]


def _answer(row: records.Row) -> Answer:
    due = "" if row.expected == "found" else row.expected or "quiet"
    leading = row.detail.get("leading")
    if leading is None:
        return Answer(row.scenario, quiet_due=due)
    try:
        return Answer(row.scenario, *_leading(leading), quiet_due=due)
    except (KeyError, TypeError, ValueError) as error:
        raise errors.RunError(
            f"the row of {row.scenario} has a leading candidate that cannot be read: {error!r}"
        ) from error


def _leading(leading: Mapping[str, Any]) -> tuple[float, str, bool, bool, bool]:
    raw = float(leading["raw"])
    if not 0 <= raw <= 1:
        raise ValueError(f"raw is {raw:g}, not between 0 and 1")
    return raw, str(leading["fault"]), bool(leading["right"]), bool(leading["wrong"]), bool(leading["evident"])
