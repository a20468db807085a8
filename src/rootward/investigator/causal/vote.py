"""How several kinds of evidence become one ranking: each family votes with shares, weighted by how sure it is.

A family (metrics of latency, resources, spans, logs …) spreads its vote over suspects by surplus beyond its own null, and says
how much it trusts itself: a family that sees nothing unusual gives everyone the same. Votes are pooled as products of
experts (logarithmic opinion pool, Genest and Zidek 1986), each mixed with the uniform so that no family can veto.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from rootward.investigator.causal import case as cases
from rootward.signals import entities

NOTABLE_Z = 3.0  # less is noise, however quiet the rest is
ABOVE_NULL = 1.5  # times the null's peak: where half counts
STEEPNESS = 4.0
SUSPECTS_SPREAD = 20  # the most that "one out of many" may say, whatever the size of the system


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Vote:
    """`surplus` per suspect, not negative, in units of the family; `trust` in [0, 1): the chance that its favourite is the culprit
    if it is sure at all. `clues` say it to people."""

    family: str
    surplus: Mapping[entities.Entity, float]
    trust: float
    clues: Sequence[cases.Clue] = ()
    sharpness: float = 2.0

    def shares(self) -> dict[entities.Entity, float]:
        """Parts of one. Surplus is no probability: twice the surplus makes a suspect more than twice as likely (`sharpness`)."""
        raised = {entity: value**self.sharpness for entity, value in self.surplus.items() if value > 0}
        total = sum(raised.values())
        return {entity: value / total for entity, value in raised.items()} if total > 0 else {}


def significance(z: float, null_peak: float, *, above: float = ABOVE_NULL) -> float:
    """0..1: how far `z` stands out from what the largest of its family reaches in quiet time; half at `above` times that."""
    threshold = max(NOTABLE_Z, above * null_peak)
    return float(1.0 / (1.0 + (threshold / max(z, 1e-6)) ** STEEPNESS))


def pool(votes: Iterable[Vote], suspects: Sequence[entities.Entity]) -> dict[entities.Entity, float]:
    """Log of how many times more likely than a random suspect each is, all families together."""
    scores = dict.fromkeys(suspects, 0.0)
    spread = max(min(len(suspects), SUSPECTS_SPREAD), 2)
    for vote in votes:
        shares = vote.shares()
        if not shares or vote.trust <= 0:
            continue
        for entity in scores:
            scores[entity] += math.log(1.0 - vote.trust + vote.trust * spread * shares.get(entity, 0.0))
    return scores
