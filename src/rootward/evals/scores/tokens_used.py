"""How many tokens did it use?"""

from rootward.evals import records, reply

MEASURE = records.Measure("tokens", "tokens used", kind="amount", better="lower", unit="tokens")


def score(graded: reply.Graded) -> float | None:
    """The number, where the subject uses a model and tells."""
    return None if graded.reply.tokens is None else float(graded.reply.tokens)
