"""What metrics say about who is the culprit: blame for latency and errors along the graph, and resources that moved at home."""

import math
from collections.abc import Sequence

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import flow, picture, shifts, vote
from rootward.signals import entities
from rootward.signals.roles import role as roles

BLAME_TRUST = 0.8  # how often the keeper of most blame is the culprit, given significant pain at the alert
RESOURCE_TRUST = 0.8
ALERTED_SHARE = 0.5
SPREADS_TOLD_MAX = 100  # beyond it a number of spreads tells a reader nothing more
ALERT_WORDS_ERRORS = ("error", "availab", "success", "fail", "5xx", "fault")
ALERT_WORDS_LATENCY = ("laten", "duration", "slow", "p99", "p95", "p90", "respons", "time")

_PROPORTIONAL = frozenset({roles.Role.CPU_USAGE, roles.Role.SATURATION})
# What is measured inside the suspect and cannot be inherited from a callee; traffic and its bytes are not among them.
_CARRIED = frozenset(
    {
        *flow.LATENCY,
        *flow.ERRORS,
        roles.Role.RATE,
        roles.Role.IN_FLIGHT,
        roles.Role.NETWORK_RECEIVE,
        roles.Role.NETWORK_TRANSMIT,
        roles.Role.DISK_IO,
        roles.Role.QUEUE_PUBLISH_RATE,
        roles.Role.RETRIES,
        roles.Role.OTHER,
    }
)


def votes(seen: picture.Picture) -> list[vote.Vote]:
    """Up to three: latency, errors, resources."""
    latency, errors = _dimensions(seen)
    return [
        _blame(seen, flow.LATENCY, "latency", latency),
        _blame(seen, flow.ERRORS, "errors", errors),
        _resources(seen),
    ]


def _dimensions(seen: picture.Picture) -> tuple[float, float]:
    """How much the alert is about latency and about errors, 0..1 each, from its words."""
    alert = seen.case.alert
    text = f"{alert.metric} {alert.name} {alert.expr}".lower()
    latency = any(word in text for word in ALERT_WORDS_LATENCY)
    errors = any(word in text for word in ALERT_WORDS_ERRORS)
    if latency == errors:
        return 1.0, 1.0
    return (1.0, 0.5) if latency else (0.5, 1.0)


def _blame(seen: picture.Picture, dimension: tuple[roles.Role, ...], name: str, weight: float) -> vote.Vote:
    pains = flow.pains(seen.by_role, dimension)
    kept = flow.blame(seen.graph, pains, seen.rates, seen.alerted)
    # What stays where the alert is may as well be a callee's that nobody measures.
    alerted = seen.alerted
    surplus = {
        entity: amount * pains[entity].standing * (ALERTED_SHARE if entity == alerted else 1.0)
        for entity, amount in kept.items()
        if entity in pains
    }
    clues = tuple(
        cases.Clue(
            entity,
            "",
            math.log1p(4 * amount),
            _pain_sentence(pains[entity].shift, name, amount),
            (pains[entity].shift.signal.evidence,),
            name,
            onset_s=pains[entity].shift.onset_s,
            symptom=True,
        )
        for entity, amount in sorted(kept.items())
        if amount > 0.05 and entity in pains
    )
    return vote.Vote(name, surplus, BLAME_TRUST * weight * min(sum(surplus.values()), 1.0), clues, sharpness=1.0)


def _resources(seen: picture.Picture) -> vote.Vote:
    local = [s for role, every in seen.by_role.items() if role not in _CARRIED for s in every if s.observer is None]
    peak = shifts.quiet_peak(local)
    surplus: dict[entities.Entity, float] = {}
    best: dict[entities.Entity, shifts.Shift] = {}
    allowed = _share_of_limit(local)
    growth = _growth(seen)
    for shift in local:
        if shift.role is roles.Role.CPU_USAGE and shift.z > allowed.get(shift.home, math.inf):
            continue  # where the share of the limit is known, it tells better what the usage means
        z = shift.z * _beyond_traffic(shift, growth)
        excess = z * vote.significance(z, peak)
        if shift.z > 0 and excess > surplus.get(shift.home, 0.0):
            surplus[shift.home] = excess
            best[shift.home] = shift
    worst = max((vote.significance(shift.z, peak) for shift in best.values()), default=0.0)
    clues = tuple(
        cases.Clue(
            entity,
            "",
            min(math.log1p(shift.z / vote.NOTABLE_Z), 3.0),
            level_sentence(shift),
            (shift.signal.evidence,),
            "resources",
            onset_s=shift.onset_s,
        )
        for entity, shift in sorted(best.items())
        if shift.z >= vote.NOTABLE_Z
    )
    return vote.Vote("resources", surplus, RESOURCE_TRUST * worst, clues)


def _growth(seen: picture.Picture) -> dict[entities.Entity, float]:
    """Requests served after the onset over before, for those who count them; at least 1."""
    before: dict[entities.Entity, float] = {}
    after: dict[entities.Entity, float] = {}
    for shift in seen.by_role.get(roles.Role.RATE, ()):
        if shift.observer is None and not flow.outgoing(shift):
            before[shift.home] = before.get(shift.home, 0.0) + shift.before
            after[shift.home] = after.get(shift.home, 0.0) + shift.after
    return {home: max(after[home] / rate, 1.0) for home, rate in before.items() if rate > 0}


def _beyond_traffic(shift: shifts.Shift, growth: dict[entities.Entity, float]) -> float:
    """The part of a rise in CPU use that more requests do not explain, 0..1; 1 for everything else."""
    if shift.role not in _PROPORTIONAL or shift.delta <= 0:
        return 1.0
    due = shift.before * (growth.get(shift.home, 1.0) - 1.0)
    return max(0.0, 1.0 - due / shift.delta)


def _share_of_limit(local: Sequence[shifts.Shift]) -> dict[entities.Entity, float]:
    """By how much the used share of some limit rose, for those who have it measured."""
    found: dict[entities.Entity, float] = {}
    for shift in local:
        if shift.role is roles.Role.SATURATION:
            found[shift.home] = max(found.get(shift.home, 0.0), shift.z)
    return found


def level_sentence(shift: shifts.Shift) -> str:
    """`cpu_usage of checkout rose from 0.21 to 0.93 cores (9.1 times its usual spread)`."""
    times = f"{abs(shift.z):.0f}" if abs(shift.z) < SPREADS_TOLD_MAX else f"over {SPREADS_TOLD_MAX}"
    return f"{shift.said} ({times} times its usual spread)"


def _pain_sentence(shift: shifts.Shift, name: str, amount: float) -> str:
    return f"{level_sentence(shift)}; {amount:.0%} of the {name} behind the alert stays here and is not its callees'"
