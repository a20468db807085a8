"""Traces that touch one service."""

from typing import Literal

from rootward.investigator.opinion import digests
from rootward.investigator.opinion.questions import question
from rootward.signals import protocols

TRACES = 60


class Arguments(question.Strict):
    service: str
    """A service that the traces pass through."""
    errors_only: bool = False
    """Only traces with an error."""
    when: Literal["before", "during"] = "during"
    """Before the trouble, or during it."""


async def _ask(desk: question.Desk, asked: Arguments) -> question.Asked:
    if not desk.sources.traces:
        return question.Asked("no source of traces is connected", failed=True)
    query = protocols.TraceQuery(asked.service, errors_only=asked.errors_only, traces=TRACES)
    answer = await desk.sources.traces[0].search(query, desk.window(asked.when), desk.chosen.limits)
    told = f"traces through {asked.service} {asked.when} the trouble{', with errors' if asked.errors_only else ''}"
    return desk.keep(
        told, answer, lambda batch: digests.of_spans([("", batch)], desk.subject.focus).get("", digests.Lines([], []))
    )


QUESTION = question.Question(
    "traces", "Durations and errors per service in traces through one service.", Arguments, _ask
)
