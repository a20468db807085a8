"""Consumers that do not keep up: what waits for them grows, while the one who puts it there does as before.

Slow handling, one message that fails again and again, a group that rebalances for ever: all end in the same lag, and the consumer is
whose trouble it is. Sources: kafka_exporter (consumer group lag), RabbitMQ's queue depth with its number of consumers; Spring Cloud
Stream names a group's queue "destination.group".
"""

from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.consumer"
BEHIND = 4.5
GROWN_FACTOR = 3.0
STUCK = 1.5
STUCK_WORDS = reading.compiled(
    r"group is rebalancing|REBALANCE_IN_PROGRESS|RebalanceInProgress|poll timeout has expired|max\.poll\.interval\.ms|CommitFailedException"
    r"|coordinator is not aware of this member|Member sending LeaveGroup|Offset commit (?:cannot be completed|failed)"
    r"|RecordDeserializationException|Error deserializing key/value|Seek to current after exception|Error handler threw|requeue[ds]? .{0,40}redeliver"
    r"|Error while processing record|DLQ|dead.?letter"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    behind = _behind(seen)
    found = [_clue(home, shift) for home, shift in sorted(behind.items())]
    for heard in reading.spoken(seen, STUCK_WORDS):
        if heard.entity in behind:
            sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
            evidence = (heard.evidence,)
            found.append(
                cases.Clue(heard.entity, "consumer_lag", STUCK, sentence, evidence, FAMILY + ".said", heard.first_s)
            )
    return found


def _behind(seen: picture.Picture) -> dict[entities.Entity, shifts.Shift]:
    """Consumers with the largest rise of what waits for them."""
    found: dict[entities.Entity, shifts.Shift] = {}
    for consumer, shift in _waiting(seen):
        grown = shift.z >= reading.NOTABLE_Z and shift.after >= GROWN_FACTOR * max(shift.before, 1.0)
        if grown and (consumer not in found or shift.z > found[consumer].z):
            found[consumer] = shift
    return found


def _waiting(seen: picture.Picture) -> Iterator[tuple[entities.Entity, shifts.Shift]]:
    for shift in seen.by_role.get(roles.Role.CONSUMER_LAG, ()):
        consumer = shift.home if shift.observer is None else shift.observer
        if consumer.kind is not entities.EntityKind.QUEUE:
            yield consumer, shift
    for shift in seen.by_role.get(roles.Role.QUEUE_DEPTH, ()):
        if shift.observer is None and not _abandoned(seen, shift.home):
            for consumer in _consumers(seen, shift.home):
                yield consumer, shift


def _abandoned(seen: picture.Picture, queue: entities.Entity) -> bool:
    """Nobody reads it any more."""
    return any(
        shift.home == queue and reading.latest(shift.signal, seen.case.now_s) == 0
        for shift in seen.by_role.get(roles.Role.REPLICAS_READY, ())
    )


def _consumers(seen: picture.Picture, queue: entities.Entity) -> list[entities.Entity]:
    """Those that the queue is known to feed; else the service that the queue's name ends in."""
    fed = [one for one in seen.graph.callees.get(queue, ()) if one.kind is not entities.EntityKind.QUEUE]
    named = seen.homes.by_name.get(queue.name.rpartition(".")[2])
    if not fed and named is not None and named != queue:
        return [named]
    return sorted(fed) if len(fed) == 1 else []


def _clue(home: entities.Entity, shift: shifts.Shift) -> cases.Clue:
    sentence = f"{home.name} falls behind: {shift.after:.0f} messages wait, {shift.before:.0f} before"
    return cases.Clue(home, "consumer_lag", BEHIND, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s)
