"""From scores to probabilities: over (entity, kind of fault), and over three ways of not having an answer.

The softmax of pooled evidence, with the nulls in the same sum: nothing is wrong; something is wrong, and its cause is not
among what we see; too little evidence to tell.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

from rootward.investigator.causal import case as cases
from rootward.signals import entities

TEMPERATURE = 1.0
HYPOTHESES_MAX = 12
CLUE_CAP = 6.0  # nats: all clues of one family together
UNKNOWN = "unknown"
VOTED = frozenset({"work", "way", "logs"})  # families whose kinds come with the vote that already counts
KIND_NATS = 1.5  # how far a named kind is preferred to an unknown one at the same place


Lean = Callable[[entities.Entity, str], float]
"""Nats towards an entity and a kind of fault, from outside the evidence: what people said beforehand."""


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
        found.extend(_of_entity(entity, score, by_entity.get(entity, [])))
    return sorted(found, key=lambda r: (-r.logit, r.entity, r.fault))


def _of_entity(entity: entities.Entity, score: float, own: Sequence[cases.Clue]) -> list[Ranked]:
    """One row per kind of fault. What voted already (spans, logs) divides the entity's mass among kinds; detectors add to it."""
    general = [clue for clue in own if not clue.fault]
    faults = sorted({clue.fault for clue in own if clue.fault})
    speaking = {fault: [clue for clue in own if clue.fault == fault] for fault in faults}
    told = {fault: _capped([c for c in speaking[fault] if c.family not in VOTED]) for fault in faults}
    kinds = {fault: KIND_NATS + told[fault] for fault in faults if told[fault] > 0 or _voted(speaking[fault])}
    divided = math.log(1.0 + sum(math.exp(value) for value in kinds.values()))
    found = []
    for fault in faults:
        # A detector's own nats come on top; a voting family only says which kind it is.
        within = kinds[fault] - divided if fault in kinds else -KIND_NATS
        beside = [clue for clue in own if clue.change and clue.fault != fault]
        shown = tuple(_strongest([*speaking[fault], *general, *beside]))
        found.append(Ranked(entity, fault, score + max(told.values(), default=0.0) + within, shown))
    # What is told of one kind is not told of an unknown one: it keeps what the entity had without.
    found.append(Ranked(entity, UNKNOWN, score - (divided if kinds else 0.0), tuple(_strongest(general))))
    return found


def _voted(clues: Sequence[cases.Clue]) -> bool:
    return any(clue.family in VOTED and clue.weight > 0 for clue in clues)


def leaned(ranked: Sequence[Ranked], lean: Lean) -> list[Ranked]:
    """`ranked` with each hypothesis moved by what `lean` says of it, best first; the weight of all together stays as it was.

    Only those that some cited evidence speaks for are moved up, so that a lean alone never makes a suspect.
    """
    moves = [lean(one.entity, one.fault) for one in ranked]
    moves = [move if move < 0 or _evident(one) else 0.0 for one, move in zip(ranked, moves, strict=True)]
    if not any(moves):
        return list(ranked)
    before = _total([one.logit for one in ranked])
    excess = _total([one.logit + move for one, move in zip(ranked, moves, strict=True)]) - before
    moved = [dataclasses.replace(one, logit=one.logit + move - excess) for one, move in zip(ranked, moves, strict=True)]
    return sorted(moved, key=lambda r: (-r.logit, r.entity, r.fault))


def _evident(ranked: Ranked) -> bool:
    return any(clue.weight > 0 and any(clue.evidence) for clue in ranked.clues)


def _total(logits: Sequence[float]) -> float:
    """The logarithm of the sum of the weights."""
    top = max(logits)
    return top + math.log(sum(math.exp(value - top) for value in logits))


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
