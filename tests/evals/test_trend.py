"""Trends: versions in their order, each against the one before."""

import dataclasses

import pytest
import synthetic

from rootward import errors
from rootward.evals import trend

VERSIONS = ["0.9.0", "0.10.0rc1", "0.10.0", "0.10.0+3.gabc1234", "0.11.0"]


def test_versions_are_ordered_as_people_count() -> None:
    runs = [dataclasses.replace(synthetic.run(scenarios=5), version=version) for version in VERSIONS]
    assert [run.version for run in sorted([*runs[2:], *runs[:2]], key=trend.order)][:3] == VERSIONS[:3]
    assert max(runs, key=trend.order).version == "0.11.0"


def test_equal_versions_are_ordered_by_when_they_started() -> None:
    runs = [dataclasses.replace(synthetic.run(scenarios=5), started=f"2026-08-0{day}T00:00:00Z") for day in (3, 1, 2)]
    line = trend.trend(runs).lines[0]
    assert [point.run.started[8:10] for point in line.points] == ["01", "02", "03"]


def test_each_version_is_compared_with_the_one_before() -> None:
    runs = [synthetic.run(scenarios=150, rate=0.6, version=f"0.{n}.0", shift=0.2 * n) for n in range(3)]
    line = trend.trend(reversed(runs)).lines[0]
    assert line.points[0].change is None
    for point in line.points[1:]:
        assert point.change is not None
        assert point.change.difference > 0
    assert all(point.rates["right"].count == 150 for point in line.points)


def test_suites_and_subjects_have_lines_of_their_own() -> None:
    run = synthetic.run(scenarios=5)
    found = trend.trend([run, dataclasses.replace(run, suite="smoke"), dataclasses.replace(run, subject="command:x")])
    assert [(line.suite, line.subject) for line in found.lines] == [
        ("smoke", "embedded"),
        ("standard", "command:x"),
        ("standard", "embedded"),
    ]


def test_no_runs_are_no_trend() -> None:
    with pytest.raises(errors.RunError, match="no runs"):
        trend.trend([])


def test_a_suite_that_was_changed_is_marked() -> None:
    runs = [
        dataclasses.replace(synthetic.run(scenarios=5), version=version, digest=digest)
        for version, digest in (("0.1.0", "a"), ("0.2.0", "a"), ("0.3.0", "b"))
    ]
    assert [point.other_suite for point in trend.trend(runs).lines[0].points] == [False, False, True]


def test_runs_of_one_version_are_told_apart_by_when_they_started() -> None:
    runs = [dataclasses.replace(synthetic.run(scenarios=5), started=f"2026-08-0{day}T00:00:00Z") for day in (1, 2)]
    labels = [
        point.label for point in trend.trend([*runs, synthetic.run(scenarios=5, version="0.3.0")]).lines[0].points
    ]
    assert labels == ["0.2.0 08-01T00:00", "0.2.0 08-02T00:00", "0.3.0"]
