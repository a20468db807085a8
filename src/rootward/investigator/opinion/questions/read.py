"""Reading on in evidence that is there already: the whole of what stood in short."""

from typing import Annotated

import pydantic

from rootward.investigator.opinion.questions import question

LINES = 40


class Arguments(question.Strict):
    evidence: str
    """Id of the evidence."""
    contains: str = ""
    """Only lines with this text (any case)."""
    offset: Annotated[int, pydantic.Field(ge=0, le=1_000_000)] = 0
    """Lines to pass over."""


async def _ask(desk: question.Desk, asked: Arguments) -> question.Asked:
    if asked.evidence not in desk.papers:
        return question.Asked(f"there is no evidence {asked.evidence!r}", failed=True)
    lines = desk.papers.read(asked.evidence, contains=asked.contains, offset=asked.offset, lines=LINES)
    return question.Asked("\n".join([f"{asked.evidence}:", *(lines or ["(no such lines)"])]), asked.evidence)


QUESTION = question.Question("read", "Read more lines of evidence that you were shown in short.", Arguments, _ask)
