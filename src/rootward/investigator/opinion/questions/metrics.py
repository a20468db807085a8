"""Which metrics exist: small models cannot guess names, and should not."""

from rootward.investigator.opinion import digests
from rootward.investigator.opinion.questions import question

SHOWN = 40


class Arguments(question.Strict):
    contains: str
    """Part of the metric's name, such as "memory" or "http_request"."""


async def _ask(desk: question.Desk, asked: Arguments) -> question.Asked:
    if not desk.sources.metrics:
        return question.Asked("no source of metrics is connected", failed=True)
    answer = await desk.sources.metrics[0].catalogue(desk.subject.focus, desk.chosen.limits)
    wanted = asked.contains.lower()

    def lines(listed: object) -> digests.Lines:
        assert isinstance(listed, list | tuple)
        found = [
            f"{one.name} ({one.kind}{', ' + one.unit if one.unit else ''}) labels: {', '.join(sorted(one.labels)[:8])}"
            for one in listed
            if wanted in one.name.lower()
        ]
        return digests.Lines(found or [f"no metric's name holds {asked.contains!r}"], found[:SHOWN])

    return desk.keep(f"metrics whose name holds {asked.contains!r}", answer, lines)


QUESTION = question.Question(
    "find_metrics", "List the metrics whose name contains a word, with their labels.", Arguments, _ask
)
