"""The public data sets themselves, where the machine has them: the first case of each, whole, checked and fast to load."""

import itertools
import time
from pathlib import Path

import pytest

from rootward.dojo.capsule import checks, importers, store

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LOAD_SECONDS_MAX = 1.5  # far above what is measured (0.01 to 0.1 s), so that a busy machine does not fail


@pytest.mark.parametrize(
    ("name", "archive", "fault_free"),
    [
        ("petshop", "petshop_train.tar.xz", False),
        ("petshop", "petshop_train.tar.xz", True),
        ("sockshop", "sockshop_rcd_reps1-3.tar.xz", False),
        ("rootcausebench", "rootcausebench_easy_medium.tar.xz", False),
    ],
)
def test_the_published_archives_import(name: str, archive: str, fault_free: bool, tmp_path: Path) -> None:
    if not (DATA / archive).is_file():
        pytest.skip(f"no {archive} in {DATA}: the public data are not on this machine")
    for case_id, scenario, truth in itertools.islice(importers.cases(name, DATA / archive, fault_free=fault_free), 3):
        store.save(tmp_path / case_id, scenario, truth)
        assert checks.verify(tmp_path / case_id).problems == ()
        assert truth.status == ("no_fault" if fault_free else "found")
        started = time.perf_counter()
        store.load(tmp_path / case_id)
        assert time.perf_counter() - started < LOAD_SECONDS_MAX
