"""Machines and zones: what everything on one node shares, and what is measured on the node itself.

Trouble that follows the machine and not the service is the machine's: packets that have to be sent again, a connection tracking table
that is full, a clock that is off. When every machine of one zone shows it and none elsewhere does, it is the zone's.
Sources: node_exporter (netstat, netdev, nf_conntrack); the kernel's own "nf_conntrack: table full, dropping packet"; RFC 7519 (nbf, iat);
the errors of PyJWT, jjwt, golang-jwt, jsonwebtoken, Kerberos and AWS signatures for times that lie ahead.
"""

import collections
import re
from collections.abc import Iterator, Mapping

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.machine"
FULL = 0.98  # of the connection tracking table
TRACKED, DROPPING, TRACKED_SAID = 1.5, 3.5, 3.0
LOST = 5.0
LOST_MIN = 5.0  # segments sent again per second: less is the weather of any network
LOST_FACTOR = 10.0  # times what it was
ZONE = 6.0
ZONE_NODES_MIN = 2  # a zone of one machine is told from the machine by those who find no way to it any more
DRIFTED = 5.5
HERE_SHARE = 0.8  # of the lines come from pods of one machine
_DROPS = re.compile(r"receive_(?:drop|errs)|rx_(?:dropped|errors)|conntrack.*drop")
TABLE_FULL = "table full, dropping packet"
UNREACHABLE_WORDS = reading.compiled(
    r"no route to host|NoRouteToHost|\bEHOSTUNREACH\b|network is unreachable|\bENETUNREACH\b"
)
AHEAD_WORDS = reading.compiled(
    r"\btoken (?:is )?not (?:yet valid|valid yet)|used before issued|ImmatureSignature|PrematureJwt|JWT must not be accepted before"
    r"|JWT early|\bjwt not active|RequestTimeTooSkewed|signature not yet current|clock skew too great|skew (?:is )?too (?:great|large)"
    r"|certificate is not (?:yet valid|valid yet)|not valid before"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    tracked = list(_tracked(seen))
    full = {clue.entity for clue in tracked}
    lossy = {home: shift for home, shift in _lossy(seen).items() if home not in full}
    return [*tracked, *_lost(seen, lossy), *_drifted(seen)]


def _tracked(seen: picture.Picture) -> Iterator[cases.Clue]:
    for home, shift in sorted(reading.risen(seen, roles.Role.SATURATION, at_least=FULL).items()):
        if home.kind is entities.EntityKind.NODE and "conntrack" in shift.signal.name:
            # A table that is full because much is going on hurts nobody until packets are dropped for it.
            dropped = [one for one in seen.of(home, roles.Role.OTHER) if _DROPS.search(one.signal.name)]
            dropping = any(one.z >= reading.NOTABLE_Z for one in dropped)
            yield _clue(home, "conntrack_full", TRACKED + DROPPING * dropping, shift)
    for home, time_s, key in reading.events_of(seen, (), TABLE_FULL):
        if home.kind is entities.EntityKind.NODE:
            sentence = f"the kernel of {home.name} says that its connection tracking table is full"
            yield cases.Clue(home, "conntrack_full", TRACKED_SAID, sentence, (key,), FAMILY + ".said", time_s)


def _lossy(seen: picture.Picture) -> dict[entities.Entity, shifts.Shift]:
    """Machines that newly send many segments again."""
    risen = reading.risen(seen, roles.Role.NETWORK_RETRANSMITS, at_least=LOST_MIN)
    return {
        home: shift
        for home, shift in risen.items()
        if home.kind is entities.EntityKind.NODE and shift.after >= LOST_FACTOR * shift.before
    }


def _lost(seen: picture.Picture, lossy: Mapping[entities.Entity, shifts.Shift]) -> Iterator[cases.Clue]:
    hit = {home.name for home in lossy}
    zone, members = next(((zone, nodes) for zone, nodes in seen.zones.items() if hit == set(nodes)), ("", ()))
    told = len(members) >= ZONE_NODES_MIN or len(reading.spoken(seen, UNREACHABLE_WORDS)) > 1
    if members and told and len(seen.zones) > 1:
        evidence = tuple(dict.fromkeys(shift.signal.evidence for shift in lossy.values()))
        onset_s = min((shift.onset_s for shift in lossy.values() if shift.onset_s is not None), default=None)
        whole = f"all {len(members)} machines" if len(members) > 1 else "the only machine"
        sentence = f"{whole} of zone {zone}, and no others, send {_most(lossy):.0f} segments a second again"
        yield cases.Clue(
            entities.Entity(entities.EntityKind.ZONE, zone), "zone_outage", ZONE, sentence, evidence, FAMILY, onset_s
        )
        return
    for home, shift in sorted(lossy.items()):
        yield _clue(home, "network_loss", LOST, shift)


def _most(lossy: Mapping[entities.Entity, shifts.Shift]) -> float:
    return max(shift.after for shift in lossy.values())


def _drifted(seen: picture.Picture) -> Iterator[cases.Clue]:
    """The machine whose pods have their tokens refused for a time that has not come yet, whatever service they belong to."""
    heard = reading.spoken(seen, AHEAD_WORDS)
    lines = collections.Counter(seen.nodes_of.get(pod, "") for one in heard for pod in one.pods)
    node, count = lines.most_common(1)[0] if lines else ("", 0)
    others = len(set(seen.nodes_of.values())) > 1
    if node and others and len(heard) > 1 and count >= HERE_SHARE * sum(lines.values()):
        sentence = (
            f"{count} of {sum(lines.values())} lines about times that lie ahead come from {node}, "
            f"from {len(heard)} services: {reading.quoted(heard[0].example)}"
        )
        evidence = tuple(dict.fromkeys(one.evidence for one in heard))
        onset_s = min(one.first_s for one in heard)
        home = entities.Entity(entities.EntityKind.NODE, node)
        yield cases.Clue(home, "clock_drift", DRIFTED, sentence, evidence, FAMILY + ".said", onset_s)


def _clue(home: entities.Entity, fault: str, weight: float, shift: shifts.Shift) -> cases.Clue:
    return cases.Clue(home, fault, weight, shift.said, (shift.signal.evidence,), FAMILY, shift.onset_s)
