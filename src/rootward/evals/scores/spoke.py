"""Does it speak where there is something to say?"""

from rootward.evals import records, reply

MEASURE = records.Measure("spoke", "speaks where there is a cause")


def score(graded: reply.Graded) -> float | None:
    """1 when it told people a cause, right or wrong; scenarios with a cause only."""
    return float(graded.spoke) if graded.caused else None
