"""Memory's file: what is kept comes back, environments never mix, nothing is lost whatever state the file is in."""

import json
import sqlite3
from pathlib import Path

import kept
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.feedback import remembering
from rootward.memory import schema, store, transfer
from rootward.memory.records import Fact, Incident

FACT = Fact(text="checkout retries three times", provenance="Ana", about=("service/checkout",))


def fill(path: Path, environment: str = "prod") -> None:
    remembering.guidance(path, environment, [kept.guidance(matchers=["service=checkout"])], now_s=kept.NOW_S)
    remembering.fact(path, environment, FACT, now_s=kept.NOW_S)
    remembering.incident(path, environment, kept.alert(), {"status": "found", "summary": "x"}, now_s=kept.NOW_S)


def test_what_is_kept_comes_back_with_an_id_and_its_time(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert [one.id for one in memory.every()] == ["G1", "F1", "I1"]
        assert memory.facts() == [FACT.model_copy(update={"id": "F1", "created_s": kept.NOW_S})]
        assert memory.incidents()[0].alert_class == "high-error-rate"
        assert memory.counts() == {"guidance": 1, "fact": 1, "incident": 1}
        assert memory.environments() == ["prod"]


def test_environments_never_mix(tmp_path: Path) -> None:
    fill(tmp_path / "m", "prod")
    fill(tmp_path / "m", "staging")
    remembering.forget(tmp_path / "m", "prod", kinds=("guidance", "fact", "incident"))
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert list(memory.every()) == []
        with pytest.raises(errors.InputError, match="G1"):
            memory.get("G1")
    with store.Memory(tmp_path / "m", "staging") as memory:
        assert memory.counts() == {"guidance": 1, "fact": 1, "incident": 1}


def test_an_id_is_never_given_twice(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    remembering.forget(tmp_path / "m", "prod", keys=["G1"])
    assert remembering.guidance(tmp_path / "m", "prod", [kept.guidance()], now_s=0.0)[0].id == "G2"


def test_struck_facts_are_kept_with_the_reason_and_not_listed(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    remembering.strike(tmp_path / "m", "prod", "F1", why="not since March", now_s=kept.NOW_S + 5)
    remembering.strike(tmp_path / "m", "prod", "I1", why="", now_s=kept.NOW_S + 5)
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert memory.facts() == []
        assert memory.incidents() == []
        assert memory.facts(struck=True)[0].struck_why == "not since March"
    with pytest.raises(errors.InputError, match="guidance remove"):
        remembering.strike(tmp_path / "m", "prod", "G1", why="", now_s=0.0)
    with pytest.raises(errors.InputError, match="struck_why"):
        remembering.strike(tmp_path / "m", "prod", "F1", why="x" * 500, now_s=0.0)


def test_deleting_several_happens_whole_or_not_at_all(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    with pytest.raises(errors.InputError, match="F9"):
        remembering.forget(tmp_path / "m", "prod", keys=["F1", "F9"])
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert len(memory.facts()) == 1
    assert remembering.forget(tmp_path / "m", "prod", keys=["F1", "F1", "I1"]) == 2


def test_a_file_that_is_not_there_is_an_empty_memory_and_is_not_made(tmp_path: Path) -> None:
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert list(memory.every()) == []
    assert not (tmp_path / "m").exists()


def test_readers_cannot_write(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    with store.Memory(tmp_path / "m", "prod") as memory, pytest.raises(sqlite3.OperationalError, match="readonly"):
        memory._connection.execute("DELETE FROM records")


def test_readers_go_on_while_somebody_writes(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    writer = schema.connect(tmp_path / "m", writing=True)
    try:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM records")
        with store.Memory(tmp_path / "m", "prod") as memory:
            assert len(list(memory.every())) == 3
        writer.execute("ROLLBACK")
    finally:
        writer.close()


# ---- files in every state


def whole(path: Path) -> bytes:
    """The bytes of a memory large enough that cutting it anywhere hurts."""
    for number in range(60):
        remembering.fact(path, "prod", FACT.model_copy(update={"text": f"{number} " + "x" * 900}), now_s=0.0)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


def test_a_half_written_file_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    content = whole(tmp_path / "m")
    for share in (0.2, 0.5, 0.9):
        half = tmp_path / f"half{share}"
        half.write_bytes(content[: int(len(content) * share)])
        before = half.read_bytes()
        with pytest.raises(errors.MemoryFileError, match=r"damaged or half-written|not a database"):
            store.Memory(half, "prod")
        with pytest.raises(errors.MemoryFileError):
            remembering.fact(half, "prod", FACT, now_s=0.0)
        assert half.read_bytes() == before


@given(st.integers(0, 400), st.binary(min_size=1, max_size=64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None, derandomize=True)
def test_damage_anywhere_is_an_error_of_ours_or_harmless(tmp_path: Path, share: int, noise: bytes) -> None:
    if not (tmp_path / "m").exists():
        whole(tmp_path / "m")
    content = bytearray((tmp_path / "m").read_bytes())
    at = len(content) * share // 401
    content[at : at + len(noise)] = noise
    hurt = tmp_path / "hurt"
    for left in ("hurt-wal", "hurt-shm"):
        (tmp_path / left).unlink(missing_ok=True)
    hurt.write_bytes(bytes(content))
    try:
        with store.Memory(hurt, "prod") as memory:
            for one in memory.every():
                assert one.id
    except errors.MemoryFileError:
        pass  # anything else would escape and fail


def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    with sqlite3.connect(tmp_path / "m") as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    for writing in (False, True):
        with pytest.raises(errors.MemoryFileError, match="newer rootward"):
            schema.connect(tmp_path / "m", writing=writing)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "m") as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(errors.MemoryFileError, match="another program"):
        remembering.fact(tmp_path / "m", "prod", FACT, now_s=0.0)


@pytest.mark.parametrize("content", [b"hello, this is no database at all" * 40, b"\0" * 5000])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(errors.MemoryFileError, match="no memory file"):
        store.Memory(tmp_path / "m", "prod")
    assert (tmp_path / "m").read_bytes() == content


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.MemoryFileError):
        store.Memory(tmp_path, "prod")


def test_a_file_that_was_only_begun_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"")
    fill(tmp_path / "m")
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert memory.counts()["fact"] == 1


def test_a_locked_file_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "m")
    monkeypatch.setattr(schema, "BUSY_MS", 10)
    other = schema.connect(tmp_path / "m", writing=True)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(errors.MemoryFileError, match="another process"):
            remembering.fact(tmp_path / "m", "prod", FACT, now_s=0.0)
    finally:
        other.close()


# ---- export and import


def exported(path: Path, environment: str = "prod") -> list[str]:
    with store.Memory(path, environment) as memory:
        return list(transfer.lines(list(memory.every()), environment=environment, now_s=kept.NOW_S))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=50).filter(
    lambda text: text.strip()
)
FACTS = st.builds(
    Fact,
    text=TEXT,
    provenance=TEXT,
    created_s=st.floats(0, 4e9),
    struck_s=st.none() | st.floats(0, 4e9),
    about=st.lists(st.sampled_from(["service/a", "external/*", "b"]), max_size=3).map(tuple),
)
INCIDENTS = st.builds(
    Incident,
    alert=TEXT,
    alert_class=TEXT,
    labels=st.dictionaries(
        TEXT, st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda t: "\0" not in t), max_size=3
    ),
    finding=st.dictionaries(
        st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5) | st.lists(st.booleans()), max_size=3
    ),
)


@settings(deadline=None, derandomize=True)
@given(st.lists(FACTS | INCIDENTS, max_size=6))
def test_an_export_reads_back_as_what_it_was(records: list[Fact | Incident]) -> None:
    numbered = [
        one.model_copy(update={"id": f"{'F' if isinstance(one, Fact) else 'I'}{i}"}) for i, one in enumerate(records, 1)
    ]
    lines = list(transfer.lines(numbered, environment="prod", now_s=kept.NOW_S))
    assert transfer.read(lines, name="export") == numbered


def test_an_export_is_imported_whole_elsewhere(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    records = transfer.read(exported(tmp_path / "m"), name="export")
    assert remembering.bring_in(tmp_path / "n", "other", records, "refuse") == (3, 0)
    assert exported(tmp_path / "n", "other")[1:] == exported(tmp_path / "m")[1:]
    assert remembering.bring_in(tmp_path / "n", "other", records, "refuse") == (0, 3)
    # Ids go on after the highest that was brought in.
    assert remembering.fact(tmp_path / "n", "other", FACT, now_s=0.0).id == "F2"


def test_ids_that_are_taken_are_refused_kept_or_replaced(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    mine = FACT.model_copy(update={"text": "something else", "id": "F1"})
    other = FACT.model_copy(update={"id": "F2"})
    with pytest.raises(errors.InputError, match="F1"):
        remembering.bring_in(tmp_path / "m", "prod", [other, mine], "refuse")
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert len(memory.facts()) == 1, "nothing of a refused import is kept"
    assert remembering.bring_in(tmp_path / "m", "prod", [other, mine], "keep") == (1, 1)
    assert remembering.bring_in(tmp_path / "m", "prod", [other, mine], "replace") == (1, 1)
    with store.Memory(tmp_path / "m", "prod") as memory:
        assert [one.text for one in memory.facts()] == ["something else", FACT.text]


def test_half_an_export_is_noticed(tmp_path: Path) -> None:
    fill(tmp_path / "m")
    lines = exported(tmp_path / "m")
    with pytest.raises(errors.MemoryFileError, match="half-written"):
        transfer.read(lines[:-1], name="export")
    with pytest.raises(errors.InputError, match="line 4"):
        transfer.read([*lines[:-1], lines[-1][:20]], name="export")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no export"),
        (["{}"], "no export"),
        (["[1]"], "no export"),
        (["not json"], "not JSON"),
        (['{"format": "rootward-memory"}'], "header"),
        (['{"format": "rootward-memory", "version": 99, "records": 0}'], "newer"),
        (['{"format": "rootward-memory", "version": 1, "records": 1}', "[]"], "object"),
        (['{"format": "rootward-memory", "version": 1, "records": 1}', '{"kind": "prompt"}'], "kind"),
        (['{"format": "rootward-memory", "version": 1, "records": 1}', '{"kind": ["fact"]}'], "kind"),
        (['{"format": "rootward-memory", "version": 1, "records": 1}', '{"kind": "fact", "id": "F1"}'], "text"),
        (
            [
                '{"format": "rootward-memory", "version": 1, "records": 1}',
                '{"kind": "fact", "id": "G1", "text": "x", "provenance": "y"}',
            ],
            "id",
        ),
        (['{"format": "rootward-memory", "version": 1, "records": 1}', "[" * 100_000], "line 2"),
    ],
)
def test_what_is_no_export_is_refused_with_the_line(lines: list[str], message: str) -> None:
    with pytest.raises(errors.InputError, match=message):
        transfer.read(lines, name="export")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
FIELDS = st.sampled_from(
    [
        "kind",
        "id",
        "text",
        "provenance",
        "about",
        "created",
        "struck",
        "matchers",
        "probes",
        "priors",
        "finding",
        "alert",
        "class",
    ]
)


@settings(deadline=None, derandomize=True)
@given(
    st.lists(
        st.dictionaries(
            FIELDS, VALUES | st.sampled_from(["fact", "guidance", "incident", "F1", "G1", "I1"]), max_size=8
        ),
        max_size=3,
    )
)
def test_hostile_exports_are_read_or_refused_never_worse(records: list[dict[str, object]]) -> None:
    header = {"format": "rootward-memory", "version": 1, "records": len(records)}
    lines = [json.dumps(one) for one in (header, *records)]
    try:
        for one in transfer.read(lines, name="export"):
            assert transfer.read(list(transfer.lines([one], environment="x", now_s=0.0)), name="again") == [one]
    except errors.InputError:
        pass
