"""Concluding: evidence or silence, and each thing said once."""

import pytest

from rootward.investigator import conclude, confidence, ledger
from rootward.investigator import finding as findings
from rootward.investigator.causal import case as cases
from rootward.signals import alerts, answers, entities, windows

CART = entities.Entity(entities.EntityKind.SERVICE, "cart")
TIMING = findings.Timing(0.0, 1.0, 1, 0, {})


def concluded(
    *clues: cases.Clue, probability: float = 0.9999, voice: confidence.Voice | None = None
) -> findings.Finding:
    subject = cases.Case(alerts.Alert("CartErrors", 100.0), windows.Window(0, 50), windows.Window(50, 200), 200.0)
    kept = ledger.Ledger("M")
    key = kept.add(answers.Answer(answers.Outcome.OK, "prometheus", "up", value=1))
    assert key == "M1"
    top = cases.Hypothesis(CART, "memory_leak", probability, 0.6, 0.95, 90.0, clues)
    return conclude.conclude(subject, cases.Judgement((top,), 0.02, 0.02, 0.02), kept, TIMING, voice)


def clue(sentence: str, *evidence: str, weight: float = 4.0) -> cases.Clue:
    return cases.Clue(CART, "memory_leak", weight, sentence, evidence, "memory")


def test_a_likely_cause_with_evidence_is_named() -> None:
    found = concluded(clue("memory of cart rose", "M1"))
    assert found.status is findings.Status.FOUND
    assert found.summary.startswith("Root cause: cart")
    assert [item.id for item in found.evidence] == ["M1"]


@pytest.mark.parametrize("clues", [(), (clue("it feels wrong"),), (clue("it is not so", "M1", weight=-3.0),)])
def test_however_likely_a_cause_without_evidence_is_not_named(clues: tuple[cases.Clue, ...]) -> None:
    assert concluded(*clues).status is findings.Status.QUIET


def test_what_two_detectors_saw_is_said_once() -> None:
    longer = "memory of cart rose from 1 GiB to 2 GiB (20 times its usual spread)"
    found = concluded(clue("memory of cart rose from 1 GiB to 2 GiB", "M1"), clue(longer, "M1"), clue("killed", "M1"))
    assert found.root_causes[0].because == (longer, "killed")


def test_a_cause_whose_place_is_not_sure_enough_is_kept_quiet_with_its_figure() -> None:
    found = concluded(clue("memory of cart rose", "M1"), probability=0.3)
    assert found.status is findings.Status.QUIET
    said = found.root_causes[0].confidence
    assert said.place is not None
    assert said.point <= said.place < confidence.shipped().speak_min
    assert f"at the right place in {said.place:.0%} of cases" in found.summary
    assert said.raw == 0.3


def test_a_kind_that_is_likelier_wrong_is_told_as_a_perhaps() -> None:
    half = confidence.Worth((confidence.Knot(0.0, 0.4, 0.2, 0.6), confidence.Knot(1.0, 0.4, 0.2, 0.6)), {}, 0.0)
    sure = confidence.Worth((confidence.Knot(0.0, 0.9, 0.8, 1.0), confidence.Knot(1.0, 0.9, 0.8, 1.0)), {}, 0.0)
    voice = confidence.Voice(confidence.Table(half, sure, None), 0.9)
    found = concluded(clue("memory of cart rose", "M1"), voice=voice)
    assert found.status is findings.Status.FOUND
    assert found.summary.startswith("Root cause: cart — perhaps ")
    assert found.root_causes[0].confidence == findings.Confidence(0.4, 0.2, 0.6, 0.9999, 0.9)
