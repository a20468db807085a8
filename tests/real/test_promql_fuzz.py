"""A short run of the coverage-guided fuzzer over PromQL and its face; run `fuzz_promql.py` itself for longer ones."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fuzz_promql.py")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed: PromQL was not fuzzed by coverage"
)


def test_nothing_breaks_the_parser_the_engine_or_the_face(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "-runs=6000", "-seed=1", "-max_total_time=60"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Done " in done.stderr
