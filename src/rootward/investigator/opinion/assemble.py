"""From what the probes brought home to a dossier, under the evidence ids that the finding cites."""

import collections
from collections.abc import Sequence
from typing import TypeVar

from rootward.investigator import ledger
from rootward.investigator.causal import case
from rootward.investigator.opinion import digests, dossier

T = TypeVar("T")


def assemble(subject: case.Case, book: ledger.Ledger) -> dossier.Dossier:
    """Everything of the case that has an evidence id, in the ledger's order."""
    found = _signals(subject) | _logs(subject) | _around(subject)
    made = dossier.Dossier()
    for evidence in book.items():
        asked = " ".join(evidence.query.split())[:160]
        nothing = digests.Lines([evidence.error or evidence.summary or str(evidence.outcome)], [])
        made.add(evidence.id, f"{evidence.source}, {evidence.outcome}: {asked}", found.get(evidence.id, nothing))
    return made


def _signals(subject: case.Case) -> dict[str, digests.Lines]:
    grouped: dict[str, list[case.Signal]] = collections.defaultdict(list)
    for one in subject.signals:
        grouped[one.evidence].append(one)
    return {key: digests.of_signals(lines, subject.baseline, subject.focus) for key, lines in grouped.items()}


def _logs(subject: case.Case) -> dict[str, digests.Lines]:
    return digests.of_logs([(one.evidence, one.entity.name, one.lines) for one in subject.logs], subject.focus)


def _around(subject: case.Case) -> dict[str, digests.Lines]:
    found = digests.of_spans([(part.evidence, part.spans) for part in subject.spans], subject.focus)
    for kind, objects in subject.objects.items():
        if key := subject.objects_evidence.get(kind):
            found[key] = digests.of_objects(objects)
    found |= {key: digests.of_changes(listed) for key, listed in _by_evidence(subject.changes).items()}
    found |= {key: digests.of_messages(listed) for key, listed in _by_evidence(subject.messages).items()}
    found |= {key: digests.of_events(listed) for key, listed in _by_evidence(subject.events).items()}
    return found


def _by_evidence(pairs: Sequence[tuple[T, str]]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = collections.defaultdict(list)
    for one, key in pairs:
        grouped[key].append(one)
    return grouped
