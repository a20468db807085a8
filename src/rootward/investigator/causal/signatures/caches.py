"""Caches: hits turn into misses, and the store behind is flooded.

Source: Redis INFO stats (keyspace_hits, keyspace_misses, evicted_keys).
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.cache"
MISSES_MIN = 0.1  # a miss ratio (shifts orient hit ratios that way) that rose by less floods nobody
LOST = 5.0
EVICTING = 1.0


def clues(seen: picture.Picture) -> list[cases.Clue]:
    found: list[cases.Clue] = []
    evicting = reading.risen(seen, roles.Role.CACHE_EVICTIONS)
    for home, shift in sorted(_missing(seen).items()):
        sentence = f"misses of {home.name} rose from {shift.before:.0%} to {shift.after:.0%} of reads"
        found.append(cases.Clue(home, "cache_loss", LOST, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s))
        if home in evicting:
            more = evicting[home]
            found.append(
                cases.Clue(home, "cache_loss", EVICTING, more.said, (more.signal.evidence,), FAMILY, more.onset_s)
            )
    return found


def _missing(seen: picture.Picture) -> dict[entities.Entity, shifts.Shift]:
    return {
        home: shift
        for home, shift in reading.risen(seen, roles.Role.CACHE_HIT_RATIO).items()
        if shift.after - shift.before >= MISSES_MIN
    }


def flooded(seen: picture.Picture) -> set[entities.Entity]:
    """Databases that share a client with a cache that stopped absorbing reads."""
    lost = set(_missing(seen))
    clients = {caller for caller, callees in seen.graph.callees.items() if lost & set(callees)}
    return {
        callee
        for client in clients
        for callee in seen.graph.callees.get(client, ())
        if callee.kind is entities.EntityKind.DATABASE
    }
