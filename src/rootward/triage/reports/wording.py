"""The sentences that terminal and page share."""

from rootward.evals.reports import wording
from rootward.triage import tradeoff


def headlines(found: tradeoff.Tradeoff) -> tuple[str, ...]:
    """What to know first, in sentences."""
    chosen = found.chosen
    lines = [
        f"It speaks when the place is at least {chosen.threshold:.0%} sure: {wording.band(chosen.spoke)} of {found.answers} alerts are told a cause.",
        f"Of all alerts {wording.band(chosen.wrong)} were told a wrong cause; the threshold was chosen to keep that at {found.promise:.0%} at most.",
        f"Of those told, {wording.band(chosen.among)} were wrong, and {wording.band(chosen.right)} had both the cause and its kind right.",
    ]
    if found.quiet.count:
        lines.append(
            f"It kept quiet in {wording.band(found.quiet)} ({found.quiet.counts}) of the alerts that had no cause to be told."
        )
    if found.before is not None and found.after is not None:
        lines.append(
            f"Confidence misses by {found.before.error:.3f} on average before calibration and {found.after.error:.3f} after "
            f"(Brier score {found.before.brier:.3f} → {found.after.brier:.3f})."
        )
    return tuple(lines)
