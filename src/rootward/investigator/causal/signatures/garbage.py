"""Garbage collection that takes the processor's time: a surge fills the heap, and collecting keeps the service busy after it has gone.

Metastable: pauses grow far beyond what the requests account for, and stay when these are back at their usual rate (Bronson et al.,
"Metastable Failures in Distributed Systems", HotOS 2021). A heap that ends in an OOM kill is a leak, and `memory` speaks of it.
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.investigator.causal.signatures import memory, reading, traffic
from rootward.signals.roles import role as roles

FAMILY = "signature.garbage"
STORM = 5.0
TIME_MIN = 0.1  # seconds of pauses per second: a tenth of the time
GROWN_FACTOR = 4.0  # how much more the pauses grew than the requests did


def clues(seen: picture.Picture) -> list[cases.Clue]:
    growth, killed = traffic.growth(seen), memory.killed(seen)
    found = []
    for home, shift in sorted(reading.risen(seen, roles.Role.GC_TIME, at_least=TIME_MIN).items()):
        requests = max(growth[home][0], 1.0) if home in growth else 1.0
        if home in killed or shift.after < GROWN_FACTOR * requests * shift.before:
            continue
        weight = STORM if reading.suffers(seen, home) else STORM / 2
        sentence = (
            f"{home.name} spends {shift.after:.2g} s of each second in garbage collection, {shift.before:.2g} s before"
        )
        found.append(cases.Clue(home, "gc_storm", weight, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s))
    return found
