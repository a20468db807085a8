"""`rootward graph` over a scanned capsule: scan, show, page, export, explain."""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rootward import _clock
from rootward.apps import mapping, remembered, scenarios, settings, settings_model, steered, wiring
from rootward.dojo.capsule import store
from rootward.investigator import briefing, investigate
from rootward.investigator import finding as findings
from rootward.signals import protocols

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def capsule(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from rootward.apps.cli import dojo

    folder = tmp_path_factory.mktemp("capsules") / "one"
    dojo.export(folder, world="payments", fault="slow_query", seed=4)
    return folder


def test_a_scan_is_cheap_and_what_it_saw_is_shown_exported_and_explained(
    typed: Typed, capsule: Path, tmp_path: Path
) -> None:
    status, out, _ = typed("graph", "scan", "--capsule", capsule, "--json")
    first = json.loads(out)
    assert status == 0
    assert first["questions"] <= 40
    assert first["missing"] == []
    assert first["new"] > 50
    again = json.loads(typed("graph", "scan", "--capsule", capsule, "--json")[1])
    assert (again["new"], again["confirmed"]) == (0, first["new"])

    told = json.loads(typed("graph", "show", "--json")[1])
    kinds = {node["kind"] for node in told["nodes"]}
    assert {"service", "workload", "owner", "repository", "alert", "database"} <= kinds
    assert {"calls", "runs as", "runs on", "owned by", "built from", "watches"} <= {
        edge["relation"] for edge in told["edges"]
    }
    assert all(edge["sources"] and 0 < edge["certainty"] <= 1 for edge in told["edges"])
    exported = tmp_path / "graph.json"
    typed("graph", "export", exported)
    assert json.loads(exported.read_text(encoding="utf-8")) == told
    assert typed("graph", "export", "--format", "dot")[1].startswith("digraph rootward {")

    call = next(e for e in told["edges"] if e["relation"] == "calls" and e["object"]["kind"] == "database")
    caller, database = (f"{call[side]['kind']}/{call[side]['name']}" for side in ("subject", "object"))
    status, out, _ = typed("graph", "explain", caller, database)
    assert status == 0
    assert "depends on" in out
    assert "traces (100%)" in out
    explained = json.loads(typed("graph", "explain", caller, database, "--json")[1])
    assert explained["path"][0]["relation"] == "calls"

    status, out, _ = typed("graph", "show", database, "--hops", "1", "--html", tmp_path / "page.html")
    assert status == 0
    assert database in out
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<rect") >= 2
    assert "<script" not in page
    typed("memory", "delete", "--all", "--yes")
    assert typed("graph", "show")[0] == 1


def explained(capsule: Path, brief: briefing.Briefing, **absent: tuple[()]) -> findings.Finding:
    """The capsule investigated with some kinds of back ends away."""
    scenario = store.load(capsule)
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    alert = wiring.read_alert(scenario.alert)

    async def run() -> findings.Finding:
        sources = dataclasses.replace(scenarios.connect(scenario.telemetry, clock), **absent)
        return await investigate.investigate(alert, sources, clock=clock, brief=brief)

    return asyncio.run(run())


def test_the_graph_stands_in_when_nobody_tells_who_calls_whom(capsule: Path, tmp_path: Path) -> None:
    place = remembered.Place(tmp_path / "m", "prod")
    mapping.scan_capsule(capsule, place)
    alert = wiring.read_alert(store.load(capsule).alert)
    brief = steered.brief(place, alert, settings_model.Memory(skills=False))
    assert len(brief.edges) > 10
    away = explained(capsule, brief, traces=(), clusters=())
    assert any("who calls whom now (memory: " in gap for gap in away.missing)
    assert len(away.path) > len(explained(capsule, briefing.NOTHING, traces=(), clusters=()).path)
    late = dataclasses.replace(alert, starts_at_s=alert.starts_at_s + 30 * 86_400)
    assert steered.brief(place, late, settings_model.Memory()).edges == ()


def test_a_scan_comes_again_until_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round asks again, as of its own moment."""
    monkeypatch.setattr(mapping.wiring, "sources_from_settings", lambda *_: protocols.Sources())
    environment = {"ROOTWARD_CONNECTORS__P__TYPE": "prometheus", "ROOTWARD_CONNECTORS__P__URL": "http://p"}
    configured = settings.load(environ=environment)
    clock = _clock.VirtualClock(1_700_000_000.0)
    rounds: list[float] = []

    def done(_: mapping.Scanned) -> None:
        rounds.append(clock.now_s())
        if len(rounds) == 3:
            raise KeyboardInterrupt

    place = remembered.Place(tmp_path / "m", "prod")
    with pytest.raises(KeyboardInterrupt):
        mapping.scan_live(configured, place, every_s=900.0, clock=clock, on_done=done)
    assert rounds == [1_700_000_000.0, 1_700_000_900.0, 1_700_001_800.0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["graph", "show"], "graph scan"),
        (["graph", "explain", "a", "b"], "graph scan"),
        (["graph", "scan"], "connectors"),
        (["graph", "scan", "--capsule", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    typed: Typed, words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = typed(*words)
    assert (status, out) == (1, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
