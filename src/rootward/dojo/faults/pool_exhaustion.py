"""A service runs out of database connections: they leak since a release, or a setting allows too few."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world import layout as lay


def targets(layout: lay.Layout) -> list[int]:
    """Calls over a pool whose failure an entry feels."""
    felt = lay.feels(layout)
    return [
        e
        for e in range(len(layout.calls))
        if np.isfinite(layout.pool[e]) and felt[layout.source[e]] * layout.required[e] >= 0.3
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    place = int(draft.layout.source[target])
    layout = draft.layout
    held = layout.call_rate[target] * draft.traffic_at_onset() * layout.hold_s[layout.target[target]]
    needed = float(held / layout.replicas[place] * dice["share_left"])
    # A pool that a single connection would do for cannot be set too small.
    tight = needed >= 1.0 and dice.rng.uniform() < 0.6
    sha = _squeeze(draft, target, place, int(needed), dice) if tight else _leak(draft, target, place, dice)
    name = draft.layout.components[place].name
    cause = oracle.Cause("service", name, "pool_exhaustion", kit.onset_s(draft), sha, (("workload", name),))
    return dr.Planted((cause,), place)


def _leak(draft: dr.Draft, call: int, place: int, dice: dr.Dice) -> str:
    component = draft.layout.components[place]
    patch = texts.Patch(
        "Stream results instead of loading them at once",
        {
            texts.source(component): texts.hunk(
                ["-    with pool.connection() as c:"], ["+    c = pool.acquire()", "+    return stream(c)"], line=64
            )
        },
    )
    release = history.release(draft, place, draft.onset, patch)
    lost = draft.acting(dice, ramp_s=dice["minutes_to_empty"] * 60.0)
    draft.knobs.leaked[:, call] = np.floor(lost * draft.layout.pool[call] * 10) / 10
    return release.sha


def _squeeze(draft: dr.Draft, call: int, place: int, fresh: int, dice: dr.Dice) -> str:
    component, usual = draft.layout.components[place], float(draft.layout.pool[call])
    draft.knobs.pool[:, call] = np.where(draft.acting(dice) > 0, float(fresh), usual)
    before = f"{usual:.0f}"
    note = draft.note(
        place,
        "config",
        f"Reduce database connections of {component.name}",
        dice.rng,
        path=f"deploy/{component.name}/values.yaml",
        patch=texts.hunk([f'-    DB_POOL_MAX: "{before}"'], [f'+    DB_POOL_MAX: "{fresh}"'], line=31, context="env:"),
        details={"key": "DB_POOL_MAX", "from": before, "to": f"{fresh}"},
    )
    return note.sha


FAMILY = kit.Family(
    name="pool_exhaustion",
    summary="A service exhausts its database connection pool (leaked connections, or a pool set too small).",
    parameters=(
        dr.Parameter("minutes_to_empty", 2.0, 9.0, "min", -1),
        dr.Parameter("share_left", 0.35, 0.85, "of the connections needed", -1),
    ),
    targets=targets,
    plant=plant,
    group="data",
    rows=(8,),
    of_calls=True,
)
