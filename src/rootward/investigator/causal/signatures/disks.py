"""A database's disk that is kept busy by its own housekeeping: every statement waits for it, and nothing works.

Linux counts whoever waits for a disk as load, so the machine's load rises while the database's processor time does not: what tells it from
a statement that became expensive. Sources: proc(5) on loadavg; node_exporter; PostgreSQL's log of checkpoints and autovacuum; InnoDB's
"page_cleaner"; Gregg, Linux Load Averages (2017).
"""

import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import caches, reading, stores
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.disk"
WAITING, SAID = 5.0, 2.0
LOADED_FACTOR = 1.5
WORKING_FACTOR = 1.5
_DISK = re.compile(r"load1$|disk_io_time|pressure_io")
BUSY_WORDS = reading.compiled(
    r"checkpoints are occurring too frequently|automatic aggressive vacuum to prevent wraparound|must be vacuumed within \d+ transactions"
    r"|page_cleaner: .{0,60}intended loop took|InnoDB: .{0,40}checkpoint age|IO error.{0,40}took too long|fsync.{0,40}(?:took|slow)"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    locked = reading.risen(seen, roles.Role.DB_LOCK_WAITS, at_least=stores.LOCKED_MIN)
    spared = caches.flooded(seen) | set(locked) | _working(seen)
    found: list[cases.Clue] = []
    for home, shift in sorted(reading.risen(seen, roles.Role.DB_STATEMENT_TIME).items()):
        if home in spared or shift.after < stores.SLOW_FACTOR * max(shift.before, 1e-9):
            continue
        loaded = next(_loaded(seen, home), None)
        if loaded is not None:
            sentence = (
                f"statements of {home.name} wait and it works no more than before, "
                f"while {loaded.signal.name} of its machine rose from {loaded.before:.2g} to {loaded.after:.2g}"
            )
            evidence = (loaded.signal.evidence, shift.signal.evidence)
            found.append(cases.Clue(home, "io_storm", WAITING, sentence, evidence, FAMILY, shift.onset_s))
        found.extend(_said(seen, home))
    return found


def _working(seen: picture.Picture) -> set[entities.Entity]:
    """Who works more than before, or is kept from it."""
    more = {
        home
        for home, shift in reading.risen(seen, roles.Role.CPU_USAGE).items()
        if shift.after >= WORKING_FACTOR * max(shift.before, 1e-9)
    }
    return more | set(reading.risen(seen, roles.Role.CPU_THROTTLED))


def _loaded(seen: picture.Picture, home: entities.Entity) -> Iterator[shifts.Shift]:
    """The risen load, or time in which its disk was busy, of a machine that the database stands on."""
    for shift in (shift for role in (roles.Role.SATURATION, roles.Role.OTHER) for shift in seen.by_role.get(role, ())):
        name = shift.home.name
        on_it = shift.home.kind is entities.EntityKind.NODE and home in seen.standing.get(name, ())
        risen = shift.z >= reading.NOTABLE_Z and shift.after >= LOADED_FACTOR * shift.before
        if on_it and risen and _DISK.search(shift.signal.name):
            yield shift


def _said(seen: picture.Picture, home: entities.Entity) -> Iterator[cases.Clue]:
    for heard in reading.spoken(seen, BUSY_WORDS):
        if heard.entity == home:
            sentence = f"{home.name} says {heard.count} times: {reading.quoted(heard.example)}"
            yield cases.Clue(home, "io_storm", SAID, sentence, (heard.evidence,), FAMILY + ".said", heard.first_s)
