"""Log lines of one service that hold a text."""

from typing import Literal

from rootward.investigator.opinion import digests
from rootward.investigator.opinion.questions import question
from rootward.investigator.probing import logs
from rootward.signals import protocols


class Arguments(question.Strict):
    service: str
    """Whose lines."""
    contains: str = ""
    """Only lines with this text (any case)."""
    when: Literal["before", "during"] = "during"
    """Before the trouble, or during it."""


async def _ask(desk: question.Desk, asked: Arguments) -> question.Asked:
    if not desk.sources.logs:
        return question.Asked("no source of logs is connected", failed=True)
    label = _label(desk, asked.service) if desk.subject.logs else await _stream_label(desk, asked.service)
    if not label:
        known = sorted({part.entity.name for part in desk.subject.logs})[:40]
        return question.Asked(f"no log stream of {asked.service!r} was seen; streams: {', '.join(known)}", failed=True)
    matchers = (protocols.Matcher(*label),)
    query = protocols.LogQuery(matchers, contains=(asked.contains,) if asked.contains else ())
    answer = await desk.sources.logs[0].lines(query, desk.window(asked.when), desk.chosen.limits)

    def lines(batch: object) -> digests.Lines:
        found = digests.of_logs([("", asked.service, batch)], desk.subject.focus)  # type: ignore[list-item]
        return found.get("", digests.Lines([], []))

    told = f"log lines of {asked.service} {asked.when} the trouble" + (
        f" with {asked.contains!r}" if asked.contains else ""
    )
    return desk.keep(told, answer, lines)


def _label(desk: question.Desk, service: str) -> tuple[str, protocols.MatchOperator, str] | None:
    """The label that picks the service's streams, as its lines carry it."""
    for part in desk.subject.logs:
        if part.entity.name != service or not len(part.lines):
            continue
        stream = part.lines.streams[part.lines.stream[0]]
        for label in (*logs.SERVICE_LABELS, "pod"):
            if stream.get(label):
                return label, "=", stream[label]
    return None


async def _stream_label(desk: question.Desk, service: str) -> tuple[str, protocols.MatchOperator, str] | None:
    """The same where no lines were read before: as the source lists its streams."""
    streams = await desk.sources.logs[0].streams(desk.whole, desk.chosen.limits)
    mine = (stream for stream in streams.value or () if logs.entity_of(stream).name == service)
    stream = next(mine, {})
    return next(((label, "=", stream[label]) for label in (*logs.SERVICE_LABELS, "pod") if stream.get(label)), None)


QUESTION = question.Question("logs", "Read log lines of one service, before or during the trouble.", Arguments, _ask)
