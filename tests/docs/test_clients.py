"""The page of clients shows exactly the tables that the tests with real clients run."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "real"))

import client_operations  # noqa: E402 - where the tables are is known only now

VENDORS = sorted(path.stem for path in client_operations.FOLDER.glob("*.csv"))


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_page_has_the_table_of_each_vendor(vendor):
    page = (ROOT / "docs" / "reference" / "clients.md").read_text(encoding="utf-8")
    assert client_operations.markdown(vendor) in page, f"run: python tests/real/client_operations.py {vendor}"


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_row_says_whether_it_works(vendor):
    rows = client_operations.read(vendor)
    assert rows
    assert all(row["works"] == "yes" or row["works"].startswith("no: ") for row in rows)
