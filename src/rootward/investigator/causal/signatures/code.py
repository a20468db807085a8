"""Code: a service that throws where it did not, or silently takes another way.

The weakest of signatures, because almost every fault makes somebody log errors: it names the kind when nothing else does.
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import novelty, picture

FAMILY = "logs"
THROWN, LOST = 1.2, 1.0


def clues(seen: picture.Picture) -> list[cases.Clue]:
    """code_exception where a new error line appears, code_return where lines only vanish."""
    found = []
    for lines, compared in novelty.compared(seen):
        thrown = [c for c in compared.changes if c.serious and c.z > novelty.SIGNIFICANT]
        lost = [c for c in compared.changes if c.z < -novelty.SIGNIFICANT]
        if not (thrown or lost):
            continue
        change = (thrown or lost)[0]
        found.append(
            cases.Clue(
                lines.entity,
                "code_exception" if thrown else "code_return",
                THROWN if thrown else LOST,
                f"{lines.entity.name} {change.sentence}",
                lines.evidence,
                FAMILY,
            )
        )
    return found
