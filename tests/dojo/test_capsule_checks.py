"""Verification tells everything that is wrong at once, also what loading would not notice."""

import dataclasses
from pathlib import Path

import capsule_samples
import numpy as np
import pytest

from rootward import errors
from rootward.dojo.capsule import checks, files, store, telemetry


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    store.save(tmp_path / "capsule", capsule_samples.scenario(), capsule_samples.truth())
    return tmp_path / "capsule"


def test_a_sound_capsule_has_no_problems(saved: Path) -> None:
    report = checks.verify(saved)
    assert report.ok
    assert report.problems == ()
    assert report.sealed
    assert report.files == len(files.NAMES)
    assert report.bytes == sum((saved / name).stat().st_size for name in files.NAMES)


def test_all_damage_is_told_at_once(saved: Path) -> None:
    (saved / "logs.parquet").write_bytes(b"")
    (saved / "chat.json").unlink()
    (saved / "notes.txt").write_text("mine")
    (saved / files.TRUTH).write_text("{}")
    problems = "\n".join(checks.verify(saved).problems)
    for expected in (
        "logs.parquet is damaged",
        "chat.json is missing",
        "notes.txt: a file that",
        "truth.json is damaged",
    ):
        assert expected in problems
    assert len(checks.verify(saved).problems) == 4


def test_no_capsule_is_an_error_not_a_report(tmp_path: Path) -> None:
    with pytest.raises(errors.CapsuleError):
        checks.verify(tmp_path)


def with_telemetry(**changes: object) -> telemetry.Scenario:
    scenario = capsule_samples.scenario()
    return dataclasses.replace(scenario, telemetry=dataclasses.replace(scenario.telemetry, **changes))


def one_block(times_s: list[float], *labels: dict[str, str]) -> telemetry.Metrics:
    block = telemetry.MetricBlock(np.array(times_s), np.zeros((len(labels), len(times_s))), labels)
    return telemetry.Metrics((block,))


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        (with_telemetry(metrics=one_block([1.0, 1.0], {"__name__": "a"})), "its times do not increase"),
        (with_telemetry(metrics=one_block([1.0], {"job": "a"})), "a series without a name"),
        (with_telemetry(metrics=one_block([1.0], {"__name__": "a"}, {"__name__": "a"})), "stands there twice"),
        (with_telemetry(now_s=0.0), "lies outside the window"),
        (
            with_telemetry(logs=dataclasses.replace(capsule_samples.logs(), times_ns=np.array([3, 2, 1]))),
            "its lines are not in order",
        ),
        (
            with_telemetry(
                logs=dataclasses.replace(capsule_samples.logs(), stream=np.array([0, 1, 2], dtype=np.int32))
            ),
            "a stream that does not exist",
        ),
        (
            with_telemetry(spans=dataclasses.replace(capsule_samples.spans(), start_ns=np.array([20, 10]))),
            "its spans are not in order",
        ),
        (
            with_telemetry(spans=dataclasses.replace(capsule_samples.spans(), duration_ns=np.array([5, -1]))),
            "a span ends before it starts",
        ),
        (
            with_telemetry(spans=dataclasses.replace(capsule_samples.spans(), names=())),
            "an operation that does not exist",
        ),
        (
            with_telemetry(spans=dataclasses.replace(capsule_samples.spans(), span_ids=["1" * 16] * 2)),
            "a span stands there twice",
        ),
        (dataclasses.replace(capsule_samples.scenario(), alert={}), "no list of alerts"),
        (dataclasses.replace(capsule_samples.scenario(), alert={"alerts": [{}]}), "an alert has no labels"),
    ],
)
def test_inconsistent_content_is_told(tmp_path: Path, scenario: telemetry.Scenario, problem: str) -> None:
    store.save(tmp_path / "c", scenario)
    problems = checks.verify(tmp_path / "c").problems
    assert any(problem in text for text in problems), problems
