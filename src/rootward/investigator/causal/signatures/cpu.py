"""CPU: a container throttled at its limit (CFS bandwidth control), or something that burns more than it used to.

Source: cAdvisor's container_cpu_cfs_throttled_periods_total; Linux "CFS Bandwidth Control".
"""

from collections.abc import Mapping

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, shifts
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.cpu"
THROTTLED_MIN = 0.15  # of periods: less is felt by nobody
THROTTLED = 3.0
BURNT = 5.0  # two measurements that agree: it works more, and up to its limit
BURNING = 1.5
BURN_FACTOR = 1.5
TRAFFIC_FACTOR = 1.25


def clues(seen: picture.Picture) -> list[cases.Clue]:
    found: list[cases.Clue] = []
    throttled = reading.risen(seen, roles.Role.CPU_THROTTLED, at_least=THROTTLED_MIN)
    busier = reading.risen(seen, roles.Role.RATE, z=2.0)
    working = reading.risen(seen, roles.Role.CPU_USAGE, z=2.0)
    for home, shift in sorted(throttled.items()):
        # More traffic that makes it work more explains more throttling: then the traffic is the story. Requests that are only
        # tried again are not: those follow from the throttling.
        driven = (
            home in busier
            and busier[home].after > TRAFFIC_FACTOR * max(busier[home].before, 1e-9)
            and home in working
            and working[home].after > TRAFFIC_FACTOR * max(working[home].before, 1e-9)
        )
        burning = home in _burning(working) and not driven
        weight = BURNT if burning else THROTTLED * (0.4 if driven else 1.0)
        weight *= 1.0 if reading.suffers(seen, home) else 0.5
        # What works far more for no more requests meets its limit because it burns; one that was lowered takes work away.
        found.append(_clue(home, "cpu_overload" if burning else "cpu_throttling", weight, shift))
    for home, shift in sorted(reading.risen(seen, roles.Role.CPU_USAGE).items()):
        if home in throttled or shift.after < BURN_FACTOR * max(shift.before, 1e-9):
            continue
        driven = home in busier and busier[home].after > TRAFFIC_FACTOR * max(busier[home].before, 1e-9)
        if not driven:
            found.append(_clue(home, "cpu_overload", BURNING, shift))
    return found


def _burning(working: Mapping[entities.Entity, shifts.Shift]) -> set[entities.Entity]:
    return {home for home, shift in working.items() if shift.after >= BURN_FACTOR * max(shift.before, 1e-9)}


def _clue(home: entities.Entity, fault: str, weight: float, shift: shifts.Shift) -> cases.Clue:
    return cases.Clue(home, fault, weight, shift.said, (shift.signal.evidence,), FAMILY, shift.onset_s)
