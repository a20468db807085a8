"""Releases: something was changed on the suspect just before it got sick.

Being recent is weak evidence, which innocent changes share; here it only names the kind of fault of somebody whom other evidence
accuses already. Whether the change does what the symptom says is weighed in `causal.changes`.
"""

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import changes, picture
from rootward.signals import records

FAMILY = "changes"
WITHIN_S = 900.0
AFTER_S = 120.0  # onsets are estimates
WEIGHT = 1.5
FAULTS = {
    records.ChangeKind.COMMIT: "bad_deploy",
    records.ChangeKind.DEPLOY: "bad_deploy",
    records.ChangeKind.CONFIG: "bad_config",
    records.ChangeKind.SECRET: "bad_config",
    records.ChangeKind.FLAG: "feature_flag",
}


def clues(seen: picture.Picture) -> list[cases.Clue]:
    found = []
    for one in changes.reached(seen.case, seen.onset_s, within_s=WITHIN_S, after_s=AFTER_S):
        fault = FAULTS.get(one.change.kind, "")
        if not fault:
            continue
        minutes = max(seen.onset_s - one.effect_s, 0.0) / 60.0
        sentence = f"“{one.change.summary[:80]}” took effect on {one.service} {minutes:.0f} minutes before"
        entity = seen.homes.named(one.service)
        found.append(
            cases.Clue(
                entity, fault, WEIGHT, sentence, (one.evidence,), FAMILY, onset_s=one.effect_s, change=one.change.id
            )
        )
    return found
