"""Scores over versions: one line per measure with its band, each version against the one before on the scenarios that both ran."""

import collections
import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward import _rng, errors
from rootward.evals import records, statistics, tallies


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """One run: its scores by name, and the change of the primary one since the run before (None for the first, or with nothing shared).

    `label` is its version, with the time at which it started where several runs are of that version. `other_suite` says that the suite was
    changed since the run before: then only scenarios that both ran are compared.
    """

    run: records.Run
    label: str
    scenarios: int
    rates: Mapping[str, statistics.Rate]
    change: statistics.Paired | None
    other_suite: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """The runs of one subject on one suite, oldest first."""

    suite: str
    subject: str
    primary: str
    measures: tuple[records.Measure, ...]
    points: tuple[Point, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """A line per suite and subject."""

    lines: tuple[Line, ...]

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {
                "suite": line.suite,
                "subject": line.subject,
                "primary": line.primary,
                "points": [
                    {
                        "version": point.run.version,
                        "started": point.run.started,
                        "digest": point.run.digest,
                        "suite_changed": point.other_suite,
                        "scenarios": point.scenarios,
                        "scores": {name: rate.to_json() for name, rate in point.rates.items()},
                        "change": point.change.to_json() if point.change else None,
                    }
                    for point in line.points
                ],
            }
            for line in self.lines
        ]


def trend(runs: Iterable[records.Run], *, seed: int = 0) -> Trend:
    """Lines over `runs`, ordered by version (numbers as numbers), then by when they started.

    Raises:
        RunError: there are no runs.
    """
    grouped: dict[tuple[str, str], list[records.Run]] = {}
    for run in runs:
        grouped.setdefault((run.suite, run.subject), []).append(run)
    if not grouped:
        raise errors.RunError("no runs to draw a trend of; give a folder that holds runs of `rootward evals run`")
    return Trend(tuple(_line(key, sorted(grouped[key], key=order), seed) for key in sorted(grouped)))


def order(run: records.Run) -> tuple[list[tuple[int, int, str]], str]:
    """Key of a run: version 0.10 comes after 0.9, and a pre-release (0.10rc1) before its release."""
    parts = re.findall(r"\d+|[a-z]+", run.version.lower())
    # A word ranks below the end of a version, and the end below a number.
    return [*((2, int(part), "") if part.isdigit() else (0, 0, part) for part in parts), (1, 0, "")], run.started


def _line(key: tuple[str, str], runs: Sequence[records.Run], seed: int) -> Line:
    last = runs[-1]
    rng = _rng.stream(seed, "trend", *key)
    labels = _labels(runs)
    points: list[Point] = []
    for place, run in enumerate(runs):
        rows = tallies.unperturbed(run)
        rates = {m.name: tallies.tally(rows, m.name).rate for m in run.measures if m.kind != "amount"}
        change = None
        if place:
            old = tallies.tally(tallies.unperturbed(runs[place - 1]), last.primary)
            new = tallies.tally(rows, last.primary)
            shared = set(old.scenarios) & set(new.scenarios)
            if shared:
                change = statistics.paired(old.only(shared).means, new.only(shared).means, rng=rng)
        scenarios = len({row.scenario for row in rows})
        other_suite = place > 0 and run.digest != runs[place - 1].digest
        points.append(Point(dataclasses.replace(run, rows=()), labels[place], scenarios, rates, change, other_suite))
    measures = tuple(measure for measure in last.measures if measure.kind != "amount")
    return Line(key[0], key[1], last.primary, measures, tuple(points))


def _labels(runs: Sequence[records.Run]) -> list[str]:
    counts = collections.Counter(run.version for run in runs)
    return [
        run.version
        if counts[run.version] == 1 and run.version
        else f"{run.version} {run.started[5:16]}".strip() or str(place)
        for place, run in enumerate(runs, start=1)
    ]
