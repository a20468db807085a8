"""Load: more requests than the system can serve, hardly any, and retries that keep it overloaded after the trigger has gone.

A drop is the opposite: the entry is well, and hardly anybody asks. A spike moves the entry's requests first and everything behind it in proportion. A retry storm moves the callee's requests far more than
those of its users: work amplification (Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021).
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.load"
SPIKE_FACTOR = 1.4
SPIKE = 4.5
DROP_FACTOR = 0.4  # of the requests are left: a quiet hour takes less away, and not at once
DROP = 5.0
DROP_Z = 3.0
SLOWER_FACTOR = 2.0
AMPLIFIED_FACTOR = 1.5  # how much more the calls grew than the users' requests did
STORM = 4.0
RETRYING = 1.5


def clues(seen: picture.Picture) -> list[cases.Clue]:
    grown = growth(seen)
    entry = _entry(seen, grown)
    if entry is None:
        return []
    return [*_spike(grown, entry), *_drop(seen, grown, entry), *_storm(seen, grown, entry)]


Growth = dict[entities.Entity, tuple[float, shifts.Shift]]


def growth(seen: picture.Picture) -> Growth:
    """By what factor each suspect's served requests grew; of several metrics the one with the most requests speaks."""
    found: Growth = {}
    for shift in seen.by_role.get(roles.Role.RATE, ()):
        if shift.observer is not None or shift.before <= 0:
            continue
        if shift.signal.entity.kind is entities.EntityKind.POD or shift.signal.detail.get("side") == "client":
            continue
        best = found.get(shift.home)
        if best is None or shift.before > best[1].before:
            found[shift.home] = (shift.after / shift.before, shift)
    return found


def _entry(seen: picture.Picture, growth: Growth) -> entities.Entity | None:
    """Where requests come in: of those that nobody calls and that call somebody, the busiest."""
    candidates = [home for home in growth if seen.graph.callees.get(home) and not seen.graph.callers.get(home)] or [
        home for home in growth if seen.graph.callees.get(home)
    ]
    return max(candidates, key=lambda home: (growth[home][1].before, home.name), default=None)


def _spike(growth: Growth, entry: entities.Entity) -> list[cases.Clue]:
    factor, shift = growth[entry]
    if factor < SPIKE_FACTOR or shift.z < reading.NOTABLE_Z:
        return []
    sentence = (
        f"requests to {entry.name} grew {factor:.1f} times, from {shift.before:.3g} to {shift.after:.3g} per second"
    )
    return [cases.Clue(entry, "traffic_spike", SPIKE, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s)]


def _drop(seen: picture.Picture, growth: Growth, entry: entities.Entity) -> list[cases.Clue]:
    """Requests stop arriving at a healthy entry whose address answers: they are sent elsewhere. Where the address itself fails, the
    trouble is in front of it, and nothing here shows why."""
    factor, shift = growth[entry]
    failing = entry in reading.risen(seen, roles.Role.ERROR_RATIO)
    if factor > DROP_FACTOR or shift.z > -DROP_Z or failing or _slower(seen, entry):
        return []
    felt = (roles.Role.AVAILABILITY, roles.Role.ERROR_RATIO, *roles.DURATIONS)
    if any(
        one.home in seen.doors and one.z >= reading.NOTABLE_Z for role in felt for one in seen.by_role.get(role, ())
    ):
        return []
    sentence = f"requests to {entry.name} fell to {factor:.0%}, from {shift.before:.3g} to {shift.after:.3g} per second, without errors"
    return [cases.Clue(entry, "traffic_drop", DROP, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s)]


def _slower(seen: picture.Picture, entry: entities.Entity) -> bool:
    """Its usual request takes longer: clients that wait for answers ask less often. Tails say nothing where hardly anybody asks."""
    return any(
        shift.home == entry and shift.z >= reading.NOTABLE_Z and shift.after >= SLOWER_FACTOR * shift.before
        for role in (roles.Role.DURATION_P50, roles.Role.DURATION_MEAN)
        for shift in seen.by_role.get(role, ())
    )


def _storm(seen: picture.Picture, growth: Growth, entry: entities.Entity) -> list[cases.Clue]:
    """The callee whose requests grew most beyond what its own callers received."""
    found: list[cases.Clue] = []
    for home, (factor, shift) in sorted(growth.items()):
        callers = [growth[caller][0] for caller in seen.graph.callers.get(home, ()) if caller in growth]
        if not callers or home == entry or shift.z < reading.NOTABLE_Z / 2:
            continue
        excess = factor / max(*callers, 1.0) if callers else factor
        if excess < AMPLIFIED_FACTOR or not reading.suffers(seen, home):
            continue
        sentence = f"calls to {home.name} grew {factor:.1f} times while its callers' own requests grew {max(callers):.1f} times"
        found.append(cases.Clue(home, "retry_storm", STORM, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s))
    for home, shift in sorted(reading.risen(seen, roles.Role.RETRIES).items()):
        for callee in sorted(seen.graph.callees.get(home, ())):
            if any(clue.entity == callee for clue in found):
                found.append(
                    cases.Clue(
                        callee,
                        "retry_storm",
                        RETRYING,
                        shift.said,
                        (shift.signal.evidence,),
                        FAMILY + ".retries",
                        shift.onset_s,
                    )
                )
    return found
