"""The plain-text PromQL scripts in promql_cases, each question a test of its own."""

from pathlib import Path

import promql_script
import pytest

from rootward.dojo.engines.promql import options

SCRIPTS = sorted((Path(__file__).parent / "promql_cases").glob("*.test"))
CASES = [case for path in SCRIPTS for case in promql_script.cases(path)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_script(case: promql_script.Case) -> None:
    dialect = options.Dialect.V2 if "-v2" in case.name.partition(":")[0] else options.Dialect.V3
    promql_script.run(case, options.Options(dialect=dialect))


def test_scripts_are_found() -> None:
    assert len(CASES) > 80
