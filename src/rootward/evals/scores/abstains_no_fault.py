"""Does it keep quiet where nothing is wrong?"""

from rootward.evals import records, reply

MEASURE = records.Measure("abstains_no_fault", "quiet where nothing is wrong")


def score(graded: reply.Graded) -> float | None:
    """1 when it named no cause; scenarios whose truth is "no_fault" only."""
    return float(not graded.spoke) if graded.truth.status == "no_fault" else None
