"""Databases and the pools in front of them: a slow statement, sessions that wait for a lock, a pool that is used up.

They imitate each other: a slow database empties every pool before it. So the pool is blamed only when its database is well, the
statement only when nothing waits for locks, and neither when the cache in front has stopped absorbing reads.
Sources: PostgreSQL documentation, pg_stat_activity (wait_event_type Lock) and pg_stat_statements; HikariCP metrics.
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import caches, reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.store"
LOCKED = 4.5
LOCKED_MIN = 1.0  # sessions
SLOW = 4.0
SLOW_FACTOR = 3.0
EXHAUSTED = 4.0
SAID = 1.5
SYMPTOM = -2.5
SLOWER_FACTOR = 2.0  # a database whose statements take twice as long is not well

LOCK_WORDS = reading.compiled(
    r"lock timeout|canceling statement due to lock|still waiting for \w+ ?lock|deadlock detected|Lock wait timeout exceeded"
)
POOL_WORDS = reading.compiled(
    r"connection is not available, request timed out|pool (?:is )?exhausted|QueuePool limit of size"
    r"|timed? ?out (?:waiting for|acquiring|getting) (?:a |idle )?connection|too many clients already|too many connections"
    r"|remaining connection slots are reserved|acquire (?:conn(?:ection)?|timeout).*(?:deadline|timeout)"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    locked = reading.risen(seen, roles.Role.DB_LOCK_WAITS, at_least=LOCKED_MIN)
    slow = {
        home: shift
        for home, shift in reading.risen(seen, roles.Role.DB_STATEMENT_TIME).items()
        if shift.after > SLOW_FACTOR * max(shift.before, 1e-9)
    }
    flooded = caches.flooded(seen)
    found = [_clue(home, "lock_contention", LOCKED, shift) for home, shift in sorted(locked.items())]
    for home, shift in sorted(slow.items()):
        innocent = home in locked or home in flooded
        found.append(_clue(home, "slow_query", SYMPTOM if innocent else SLOW, shift))
    for heard in reading.spoken(seen, LOCK_WORDS):
        sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
        accused = _behind(seen, heard.entity, locked)
        if not accused and heard.entity.kind is entities.EntityKind.DATABASE:
            accused = [heard.entity]
        found.extend(
            cases.Clue(one, "lock_contention", SAID, sentence, (heard.evidence,), FAMILY + ".said", heard.first_s)
            for one in accused
        )
    return [*found, *_pools(seen, {*locked, *slow})]


def _pools(seen: picture.Picture, unwell: set[entities.Entity]) -> list[cases.Clue]:
    found: list[cases.Clue] = []
    waiting = {**reading.risen(seen, roles.Role.POOL_WAIT_TIME), **reading.risen(seen, roles.Role.POOL_WAITERS)}
    for home, shift in sorted(waiting.items()):
        symptom = bool(_behind(seen, home, unwell)) or _slower_callee(seen, home)
        found.append(_clue(home, "pool_exhaustion", SYMPTOM if symptom else EXHAUSTED, shift))
    for heard in reading.spoken(seen, POOL_WORDS):
        if _behind(seen, heard.entity, unwell) or heard.entity in unwell:
            continue
        sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
        found.append(
            cases.Clue(
                heard.entity, "pool_exhaustion", SAID, sentence, (heard.evidence,), FAMILY + ".said", heard.first_s
            )
        )
    return found


def _behind(
    seen: picture.Picture, home: entities.Entity, wanted: dict[entities.Entity, shifts.Shift] | set[entities.Entity]
) -> list[entities.Entity]:
    """Those of `wanted` that `home` calls, in order of name."""
    return sorted(callee for callee in seen.graph.callees.get(home, ()) if callee in wanted)


def _slower_callee(seen: picture.Picture, home: entities.Entity) -> bool:
    """Something that `home` calls and measures takes much longer: connections are held because of it."""
    return any(
        shift.observer == home and shift.z > reading.NOTABLE_Z
        and shift.after > SLOWER_FACTOR * max(shift.before, 1e-9) and shift.home.kind in ("database", "external")
        for role in roles.DURATIONS for shift in seen.by_role.get(role, ())
    )  # fmt: skip


def _clue(home: entities.Entity, fault: str, weight: float, shift: shifts.Shift) -> cases.Clue:
    return cases.Clue(home, fault, weight, shift.said, (shift.signal.evidence,), FAMILY, shift.onset_s)
