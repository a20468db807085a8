"""The headline: is what it did with this alert right, whether by naming the cause or by keeping quiet?"""

from rootward.evals import records, reply

MEASURE = records.Measure("right", "right answer", gate=True)


def score(graded: reply.Graded) -> float | None:
    """1 when the first claim is the cause and its kind; where there is no cause to name, 1 when it named none."""
    return float(graded.right if graded.caused else not graded.spoke)
