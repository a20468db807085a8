"""Queries that multiplied: one statement is run many times more while requests are as many as before, because a request now asks once per row.

Each of the queries is quick; their number is what fills pools and processors. The culprit is the client, whose traces show the many
siblings, or whose release came just before. Source: the reference list of faults (queries per second times n, many sibling spans per request).
"""

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import changes, picture, shifts
from rootward.investigator.causal.signatures import reading, releases, traffic
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.multiplied"
MULTIPLIED = 5.5
GROWN_FACTOR = 4.0  # times more than the requests of those who ask
SIBLINGS_FACTOR = 3.0  # times more calls per request
SIBLINGS_MIN = 5.0
REQUESTS_MIN = 5  # traced requests on either side of the onset


def clues(seen: picture.Picture) -> list[cases.Clue]:
    growth = traffic.growth(seen)
    found = []
    for store, shift in sorted(_asked(seen).items()):
        clients = sorted(seen.graph.callers.get(store, ()))
        served = max([growth[one][0] for one in clients if one in growth], default=1.0)
        if shift.after < GROWN_FACTOR * max(served, 1.0) * shift.before:
            continue
        # Where the client counts its own statements, it has told already.
        client = _client(seen, clients) if store.kind is entities.EntityKind.DATABASE else store
        if client is not None:
            sentence = (
                f"a statement of {store.name} is run {shift.after:.3g} times a second, {shift.before:.3g} before, "
                f"for {max(served, 1.0):.1f} times the requests; {client.name} asks it"
            )
            found.append(
                cases.Clue(client, "n_plus_one", MULTIPLIED, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s)
            )
    return found


def _asked(seen: picture.Picture) -> dict[entities.Entity, shifts.Shift]:
    """The statement of each database that is newly run most."""
    found: dict[entities.Entity, shifts.Shift] = {}
    for shift in seen.by_role.get(roles.Role.DB_QUERY_RATE, ()):
        if shift.observer is None and shift.z >= reading.NOTABLE_Z and shift.before > 0:
            best = found.get(shift.home)
            if best is None or shift.delta > best.delta:
                found[shift.home] = shift
    return found


def _client(seen: picture.Picture, clients: list[entities.Entity]) -> entities.Entity | None:
    """Whose requests make many more calls each; else who was released just before; else the only one there is."""
    if len(clients) == 1:
        return clients[0]
    siblings = _siblings(seen)
    traced = [(siblings[one], one) for one in clients if siblings.get(one, 0.0) >= SIBLINGS_FACTOR]
    if traced:
        return max(traced)[1]
    near = changes.reached(seen.case, seen.onset_s, within_s=releases.WITHIN_S, after_s=releases.AFTER_S)
    released = [one for one in near if releases.FAULTS.get(one.change.kind) == "bad_deploy"]
    homes = {seen.homes.named(one.service) for one in released}
    fresh = [one for one in clients if one in homes]
    return fresh[0] if len(fresh) == 1 else None


def _siblings(seen: picture.Picture) -> dict[entities.Entity, float]:
    """By what factor the calls that one request of a service makes grew, where they are many now."""
    table = seen.table
    if table is None:
        return {}
    rows = np.flatnonzero(table.parent >= 0)
    above = table.parent[rows]
    calls = np.bincount(above, minlength=len(table)).astype(np.float64)
    asking = np.flatnonzero(calls > 0)
    late = table.start_s[asking] >= seen.onset_s
    found = {}
    for code, name in enumerate(table.services):
        own = table.service[asking] == code
        before, after = calls[asking][own & ~late], calls[asking][own & late]
        if min(before.size, after.size) >= REQUESTS_MIN and after.mean() >= SIBLINGS_MIN:
            found[seen.homes.named(name)] = float(after.mean() / before.mean())
    return found
