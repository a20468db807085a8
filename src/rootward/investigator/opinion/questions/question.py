"""What a question is: a name, arguments, and how the answer becomes evidence."""

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pydantic

from rootward.investigator import options
from rootward.investigator.causal import case
from rootward.investigator.opinion import digests, dossier
from rootward.investigator.probing import notebook
from rootward.signals import answers, protocols, windows

Arguments = pydantic.BaseModel


class Strict(pydantic.BaseModel):
    """Arguments: unknown ones are an error, since a question half understood is another question."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What a model reads of an answer, and the id that cites it ("" when nothing can be cited)."""

    text: str
    evidence: str = ""
    failed: bool = False


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """What questions are asked with: the case as gathered, the sources, and where answers are kept."""

    subject: case.Case
    sources: protocols.Sources
    chosen: options.Options
    notes: notebook.Notebook
    papers: dossier.Dossier

    @property
    def whole(self) -> windows.Window:
        """From the baseline's start to the end of the trouble, where they adjoin; else the trouble alone."""
        before, during = self.subject.baseline, self.subject.focus
        near = during.start_s - before.end_s < before.length_s
        return windows.Window(before.start_s, during.end_s) if near else during

    def window(self, when: str) -> windows.Window:
        """`before`, `during` or `both`."""
        return {"before": self.subject.baseline, "during": self.subject.focus}.get(when, self.whole)

    def keep(self, question: str, answer: answers.Answer[Any], lines: Callable[[Any], digests.Lines]) -> Asked:
        """The answer as evidence, told in short; one that is none is told as what it is."""
        key = self.notes.note(question, answer)
        if answer.value is None:
            said = answer.error or "asked and answered: there is nothing"
            self.papers.add(
                key, f"{answer.source}, {answer.outcome}: {question}", digests.Lines([said], []), fresh=True
            )
            return Asked(f"{key} ({answer.outcome}): {said}", key, failed=not answer.answered)
        item = self.papers.add(key, f"{answer.source}: {question}", lines(answer.value), fresh=True)
        return Asked("\n".join([f"{key} ({answer.outcome}):", *item.short]), key)


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """`ask` gets checked arguments; it never raises for what a back end does."""

    name: str
    description: str
    arguments: type[Strict]
    ask: Callable[[Desk, Any], Awaitable[Asked]]
