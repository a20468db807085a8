"""The network between two services: calls that get slower on the way, while neither end works for it.

Seen in traces as the gap between the client's span and the server's. An end that is busy takes or answers calls late for want of a
processor, and that is no network. Source: the reference list of faults (client span much longer than server span).
"""

from rootward.investigator.causal import calls, picture
from rootward.investigator.causal import case as cases

FAMILY = "signature.way"
DELAYED = 3.5
EXCESS_MIN_S = 0.02  # what a congested queue or a collected heap may add at any time
SHARE_MIN = 0.5  # of what requests newly take: one edge that is the matter accounts for most of it


def clues(seen: picture.Picture) -> list[cases.Clue]:
    slow = calls.slow_edges(seen)
    working = calls.busy(seen)
    if not slow or slow[0].excess_s < EXCESS_MIN_S or slow[0].share < SHARE_MIN:
        return []
    first = slow[0]
    if working & {seen.homes.named(first.caller), seen.homes.named(first.callee)}:
        return []
    evidence = tuple(dict.fromkeys(batch.evidence for batch in seen.case.spans))
    sentence = f"calls from {first.caller} to {first.callee} spend {first.excess_s * 1e3:.3g} ms more on the way"
    return [cases.Clue(seen.homes.named(first.callee), "network_delay", DELAYED, sentence, evidence, FAMILY)]
