"""How far from the true beginning does it put the trouble's?"""

from rootward.evals import records, reply

MEASURE = records.Measure("onset_error", "onset is off by", kind="amount", better="lower", unit="s")


def score(graded: reply.Graded) -> float | None:
    """Seconds between the first claim's onset and the true one; where it names the culprit and both are known."""
    if graded.first is None or graded.first.onset_s is None or not graded.caused:
        return None
    cause = graded.hits(graded.first)
    if cause is None or cause.onset_s is None:
        return None
    return round(abs(graded.first.onset_s - cause.onset_s), 3)
