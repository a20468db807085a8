"""The reasoner's front door: a case in, a judgement out. Pure, deterministic, without I/O.

Draw the picture (fold names, find the onset, measure shifts, build the graph), let every family vote and every detector
leave its clues, pool them, and say what was ruled out and why.
"""

import dataclasses
from collections.abc import Sequence

from rootward.investigator.causal import calls, changes, inherit, metrics, novelty, picture, posterior, vote
from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import inspect
from rootward.investigator.causal.signatures import consequences
from rootward.investigator.causal.signatures import inspect as signatures

REFUSED = frozenset({"failed", "not_permitted", "timeout"})
REFUSED_NATS, REFUSED_MAX = 1.5, 4.5  # for each kind of evidence that exists and could not be had
OUTSIDE = 0.5
OUTDOORS_NATS = 5.0  # trouble at the door and none inside


def judge(case: cases.Case, lean: posterior.Lean | None = None) -> cases.Judgement:
    """Never raises for what the case holds: with nothing to go by, "not enough evidence" takes all.

    `lean` moves chances between hypotheses (see `posterior.leaned`); without it only the evidence speaks.
    """
    seen = picture.draw(case)
    votes = [*metrics.votes(seen), *calls.votes(seen), *novelty.votes(seen)]
    outdoors = _outdoors(seen, votes)
    votes = [_indoors(seen, one) for one in votes]
    spoken = [clue for one in votes for clue in one.clues]
    detected = consequences.explain(
        seen, [_folded(seen, clue) for clue in (*_detected(seen), *(clue for clue in spoken if clue.fault))]
    )
    clues = [*(clue for clue in spoken if not clue.fault), *detected]
    suspects = sorted({*seen.suspects, *(clue.entity for clue in detected)} - seen.doors)
    scores = vote.pool(votes, suspects)
    scores = inherit.scores(seen, scores, detected)
    ranked = posterior.rank(scores, clues)
    if lean is not None:
        ranked = posterior.leaned(ranked, lean)
    nulls = _nulls(seen, votes, clues, outdoors)
    chances, (outside, no_fault, not_enough) = posterior.probabilities(ranked, nulls)
    leading = list(zip(ranked, chances, strict=True))[: posterior.HYPOTHESES_MAX]
    refuted = [*inspect.refutations(case), *changes.refutations(case, seen.onset_s)]
    return cases.Judgement(
        tuple(_hypothesis(seen, one, chance) for one, chance in leading),
        outside,
        no_fault,
        not_enough,
        tuple(refuted),
    )


def _detected(seen: picture.Picture) -> list[cases.Clue]:
    """Clues that name a kind of fault: invariants of the cluster, changes, signatures."""
    return [*signatures.clues(seen), *inspect.clues(seen.case), *changes.clues(seen.case, seen.onset_s)]


def _folded(seen: picture.Picture, clue: cases.Clue) -> cases.Clue:
    victims = tuple(dict.fromkeys(seen.homes.of(victim) for victim in clue.victims))
    return dataclasses.replace(clue, entity=seen.homes.of(clue.entity), victims=victims)


def _hypothesis(seen: picture.Picture, ranked: posterior.Ranked, chance: float) -> cases.Hypothesis:
    low, high = posterior.interval(chance, len({clue.family for clue in ranked.clues}))
    onsets = [clue.onset_s for clue in ranked.clues if clue.onset_s is not None and clue.weight > 0]
    alerted = seen.alerted
    blamed = _change_behind(ranked)
    return cases.Hypothesis(
        ranked.entity,
        ranked.fault,
        chance,
        low,
        high,
        min(onsets) if onsets else seen.onset_s,
        ranked.clues,
        seen.graph.path(ranked.entity, alerted) if alerted is not None else (ranked.entity,),
        blamed,
    )


def _change_behind(ranked: posterior.Ranked) -> str:
    """The change that the hypothesis rests on: one that its own clues blame, of whatever kind, when it came before the trouble."""
    own = [clue for clue in ranked.clues if clue.change and clue.weight > 0]
    same = [clue for clue in own if clue.fault == ranked.fault]
    best = max(same or own, key=lambda clue: clue.weight, default=None)
    return best.change if best is not None else ""


def _nulls(
    seen: picture.Picture, votes: Sequence[vote.Vote], clues: Sequence[cases.Clue], outdoors: float
) -> posterior.Nulls:
    """Silence has to be beaten: the less any family is sure of, the more likely there is nothing to find."""
    surest = max((one.trust for one in votes), default=0.0)
    strongest = max((clue.weight for clue in clues if clue.fault), default=0.0)
    measured = len(seen.shifts)
    no_fault = 3.0 * (1.0 - surest) - strongest / 2
    not_enough = 1.0 if measured >= len(seen.suspects) else 2.5
    if not measured and not seen.case.logs and not seen.case.spans and not seen.case.objects:
        not_enough = 12.0
    refused = {gap.question.split()[0] for gap in seen.case.gaps if gap.reason in REFUSED}
    not_enough += min(REFUSED_NATS * len(refused), REFUSED_MAX)
    outside = OUTSIDE + (OUTDOORS_NATS * outdoors if surest < outdoors else 0.0)
    return posterior.Nulls(outside=outside, no_fault=no_fault, not_enough=not_enough)


def _outdoors(seen: picture.Picture, votes: Sequence[vote.Vote]) -> float:
    """0..1: how surely trouble is felt at our own doors, looked at from outside."""
    return max(
        (one.trust * share for one in votes for door, share in one.shares().items() if door in seen.doors), default=0.0
    )


def _indoors(seen: picture.Picture, one: vote.Vote) -> vote.Vote:
    """The vote without doors: whoever looks at a door sees the trouble, and is never its cause."""
    inside = {entity: value for entity, value in one.surplus.items() if entity not in seen.doors}
    if len(inside) == len(one.surplus):
        return one
    kept = sum(share for entity, share in one.shares().items() if entity not in seen.doors)
    return dataclasses.replace(one, surplus=inside, trust=one.trust * kept)
