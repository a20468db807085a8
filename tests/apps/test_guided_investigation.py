"""Memory in whole investigations from the command line: guidance is heard, findings are kept, and either can be explained later."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from rootward.apps import remembered, scenarios, settings, steered, wiring
from rootward.apps.report import html
from rootward.dojo.capsule import store
from rootward.feedback import remembering
from rootward.investigator import briefing, investigate
from rootward.investigator import finding as findings
from rootward.signals import alerts

SCHEMA = json.loads((Path(investigate.__file__).parent / "finding.schema.json").read_text(encoding="utf-8"))
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def capsule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from rootward.apps.cli import dojo

    folder = tmp_path_factory.mktemp("capsules") / "one"
    dojo.export(folder, world="payments", fault="slow_query", seed=4)
    return folder


@pytest.fixture(scope="module")
def plain(capsule: Path) -> findings.Finding:
    return scenarios.explain(store.load(capsule))


def test_guidance_is_heard_and_explained_and_without_it_nothing_changes(
    typed: Typed, capsule: Path, tmp_path: Path, plain: findings.Finding, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = json.loads(json.dumps(plain.to_json()))
    leading = before["root_causes"][0]
    name = f"{leading['entity']['kind']}/{leading['entity']['name']}"
    monkeypatch.setenv("ROOTWARD_MEMORY__SKILLS", "false")
    typed(
        "guidance",
        "add",
        "not the database",
        "--lower",
        f"{name}:{leading['fault']}:large",
        "--look-at",
        name,
        "--probe",
        "logs: error",
    )
    _, unheard, _ = typed("investigate", "--capsule", capsule, "--json", "--no-memory")
    assert json.loads(unheard) == before
    status, out, _ = typed("investigate", "--capsule", capsule, "--json", "--html", tmp_path / "page.html")
    guided = json.loads(out)
    assert status == 0
    jsonschema.validate(guided, SCHEMA)
    assert guided["guidance"]["without"]["status"] == before["status"]
    assert guided["guidance"]["without"]["root_causes"][0]["probability"] == leading["confidence"]["point"]
    after = {(c["entity"]["name"], c["fault"]): c["confidence"]["point"] for c in guided["root_causes"]}
    assert after[leading["entity"]["name"], leading["fault"]] < leading["confidence"]["point"]
    assert {key for one in guided["guidance"]["applied"] for key in one["evidence"]} <= {
        one["id"] for one in guided["evidence"]
    }
    (tmp_path / "finding.json").write_text(out, encoding="utf-8")
    _, told, _ = typed("guidance", "explain", tmp_path / "finding.json")
    assert "With and without" in told
    _, machine, _ = typed("guidance", "explain", tmp_path / "finding.json", "--json")
    assert json.loads(machine) == guided["guidance"]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h2>Guidance</h2>" in page
    assert "asked to look at" in page


def test_a_live_finding_is_kept_and_can_be_explained(
    typed: Typed, capsule: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: findings.Finding
) -> None:
    """Only the asking of back ends is left out; everything else is what `rootward investigate --alert` does."""
    monkeypatch.setattr(steered.live, "explain", lambda *_, **__: plain)
    (tmp_path / "alert.json").write_text(json.dumps(store.load(capsule).alert), encoding="utf-8")
    status, _, err = typed("investigate", "--alert", tmp_path / "alert.json", "--json")
    assert status == 0
    assert "kept as I1" in err
    _, out, _ = typed("guidance", "explain", "I1")
    assert "No guidance applied" in out
    _, exported, _ = typed("memory", "export")
    kept = json.loads(exported.splitlines()[1])
    assert kept["status"] == "found"
    assert kept["finding"]["root_causes"]
    assert kept["finding"]["charts"] == []
    typed("investigate", "--alert", tmp_path / "alert.json", "--json", "--no-memory")
    _, exported, _ = typed("memory", "export")
    assert len(exported.splitlines()) == 2


def test_what_was_seen_before_is_shown_and_what_was_struck_is_not(
    typed: Typed, capsule: Path, tmp_path: Path, plain: findings.Finding
) -> None:
    scenario = store.load(capsule)
    alert = wiring.read_alert(scenario.alert)
    place = remembered.place(settings.load())
    earlier = dataclasses.replace(alert, starts_at_s=alert.starts_at_s - 86_400)
    remembering.incident(
        place.path, place.environment, earlier, plain.to_json(), now_s=scenario.telemetry.now_s - 86_400
    )
    leading = plain.root_causes[0].entity
    typed("memory", "remember", "it was slow in May too", "--provenance", "Ana", "--about", str(leading))
    again = steered.recalled(place, alert, plain, now_s=scenario.telemetry.now_s)
    jsonschema.validate(json.loads(json.dumps(again.to_json())), SCHEMA)
    assert {one.id for one in again.seen_before} == {"I1", "F1"}
    assert next(one for one in again.seen_before if one.id == "I1").why.startswith("the same cause")
    assert dataclasses.replace(again, seen_before=()) == plain  # it had no part in the judgement
    assert "Seen before" in html.render(again)
    _, found, _ = typed("memory", "search", leading.name, "--json")
    assert {one["id"] for one in json.loads(found)} == {"I1", "F1"}
    assert leading.name in typed("memory", "search", leading.name)[1]
    typed("memory", "strike", "I1")
    typed("memory", "strike", "F1")
    assert steered.recalled(place, alert, plain, now_s=scenario.telemetry.now_s) == plain


def test_skills_of_what_runs_there_are_used_and_the_setting_leaves_them(
    typed: Typed, capsule: Path, monkeypatch: pytest.MonkeyPatch, plain: findings.Finding
) -> None:
    told = json.loads(typed("investigate", "--capsule", capsule, "--json")[1])
    jsonschema.validate(told, SCHEMA)
    assert "PostgreSQL" in told["skills"]
    assert "pg_stat_statements" in told["next_checks"][0]
    assert [c["entity"] for c in told["root_causes"][:1]] == [c["entity"] for c in plain.to_json()["root_causes"][:1]]
    monkeypatch.setenv("ROOTWARD_MEMORY__SKILLS", "false")
    configured = settings.load()
    alert = alerts.Alert("A", 0.0)
    assert steered.brief(remembered.place(configured), alert, configured.memory).shelf is None


def test_a_memory_that_cannot_be_used_costs_no_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: findings.Finding
) -> None:
    (tmp_path / "memory.sqlite").write_bytes(b"half a file")
    told_beforehand = []

    def over_nothing(*_: object, brief: briefing.Briefing, **__: object) -> findings.Finding:
        told_beforehand.append(brief)
        return plain

    monkeypatch.setattr(steered.live, "explain", over_nothing)
    alert = alerts.Alert("A", 0.0)
    told = steered.over_live(alert, settings.load(), memory=True, on_stage=lambda _: None)
    assert told.finding == plain
    assert "no memory file" in told_beforehand[0].problem
    assert "was not kept" in told.note
    assert (tmp_path / "memory.sqlite").read_bytes() == b"half a file"


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"root_causes": []}', '{"root_causes": [], "guidance": {"applied": 3}}']
)
def test_what_is_no_finding_is_told_in_one_line(typed: Typed, tmp_path: Path, content: str) -> None:
    (tmp_path / "f.json").write_text(content, encoding="utf-8")
    status, out, err = typed("guidance", "explain", tmp_path / "f.json")
    assert (status == 0 and "No guidance applied" in out) or (status == 1 and len(err.strip().splitlines()) == 1)
