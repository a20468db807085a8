"""The simulations of benchmarks/coverage.py, so that what the documentation prints is what the tests hold."""

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "coverage_simulations", Path(__file__).parents[2] / "benchmarks" / "coverage.py"
)
assert _spec is not None
assert _spec.loader is not None
coverage = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(coverage)
