"""Did it name the true causes, all of them and nothing else?"""

from rootward.evals import records, reply

MEASURE = records.Measure("exact_set", "names exactly the true causes")


def score(graded: reply.Graded) -> float | None:
    """1 when every true cause is claimed and every claim is a true cause, by entity; scenarios with a cause only."""
    if not graded.caused:
        return None
    hit = [graded.hits(claim) for claim in graded.claimed]
    return float(bool(hit) and None not in hit and all(cause in hit for cause in graded.truth.causes))
