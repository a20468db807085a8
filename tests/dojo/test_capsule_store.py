"""What goes into a capsule comes out bit for bit, the truth stays sealed, and a damaged capsule says which file and why."""

import dataclasses
import json
from pathlib import Path

import capsule_samples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rootward import errors
from rootward.dojo.capsule import files, store, tables, telemetry


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    store.save(tmp_path / "capsule", capsule_samples.scenario(), capsule_samples.truth())
    return tmp_path / "capsule"


def bits(values: telemetry.FloatArray) -> list[int]:
    return np.ascontiguousarray(values).view(np.uint64).reshape(-1).tolist()


def same(left: object, right: object) -> bool:
    """Deep equality of telemetry, floats by their bits, sequences whatever their type."""
    if dataclasses.is_dataclass(left) and type(left) is type(right):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left))
    if isinstance(left, np.ndarray):
        if left.dtype == np.float64:
            return left.shape == right.shape and bits(left) == bits(right)
        return left.dtype == right.dtype and np.array_equal(left, right)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    return left == right


def test_everything_survives(saved: Path) -> None:
    assert same(store.load(saved), capsule_samples.scenario())
    assert store.load_truth(saved) == capsule_samples.truth()


def test_stale_markers_and_other_nans_stay_apart(saved: Path) -> None:
    values = store.load(saved).telemetry.metrics.blocks[0].values
    assert telemetry.is_stale(values).tolist() == [[False, False, True], [False, False, False]]
    assert bits(values) == bits(capsule_samples.metrics().blocks[0].values)


def test_equal_scenarios_give_equal_bytes(saved: Path, tmp_path: Path) -> None:
    store.save(tmp_path / "again", capsule_samples.scenario(), capsule_samples.truth())
    names = sorted(path.relative_to(saved) for path in saved.rglob("*") if path.is_file())
    assert [(saved / name).read_bytes() for name in names] == [
        (tmp_path / "again" / name).read_bytes() for name in names
    ]
    assert len(names) == len(files.NAMES) + 3


def test_load_never_opens_the_truth(saved: Path) -> None:
    with_truth = store.load(saved)
    (saved / files.TRUTH).write_text("not JSON")
    assert same(store.load(saved), with_truth)
    everything = b"".join(path.read_bytes() for path in saved.iterdir() if path.is_file())
    assert files.TRUTH.encode() not in everything
    assert capsule_samples.truth().note.encode() not in json.dumps(store.files.read_manifest(saved)).encode()
    with pytest.raises(errors.CapsuleError, match=r"truth\.json is damaged"):
        store.load_truth(saved)


def test_without_truth_it_can_be_investigated_and_not_scored(tmp_path: Path) -> None:
    store.save(tmp_path / "c", capsule_samples.scenario())
    assert not store.has_truth(tmp_path / "c")
    with pytest.raises(errors.CapsuleError, match="cannot be scored"):
        store.load_truth(tmp_path / "c")


def test_a_bare_system_without_logs_or_spans_survives(tmp_path: Path) -> None:
    bare = telemetry.Scenario(telemetry.Telemetry("bare", 0.0, 1.0, 1.0), {"alerts": []})
    store.save(tmp_path / "c", bare)
    assert same(store.load(tmp_path / "c"), bare)
    assert store.load(tmp_path / "c").telemetry.logs is None


def test_an_existing_capsule_is_replaced_only_when_asked(saved: Path) -> None:
    with pytest.raises(errors.CapsuleError, match="exists already"):
        store.save(saved, capsule_samples.scenario())
    store.save(saved, capsule_samples.scenario(), overwrite=True)
    assert not store.has_truth(saved)
    assert [path.name for path in saved.parent.iterdir()] == ["capsule"]


def test_a_folder_that_is_no_capsule_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.CapsuleError, match="is no capsule; it is not overwritten"):
        store.save(tmp_path / "home", capsule_samples.scenario(), overwrite=True)
    assert (tmp_path / "home" / "thesis.txt").exists()


def test_what_json_cannot_say_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    broken = dataclasses.replace(capsule_samples.scenario(), alert={"value": float("nan")})
    with pytest.raises(errors.CapsuleError, match="sample cannot be written"):
        store.save(tmp_path / "c", broken)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(files.NAMES))
@pytest.mark.parametrize("damage", ["missing", "truncated", "changed", "link"])
def test_a_damaged_file_is_named(saved: Path, name: str, damage: str) -> None:
    path = saved / name
    raw = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    elif damage == "changed":
        path.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    else:
        path.rename(saved.parent / name)
        path.symlink_to(saved.parent / name)
    with pytest.raises(errors.CapsuleError, match=name):
        store.load(saved)


def edit_manifest(capsule: Path, **changes: object) -> None:
    manifest = json.loads((capsule / files.MANIFEST).read_text())
    (capsule / files.MANIFEST).write_text(json.dumps({**manifest, **changes}))


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"version": 99}, errors.CapsuleVersionError, "version 99"),
        ({"version": None}, errors.CapsuleVersionError, "version None"),
        ({"format": "zip"}, errors.CapsuleError, "does not describe a capsule"),
        ({"files": {}}, errors.CapsuleError, "lists no files"),
        ({"files": {"../../etc/passwd": {"sha256": ""}}}, errors.CapsuleError, "no file of a capsule"),
        ({"files": {"sealed/truth.json": {"sha256": ""}}}, errors.CapsuleError, "no file of a capsule"),
        ({"files": {"/etc/passwd": {"sha256": ""}}}, errors.CapsuleError, "no file of a capsule"),
        ({"files": {"alert.json": "x"}}, errors.CapsuleError, "without its sha256"),
        ({"files": {"logs.parquet": {"sha256": "x"}}}, errors.CapsuleError, "lists no alert.json"),
        ({"start_s": "noon"}, errors.CapsuleError, "made by something else"),
        ({"end_s": 0.0}, errors.CapsuleError, "made by something else"),
        ({"access": 3}, errors.CapsuleError, "made by something else"),
    ],
)
def test_a_strange_manifest_is_refused(saved: Path, changes: dict[str, object], kind: type, message: str) -> None:
    edit_manifest(saved, **changes)
    with pytest.raises(kind, match=message):
        store.load(saved)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_manifest_that_is_no_manifest_is_refused(saved: Path, raw: bytes) -> None:
    (saved / files.MANIFEST).write_bytes(raw)
    with pytest.raises(errors.CapsuleError):
        store.load(saved)


def test_a_folder_without_a_manifest_is_half_written_or_foreign(saved: Path) -> None:
    (saved / files.MANIFEST).unlink()
    with pytest.raises(errors.CapsuleError, match="is not a capsule"):
        store.load(saved)
    with pytest.raises(errors.CapsuleError, match="is not a capsule"):
        store.load(saved / "nowhere")


def replace_file(capsule: Path, name: str, raw: bytes) -> None:
    """Someone else's content with a right checksum."""
    (capsule / name).write_bytes(raw)
    listed = json.loads((capsule / files.MANIFEST).read_text())["files"]
    edit_manifest(capsule, files={**listed, name: {"sha256": files.sha256(raw), "bytes": len(raw)}})


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("metrics.parquet", b"PAR1 not really PAR1"),
        ("logs.parquet", b""),
        ("code.json", b'{"commits": [{"sha": 1}]}'),
        ("cluster.json", b"[]"),
        ("alerts.json", b'{"rules": [], "alerts": [{"unknown": 1}], "incidents": []}'),
        ("alert.json", b"[]"),
        ("chat.json", b"7"),
    ],
)
def test_foreign_content_with_a_right_checksum_is_refused(saved: Path, name: str, raw: bytes) -> None:
    replace_file(saved, name, raw)
    with pytest.raises(errors.CapsuleError):
        store.load(saved)


def test_series_and_times_that_do_not_fit_are_refused(saved: Path) -> None:
    other = telemetry.Metrics((telemetry.MetricBlock(np.arange(5.0), np.zeros((1, 5)), ({"__name__": "x"},)),))
    replace_file(saved, "metric_times.parquet", tables.metrics_to_bytes(other)[1])
    with pytest.raises(errors.CapsuleError, match="made by something else"):
        store.load(saved)


def test_capsules_are_found_below_a_folder(saved: Path, tmp_path: Path) -> None:
    assert store.find(tmp_path) == [saved] == store.find(saved)
    assert store.find(tmp_path / "nowhere") == []


shapes = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=3)


@settings(max_examples=40, deadline=None)
@given(st.data(), shapes)
def test_any_bits_of_any_metric_survive(data: st.DataObject, sizes: list[tuple[int, int]]) -> None:
    blocks = []
    for number, (series, moments) in enumerate(sizes):
        raw = data.draw(hnp.arrays(np.uint64, (series, moments)))
        labels = tuple({"__name__": data.draw(st.text()), "n": f"{number}.{row}"} for row in range(series))
        blocks.append(telemetry.MetricBlock(np.arange(float(moments)), raw.view(np.float64), labels))
    metrics = telemetry.Metrics(tuple(blocks), {})
    assert same(tables.metrics_from_bytes(*tables.metrics_to_bytes(metrics)), metrics)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text()))
def test_any_log_line_survives(lines: list[str]) -> None:
    streams = ({"app": "a"},)
    logs = telemetry.Logs(np.arange(len(lines)), np.zeros(len(lines), dtype=np.int32), lines, streams)
    assert same(tables.logs_from_bytes(tables.logs_to_bytes(logs)), logs)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_single_changed_byte_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Every byte of every listed file is under a checksum; a change is told, never loaded."""
    capsule = tmp_path_factory.getbasetemp() / "one-byte"
    if not capsule.exists():
        store.save(capsule, capsule_samples.scenario(), capsule_samples.truth())
    path = capsule / data.draw(st.sampled_from(sorted(files.NAMES)))
    raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    path.write_bytes(raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :])
    try:
        with pytest.raises(errors.CapsuleError):
            store.load(capsule)
    finally:
        path.write_bytes(raw)
