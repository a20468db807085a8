"""The questions that a model may ask: those that people can ask, each typed, read-only and bounded; one file each.

A question's arguments are a pydantic model, whose JSON schema is what the model sees. There is no shell, no URL and nothing that writes.
"""

from rootward.investigator.opinion.questions import logs, metric, metrics, objects, read, traces
from rootward.investigator.opinion.questions.question import Asked, Desk, Question

EVERY: tuple[Question, ...] = (
    metrics.QUESTION,
    metric.QUESTION,
    logs.QUESTION,
    traces.QUESTION,
    objects.QUESTION,
    read.QUESTION,
)

__all__ = ["EVERY", "Asked", "Desk", "Question"]
