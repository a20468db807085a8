"""`rootward evals run` and what looks at runs: same bytes twice, resumed where it stopped, honest about what broke."""

import json
import sys
from pathlib import Path

import pytest

from rootward.evals import run_folder

SUITE = """
name: tiny
defaults: {hours: 1.5, step_s: 60}
scenarios:
  - world: {name: generated, services: 8}
    fault: [slow_query, no_fault]
    total: 2
    seeds: 41
"""


@pytest.fixture
def rootward(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, typed):  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(SUITE)
    return typed


def test_smoke_is_the_same_bytes_when_it_is_repeated(rootward, tmp_path: Path) -> None:
    for jobs, out in ((1, "one"), (2, "two")):
        status, _, _ = rootward(
            "evals", "run", "smoke", "--only", "*/generated-14/900[24]", "--limit", 3, "--jobs", jobs, "--out", out
        )
        assert status == 0
    assert (tmp_path / "one" / run_folder.RUN).read_bytes() == (tmp_path / "two" / run_folder.RUN).read_bytes()
    shown = [rootward("evals", "show", folder)[1] for folder in ("one", "two")]
    assert shown[0] == shown[1]
    assert "right answer" in shown[0]


def test_a_run_that_was_killed_is_resumed_to_the_same_bytes(rootward, tmp_path: Path) -> None:
    assert rootward("evals", "run", "tiny.yaml", "--jobs", 1, "--out", "whole")[0] == 0
    whole = (tmp_path / "whole" / run_folder.RUN).read_bytes()
    manifest = json.loads((tmp_path / "whole" / run_folder.MANIFEST).read_text())
    (tmp_path / "whole" / run_folder.MANIFEST).write_text(json.dumps({**manifest, "finished": ""}))
    (tmp_path / "whole" / run_folder.RUN).write_bytes(whole[:-100])
    assert rootward("evals", "run", "tiny.yaml", "--jobs", 1, "--out", "whole")[0] == 1  # not without being told
    assert rootward("evals", "run", "tiny.yaml", "--jobs", 1, "--out", "whole", "--resume")[0] == 0
    assert (tmp_path / "whole" / run_folder.RUN).read_bytes() == whole
    status, _, err = rootward("evals", "run", "tiny.yaml", "--out", "whole", "--resume", "--repeats", 2)
    assert status == 1
    assert "options" in err


def test_a_run_of_nowhere_lands_under_evals_runs_and_is_listed(rootward, tmp_path: Path) -> None:
    status, out, _ = rootward("evals", "run", "tiny.yaml", "--jobs", 1, "--only", "no_fault/*", "--json")
    assert status == 0
    assert json.loads(out)["suite"] == "tiny"
    listed = json.loads(rootward("evals", "list", "--json")[1])
    assert [one["scenarios"] for one in listed] == [1]
    status, out, _ = rootward("evals", "show", listed[0]["folder"], "--wrong", "--json")
    assert status == 0
    assert isinstance(json.loads(out), list)


def test_what_cannot_be_built_is_told_and_is_the_exit_status(rootward, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(SUITE.replace("[slow_query, no_fault]", "slow_query") + "    place: nowhere\n")
    status, _, err = rootward("evals", "run", "tiny.yaml", "--jobs", 1, "--out", "x")
    assert status == 3
    assert "nowhere" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("standart",), "standard"),
        (("smoke", "--subject", "model:x"), "no models are configured"),
        (("smoke", "--subject", "gpt"), "embedded"),
        (("smoke", "--perturb", "clen"), "clean"),
        (("smoke", "--only", "nothing/*"), "matches"),
        (("smoke", "--resume"), "nothing to resume"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_run_is_said_in_one_line(rootward, words: tuple[str, ...], said: str) -> None:
    status, _, err = rootward("evals", "run", *words)
    assert status == 1
    assert said in err
    assert len(err.strip().splitlines()) == 1


AGENT = """
import json, sys, urllib.request
question = json.load(sys.stdin)
with urllib.request.urlopen(question["endpoints"]["prometheus"] + "/api/v1/label/__name__/values") as reply:
    metrics = len(json.load(reply)["data"])
labels = question["alert"]["alerts"][0]["labels"]
print(json.dumps({
    "status": "found",
    "root_causes": [{"name": labels["service"], "fault": "slow_query", "confidence": 0.4}],
    "path": [labels["service"]], "evidence": [f"{metrics} metrics of {labels['service']}"], "probes": 1, "tokens": 17, "cost": 0.5,
}))
"""


def test_a_foreign_agent_is_asked_over_real_addresses_and_graded_like_our_own(rootward, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "mute.py").write_text("raise SystemExit(4)")
    subject = f"command:{sys.executable} {tmp_path / 'agent.py'}"
    status, _, err = rootward(
        "evals", "run", "tiny.yaml", "--only", "slow_query/*", "--jobs", 1, "--subject", subject, "--out", "a"
    )
    assert status == 0, err
    row = run_folder.load(tmp_path / "a").rows[0]
    assert (row.status, row.answered, row.probes, row.tokens, row.cost) == ("found", "slow_query", 1, 17, 0.5)
    assert row.confidence == 0.4
    assert row.verdict.startswith("service/")
    assert {"right", "grounded", "false_confidence"} <= set(row.scores)
    subject = f"command:{sys.executable} {tmp_path / 'mute.py'}"
    status, _, err = rootward(
        "evals", "run", "tiny.yaml", "--only", "slow_query/*", "--jobs", 1, "--subject", subject, "--out", "b"
    )
    assert status == 3
    assert "exit status 4" in err
    row = run_folder.load(tmp_path / "b").rows[0]
    assert (row.status, dict(row.scores), row.failure) == ("error", {"right": 0.0}, "no answer: error")
