"""The HTML report in a real browser: it loads nothing, draws its charts, and reads in light and dark."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("report") / "finding.html"
    command = [str(Path(sys.executable).with_name("rootward")), "demo", "--json", "--html", str(target)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["finding"]["schema_version"] == 1
    return target


def browse(page: Path, tmp_path: Path, *options: str) -> str:
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_the_page_shows_summary_hypotheses_evidence_and_truth(page: Path, tmp_path: Path) -> None:
    dom = browse(page, tmp_path, "--dump-dom")
    for heading in ("Hypotheses", "Why", "Signals", "Evidence", "The sealed truth"):
        assert heading in dom
    assert "<polyline" in dom


@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_can_be_photographed_at_phone_and_desk_width(page: Path, tmp_path: Path, width: int) -> None:
    picture = tmp_path / "page.png"
    browse(page, tmp_path, f"--screenshot={picture}", f"--window-size={width},1600")
    assert picture.stat().st_size > 10_000


@pytest.fixture(scope="module")
def pages_of_evals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("evals")
    rootward = str(Path(sys.executable).with_name("rootward"))
    pages = {name: folder / f"{name}.html" for name in ("report", "compare", "trend")}
    for words in (
        ["run", "smoke", "--limit", "3", "--repeats", "2", "--out", "one", "--json"],
        ["report", "one", "--html", str(pages["report"])],
        ["compare", "one", "one", "--html", str(pages["compare"])],
        ["trend", ".", "--html", str(pages["trend"])],
    ):
        subprocess.run([rootward, "evals", *words], check=True, capture_output=True, timeout=300, cwd=folder)
    return pages


@pytest.mark.parametrize("name", ["report", "compare", "trend"])
def test_pages_of_evals_are_drawn_and_fit_a_phone(pages_of_evals: dict[str, Path], tmp_path: Path, name: str) -> None:
    page = pages_of_evals[name]
    assert "<svg" in browse(page, tmp_path, "--dump-dom")
    # The page forbids scripts, so its width is asked for from a copy that allows one: wide tables scroll within themselves.
    measured = page.with_name(f"measured-{page.name}")
    script = "<script>document.title = document.documentElement.scrollWidth - document.documentElement.clientWidth</script></body>"
    text = page.read_text(encoding="utf-8").replace("default-src 'none';", "script-src 'unsafe-inline';", 1)
    measured.write_text(text.replace("</body>", script), encoding="utf-8")
    assert "<title>0</title>" in browse(measured, tmp_path, "--dump-dom", "--window-size=500,1600")
