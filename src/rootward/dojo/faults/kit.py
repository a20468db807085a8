"""What families of faults share: where in a system trouble is felt, and when it begins."""

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

Family = dr.Family


def busy_services(layout: lay.Layout, *, language: tuple[str, ...] = (), share: float = 0.05) -> list[int]:
    """Services behind an entry that see at least `share` of its traffic and whose failure its callers feel."""
    rates = layout.rate[layout.of_kind(bp.Kind.SERVICE)]
    least = min(share * float(rates.max()), 0.5 * float(np.median(rates)))  # in wide systems nobody sees much of it
    felt = lay.feels(layout)
    return [
        i
        for i in layout.of_kind(bp.Kind.SERVICE)
        if i not in layout.entries
        and layout.rate[i] >= least
        and felt[i] >= 0.3
        and (not language or layout.components[i].language in language)
    ]


def onset_s(draft: dr.Draft) -> float:
    """Seconds since the epoch at which the fault begins to act."""
    return float(draft.times_s[draft.onset])
