"""The summary of a run: complete, the same for the same rows, and honest about what was not measured."""

import dataclasses
import json

import pytest
import synthetic

from rootward.evals import records, saturation, summary


def test_everything_is_in_it() -> None:
    run = synthetic.run(scenarios=60, repeats=3, perturbations={"rename": 0.0, "drop_logs": 0.3})
    found = summary.summarise(run)
    assert (found.scenarios, found.runs) == (60, 540)
    assert found.primary.rate.scenarios == 60
    assert found.primary.rate.count == 180, "perturbed runs do not enter the headline"
    assert [point.k for point in found.passes] == [1, 2, 3]
    assert found.stability is not None
    assert found.calibration is not None
    assert found.saturation is not None
    assert {amount.name for amount in found.amounts} == {"onset_error", "seconds", "probes"}
    assert sum(found.confusion.values()) == 180
    assert found.modes[0].scenarios >= found.modes[-1].scenarios
    json.dumps(found.to_json(), allow_nan=False)


def test_the_same_rows_give_the_same_bytes_whatever_the_seconds() -> None:
    run = synthetic.run(scenarios=40, repeats=2, perturbations={"rename": 0.1})
    slower = dataclasses.replace(run, rows=tuple(dataclasses.replace(row, seconds=row.seconds + 1) for row in run.rows))
    first, second = (json.dumps(summary.summarise(each).to_json(with_seconds=False)) for each in (run, slower))
    assert first == second
    assert summary.summarise(run).to_json() != summary.summarise(slower).to_json()


def test_segments_come_by_impact_and_one_unlucky_scenario_is_not_hot() -> None:
    run = synthetic.run(scenarios=120, rate=0.9)
    rows = [
        dataclasses.replace(row, scores={**row.scores, "right": 0.0}) if row.fault == "dns_failure" else row
        for row in run.rows
    ]
    rows.append(records.Row("lone", {"right": 0.0}, segments={"family": "lone"}))
    found = summary.summarise(dataclasses.replace(run, rows=tuple(rows)))
    hot = [segment.name for segment in found.segments if segment.hot]
    assert found.segments[0].name == "family=dns_failure"
    assert "family=dns_failure" in hot
    assert "family=lone" not in hot


def test_traffic_decides_where_the_next_scenario_is_worth_most() -> None:
    run = dataclasses.replace(synthetic.run(scenarios=60), traffic={"family=cache_loss": 0.9})
    found = summary.summarise(run)
    assert found.worths[0].segment == "family=cache_loss"
    assert [each.worth for each in found.worths] == sorted((each.worth for each in found.worths), reverse=True)


def test_another_version_tells_whether_the_suite_still_tells_apart() -> None:
    run, other = synthetic.run(scenarios=80), synthetic.run(scenarios=80, shift=-0.4)
    alone, against = summary.summarise(run), summary.summarise(run, against=other)
    assert alone.saturation is not None
    assert alone.saturation.ceiling.discriminative is None
    assert against.saturation is not None
    assert against.saturation.ceiling.discriminative is not None
    assert against.saturation.ceiling.discriminative.point > 0.2
    assert against.saturation.verdict == saturation.KEEP_ADDING


def test_a_run_without_a_single_score_says_so() -> None:
    empty = summary.summarise(dataclasses.replace(synthetic.run(), rows=()))
    assert str(empty.primary.rate) == "–"
    assert (empty.saturation, empty.calibration, empty.stability) == (None, None, None)
    unscored = dataclasses.replace(
        synthetic.run(), rows=(records.Row("a", {}, status="timeout", segments={"family": "x"}),)
    )
    assert summary.summarise(unscored).unanswered == 1
    json.dumps(summary.summarise(unscored).to_json(), allow_nan=False)


@pytest.mark.parametrize("scenarios", [1, 2, 3])
def test_the_smallest_runs_hold(scenarios: int) -> None:
    found = summary.summarise(synthetic.run(scenarios=scenarios, perturbations={"rename": 0.2}))
    json.dumps(found.to_json(), allow_nan=False)


def test_a_field_with_one_value_is_no_segment_and_no_figure_is_told_twice() -> None:
    run = synthetic.run(scenarios=12)
    rows = tuple(
        dataclasses.replace(row, segments={**row.segments, "noise": "usual"}, scores={**row.scores, "probes": 9.0})
        for row in run.rows
    )
    measures = (*run.measures, records.Measure("probes", "questions asked", "amount", "lower", "questions"))
    found = summary.summarise(dataclasses.replace(run, rows=rows, measures=measures))
    assert "noise" not in {segment.field for segment in found.segments}
    assert [amount.name for amount in found.amounts].count("probes") == 1
