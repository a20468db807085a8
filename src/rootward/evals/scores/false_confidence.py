"""How often does it tell people a cause that is not one? This costs their trust, and their night."""

from rootward.evals import records, reply

MEASURE = records.Measure("false_confidence", "tells people a wrong cause", better="lower", gate=True)


def score(graded: reply.Graded) -> float | None:
    """1 when it spoke and its first claim names no true cause, by entity; all scenarios."""
    return float(graded.spoke and (graded.first is None or graded.hits(graded.first) is None))
