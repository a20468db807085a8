"""Failures that follow some pods and not others: a node, a zone, a new version. The rest of a component serves as ever."""

import numpy as np

from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import pods as pd


def let_in(draft: dr.Draft, fleet: pd.Fleet) -> None:
    """Raise each component's own errors by what its uneven pods fail, weighed by their share of its traffic."""
    for i in sorted({one.component for one in draft.uneven}):
        pods = fleet.of(i)
        lost = (fleet.share[pods] * extra(draft, fleet, i)).sum(axis=0)
        draft.knobs.own_error[:, i] = 1.0 - (1.0 - draft.knobs.own_error[:, i]) * (1.0 - np.clip(lost, 0.0, 0.999))


def extra(draft: dr.Draft, fleet: pd.Fleet, component: int) -> lay.FloatArray:
    """The share of its requests that each pod of a component fails on top of what all fail; [pods of it, T]."""
    pods = fleet.of(component)
    out = np.zeros((len(pods), draft.steps))
    for one in draft.uneven:
        if one.component == component:
            chosen = np.array([bool(one.of(fleet.pods[p])) for p in pods])
            out[chosen] = 1.0 - (1.0 - out[chosen]) * (1.0 - one.share)
    return np.clip(out, 0.0, 1.0)


def failing(draft: dr.Draft, fleet: pd.Fleet, component: int, error: lay.FloatArray) -> lay.FloatArray:
    """Each pod's share of its component's failed requests; `error` [T] is the component's share of failures; [pods of it, T]."""
    share = fleet.share[fleet.of(component)]
    more = extra(draft, fleet, component)
    even = np.maximum(error - (share * more).sum(axis=0), 0.0)
    weight = share * (even + more)
    total = weight.sum(axis=0)
    return np.where(total > 1e-12, weight / np.maximum(total, 1e-12), share)
