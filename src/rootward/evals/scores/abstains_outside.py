"""Does it keep quiet where the cause cannot be seen from here?"""

from rootward.evals import records, reply

MEASURE = records.Measure("abstains_outside", "quiet where no connected source shows the cause")


def score(graded: reply.Graded) -> float | None:
    """1 when it named no cause; scenarios whose truth is "outside" only."""
    return float(not graded.spoke) if graded.truth.status == "outside" else None
