"""`rootward triage`: from runs to a table, and from a table to what speaking costs."""

import html
import json
import re
from pathlib import Path

import drawn_answers
import pytest
from typer.testing import CliRunner

from rootward.apps.cli import main
from rootward.investigator import confidence


def typed(*words: object) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(main.app, [str(word) for word in words])
    return done.exit_code, done.output, done.exception


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_text(drawn_answers.lines(drawn_answers.run(drawn_answers.draw(300, 11))), encoding="utf-8")
    return path


def test_a_table_is_made_in_one_command_and_tells_what_it_can_promise(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.json"
    code, said, _ = typed("triage", "calibrate", run, "--out", out)
    assert code == 0
    assert "300 answers; thresholds fitted on 100 of them and certified on the other 200." in said
    assert confidence.read(out).curve is not None
    first = out.read_bytes()
    typed("triage", "calibrate", run, "--out", out)
    assert out.read_bytes() == first


def test_the_curve_tells_share_spoken_and_wrong_with_bands_and_marks_the_threshold(run: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "table.json", tmp_path / "curve.html"
    typed("triage", "calibrate", run, "--out", out)
    settings = tmp_path / "rootward.yaml"
    settings.write_text(f"investigation:\n  false_confidence_max: 0.2\n  calibration_file: {out}\n", encoding="utf-8")
    code, said, _ = typed("triage", "curve", run, "--config", settings, "--html", page)
    assert code == 0
    assert "→" in said
    code, said, _ = typed("triage", "curve", run, "--config", settings, "--json")
    found = json.loads(said)
    chosen = found["chosen"]
    assert chosen["threshold"] == confidence.read(out).curve.threshold(0.2)  # type: ignore[union-attr]
    assert chosen["wrong"]["low"] <= chosen["wrong"]["point"] <= chosen["wrong"]["high"]
    spoke = [point["spoke"]["point"] for point in found["points"]]
    assert spoke == sorted(spoke, reverse=True)
    assert found["confidence"]["after"]["error"] < found["confidence"]["before"]["error"]
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert "in force" in text
    assert not re.search(r"<script|src=|https?://", text.replace("http://www.w3.org/2000/svg", ""))


def test_a_promise_that_cannot_be_kept_is_refused(run: Path, tmp_path: Path) -> None:
    settings = tmp_path / "rootward.yaml"
    settings.write_text("investigation:\n  false_confidence_max: 0.0001\n", encoding="utf-8")
    code, _, error = typed("triage", "curve", run, "--config", settings)
    assert code != 0
    assert "can promise no less than" in str(error)
