"""A cache stops absorbing reads (memory lowered so that it evicts, or emptied): the database behind it gets all of them."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts


def targets(layout: lay.Layout) -> list[int]:
    """Caches with something behind them."""
    felt = lay.feels(layout)
    return sorted(
        {
            int(layout.behind[e])
            for e in range(len(layout.calls))
            if layout.behind[e] >= 0 and felt[layout.source[e]] >= 0.3
        }
    )


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    cache = draft.layout.components[target]
    began = draft.acting(dice, ramp_s=dice["minutes_to_empty"] * 60.0)
    usual = draft.knobs.hit[:, target]
    draft.knobs.hit[:, target] = usual + (usual * dice["hits_left"] - usual) * began
    # Filling the cache again costs the database a little more than the reads themselves.
    behind = np.flatnonzero(draft.layout.behind == target)
    draft.knobs.work_s[:, behind] += (began * dice["refill_ms"] / 1e3)[:, None]
    before = round(cache.memory_limit_mib * 0.8)
    note = draft.note(
        target,
        "config",
        f"Lower maxmemory of {cache.name}",
        dice.rng,
        path=f"deploy/{cache.name}/redis.conf",
        patch=texts.hunk([f"-maxmemory {before}mb"], [f"+maxmemory {max(16, before // 16)}mb"], line=9),
        details={"key": "maxmemory", "from": f"{before}mb", "to": f"{max(16, before // 16)}mb"},
    )
    draft.evictions[target] = began
    cause = oracle.Cause("cache", cache.name, "cache_loss", kit.onset_s(draft), note.sha, (("service", cache.name),))
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="cache_loss",
    summary="A cache's hit ratio collapses and the database behind it takes the reads.",
    parameters=(
        dr.Parameter("hits_left", 0.0, 0.35, "of the usual", -1),
        dr.Parameter("minutes_to_empty", 0.5, 4.0, "min", -1),
        dr.Parameter("refill_ms", 0.0, 8.0, "ms per read", +1),
    ),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("step", "ramp"),
    rows=(16,),
)
