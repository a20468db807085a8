"""Does it tell what kind of fault it is, wherever it sees it?"""

from rootward.evals import records, reply

MEASURE = records.Measure("kind", "tells the kind of fault")


def score(graded: reply.Graded) -> float | None:
    """1 when the first listed kind is a true one; scenarios whose truth knows the kind only."""
    kinds = {cause.fault for cause in graded.truth.causes if cause.fault}
    if not graded.caused or not kinds:
        return None
    return float(graded.first is not None and graded.first.fault in kinds)
