"""Every importer finds its data wherever it lies, names what is wrong with it, and yields capsules that pass verification."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import authors_layouts
import pytest

from rootward import errors
from rootward.dojo.capsule import checks, importers, store

MAKERS: dict[str, Callable[[Path], Path]] = {
    "petshop": authors_layouts.petshop,
    "sockshop": authors_layouts.sockshop,
    "nezha": authors_layouts.nezha,
    "rootcausebench": authors_layouts.rootcausebench,
}
PARTS = {
    "petshop": "dataset/low_traffic/train/issue_0",
    "sockshop": "carts-cpu/1",
    "nezha": f"rca_data/{authors_layouts.DAY}",
    "rootcausebench": "checkout-latency",
}
MARKERS = {
    "petshop": "target.json",
    "sockshop": "anomalous.csv",
    "nezha": "-fault_list.json",
    "rootcausebench": "ground_truth.json",
}
EVERY = pytest.mark.parametrize("name", sorted(MAKERS))


@EVERY
def test_a_whole_data_set_a_part_of_it_and_its_archive_give_the_same_case(name: str, tmp_path: Path) -> None:
    root = MAKERS[name](tmp_path / "data")
    archive = authors_layouts.archived(root, tmp_path / "data.tar.xz")
    found = [list(importers.cases(name, src)) for src in (root, root / PARTS[name], archive)]
    assert [len(cases) for cases in found] == [1, 1, 1]
    assert len({cases[0][0] for cases in found}) == 1
    saved = []
    for number, [(case_id, scenario, truth)] in enumerate(found):
        store.save(tmp_path / f"{number}" / case_id, scenario, truth)
        saved.append({p.name: p.read_bytes() for p in (tmp_path / f"{number}" / case_id).rglob("*") if p.is_file()})
    assert saved[0] == saved[1] == saved[2]


@EVERY
def test_a_case_is_a_sound_capsule_with_a_sealed_truth(name: str, tmp_path: Path) -> None:
    [(case_id, scenario, truth)] = importers.cases(name, MAKERS[name](tmp_path / "data"))
    store.save(tmp_path / case_id, scenario, truth)
    assert checks.verify(tmp_path / case_id).problems == ()
    assert store.load_truth(tmp_path / case_id) == truth
    assert truth.status == "found"
    assert truth.original
    assert importers.count(name, tmp_path / "data") == 1


@EVERY
def test_what_a_face_serves_does_not_name_the_data_set_s_label(name: str, tmp_path: Path) -> None:
    """The alert and the telemetry's name are seen by the investigator; fault names and commits of the truth are not in them."""
    [(_, scenario, truth)] = importers.cases(name, MAKERS[name](tmp_path / "data"))
    shown = f"{scenario.alert} {scenario.telemetry.name}"
    [cause] = truth.causes
    for label in filter(None, (cause.change, cause.fault)):
        assert label not in shown


@EVERY
def test_an_alert_fires_after_its_history_and_before_it_is_looked_at(name: str, tmp_path: Path) -> None:
    [(_, scenario, _)] = importers.cases(name, MAKERS[name](tmp_path / "data"))
    data = scenario.telemetry
    [fired] = data.alerts
    assert data.start_s < fired.starts_s <= data.now_s <= data.end_s
    [alert] = scenario.alert["alerts"]
    assert alert["labels"] == fired.labels
    assert alert["labels"]["alertname"]


@EVERY
def test_a_folder_without_the_data_set_says_what_was_expected(name: str, tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match=MARKERS[name]):
        list(importers.cases(name, tmp_path))


@EVERY
@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00", b"{]", b"a,b\n1\n"])
def test_a_damaged_file_is_an_error_of_the_data_set(name: str, damage: bytes, tmp_path: Path) -> None:
    """Whatever file is damaged: a DatasetError that names it (or its folder), or, where the file is optional, a sound case."""
    root = MAKERS[name](tmp_path / "data")
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        path.write_bytes(damage)
        told = _error_or_sound_cases(name, root)
        assert not told or path.name in told or str(path.parent) in told, (path, told)
        path.write_bytes(raw)


def _error_or_sound_cases(name: str, root: Path) -> str:
    try:
        for _, scenario, _ in importers.cases(name, root):
            assert checks.content_problems(scenario) == []
    except errors.DatasetError as error:
        return str(error)
    return ""


def test_fault_free_windows_say_that_nothing_is_wrong(tmp_path: Path) -> None:
    counts = {}
    for name in ("petshop", "sockshop", "nezha"):
        found = list(importers.cases(name, MAKERS[name](tmp_path / name), fault_free=True))
        counts[name] = len(found)
        assert {truth.status for _, _, truth in found} == {"no_fault"}
        assert all(truth.causes == () for _, _, truth in found)
        assert all(checks.content_problems(scenario) == [] for _, scenario, _ in found)
        assert len({case_id for case_id, _, _ in found}) == len(found)
    assert counts == {"petshop": 8, "sockshop": 1, "nezha": 3}


def test_a_data_set_without_fault_free_windows_says_so(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match="rootcausebench has no fault-free option"):
        importers.cases("rootcausebench", tmp_path, fault_free=True)


def test_importers_are_found_by_their_file() -> None:
    assert set(MAKERS) <= set(importers.names())
    assert not any(name.startswith("_") for name in importers.names())
    for name in importers.names():
        assert callable(importers.load(name).cases)


@pytest.mark.parametrize(
    ("name", "hint"), [("petshp", "did you mean petshop"), ("zzz", "known: "), ("_csv", "no importer")]
)
def test_an_unknown_data_set_names_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(errors.DatasetError, match=hint):
        importers.load(name)


def test_what_is_neither_folder_nor_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "a.tar.xz").write_text("x")
    for src, message in (
        ("a.txt", "neither a folder nor an archive"),
        ("b", "nothing at"),
        ("a.tar.xz", "cannot be unpacked"),
    ):
        with pytest.raises(errors.DatasetError, match=message):
            list(importers.cases("petshop", tmp_path / src))


def test_an_archive_that_reaches_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(tmp_path / "x", arcname="../../outside")
    with pytest.raises(errors.DatasetError, match="cannot be unpacked"):
        list(importers.cases("petshop", tmp_path / "evil.tar"))
