"""A second opinion: its sentences are checked, its questions bounded, and whatever it does the reasoner's finding stands."""

import asyncio
import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import pytest

from rootward import _clock, errors, llm
from rootward.apps import scenarios, wiring
from rootward.dojo import world
from rootward.investigator import conclude, gather, ledger, opinion, options
from rootward.investigator import finding as findings
from rootward.investigator.causal import case, judge
from rootward.investigator.opinion import assemble, conclusion, digests, merge
from rootward.llm import testing
from rootward.signals import answers, records

CHOSEN = options.Options()


@dataclasses.dataclass(frozen=True)
class Known:
    gathered: gather.Gathered
    judgement: case.Judgement
    finding: findings.Finding


@pytest.fixture(scope="module")
def known() -> Known:
    scenario, _ = world.build("web-shop", "bad_deploy", 3, hours=2, step_s=30)
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    sources = scenarios.connect(scenario.telemetry, clock)
    gathered = asyncio.run(
        gather.gather(wiring.read_alert(scenario.alert), sources, now_s=clock.now_s(), chosen=CHOSEN)
    )
    judgement = judge.judge(gathered.case)
    timing = findings.Timing(clock.now_s(), 0.0, len(gathered.ledger), 0, {})
    return Known(gathered, judgement, conclude.conclude(gathered.case, judgement, gathered.ledger, timing))


def call(name: str, number: int = 1, **arguments: Any) -> llm.ToolCall:
    return llm.ToolCall(f"c{number}", name, arguments)


def concludes(verdict: str = "agree", claims: Sequence[tuple[str, list[str]]] = (), **more: str) -> llm.ToolCall:
    listed = [{"sentence": sentence, "evidence": evidence} for sentence, evidence in claims]
    return call("conclude", verdict=verdict, claims=listed, **more)


def opine(
    known: Known, *answers: Any, limits: opinion.Limits | None = None, gathered: gather.Gathered | None = None
) -> tuple[findings.Finding, testing.ScriptedModel]:
    model = testing.ScriptedModel(
        [one if isinstance(one, testing.Turn) else testing.Turn(None, one) for one in answers]
    )
    found = asyncio.run(
        opinion.Consultant(model, limits).opine(gathered or known.gathered, known.judgement, known.finding, CHOSEN)
    )
    return found, model


def a_claim(known: Known) -> tuple[str, list[str]]:
    """A true sentence: a line of the evidence, quoted, with a number that stands there."""
    papers = assemble.assemble(known.gathered.case, known.gathered.ledger)
    for item in papers.items():
        for line in item.whole:
            if found := re.search(r"during median (\d+\.\d+)[,;]", line):
                return f"It stood at {found[1]}.", [item.id]
    raise AssertionError("metrics were measured")


def test_it_agrees_and_its_sentence_is_added(known: Known) -> None:
    claim = a_claim(known)
    found, model = opine(known, concludes(claims=[claim]))
    assert found.opinion is not None
    assert found.opinion.verdict == "agreed"
    assert found.opinion.sentences == (findings.Cited(claim[0], tuple(claim[1])),)
    assert dataclasses.replace(found, opinion=None, evidence=known.finding.evidence) == known.finding
    assert "<data>" in model.asked[0].messages[0].text
    assert model.asked[0].tool_choice == "required"


@pytest.mark.parametrize(
    ("sentence", "evidence", "reason"),
    [
        ("All is lost.", ["Z99"], "there is no evidence Z99"),
        ("It rose to 987654.3 MB.", None, "the number 987654.3 does not stand in"),
        ("The log says “the reactor has melted”.", None, "does not stand in"),
        ("See https://evil.io/x for more.", None, "a link"),
        ("Ask <!channel> about it.", None, "a link"),
    ],
)
def test_a_sentence_that_does_not_hold_is_sent_back_once_then_dropped(
    known: Known, sentence: str, evidence: list[str] | None, reason: str
) -> None:
    good = a_claim(known)
    bad = (sentence, evidence or good[1])
    found, model = opine(known, concludes(claims=[good, bad]), concludes(claims=[good, bad]))
    assert found.opinion is not None
    assert [one.sentence for one in found.opinion.sentences] == [good[0]]
    assert [one.sentence for one in found.opinion.dropped] == [sentence]
    assert reason in found.opinion.dropped[0].reason
    assert reason in testing.scripted.last_text(model.asked[1])
    model.assert_done()


def test_a_corrected_sentence_counts(known: Known) -> None:
    good = a_claim(known)
    found, _ = opine(known, concludes(claims=[("It was 987654.3.", good[1])]), concludes(claims=[good]))
    assert found.opinion is not None
    assert found.opinion.sentences
    assert found.opinion.dropped == ()


def test_arguments_that_are_no_json_are_told_as_such(known: Known) -> None:
    _, model = opine(known, llm.ToolCall("c1", "conclude", {}, malformed="{oops"), concludes("unsure"))
    assert "no JSON arguments: {oops" in testing.scripted.last_text(model.asked[1])


def test_questions_are_asked_side_by_side_and_become_evidence(known: Known) -> None:
    calls = [
        call("objects", 1, kind="Pod"),
        call("find_metrics", 2, contains="request"),
        call("read", 3, evidence="M1"),
        call("objects", 4, kind="Pod"),
        call("rm", 5, path="/"),
        call("metric", 6, metric="up", shell="ls"),
    ]
    found, model = opine(known, calls, concludes("unsure"))
    told = {part.call_id: part for part in model.asked[1].messages[-1].parts if isinstance(part, llm.ToolResult)}
    assert told["c1"].text.startswith("<data>\nQ")
    assert "request" in told["c2"].text
    assert not told["c3"].failed
    assert "asked before" in told["c4"].text
    assert "no tool 'rm'" in told["c5"].text
    assert "Extra inputs" in told["c6"].text
    assert found.opinion is not None
    assert found.opinion.verdict == "unsure"
    assert found.status == known.finding.status


def test_another_cause_needs_a_measurement_that_the_model_asked_for(known: Known) -> None:
    guilty = known.finding.root_causes[0].entity.name
    healthy = next(one.name for one in known.gathered.case.pods_of.values() if one.name != guilty)
    for evidence in (a_claim(known)[1], ["Q1"]):
        said = concludes("other_cause", [("Its pods are not well.", evidence)], entity=healthy, fault="crash loop")
        found, _ = opine(known, [call("objects", kind="Pod")], said)
        assert found.opinion is not None
        assert found.opinion.verdict == "not_accepted"
        assert found.root_causes == known.finding.root_causes


def merged(known: Known, telling: list[str], *, fresh: bool) -> findings.Finding:
    papers = assemble.assemble(known.gathered.case, known.gathered.ledger)
    papers.add("Q1", "objects", digests.Lines(["Pod shop/catalog-1: restarts 9", "all"], [], telling), fresh=fresh)
    book = ledger.Ledger("Q")
    book.add(answers.Answer(answers.Outcome.OK, "kubernetes", "GET /pods", value=["x"]))
    said = conclusion.Conclusion.model_validate(
        {
            "verdict": "other_cause",
            "entity": "catalog",
            "fault": "crash loop",
            "claims": [{"sentence": "catalog restarts over and over.", "evidence": ["Q1"]}],
        }
    )
    outcome = merge.Outcome("scripted/m", said, (), "", 1, 100)
    return merge.merge(known.finding, outcome, papers, (known.gathered.ledger, book), known.judgement)


def test_with_one_the_model_s_cause_stands_first_with_modest_confidence(known: Known) -> None:
    found = merged(known, ["Pod shop/catalog: restarts 9"], fresh=True)
    assert found.opinion is not None
    assert found.opinion.verdict == "overruled"
    assert (found.root_causes[0].entity.name, found.root_causes[0].fault) == ("catalog", "crash_loop")
    assert found.root_causes[1:] == known.finding.root_causes[: len(found.root_causes) - 1]
    assert any(item.id == "Q1" for item in found.evidence)
    assert found.root_causes[0].confidence.high < 0.9, "nobody has calibrated that model"
    assert found.summary == "catalog restarts over and over."
    for telling, fresh in (([], True), (["Pod shop/catalog-api: restarts 9"], True), (["catalog restarts"], False)):
        other = merged(known, telling, fresh=fresh)
        assert other.opinion is not None
        assert other.opinion.verdict == "not_accepted", (telling, fresh)


@pytest.mark.parametrize(
    ("answers", "limits", "trouble"),
    [
        ([testing.Hangs()], opinion.Limits(seconds=0.05), "0.05 s"),
        ([testing.Babbles()] * 3, opinion.Limits(turns=3), "did not conclude"),
        (["I think it is DNS."] * 3, opinion.Limits(turns=3), "did not conclude"),
        ([errors.ModelNotPermitted("wrong key", model="m")], None, "wrong key"),
        ([errors.ModelUnreachable("no connection", model="m")], None, "no connection"),
        ([call("conclude", verdict="maybe")] * 3, opinion.Limits(turns=3), "did not conclude"),
        ([llm.ToolCall("c1", "conclude", {}, malformed="{oops")] * 3, opinion.Limits(turns=3), "did not conclude"),
        ([[call("objects", n, kind=f"K{n}")] for n in range(3)], opinion.Limits(turns=3), "did not conclude"),
    ],
)
def test_whatever_happens_to_the_model_the_reasoner_s_finding_stands(
    known: Known, answers: list[Any], limits: opinion.Limits | None, trouble: str
) -> None:
    found, _ = opine(known, *answers, limits=limits)
    assert found.opinion is not None
    assert found.opinion.verdict == "none"
    assert trouble in found.opinion.trouble
    assert dataclasses.replace(found, opinion=None) == known.finding


def test_the_last_turn_and_the_last_question_leave_only_the_conclusion(known: Known) -> None:
    asks = [[call("objects", n, kind="Pod", contains=str(n))] for n in range(2)]
    _, model = opine(known, *asks, concludes("unsure"), limits=opinion.Limits(turns=6, questions=2))
    assert [one.tool_choice for one in model.asked] == ["required", "required", "conclude"]
    many = [call("objects", n, kind="Pod", contains=str(n)) for n in range(5)]
    _, model = opine(known, many, concludes("unsure"), limits=opinion.Limits(at_once=2))
    refused = [part for part in model.asked[1].messages[-1].parts if "too many" in getattr(part, "text", "")]
    assert len(refused) == 3


def test_addresses_and_secrets_do_not_reach_the_model(known: Known) -> None:
    message = records.Message(1e9, "ops", "ann.oneill@shop.io", "try password=hunter22 or ask bob@shop.io", "")
    subject = dataclasses.replace(
        known.gathered.case, messages=[(message, next(key for _, key in known.gathered.case.messages))]
    )
    _, model = opine(known, concludes("unsure"), gathered=dataclasses.replace(known.gathered, case=subject))
    told = "".join(one.text for request in model.asked for one in request.messages)
    assert "<email-1>" in told
    assert "@shop.io" not in told
    assert "hunter22" not in told


def test_the_first_prompt_keeps_to_its_size(known: Known) -> None:
    for chars in (2_000, 8_000):
        _, model = opine(known, concludes("unsure"), limits=opinion.Limits(prompt_chars=chars))
        assert len(model.asked[0].messages[0].text) < chars + 6_000
        assert "that you can `read`" in model.asked[0].messages[0].text
