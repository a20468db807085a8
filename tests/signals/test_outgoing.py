"""The record of what leaves: every request one line, nothing of its content, and no failure of an investigation."""

import json
from pathlib import Path

import pytest

from rootward import errors
from rootward.signals import outgoing


def sent(at_s: float = 1.0, host: str = "prom:9090", status: int = 200) -> outgoing.Sent:
    return outgoing.Sent(at_s, "connector", "prom", "GET", host, "/api/v1/query", 200, 3000, status)


def test_what_is_noted_is_read_again_oldest_first(tmp_path: Path) -> None:
    log = outgoing.FileLog(tmp_path / "state" / "outgoing.jsonl")
    for at_s in (1.0, 2.0, 3.0):
        log.note(sent(at_s))
    assert [one.at_s for one in outgoing.read(log.path)] == [1.0, 2.0, 3.0]
    assert [one.at_s for one in outgoing.read(log.path, since_s=2.0)] == [2.0, 3.0]
    assert log.path.stat().st_mode & 0o077 == 0, "nobody else may read it"


def test_a_full_file_makes_room_and_keeps_the_one_before(tmp_path: Path) -> None:
    log = outgoing.FileLog(tmp_path / "o.jsonl", bytes_max=400)
    for at_s in range(20):
        log.note(sent(float(at_s)))
    kept = [one.at_s for one in outgoing.read(log.path)]
    assert kept == sorted(kept)
    assert kept[-1] == 19.0
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 1500


def test_a_record_that_cannot_be_written_is_counted_and_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = outgoing.FileLog(tmp_path / "file" / "o.jsonl")
    log.note(sent())
    assert log.lost == 1


def test_a_half_written_last_line_is_passed_over_and_one_in_the_middle_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "o.jsonl"
    outgoing.FileLog(file).note(sent())
    file.write_text(file.read_text() + '{"at_s": 2')
    assert len(list(outgoing.read(file))) == 1
    file.write_text("{}\n" + file.read_text())
    with pytest.raises(errors.InputError, match=r"o\.jsonl:1 is not a line"):
        list(outgoing.read(file))
    file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(errors.InputError, match="cannot read"):
        list(outgoing.read(file))


def test_totals_are_by_destination_most_bytes_first() -> None:
    found = outgoing.totals([sent(1.0), sent(5.0, status=0), sent(2.0, host="b:1")])
    assert [(one.host, one.requests, one.failed, one.bytes_out) for one in found] == [
        ("prom:9090", 2, 1, 400),
        ("b:1", 1, 0, 200),
    ]
    assert found[0].as_json()["last"] == "1970-01-01T00:00:05.000Z"
    json.dumps(found[0].as_json())
