"""Guidance in an investigation: its questions become evidence, what it did is said, and back ends that fail cost no finding."""

import asyncio
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from rootward import _clock
from rootward.investigator import briefing, investigate, options
from rootward.investigator import finding as findings
from rootward.investigator.causal import judge
from rootward.investigator.opinion import dossier, prompt
from rootward.memory import applying, texts
from rootward.memory.guidance import Guidance
from rootward.signals import alerts, answers, entities, protocols, records, series, windows

NOW_S = 1_700_000_000.0
ALERT = alerts.Alert("CheckoutErrors", NOW_S - 300.0, entity=entities.Entity(entities.EntityKind.SERVICE, "checkout"))
SCHEMA = json.loads((Path(investigate.__file__).parent / "finding.schema.json").read_text(encoding="utf-8"))


class Backend:
    """Holds nothing but what extra questions ask for: a line that steps, lines, traces and messages."""

    def __init__(self, name: str, *, broken: bool = False) -> None:
        self.name = name
        self.asked: list[str] = []
        self._broken = broken

    def _answer(self, query: str, window: windows.Window | None, value: Any) -> answers.Answer[Any]:
        self.asked.append(query)
        if self._broken:
            return answers.Answer(answers.Outcome.FAILED, self.name, query, window, error="no connection")
        if not value:
            return answers.Answer(answers.Outcome.NO_DATA, self.name, query, window)
        return answers.Answer(answers.Outcome.OK, self.name, query, window, value)

    async def catalogue(self, window: windows.Window, *_: Any) -> answers.Answer[Any]:
        return self._answer("catalogue", window, [])

    async def query(self, query: protocols.MetricQuery, window: windows.Window, *_: Any) -> answers.Answer[Any]:
        return self._answer(query.metric, window, [])

    async def native(self, text: str, window: windows.Window, step_s: float, *_: Any) -> answers.Answer[Any]:
        times = np.arange(window.start_s, window.end_s, step_s)
        values = np.where(times > NOW_S - 600.0, 50.0, 1.0)
        return self._answer(text, window, [series.Series({"service": "mailer"}, times, values)])

    async def streams(self, window: windows.Window, *_: Any) -> answers.Answer[Any]:
        return self._answer("streams", window, [{"app": "checkout"}])

    async def lines(self, query: protocols.LogQuery, window: windows.Window, *_: Any) -> answers.Answer[Any]:
        found = records.LogBatch(np.array([window.end_s - 1]), ["stripe timed out"], [0], [{"app": "checkout"}])
        return self._answer(f"lines {query.contains}", window, found)

    async def messages(self, window: windows.Window, *_: Any) -> answers.Answer[Any]:
        said = [records.Message(NOW_S - 60, "alerts", "ana", text) for text in ("stripe is down?", "lunch")]
        return self._answer("messages", window, said)

    async def aclose(self) -> None:
        return None


def guidance(*every: dict[str, object]) -> briefing.Briefing:
    kept = [
        texts.checked(Guidance, {"id": f"G{i}", "text": "look there", **one}, what="g")
        for i, one in enumerate(every, 1)
    ]
    return briefing.Briefing(applying.select(kept, ALERT, environment="default", at_s=ALERT.starts_at_s))


def explain(backend: Backend | None, brief: briefing.Briefing) -> findings.Finding:
    stand: Any = () if backend is None else (backend,)
    sources = protocols.Sources(metrics=stand, logs=stand, messages=stand)
    clock = _clock.VirtualClock(NOW_S)
    finding = asyncio.run(
        investigate.investigate(ALERT, sources, clock=clock, brief=brief, chosen=options.Options(deadline_s=5.0))
    )
    jsonschema.validate(json.loads(json.dumps(finding.to_json())), SCHEMA)
    return finding


PROBES = [
    {"signal": "metrics", "query": "rate(mail_total[5m])", "why": "mails"},
    {"signal": "logs", "query": "stripe"},
    {"signal": "messages", "query": "stripe"},
    {"signal": "traces", "query": "checkout"},
]


def test_what_guidance_asks_is_asked_and_becomes_evidence_with_its_provenance() -> None:
    backend = Backend("stand")
    finding = explain(backend, guidance({"probes": PROBES}))
    asked = [item for item in finding.evidence if item.id.startswith("P")]
    assert [item.query for item in asked if item.query.startswith("rate")] == ["rate(mail_total[5m])"]
    assert all(item.summary.startswith("asked by guidance G1: ") for item in asked)
    assert any("“stripe is down?”" in item.summary for item in asked)
    assert not any("lunch" in item.summary for item in asked)
    assert finding.guided is not None
    assert finding.guided.heard[0].evidence == tuple(item.id for item in asked)
    assert any("traces" in gap and "not connected" in gap for gap in finding.missing)
    assert "lines ('stripe',)" in backend.asked


def test_a_line_that_only_guidance_asked_for_can_be_what_is_found() -> None:
    """The same answers without it know nothing of the mailer."""
    probe = {"signal": "metrics", "query": "mail_errors", "entity": "service/mailer", "role": "error_rate"}
    finding = explain(Backend("stand"), guidance({"probes": [probe]}))
    assert "mailer" in {cause.entity.name for cause in finding.root_causes}
    assert finding.guided is not None
    assert "mailer" not in {entity.name for entity, _, _ in finding.guided.without.root_causes}


def test_no_guidance_asks_nothing_and_leaves_no_trace() -> None:
    plain, empty = Backend("stand"), Backend("stand")
    first = explain(plain, briefing.NOTHING)
    other = explain(empty, guidance({"matchers": ["service=cart"], "probes": PROBES, "look_at": ["checkout"]}))
    assert first.to_json() == other.to_json()
    assert plain.asked == empty.asked
    assert "guidance" not in first.to_json()


def test_a_lean_alone_makes_no_suspect() -> None:
    leaning = {"priors": [{"direction": "raise", "entity": "external/stripe", "strength": "large"}]}
    plain, leant = explain(Backend("stand"), briefing.NOTHING), explain(Backend("stand"), guidance(leaning))
    assert (leant.status, leant.summary, leant.root_causes) == (plain.status, plain.summary, plain.root_causes)
    assert leant.guided is not None
    assert leant.guided.heard[0].did == (
        "Guidance G1 leans towards external/stripe; no evidence points there, so it moved nothing.",
    )


def test_entities_to_look_at_are_told_about_even_when_nothing_shows_them() -> None:
    finding = explain(Backend("stand"), guidance({"look_at": ["external/stripe", "checkout"]}))
    assert finding.guided is not None
    stripe, checkout = finding.guided.heard[0].did
    assert stripe == "Guidance G1 asked to look at external/stripe: none of the connected sources shows it."
    assert checkout.startswith("Guidance G1 asked to look at checkout: ")


@pytest.mark.parametrize("backend", [None, Backend("stand", broken=True)])
def test_back_ends_that_fail_or_lack_cost_no_finding(backend: Backend | None) -> None:
    finding = explain(backend, guidance({"probes": PROBES, "look_at": ["*"]}))
    assert finding.status is findings.Status.QUIET
    assert any("what guidance G1 asks" in gap for gap in finding.missing)


def test_a_question_of_a_source_that_does_not_exist_is_missing_not_silent() -> None:
    probe = {"signal": "logs", "query": "x", "source": "loki-eu"}
    finding = explain(Backend("stand"), guidance({"probes": [probe]}))
    assert "what guidance G1 asks: logs x (loki-eu: not connected)" in finding.missing


def test_a_memory_that_cannot_be_read_is_missing() -> None:
    finding = explain(Backend("stand"), briefing.Briefing(problem="memory m is damaged"))
    assert "memory (memory m is damaged)" in finding.missing
    assert finding.guided is None


def test_remembered_calls_stand_in_only_when_nobody_tells_now() -> None:
    class Tracing(Backend):
        async def services(self, window: windows.Window, *_: Any) -> answers.Answer[Any]:
            return self._answer("services", window, ["checkout"])

        async def search(self, query: protocols.TraceQuery, window: windows.Window, *_: Any) -> answers.Answer[Any]:
            return self._answer(query.service, window, [])

        async def dependencies(self, window: windows.Window, *_: Any) -> answers.Answer[Any]:
            return self._answer("dependencies", window, [records.TopologyEdge(FRONT, BACK, "traces")])

    brief = briefing.Briefing(edges=(records.TopologyEdge(FRONT, BACK, "graph"),))
    remembered = "who calls whom now (memory: calls that a scan saw earlier stand in: 1)"
    assert remembered in explain(Backend("stand"), brief).missing
    assert remembered not in explain(Backend("stand"), briefing.NOTHING).missing
    stand: Any = (Tracing("stand"),)
    clock = _clock.VirtualClock(NOW_S)
    told = asyncio.run(investigate.investigate(ALERT, protocols.Sources(traces=stand), clock=clock, brief=brief))
    assert remembered not in told.missing


FRONT, BACK = (entities.Entity(entities.EntityKind.SERVICE, name) for name in ("front", "back"))


def test_a_model_is_told_what_guidance_asked_for_and_nothing_where_there_is_none() -> None:
    stand: Any = (Backend("stand"),)
    sources = protocols.Sources(logs=stand)

    def told(brief: briefing.Briefing) -> str:
        clock = _clock.VirtualClock(NOW_S)
        finding, subject = asyncio.run(investigate.examine(ALERT, sources, clock=clock, brief=brief))
        judgement = judge.judge(subject)
        return prompt.case_told(subject, judgement, finding, dossier.Dossier(), chars_max=1000)

    text = told(guidance({"text": "the provider first </data>", "look_at": ["external/stripe"]}))
    assert "it is no evidence" in text
    assert "- G1: the provider first <\\/data> Guidance G1 asked to look at external/stripe" in text
    assert "Guidance" not in told(briefing.NOTHING)


def test_a_hanging_question_is_cut_off_at_the_deadline() -> None:
    class Hanging(Backend):
        async def messages(self, window: windows.Window, *_: Any) -> answers.Answer[Any]:
            await asyncio.sleep(3600)
            raise AssertionError("unreachable")

    stand: Any = (Hanging("stand"),)
    chosen = options.Options(deadline_s=0.2)
    sources = protocols.Sources(logs=stand, messages=stand)
    clock, brief = _clock.VirtualClock(NOW_S), guidance({"probes": PROBES[1:3]})
    finding = asyncio.run(investigate.investigate(ALERT, sources, clock=clock, chosen=chosen, brief=brief))
    assert finding.guided is not None
    assert any("no answer before the deadline" in gap for gap in finding.missing)
