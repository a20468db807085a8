"""Third parties: seen only from their clients, so their clients' view is all there is, and nothing of ours explains it.

A client's view of an external callee that gets slow or fails, while nothing inside that client changed first.
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.outsider"
SLOW = 4.0
SLOW_FACTOR = 1.5
FAILING_MIN = 0.02
THROTTLED = 1.5
THROTTLED_WORDS = reading.compiled(r"\b429\b|too many requests|rate limit(?:ed)?|quota exceeded")


def clues(seen: picture.Picture) -> list[cases.Clue]:
    found: list[cases.Clue] = []
    felt = (*roles.DURATIONS, roles.Role.ERROR_RATIO)
    for home, shift in sorted(reading.viewed(seen, felt).items()):
        if home.kind is not entities.EntityKind.EXTERNAL:
            continue
        slower = shift.role in roles.DURATIONS and shift.after > SLOW_FACTOR * max(shift.before, 1e-9)
        failing = shift.role is roles.Role.ERROR_RATIO and shift.after >= FAILING_MIN
        if slower or failing:
            viewer = f", as {shift.observer.name} sees it" if shift.observer else ""
            sentence = shift.said + viewer
            found.append(
                cases.Clue(home, "third_party_slow", SLOW, sentence, (shift.signal.evidence,), FAMILY, shift.onset_s)
            )
    blamed = {clue.entity for clue in found}
    for heard in reading.spoken(seen, THROTTLED_WORDS):
        for callee in sorted(seen.graph.callees.get(heard.entity, ())):
            if callee in blamed:
                sentence = f"{heard.entity.name} says {heard.count} times: {reading.quoted(heard.example)}"
                found.append(
                    cases.Clue(
                        callee,
                        "third_party_slow",
                        THROTTLED,
                        sentence,
                        (heard.evidence,),
                        FAMILY + ".said",
                        heard.first_s,
                    )
                )
    return found
