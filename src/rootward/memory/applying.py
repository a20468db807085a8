"""Which guidance is for this alert, which is not and why, and what is left of their leanings where they disagree."""

import dataclasses
from collections.abc import Sequence

from rootward.memory import conflicts as disagreements
from rootward.memory import matching
from rootward.memory.guidance import Guidance, Prior
from rootward.signals import alerts


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """`applied` by priority, highest first, then by id; `others` with the reason why each does not apply."""

    labels: dict[str, str]
    applied: tuple[Guidance, ...] = ()
    others: tuple[tuple[Guidance, str], ...] = ()
    conflicts: tuple[disagreements.Conflict, ...] = ()

    def leanings(self) -> list[tuple[Guidance, Prior]]:
        """The priors that are heard: none of two that disagree at the same priority, else only the higher one's."""
        found = []
        for one in self.applied:
            for prior in one.priors:
                against = [
                    other
                    for other in self.applied
                    for theirs in other.priors
                    if theirs.direction != prior.direction and disagreements.overlap(prior, theirs)
                ]
                if all(other.priority < one.priority for other in against):
                    found.append((one, prior))
        return found


def select(every: Sequence[Guidance], alert: alerts.Alert, *, environment: str, at_s: float) -> Selection:
    """Pure: holds every piece of guidance against the alert, as of `at_s`."""
    labels = matching.labels_of(alert, environment)
    reasons = [(one, one.why_not(labels, at_s)) for one in every]
    applied = sorted((one for one, why in reasons if not why), key=lambda one: (-one.priority, int(one.id[1:] or 0)))
    others = tuple((one, why) for one, why in reasons if why)
    return Selection(labels, tuple(applied), others, tuple(disagreements.among(applied)))
