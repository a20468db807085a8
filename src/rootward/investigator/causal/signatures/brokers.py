"""Brokers: publishers that are blocked for memory or disk, and nodes that have lost one another.

Sources: RabbitMQ's documentation (memory and disk alarms, clustering and network partitions), its Prometheus plug-in and its log.
"""

import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.broker"
ALARMED, ALARM_SAID = 5.0, 4.0
APART, APART_SAID = 5.0, 4.0
_ALARM = re.compile(r"rabbitmq_alarms_(?:memory|free_disk)")
_PEERS = re.compile(r"unreachable_(?:cluster_)?peers|partitions?_count$")
ALARM_WORDS = reading.compiled(
    r"(?:memory|disk) resource limit alarm set|Publishers will be blocked until|connection\.blocked|\bblocked by (?:the )?broker\b"
)
APART_WORDS = reading.compiled(
    r"running_partitioned_network|starting_partitioned_network|[Nn]etwork partition detected|Partial partition detected"
    r"|rabbit on node \S+ down|Cluster minority/secondary status detected"
    r"|home node '[^']+' of durable queue .{0,120}is down or inaccessible"
)
_HOME_NODE = re.compile(r"home node '\w+@([\w.-]+)'")


def clues(seen: picture.Picture) -> list[cases.Clue]:
    return [*_measured(seen), *_said(seen)]


def _measured(seen: picture.Picture) -> Iterator[cases.Clue]:
    """Gauges that are zero while all is well; the largest of each broker speaks."""
    spoken: set[tuple[entities.Entity, str]] = set()
    for shift in sorted(seen.by_role.get(roles.Role.OTHER, ()), key=lambda one: (-one.z, one.home)):
        fault = "broker_blocked" if _ALARM.search(shift.signal.name) else ""
        fault = fault or ("broker_partition" if _PEERS.search(shift.signal.name) else "")
        if not fault or shift.z < reading.NOTABLE_Z or shift.after <= shift.before or (shift.home, fault) in spoken:
            continue
        spoken.add((shift.home, fault))
        weight = ALARMED if fault == "broker_blocked" else APART
        yield cases.Clue(shift.home, fault, weight, shift.said, (shift.signal.evidence,), FAMILY, shift.onset_s)


def _said(seen: picture.Picture) -> Iterator[cases.Clue]:
    for pattern, fault, weight in (
        (ALARM_WORDS, "broker_blocked", ALARM_SAID),
        (APART_WORDS, "broker_partition", APART_SAID),
    ):
        for heard in reading.spoken(seen, pattern):
            broker = _broker(seen, heard)
            if broker is not None:
                sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
                evidence = (heard.evidence,)
                yield cases.Clue(broker, fault, weight, sentence, evidence, FAMILY + ".said", heard.first_s)


def _broker(seen: picture.Picture, heard: reading.Spoken) -> entities.Entity | None:
    """The speaker, when it is a broker; else the one whose node the line names; else the only one that the speaker calls."""
    if heard.entity.kind is entities.EntityKind.QUEUE:
        return heard.entity
    called = [one for one in seen.graph.callees.get(heard.entity, ()) if one.kind is entities.EntityKind.QUEUE]
    named = _HOME_NODE.search(heard.example)
    if named is not None:
        host = named[1].split(".")[0]
        known = seen.homes.of(entities.Entity(entities.EntityKind.POD, host))
        stem = re.sub(r"-\d+$", "", host)
        known = known if known in seen.suspects else seen.homes.by_name.get(stem, known)
        return known if known in seen.suspects else None
    return called[0] if len(called) == 1 else None
