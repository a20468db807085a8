"""How many questions did it ask of the back ends?"""

from rootward.evals import records, reply

MEASURE = records.Measure("probes", "questions asked", kind="amount", better="lower", unit="questions")


def score(graded: reply.Graded) -> float | None:
    """The number, where the subject tells it."""
    return None if graded.reply.probes is None else float(graded.reply.probes)
