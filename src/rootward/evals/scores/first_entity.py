"""Is the first thing that it lists the culprit, whatever kind of fault it sees there?"""

from rootward.evals import records, reply

MEASURE = records.Measure("entity_first", "lists the culprit first", gate=True)


def score(graded: reply.Graded) -> float | None:
    """1 when the first listed entity is a true cause, spoken aloud or not; scenarios with a cause only."""
    if not graded.caused:
        return None
    return float(graded.first is not None and graded.hits(graded.first) is not None)
