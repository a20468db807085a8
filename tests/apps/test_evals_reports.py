"""`rootward evals report`, `compare`, `trend`, `saturation`: from runs on disk to tables, pages, Markdown, XML and exit statuses."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rootward.evals import records, run_folder

MEASURES = (records.Measure("right", "right answer", gate=True), records.Measure("spoke", "spoke"))


def keep(
    folder: Path, hits: int, *, version: str = "0.1.0", started: str = "2026-08-04T14:00:00Z", suite: str = "ours"
) -> Path:
    """A finished run of forty scenarios, the first `hits` of them right."""
    header = records.Run(suite, "d1", "embedded", version, "", 0, MEASURES, "right")
    manifest = run_folder.Manifest(suite, "d1", "embedded", version, 40, started=started, finished=started)
    rows = [
        records.Row(
            f"s{i:02d}",
            {"right": float(i < hits), "spoke": 1.0},
            segments={"family": ("leak", "dns")[i % 2]},
            failure="" if i < hits else f"mode {i % 3}",
            confidence=0.5 + i / 100,
            right=i < hits,
            seconds=0.25,
            message="" if i < hits else "blamed another",
        )
        for i in range(40)
    ]
    kept = run_folder.RunFolder.create(folder, header, manifest)
    kept.append(rows)
    kept.finish(rows, manifest)
    return folder


@pytest.fixture
def rootward(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    return lambda *words: typed("evals", *words)


def test_report_prints_and_writes_every_form(rootward, tmp_path: Path) -> None:
    run = keep(tmp_path / "one", 30)
    status, out, err = rootward("report", run, "--html", "a.html", "--markdown", "a.md", "--junit", "a.xml")
    assert status == 0
    assert "Right answer: 75%" in out
    assert err.count("written:") == 3
    assert "<svg" in (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "| right answer | 75%" in (tmp_path / "a.md").read_text(encoding="utf-8")
    assert ET.parse(tmp_path / "a.xml").getroot().find("testsuite[@failures='10']") is not None


def test_report_as_json_is_json_and_takes_the_bare_file_too(rootward, tmp_path: Path) -> None:
    run = keep(tmp_path / "one", 30)
    status, out, _ = rootward("report", run / "run.jsonl", "--json")
    assert status == 0
    assert json.loads(out)["scores"]["right"]["hits"] == 30


def test_compare_gates_only_when_asked(rootward, tmp_path: Path) -> None:
    good, bad = keep(tmp_path / "good", 36), keep(tmp_path / "bad", 20, version="0.2.0")
    assert rootward("compare", good, bad)[0] == 0
    status, out, _ = rootward(
        "compare", good, bad, "--gate", "--junit", "a.xml", "--html", "a.html", "--markdown", "a.md"
    )
    assert status == 3
    assert "worse" in out
    assert ET.parse(tmp_path / "a.xml").getroot().find("testsuite[@failures='1']") is not None
    assert rootward("compare", bad, good, "--gate")[0] == 0
    assert json.loads(rootward("compare", good, bad, "--json")[1])["gates_hold"] is False


def test_trend_orders_versions_and_leaves_out_unfinished_runs(rootward, tmp_path: Path) -> None:
    for version, hits in (("0.10.0", 35), ("0.9.0", 25)):
        keep(tmp_path / "runs" / version, hits, version=version)
    keep(tmp_path / "runs" / "other", 40, suite="others")
    unfinished = keep(tmp_path / "runs" / "x", 1, version="0.11.0")
    manifest = json.loads((unfinished / "manifest.json").read_text())
    (unfinished / "manifest.json").write_text(json.dumps(manifest | {"finished": ""}))
    status, out, _ = rootward("trend", "runs", "--suite", "ours", "--json")
    assert status == 0
    (line,) = json.loads(out)
    assert [point["version"] for point in line["points"]] == ["0.9.0", "0.10.0"]
    assert line["points"][1]["change"]["difference"] == 0.25
    status, out, err = rootward("trend", "runs", "--html", "t.html", "--markdown", "t.md")
    assert status == 0
    assert "others" in out
    assert err.count("written:") == 2


def test_saturation_says_what_to_do(rootward, tmp_path: Path) -> None:
    run, other = keep(tmp_path / "one", 30), keep(tmp_path / "two", 20)
    status, out, _ = rootward("saturation", run, "--against", other)
    assert status == 0
    assert "The suite is" in out
    assert "Where the next scenario is worth most" in out
    assert json.loads(rootward("saturation", run, "--json")[1])["saturation"]["discovery"]["modes"] == 3


@pytest.mark.parametrize(
    "words", [("report", "nowhere"), ("compare", "nowhere", "nowhere"), ("trend", "nowhere"), ("saturation", "nowhere")]
)
def test_what_is_not_there_is_one_line(rootward, words: tuple[str, ...]) -> None:
    status, out, err = rootward(*words)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("rootward: ")
