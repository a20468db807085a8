"""What databases say of themselves, through their own log or through a client that quotes it: a block that cannot be read, a number
that no longer fits, a primary that went away, a replica that is behind.

Each has words of its own that no healthy database says, and the database is the cause whoever passes them on.
Sources: PostgreSQL's error codes (57P01, 22003, 2200H, XX001) and its source (bufmgr, sequence, xlogrecovery); MySQL's error reference
(1264, 1467, 1290); MongoDB's (NotWritablePrimary); CloudNativePG's and RDS's events; postgres_exporter and mysqld_exporter.
"""

import dataclasses
import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.database"
SAID = 5.0
MOVED = 5.0  # an event of a failover
SHUT_DOWN = 2.5  # connections that are closed by the server: a failover, a restart, or somebody who closed them
BEHIND = 4.5
BEHIND_MIN_S = 5.0  # of lag: less is what any replica has now and then
BEHIND_FACTOR = 5.0
MOVING = ("FailingOver", "FailoverTarget", "SwitchingOver", "SwitchoverInProgress", "PrimaryPromoted")
_LAG = re.compile(r"replication_lag|replica_?lag|seconds_behind_(?:master|source)")
_REPLICA = re.compile(
    r"[-.](?:ro|r|read|reader|readonly|read-replica|replica|replicas|standby|secondary|follower)(?:-\d+)?$"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Saying:
    """`ever`: words that mean the fault however long they have been said."""

    fault: str
    weight: float
    pattern: re.Pattern[str]
    ever: bool = False


SAYINGS = (
    Saying(
        "data_corruption",
        SAID,
        reading.compiled(
            r"invalid page in block \d+|could not read blocks? \d+.{0,80}(?:Input/output error|read only \d+ of \d+ bytes)"
            r"|page verification failed|missing chunk number \d+ for toast|Database page corruption on disk|checksum mismatch in (?:page|tablespace)"
            r"|Incorrect key file for table|is marked as crashed and should be repaired|WT_ERROR.{0,60}checksum|read checksum error|CorruptRecordException"
        ),
        ever=True,
    ),
    Saying(
        "integer_overflow",
        SAID,
        reading.compiled(
            r"\b(?:integer|bigint|smallint) out of range|reached maximum value of sequence|Out of range value for column"
            r"|Failed to read auto-increment value|Duplicate entry '(?:2147483647|4294967295|32767|65535|127)' for key"
        ),
    ),
    Saying(
        "db_failover",
        SAID,
        reading.compiled(
            r"selected new timeline ID|archive recovery complete|received promote request|new primary elected|PrimarySteppedDown"
            r"|NotWritablePrimary|InterruptedDueToReplStateChange"
        ),
    ),
    Saying(
        "db_failover",
        SHUT_DOWN,
        reading.compiled(
            r"terminating connection due to administrator command|\b57P01\b|the database system is (?:starting up|shutting down|in recovery mode)"
        ),
    ),
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    return [*_said(seen), *_moved(seen), *_replicas(seen)]


def _said(seen: picture.Picture) -> Iterator[cases.Clue]:
    for saying in SAYINGS:
        for heard in reading.spoken(seen, saying.pattern, ever=saying.ever):
            home = _store(seen, heard)
            if home is not None:
                sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
                evidence = (heard.evidence,)
                yield cases.Clue(home, saying.fault, saying.weight, sentence, evidence, FAMILY + ".said", heard.first_s)


def _store(seen: picture.Picture, heard: reading.Spoken) -> entities.Entity | None:
    """The database that the words come from: the speaker, the one that the line names, or the only one that the speaker calls."""
    if heard.entity.kind is entities.EntityKind.DATABASE:
        return heard.entity
    called = [one for one in seen.graph.callees.get(heard.entity, ()) if one.kind is entities.EntityKind.DATABASE]
    named = [one for one in called if re.search(rf"(?<![\w-]){re.escape(one.name)}(?![\w-])", heard.example)]
    chosen = named or [_primary(seen, one) for one in called]
    return chosen[0] if len(set(chosen)) == 1 else None


def _moved(seen: picture.Picture) -> Iterator[cases.Clue]:
    told: set[entities.Entity] = set()
    for home, time_s, key in sorted(reading.events_of(seen, MOVING), key=lambda one: (one[1], one[0])):
        if home not in told:
            told.add(home)
            sentence = f"{home.name} was failed over to another instance"
            yield cases.Clue(home, "db_failover", MOVED, sentence, (key,), FAMILY + ".event", time_s)


def _replicas(seen: picture.Picture) -> Iterator[cases.Clue]:
    for shift in seen.by_role.get(roles.Role.OTHER, ()):
        late = shift.after >= max(BEHIND_MIN_S, BEHIND_FACTOR * shift.before)
        if _LAG.search(shift.signal.name) and shift.z >= reading.NOTABLE_Z and late:
            home = _primary(seen, shift.home)
            sentence = f"{shift.home.name} is {shift.after:.0f} s behind, {shift.before:.2g} s before"
            yield cases.Clue(
                home, "replication_lag", BEHIND, sentence, (shift.signal.evidence,), FAMILY + ".lag", shift.onset_s
            )


def _primary(seen: picture.Picture, store: entities.Entity) -> entities.Entity:
    """The database that a replica follows, as far as names tell: operators and clouds name the readers' address after the writers'."""
    known = seen.homes.by_name.get(_REPLICA.sub("", store.name))
    return known if known is not None and known.kind is entities.EntityKind.DATABASE else store
