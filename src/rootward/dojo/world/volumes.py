"""Disks of their own: which component keeps data on which persistent volume, how large it is and how full on an ordinary day."""

import dataclasses

import numpy as np

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

GIB = 1024.0**3
SIZES = (20, 50, 100, 200, 500)
LEVEL = "volume_used_share"
"""The draft's level that says how full a component's volume is, 0 to 1."""


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim of `component`, `used` (0 to 1) when the window begins; `shared` by all its pods (files of a
    service that writes its log or its spool to disk), or of one pod each."""

    component: int
    name: str
    capacity: float  # bytes
    used: float
    shared: bool


def claims(layout: lay.Layout, component: int, seed: int) -> tuple[Claim, ...]:
    """What a component keeps on disk: every store its data, every JVM service the directory of its log files."""
    described = layout.components[component]
    if described.kind in (bp.Kind.EXTERNAL, bp.Kind.CACHE):
        return ()
    if described.kind is bp.Kind.SERVICE and described.language != "java":
        return ()
    rng = _rng.stream(seed, layout.plan.name, "volume", described.name)
    used = float(rng.uniform(0.32, 0.66))
    if described.kind is bp.Kind.SERVICE:
        return (Claim(component, f"logs-{described.name}", SIZES[int(rng.integers(0, 2))] * GIB, used, True),)
    size = SIZES[int(rng.integers(1, len(SIZES)))] * GIB
    pods = range(int(layout.replicas[component]))
    return tuple(
        Claim(component, f"data-{described.name}-{k}", size, float(np.clip(used + rng.normal(0, 0.01), 0, 1)), False)
        for k in pods
    )


def used_share(draft: dr.Draft, claim: Claim) -> lay.FloatArray:
    """How full the volume is, 0 to 1; it fills slowly on any day; [T]."""
    rng = draft.rng("volume use", claim.name)
    day = np.arange(draft.steps) * draft.step_s / 86_400.0
    ordinary = claim.used + 0.004 * day + 0.00008 * np.abs(np.sin(day * 400 + float(rng.uniform(0, 6))))
    return np.clip(draft.level(LEVEL, claim.component, ordinary), 0.0, 1.0)
