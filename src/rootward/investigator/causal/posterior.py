"""From scores to probabilities: over (entity, kind of fault), and over three ways of not having an answer.

The softmax of pooled evidence, with the nulls in the same sum: nothing is wrong; something is wrong, and its cause is not
among what we see; too little evidence to tell. Temperature below one because detectors share blind spots (they agree more
often than independent witnesses would).
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from rootward.investigator.causal import case as cases
from rootward.signals import entities

TEMPERATURE = 0.7
HYPOTHESES_MAX = 12
CLUE_CAP = 6.0  # nats: all clues of one family together
UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Nulls:
    """Logits of the three ways of not knowing, on the scale of the entities' scores."""

    outside: float
    no_fault: float
    not_enough: float


@dataclasses.dataclass(frozen=True, slots=True)
class Ranked:
    entity: entities.Entity
    fault: str
    logit: float
    clues: tuple[cases.Clue, ...]


def rank(scores: Mapping[entities.Entity, float], clues: Sequence[cases.Clue]) -> list[Ranked]:
    """Every (entity, fault) that some clue names, and every entity with its kind unknown; best first."""
    by_entity: dict[entities.Entity, list[cases.Clue]] = {}
    for clue in clues:
        by_entity.setdefault(clue.entity, []).append(clue)
    found: list[Ranked] = []
    for entity, score in scores.items():
        own = by_entity.get(entity, [])
        general = [clue for clue in own if not clue.fault]
        faults = sorted({clue.fault for clue in own if clue.fault})
        for fault in faults:
            speaking = [clue for clue in own if clue.fault == fault]
            weight = _capped(speaking)
            found.append(Ranked(entity, fault, score + weight, tuple(_strongest([*speaking, *general]))))
        found.append(Ranked(entity, UNKNOWN, score, tuple(_strongest(general))))
    return sorted(found, key=lambda r: (-r.logit, r.entity, r.fault))


def probabilities(ranked: Sequence[Ranked], nulls: Nulls) -> tuple[list[float], tuple[float, float, float]]:
    """Softmax over all hypotheses and the three nulls (outside, no fault, not enough)."""
    logits = [TEMPERATURE * r.logit for r in ranked]
    ends = [TEMPERATURE * value for value in (nulls.outside, nulls.no_fault, nulls.not_enough)]
    top = max([*logits, *ends])
    weights = [math.exp(value - top) for value in logits]
    tail = [math.exp(value - top) for value in ends]
    total = sum(weights) + sum(tail)
    return [value / total for value in weights], (tail[0] / total, tail[1] / total, tail[2] / total)


def interval(probability: float, families: int) -> tuple[float, float]:
    """A 90% interval that narrows with the number of independent families that spoke (Wilson score, one trial more per family)."""
    trials = 2.0 + 3.0 * families
    z = 1.645
    center = (probability + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z / (1 + z * z / trials) * math.sqrt(probability * (1 - probability) / trials + z * z / (4 * trials * trials))
    )
    return max(0.0, min(center - half, probability)), min(1.0, max(center + half, probability))


def _capped(clues: Sequence[cases.Clue]) -> float:
    """Sum of weights, each family at most `CLUE_CAP`, within a family the strongest plus a quarter of the others."""
    families: dict[str, list[float]] = {}
    for clue in clues:
        families.setdefault(clue.family, []).append(clue.weight)
    total = 0.0
    for weights in families.values():
        ordered = sorted(weights, key=abs, reverse=True)
        total += max(-CLUE_CAP, min(CLUE_CAP, ordered[0] + 0.25 * sum(ordered[1:])))
    return total


def _strongest(clues: Sequence[cases.Clue]) -> list[cases.Clue]:
    return sorted(clues, key=lambda clue: (-clue.weight, clue.sentence))
