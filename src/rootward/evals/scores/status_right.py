"""Where there is no cause to name: does it also say why there is none?"""

from rootward.evals import records, reply

MEASURE = records.Measure("status", "says why it names none")


def score(graded: reply.Graded) -> float | None:
    """1 when the status is the true one (no_fault, outside, quiet); scenarios without a cause to name only."""
    return None if graded.caused else float(graded.reply.status == graded.truth.status)
