"""Runs on disk: whatever stops a run, what was done is kept, and what is resumed ends in the same bytes."""

import dataclasses
import json
from pathlib import Path

import pytest

from rootward import errors
from rootward.evals import records, run_folder
from rootward.evals.scores import registry

HEADER = records.Run("s", "d1", "embedded", "1.0", "2026-01-01T00:00:00.000Z", 0, registry.measures(), "right")
MANIFEST = run_folder.Manifest("s", "d1", "embedded", "1.0", 3, {"repeats": 1}, "2026-01-01T00:00:00.000Z")


def row(name: str, *, seconds: float = 0.5, status: str = "found", **rest: object) -> records.Row:
    return records.Row(name, {"right": 1.0}, status=status, seconds=seconds, **rest)  # type: ignore[arg-type]


ROWS = [row("b"), row("a", seconds=0.25), row("c", perturbation="clean")]


def finished(folder: Path, rows: list[records.Row]) -> bytes:
    made = run_folder.RunFolder.create(folder, HEADER, MANIFEST)
    for one in rows:
        made.append([one])
    made.finish(rows, dataclasses.replace(MANIFEST, finished="2026-01-01T00:01:00.000Z"))
    return (folder / run_folder.RUN).read_bytes()


def test_equal_runs_are_equal_bytes_whatever_the_order_and_the_time(tmp_path: Path) -> None:
    slower = [dataclasses.replace(one, seconds=9.0) for one in reversed(ROWS)]
    assert finished(tmp_path / "one", ROWS) == finished(tmp_path / "two", slower)


def test_a_run_is_read_with_its_seconds_and_when_it_began(tmp_path: Path) -> None:
    finished(tmp_path, ROWS)
    run = run_folder.load(tmp_path)
    assert {one.key: one.seconds for one in run.rows} == {one.key: one.seconds for one in ROWS}
    assert run.started == MANIFEST.started
    assert run_folder.load(tmp_path / run_folder.RUN).rows[0].seconds == 0.0


@pytest.mark.parametrize("cut", [1, 20, 60, 200])
def test_a_run_that_was_killed_while_it_wrote_is_resumed_to_the_same_bytes(tmp_path: Path, cut: int) -> None:
    whole = finished(tmp_path / "whole", ROWS)
    killed = run_folder.RunFolder.create(tmp_path / "killed", HEADER, MANIFEST)
    killed.append(ROWS)
    for name in (run_folder.RUN, run_folder.TIMING):
        file = tmp_path / "killed" / name
        file.write_bytes(file.read_bytes()[:-cut])
    going, done = run_folder.RunFolder.resume(tmp_path / "killed", HEADER, MANIFEST)
    assert 0 < len(done) <= len(ROWS)
    missing = [one for one in ROWS if one.key not in {kept.key for kept in done}]
    going.append(missing)
    assert len(run_folder.load(tmp_path / "killed").rows) == len(ROWS)  # readable before it is finished
    going.finish([*done, *missing], MANIFEST)
    assert (tmp_path / "killed" / run_folder.RUN).read_bytes() == whole


def test_rows_that_are_no_answers_are_done_again(tmp_path: Path) -> None:
    made = run_folder.RunFolder.create(tmp_path, HEADER, MANIFEST)
    made.append([row("a"), row("b", status="error"), row("c", status="unbuilt")])
    _, done = run_folder.RunFolder.resume(tmp_path, HEADER, MANIFEST)
    assert [one.scenario for one in done] == ["a"]


@pytest.mark.parametrize(
    "change", [{"digest": "d2"}, {"subject": "command:x"}, {"version": "2"}, {"options": {"repeats": 2}}], ids=str
)
def test_another_run_is_not_resumed(tmp_path: Path, change: dict[str, object]) -> None:
    run_folder.RunFolder.create(tmp_path, HEADER, MANIFEST)
    with pytest.raises(errors.RunError, match=next(iter(change))):
        run_folder.RunFolder.resume(tmp_path, HEADER, dataclasses.replace(MANIFEST, **change))  # type: ignore[arg-type]


def test_a_folder_is_not_written_over(tmp_path: Path) -> None:
    finished(tmp_path, ROWS)
    with pytest.raises(errors.InputError, match="--resume"):
        run_folder.RunFolder.create(tmp_path, HEADER, MANIFEST)
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.InputError, match="cannot write"):
        run_folder.RunFolder.create(tmp_path / "file" / "x", HEADER, MANIFEST)


def test_runs_are_listed_by_when_they_began_and_broken_ones_are_passed_over(tmp_path: Path) -> None:
    for name, started in (("x", "2026-02-01"), ("y", "2026-01-01")):
        run_folder.RunFolder.create(tmp_path / name, HEADER, dataclasses.replace(MANIFEST, started=started))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / run_folder.MANIFEST).write_text("{")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / run_folder.MANIFEST).write_text(json.dumps({"format": "capsule"}))
    assert [folder.name for folder, _ in run_folder.runs(tmp_path)] == ["y", "x"]
    with pytest.raises(errors.RunError, match="manifest"):
        run_folder.read_manifest(tmp_path / "broken")
    with pytest.raises(errors.RunError, match="no run"):
        run_folder.load(tmp_path)
