"""One metric over time, before and during the trouble."""

from typing import Literal

import pydantic

from rootward.investigator.opinion import digests
from rootward.investigator.opinion.questions import question
from rootward.signals import protocols

STEPS = 120
STEP_S_MIN = 15.0


class Arguments(question.Strict):
    metric: str
    """Exact name of the metric."""
    labels: dict[str, str] = pydantic.Field(default_factory=dict)
    """Only series with these label values."""
    by: list[str] = pydantic.Field(default_factory=list)
    """Labels to keep apart when adding up; empty keeps every series."""
    function: Literal["value", "rate", "increase"] = "value"
    """"rate" (per second) for counters, "value" for gauges."""


async def _ask(desk: question.Desk, asked: Arguments) -> question.Asked:
    if not desk.sources.metrics:
        return question.Asked("no source of metrics is connected", failed=True)
    window = desk.whole
    step_s = max(window.length_s / STEPS, STEP_S_MIN)
    query = protocols.MetricQuery(
        metric=asked.metric,
        matchers=tuple(protocols.Matcher(label, "=", value) for label, value in sorted(asked.labels.items())),
        function=asked.function,
        over_s=max(4 * step_s, 120.0),
        aggregate="sum" if asked.by else None,
        by=tuple(asked.by),
    )
    answer = await desk.sources.metrics[0].query(query, window, step_s, desk.chosen.limits)
    told = f"{asked.function} of {asked.metric} {asked.labels or ''} by {asked.by or 'series'}"
    return desk.keep(told, answer, lambda found: digests.of_series(found, desk.subject.baseline, desk.subject.focus))


QUESTION = question.Question(
    "metric", "Ask one metric over time: its level before and during the trouble.", Arguments, _ask
)
