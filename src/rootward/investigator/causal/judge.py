"""The reasoner's front door: a case in, a judgement out. Pure, deterministic, without I/O.

Draw the picture (fold names, find the onset, measure shifts, build the graph), let every family vote and every detector
leave its clues, pool them, and say what was ruled out and why.
"""

from collections.abc import Sequence

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import metrics, picture, posterior, vote

SHOWN_MIN = 0.01  # hypotheses below are not worth a line


def judge(case: cases.Case) -> cases.Judgement:
    """Never raises for what the case holds: with nothing to go by, "not enough evidence" takes all."""
    seen = picture.draw(case)
    votes = [*metrics.votes(seen)]
    clues = [clue for one in votes for clue in one.clues]
    scores = vote.pool(votes, seen.suspects)
    ranked = posterior.rank(scores, clues)
    nulls = _nulls(seen, votes)
    chances, (outside, no_fault, not_enough) = posterior.probabilities(ranked, nulls)
    hypotheses = [
        _hypothesis(seen, one, chance)
        for one, chance in list(zip(ranked, chances, strict=True))[: posterior.HYPOTHESES_MAX]
    ]
    return cases.Judgement(tuple(hypotheses), outside, no_fault, not_enough)


def _hypothesis(seen: picture.Picture, ranked: posterior.Ranked, chance: float) -> cases.Hypothesis:
    low, high = posterior.interval(chance, len({clue.family for clue in ranked.clues}))
    onsets = [clue.onset_s for clue in ranked.clues if clue.onset_s is not None and clue.weight > 0]
    alerted = seen.alerted
    return cases.Hypothesis(
        ranked.entity,
        ranked.fault,
        chance,
        low,
        high,
        min(onsets) if onsets else seen.onset_s,
        ranked.clues,
        seen.graph.path(ranked.entity, alerted) if alerted is not None else (ranked.entity,),
    )


def _nulls(seen: picture.Picture, votes: Sequence[vote.Vote]) -> posterior.Nulls:
    """Silence has to be beaten: the less any family is sure of, the more likely there is nothing to find."""
    surest = max((one.trust for one in votes), default=0.0)
    measured = len(seen.shifts)
    no_fault = 3.0 * (1.0 - surest)
    not_enough = 1.0 if measured >= len(seen.suspects) else 2.5
    if not measured and not seen.case.logs and not seen.case.spans:
        not_enough = 12.0
    return posterior.Nulls(outside=0.5, no_fault=no_fault, not_enough=not_enough)
