"""What the probes of one investigation write into: evidence in the ledger, gaps for what could not be asked."""

import dataclasses

from rootward.investigator import ledger
from rootward.investigator.causal import case
from rootward.signals import answers


@dataclasses.dataclass(slots=True)
class Notebook:
    """Mutable and private to one investigation."""

    ledger: ledger.Ledger
    gaps: list[case.Gap] = dataclasses.field(default_factory=list)
    _noted: dict[int, tuple[str, answers.Answer[object]]] = dataclasses.field(default_factory=dict)

    def note(self, question: str, answer: answers.Answer[object], summary: str = "") -> str:
        """Keep the answer, remember a gap when it is none, and return the evidence id.

        One answer may serve several questions (a total is a term of every ratio): it is kept once.
        """
        if id(answer) in self._noted:
            return self._noted[id(answer)][0]
        key = self.ledger.add(answer, summary)
        self._noted[id(answer)] = (key, answer)  # holding the answer keeps its id from being given to another
        if not answer.answered:
            self.gaps.append(case.Gap(question, answer.source, str(answer.outcome), key))
        elif answer.outcome is answers.Outcome.TRUNCATED:
            self.gaps.append(case.Gap(question, answer.source, "truncated", key))
        return key

    def unanswered(self, question: str, source: str, reason: str) -> None:
        """A question that got no answer at all (the deadline passed, or no source of its kind is connected)."""
        self.gaps.append(case.Gap(question, source, reason))
