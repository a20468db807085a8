"""`rootward outgoing`: what left, by destination; nothing is not an error, no record is."""

import json
from pathlib import Path

import pytest
from conftest import Typed

from rootward.signals import outgoing


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "outgoing.jsonl"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROOTWARD_NETWORK__RECORD_FILE", str(file))
    return file


def test_destinations_are_told(record: Path, typed: Typed) -> None:
    assert "Nothing left" in typed("outgoing")[1]
    outgoing.FileLog(record).note(
        outgoing.Sent(1e9, "connector", "prom", "GET", "prom:9090", "/api/v1/query", 210, 3000, 200)
    )
    status, shown, _ = typed("outgoing")
    assert status == 0
    assert "prom:9090" in shown
    assert "3,000" in shown
    found = json.loads(typed("outgoing", "--json")[1])["destinations"]
    assert [(one["host"], one["bytes_out"]) for one in found] == [("prom:9090", 210)]
    assert "Nothing left in the last 1h" in typed("outgoing", "--since", "1h")[1]


def test_bad_input_is_told(record: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not a duration" in typed("outgoing", "--since", "soon")[2]
    record.write_text("half\nof\n")
    assert "is not a line of the record" in typed("outgoing")[2]
    monkeypatch.setenv("ROOTWARD_NETWORK__RECORD_FILE", "''")
    status, _, said = typed("outgoing")
    assert status == 1
    assert "no record is kept" in said
