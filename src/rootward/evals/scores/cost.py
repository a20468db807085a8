"""What did the answer cost?"""

from rootward.evals import records, reply

MEASURE = records.Measure("cost", "costs", kind="amount", better="lower", unit="$")


def score(graded: reply.Graded) -> float | None:
    """US dollars, where the subject uses a model and tells."""
    return None if graded.reply.cost is None else float(graded.reply.cost)
