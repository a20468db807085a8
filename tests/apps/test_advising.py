"""A second opinion from the command line: asked when a model is configured, left out on request, and no finding is lost to a model."""

import json
from pathlib import Path

import pytest
from conftest import Typed

from rootward.dojo import world
from rootward.dojo.capsule import store

SETTINGS = """
models:
  mine: {provider: compatible, name: m, base_url: "http://127.0.0.1:9/v1", attempts: 1}
model: {seconds_max: 5}
network: {record_file: outgoing.jsonl}
memory: {use: false, remember: false}
"""


@pytest.fixture
def capsule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    scenario, truth = world.build("generated", "bad_deploy", 3, services=8, hours=1.5, step_s=30)
    store.save(tmp_path / "c", scenario, truth)
    return tmp_path / "c"


def test_a_model_that_cannot_be_reached_costs_no_finding_and_is_told(capsule: Path, typed: Typed) -> None:
    alone = json.loads(typed("investigate", "--capsule", capsule, "--json")[1])
    assert alone["opinion"] is None
    Path("rootward.yaml").write_text(SETTINGS, encoding="utf-8")
    status, out, _ = typed("investigate", "--capsule", capsule, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["opinion"]["verdict"] == "none"
    assert "127.0.0.1:9" in found["opinion"]["trouble"]
    assert found["root_causes"] == alone["root_causes"]
    assert json.loads(Path("outgoing.jsonl").read_text().splitlines()[0])["door"] == "model"
    assert json.loads(typed("investigate", "--capsule", capsule, "--json", "--no-model")[1])["opinion"] is None
    assert "did not conclude" in typed("investigate", "--capsule", capsule)[1]


def test_a_model_is_a_subject_of_evals(capsule: Path, typed: Typed) -> None:
    assert "no models are configured" in typed("evals", "run", "smoke", "--subject", "model", "--limit", "1")[2]
    Path("rootward.yaml").write_text(SETTINGS, encoding="utf-8")
    assert "no model 'other'" in typed("evals", "run", "smoke", "--subject", "model:other", "--limit", "1")[2]
    status, out, _ = typed("evals", "run", "smoke", "--subject", "model:mine", "--limit", "1", "--jobs", "1", "--json")
    assert status == 0, out
