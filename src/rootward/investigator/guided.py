"""What guidance did to a finding: what was asked and looked at because of it, how it leaned, and what would have been said without it."""

import dataclasses
import math
from collections.abc import Sequence

from rootward.investigator import briefing, conclude, confidence, gather
from rootward.investigator import finding as findings
from rootward.investigator.causal import case, judge
from rootward.memory import texts
from rootward.memory.guidance import Guidance, Prior
from rootward.signals import entities

CAUSES_MAX = 5
CHANGE_MIN = 0.005  # a smaller move of the leading chance is none


def add(
    finding: findings.Finding,
    brief: briefing.Briefing,
    gathered: gather.Gathered,
    judgement: case.Judgement,
    voice: confidence.Voice,
) -> findings.Finding:
    """`finding` with what guidance did, and the evidence that it asked for; unchanged when no guidance applied.

    A memory that could not be read stands under what is missing.
    """
    if brief.problem:
        finding = dataclasses.replace(finding, missing=(*finding.missing, f"memory ({brief.problem})"))
    if not brief.guidance:
        return finding
    heard = tuple(_heard(one, brief, gathered, judgement) for one in brief.guidance)
    plain = judge.judge(gathered.plain or gathered.case)
    stated = voice.stated(plain)
    without = findings.Counterfactual(
        conclude.status_of(plain, voice),
        tuple((h.entity, h.fault, h.probability) for h in stated.hypotheses[:CAUSES_MAX]),
    )
    judgement = voice.stated(judgement)
    cited = dict.fromkeys(item.id for item in finding.evidence)
    asked = [gathered.ledger.get(key) for one in heard for key in one.evidence if key not in cited]
    told = findings.Guided(
        heard,
        tuple(one.sentence for one in brief.selection.conflicts) if brief.selection else (),
        without,
        _changed(finding, without),
    )
    evidence = tuple(dict.fromkeys([*finding.evidence, *asked]))
    return dataclasses.replace(finding, guided=told, evidence=evidence)


def _heard(
    one: Guidance, brief: briefing.Briefing, gathered: gather.Gathered, judgement: case.Judgement
) -> findings.Heard:
    keys = tuple(gathered.asked.get(f"guidance {one.id}", ()))
    did = [
        f"Guidance {one.id} asked to look at {pattern}: {_seen(pattern, gathered.case, judgement)}."
        for pattern in one.look_at
    ]
    if one.probes:
        ids = f" ({', '.join(keys)})" if keys else ""
        answered = sum(1 for key in keys if gathered.ledger.get(key).error == "")
        did.append(f"Guidance {one.id} asked {_count(len(one.probes), 'question')}: {_count(answered, 'answer')}{ids}.")
    heard = {(other.id, prior) for other, prior in brief.leanings()}
    did += [_leaned(one, prior, judgement, heard=(one.id, prior) in heard) for prior in one.priors]
    return findings.Heard(one.id, one.text, tuple(did), keys)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _leaned(one: Guidance, prior: Prior, judgement: case.Judgement, *, heard: bool) -> str:
    about = prior.entity + (f" ({prior.fault.replace('_', ' ')})" if prior.fault else "")
    way = "towards" if prior.direction == "raise" else "away from"
    if not heard:
        return f"Guidance {one.id} leans {way} {about}, and is not heard: other guidance disagrees."
    moved = [h for h in judgement.hypotheses if briefing.speaks_of(prior, h.entity, h.fault)]
    shown = any(clue.weight > 0 and any(clue.evidence) for h in moved for clue in h.clues)
    if not moved or (prior.direction == "raise" and not shown):
        return f"Guidance {one.id} leans {way} {about}; no evidence points there, so it moved nothing."
    times = f"{math.exp(briefing.STRENGTHS[prior.strength]):.1f}"
    return f"Guidance {one.id} leans {way} {about}: its odds among the suspects were {'multiplied' if prior.direction == 'raise' else 'divided'} by {times}."


def _seen(pattern: str, subject: case.Case, judgement: case.Judgement) -> str:
    """What there is about the entities that `pattern` means: a suspect with its chance, measured and calm, or nothing."""
    for rank, hypothesis in enumerate(judgement.hypotheses, start=1):
        if texts.names(pattern, hypothesis.entity):
            because = next(
                (clue.sentence for clue in hypothesis.clues if clue.weight > 0),
                "nothing that can be cited speaks for it",
            )
            return f"suspect number {rank} at {hypothesis.probability:.0%}, {because.rstrip('.')}"
    lines = [one for one in subject.signals if _about(pattern, one.entity, one.observer)]
    logged = sum(len(part.lines) for part in subject.logs if texts.names(pattern, part.entity))
    spans = sum(_named(pattern, batch.spans.service) for batch in subject.spans)
    parts = [_count(n, noun) for n, noun in ((len(lines), "measured line"), (logged, "log line"), (spans, "span")) if n]
    return f"nothing unusual in {', '.join(parts)}" if parts else "none of the connected sources shows it"


def _about(pattern: str, *involved: entities.Entity | None) -> bool:
    return any(entity is not None and texts.names(pattern, entity) for entity in involved)


def _named(pattern: str, services: Sequence[str]) -> int:
    return sum(texts.names(pattern, entities.Entity(entities.EntityKind.SERVICE, name)) for name in services)


def _changed(finding: findings.Finding, without: findings.Counterfactual) -> str:
    """One sentence: how the finding differs from that without guidance."""
    mine = finding.root_causes[0] if finding.root_causes else None
    theirs = without.root_causes[0] if without.root_causes else None
    if theirs is None:
        return (
            "Nothing: there is no hypothesis either way."
            if mine is None
            else "Without guidance there is no hypothesis."
        )
    if mine is None:
        return "With guidance there is no hypothesis any more."
    before = f"{theirs[0]} ({theirs[1].replace('_', ' ')}) at {theirs[2]:.0%}"
    if (mine.entity, mine.fault) != theirs[:2]:
        return f"Without guidance the leading hypothesis would be {before}, and the status {without.status.replace('_', ' ')}."
    if finding.status is not without.status:
        return f"Without guidance the status would be {without.status.replace('_', ' ')}, with the same leading hypothesis at {theirs[2]:.0%}."
    if abs(mine.confidence.point - theirs[2]) < CHANGE_MIN:
        return "Nothing: the same leading hypothesis with the same confidence."
    return f"The same leading hypothesis, at {mine.confidence.point:.0%} instead of {theirs[2]:.0%}."
