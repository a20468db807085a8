"""Is a true cause anywhere among what it listed, claimed or not?"""

from rootward.evals import records, reply

MEASURE = records.Measure("any_hit", "a true cause is among the first five listed")
LISTED_MAX = 5


def score(graded: reply.Graded) -> float | None:
    """1 when one of the first five listed causes is true, by entity; scenarios with a cause only."""
    if not graded.caused:
        return None
    return float(any(graded.hits(claim) is not None for claim in graded.reply.claims[:LISTED_MAX]))
