"""Does it blame the change that did it, and none where none did?"""

from rootward.evals import records, reply

MEASURE = records.Measure("change", "blames the change that did it, or none")


def score(graded: reply.Graded) -> float | None:
    """1 when the blamed change is the true one, or none where the truth has none; where a change or a decoy exists and it spoke."""
    true = {cause.change for cause in graded.truth.causes if cause.change}
    if not graded.caused or not graded.spoke or graded.first is None or not (true or graded.truth.decoys):
        return None
    return float(graded.first.change in true if true else graded.first.change == "")
