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


def judge(case: cases.Case) -> cases.Judgement:
    """Never raises for what the case holds: with nothing to go by, "not enough evidence" takes all."""
    seen = picture.draw(case)
    votes = [*metrics.votes(seen), *calls.votes(seen), *novelty.votes(seen)]
    detected = consequences.explain(seen, [_folded(seen, clue) for clue in _detected(seen)])
    clues = [*(clue for one in votes for clue in one.clues), *detected]
    suspects = sorted({*seen.suspects, *(clue.entity for clue in detected)})
    scores = vote.pool(votes, suspects)
    scores = inherit.scores(seen, scores, detected)
    ranked = posterior.rank(scores, clues)
    nulls = _nulls(seen, votes, clues)
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
    return dataclasses.replace(clue, entity=seen.homes.of(clue.entity))


def _hypothesis(seen: picture.Picture, ranked: posterior.Ranked, chance: float) -> cases.Hypothesis:
    low, high = posterior.interval(chance, len({clue.family for clue in ranked.clues}))
    onsets = [clue.onset_s for clue in ranked.clues if clue.onset_s is not None and clue.weight > 0]
    alerted = seen.alerted
    blamed = [clue for clue in ranked.clues if clue.change and clue.fault == ranked.fault and clue.weight > 0]
    return cases.Hypothesis(
        ranked.entity,
        ranked.fault,
        chance,
        low,
        high,
        min(onsets) if onsets else seen.onset_s,
        ranked.clues,
        seen.graph.path(ranked.entity, alerted) if alerted is not None else (ranked.entity,),
        blamed[0].change if blamed else "",
    )


def _nulls(seen: picture.Picture, votes: Sequence[vote.Vote], clues: Sequence[cases.Clue]) -> posterior.Nulls:
    """Silence has to be beaten: the less any family is sure of, the more likely there is nothing to find."""
    surest = max((one.trust for one in votes), default=0.0)
    strongest = max((clue.weight for clue in clues if clue.fault), default=0.0)
    measured = len(seen.shifts)
    no_fault = 3.0 * (1.0 - surest) - strongest / 2
    not_enough = 1.0 if measured >= len(seen.suspects) else 2.5
    if not measured and not seen.case.logs and not seen.case.spans and not seen.case.objects:
        not_enough = 12.0
    return posterior.Nulls(outside=0.5, no_fault=no_fault, not_enough=not_enough)
