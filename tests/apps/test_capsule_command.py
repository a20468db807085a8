"""`rootward capsule` from the command line: import, info, verify, for people and for machines."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rootward import errors
from rootward.apps.cli import capsule


def sockshop(root: Path) -> Path:
    for folder in ("carts-cpu", "user-mem"):
        for name, start_s in (("normal", 0), ("anomalous", 1000)):
            path = root / folder / "1" / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as file:
                csv.writer(file).writerows([["time", "carts_cpu"], *([start_s + i, i] for i in range(30))])
    return root


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(capsule.app, [str(each) for each in arguments])
    if isinstance(result.exception, errors.RootwardError):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.fixture
def capsules(tmp_path: Path) -> Path:
    code, _ = run("import", "sockshop", sockshop(tmp_path / "data"), tmp_path / "capsules")
    assert code == 0
    return tmp_path / "capsules"


def test_import_makes_a_capsule_of_every_case(tmp_path: Path) -> None:
    code, out = run("import", "sockshop", sockshop(tmp_path / "data"), tmp_path / "out", "--json")
    made = json.loads(out)["capsules"]
    assert code == 0
    assert [each["id"] for each in made] == ["sockshop-carts-cpu-1", "sockshop-user-mem-1"]
    assert all((Path(each["path"]) / "manifest.json").is_file() for each in made)


def test_import_twice_needs_overwrite(capsules: Path) -> None:
    again = ("import", "sockshop", capsules.parent / "data", capsules)
    with pytest.raises(errors.CapsuleError, match="--overwrite"):
        run(*again)
    assert run(*again, "--overwrite", "--limit", "1") == (
        0,
        f"1 capsule in {capsules}. Next: rootward evals rca {capsules}\n",
    )


def test_import_fault_free_and_unknown(tmp_path: Path) -> None:
    _, out = run("import", "sockshop", sockshop(tmp_path / "data"), tmp_path / "quiet", "--fault-free", "--json")
    assert [each["id"] for each in json.loads(out)["capsules"]] == [
        "sockshop-carts-cpu-1-normal",
        "sockshop-user-mem-1-normal",
    ]
    with pytest.raises(errors.DatasetError, match="did you mean sockshop"):
        run("import", "sockshp", tmp_path, tmp_path)


def test_info_tells_what_is_in_it_and_not_the_truth(capsules: Path) -> None:
    code, out = run("info", capsules / "sockshop-carts-cpu-1", "--json")
    [described] = json.loads(out)["capsules"]
    assert code == 0
    assert described["counts"]["series"] == 1
    assert described["alert"]["labels"]["alertname"] == "ServiceDegraded"
    assert described["sealed"]
    assert "cpu_overload" not in out
    assert "sealed" in run("info", capsules / "sockshop-carts-cpu-1")[1]
    assert len(json.loads(run("info", capsules, "--json")[1])["capsules"]) == 2
    assert run("info", capsules)[0] == 0


def test_verify_fails_with_exit_status_one(capsules: Path) -> None:
    assert run("verify", capsules) == (0, "2 capsules checked, 0 damaged\n")
    (capsules / "sockshop-user-mem-1" / "metrics.parquet").write_bytes(b"x")
    code, out = run("verify", capsules, "--json")
    report = json.loads(out)
    assert code == 1
    assert not report["ok"]
    assert [each["ok"] for each in report["capsules"]] == [True, False]
    assert "metrics.parquet" in report["capsules"][1]["problems"][0]
    assert "metrics.parquet is damaged" in run("verify", capsules)[1]


def test_a_place_without_capsules_is_told(tmp_path: Path) -> None:
    for command in ("info", "verify"):
        with pytest.raises(errors.CapsuleError, match="rootward capsule import"):
            run(command, tmp_path)
        with pytest.raises(errors.CapsuleError, match="there is no folder"):
            run(command, tmp_path / "nowhere")


@pytest.mark.parametrize("command", ["import", "info", "verify"])
def test_help_shows_examples(command: str) -> None:
    code, out = run(command, "--help")
    assert code == 0
    assert "Examples" in out
