"""Does it keep quiet where the evidence is missing, so that a name would be luck?"""

from rootward.evals import records, reply

MEASURE = records.Measure("abstains_missing", "quiet where the evidence is missing")


def score(graded: reply.Graded) -> float | None:
    """1 when it named no cause; scenarios whose truth is "quiet" only."""
    return float(not graded.spoke) if graded.truth.status == "quiet" else None
