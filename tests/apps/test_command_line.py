"""The command line: help with examples, clear errors on one line, and the JSON that machines rely on."""

import json
from pathlib import Path

import jsonschema
import pytest

from rootward.investigator import investigate

COMMANDS = (
    ["demo"], ["investigate"], ["doctor"], ["dojo", "worlds"], ["dojo", "faults"], ["dojo", "show"], ["dojo", "serve"],
    ["dojo", "export"], ["capsule", "import"], ["capsule", "info"], ["capsule", "verify"], ["evals", "rca"],
    ["evals", "run"], ["evals", "stability"], ["evals", "suites"], ["evals", "list"], ["evals", "show"], ["models", "list"], ["models", "check"], ["models", "ask"],
)  # fmt: skip
SCHEMA = json.loads((Path(investigate.__file__).parent / "finding.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def rootward(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    return typed


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(rootward, command: list[str]) -> None:
    status, out, _ = rootward(*command, "--help")
    assert status == 0
    assert "rootward " + " ".join(command) in " ".join(out.split()).replace("│ ", "").replace(" │", "")


def test_the_demo_explains_and_opens_the_truth(rootward) -> None:
    status, out, _ = rootward("demo", "--json")
    assert status == 0
    printed = json.loads(out)
    assert set(printed) == {"finding", "truth"}
    jsonschema.validate(printed["finding"], SCHEMA)
    leading = printed["finding"]["root_causes"][0]
    assert leading["entity"]["name"] == printed["truth"]["causes"][0]["name"]
    assert "Migration on" in leading["changed"]  # the change is named, and not among what was ruled out
    assert not any(leading["changed"] in item["reason"] for item in printed["finding"]["ruled_out"])
    cited = {key for cause in printed["finding"]["root_causes"] for key in cause["evidence"]}
    assert cited
    assert cited <= {item["id"] for item in printed["finding"]["evidence"]}


def test_the_demo_for_people_writes_its_page(rootward, tmp_path: Path) -> None:
    status, out, _ = rootward("demo", "--html", tmp_path / "page.html")
    assert status == 0
    assert "THE SEALED TRUTH" in out
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_capsule_travels_from_export_to_evals(rootward, tmp_path: Path) -> None:
    assert rootward("dojo", "export", tmp_path / "caps" / "one", "--fault", "bad_deploy", "--seed", "3")[0] == 0
    assert rootward("capsule", "verify", tmp_path / "caps" / "one")[0] == 0
    status, out, _ = rootward("investigate", "--capsule", tmp_path / "caps" / "one", "--json")
    assert status == 0
    jsonschema.validate(json.loads(out), SCHEMA)
    status, out, _ = rootward("evals", "rca", tmp_path / "caps", "--json")
    printed = json.loads(out)
    assert status == 0
    assert {"id", "truth", "ranked", "seconds"} <= set(printed["cases"][0])
    assert "service_top1" in printed["metrics"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--world", "web-shpo"], "web-shop"),
        (["demo", "--fault", "slow_qerry"], "slow_query"),
        (["investigate"], "--alert"),
        (["investigate", "--alert", "nowhere.json"], "nowhere.json"),
        (["investigate", "--capsule", "nowhere"], "nowhere"),
        (["investigate", "--alert", "broken.json"], "not JSON"),
        (["investigate", "--alert", "foreign.json"], "alert"),
        (["investigate", "--alert", "latin.json"], "UTF-8"),
        (["investigate", "--alert", "alert.json"], "connectors"),
        (["doctor"], "connectors"),
        (["doctor", "--config", "typo.yaml"], "connectors"),
        (["evals", "rca", "."], "no capsules"),
        (["capsule", "import", "petshopp", ".", "x"], "petshop"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_gets_one_clear_line_and_status_one(rootward, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "broken.json").write_text('{"alerts": [', encoding="utf-8")
    (tmp_path / "foreign.json").write_text('{"hello": 1}', encoding="utf-8")
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xe9"}')
    (tmp_path / "alert.json").write_text('{"name": "A", "starts_at": "2026-01-01T00:00:00Z"}', encoding="utf-8")
    (tmp_path / "typo.yaml").write_text("connectorz: {}\n", encoding="utf-8")
    status, _, err = rootward(*words)
    assert status == 1
    assert err.startswith("rootward: ")
    assert said in err
    assert "Traceback" not in err
