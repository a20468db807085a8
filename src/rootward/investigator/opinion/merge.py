"""From a model's conclusion to the finding: what it may change, and the account of what it did, which is always there.

It may agree, and then its checked sentences are added. It may name another cause only when a claim that holds cites evidence that it
asked for itself, in which a measurement shows that entity in trouble: over the same evidence the reasoner, which can be measured, is not
overruled, and no text that somebody planted makes a healthy service the culprit. Then what the reasoner thought stays in the
list, second. Its probability is not the model's own word but a fixed, modest one: nobody has calibrated that model here.
"""

import dataclasses
import re
from collections.abc import Sequence

from rootward.investigator import finding as findings
from rootward.investigator import ledger
from rootward.investigator.causal import case
from rootward.investigator.opinion import conclusion, dossier
from rootward.signals import answers, entities

OVERRULING = findings.Confidence(0.55, 0.3, 0.8)
CAUSES_MAX = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking a model. `said` is None when it did not conclude; `trouble` says why."""

    model: str
    said: conclusion.Conclusion | None
    dropped: tuple[conclusion.Dropped, ...]
    trouble: str
    questions: int
    tokens: int


def merge(
    finding: findings.Finding,
    outcome: Outcome,
    papers: dossier.Dossier,
    ledgers: Sequence[ledger.Ledger],
    judgement: case.Judgement,
) -> findings.Finding:
    """Pure. The finding with the opinion in it; `ledgers` hold all evidence that it may cite."""
    said = outcome.said
    cause = _other_cause(said, papers, judgement) if said is not None and said.verdict == "other_cause" else None
    verdict = _verdict(said, cause)
    opinion = findings.Opinion(
        model=outcome.model,
        verdict=verdict,
        sentences=tuple(findings.Cited(one.sentence, tuple(one.evidence)) for one in said.claims) if said else (),
        dropped=tuple(findings.Dropped(one.sentence, one.reason) for one in outcome.dropped),
        trouble=outcome.trouble,
        questions=outcome.questions,
        tokens=outcome.tokens,
    )
    found = dataclasses.replace(finding, opinion=opinion, evidence=_with_cited(finding.evidence, opinion, ledgers))
    if cause is None:
        return found
    return dataclasses.replace(
        found,
        status=findings.Status.FOUND,
        summary=" ".join(one.sentence.rstrip(". ") + "." for one in opinion.sentences),
        root_causes=(cause, *finding.root_causes)[:CAUSES_MAX],
        path=(cause.entity,),
    )


def _verdict(said: conclusion.Conclusion | None, cause: findings.RootCause | None) -> str:
    if said is None:
        return "none"
    if said.verdict == "other_cause":
        return "overruled" if cause is not None else "not_accepted"
    return {"agree": "agreed", "unsure": "unsure"}[said.verdict]


def _other_cause(
    said: conclusion.Conclusion, papers: dossier.Dossier, judgement: case.Judgement
) -> findings.RootCause | None:
    """The model's cause, if a measurement that the reasoner did not have shows it in trouble."""
    name = said.entity.strip()
    if not name or not any(_shows_trouble(papers, key, name) for claim in said.claims for key in claim.evidence):
        return None
    known = next((one.entity for one in judgement.hypotheses if one.entity.name == name), None)
    return findings.RootCause(
        entity=known or entities.Entity(entities.EntityKind.SERVICE, name),
        fault=conclusion.known_fault(said.fault),
        onset_s=judgement.hypotheses[0].onset_s if judgement.hypotheses else None,
        confidence=OVERRULING,
        evidence=tuple(dict.fromkeys(key for claim in said.claims for key in claim.evidence)),
        because=tuple(claim.sentence for claim in said.claims),
    )


def _shows_trouble(papers: dossier.Dossier, key: str, name: str) -> bool:
    item = papers.get(key)
    named = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    return item is not None and item.fresh and any(named.search(line) for line in item.telling)


def _with_cited(
    cited: tuple[answers.Evidence, ...], opinion: findings.Opinion, ledgers: Sequence[ledger.Ledger]
) -> tuple[answers.Evidence, ...]:
    known = {item.id for item in cited}
    wanted = dict.fromkeys(key for one in opinion.sentences for key in one.evidence if key not in known)
    return (*cited, *(book.get(key) for key in wanted for book in ledgers if key in book))
