"""A service runs out of database connections: they leak since a release, or a setting allows too few."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world import layout as lay


def targets(layout: lay.Layout) -> list[int]:
    """Calls over a pool whose failure an entry feels."""
    felt = kit.feels(layout)
    return [
        e
        for e in range(len(layout.calls))
        if np.isfinite(layout.pool[e]) and felt[layout.source[e]] * layout.required[e] >= 0.3
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    place = int(draft.layout.source[target])
    sha = _leak(draft, target, place, dice) if dice.rng.uniform() < 0.6 else _squeeze(draft, target, place, dice)
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
    lost = draft.after(draft.onset, ramp_s=dice["minutes_to_empty"] * 60.0)
    draft.knobs.leaked[:, call] = np.floor(lost * draft.layout.pool[call] * 10) / 10
    return release.sha


def _squeeze(draft: dr.Draft, call: int, place: int, dice: dr.Dice) -> str:
    component = draft.layout.components[place]
    layout = draft.layout
    held = (
        layout.call_rate[call] * draft.traffic_at_onset() * layout.hold_s[layout.target[call]] / layout.replicas[place]
    )
    fresh = max(1.0, float(np.floor(held * dice["share_left"])))
    # One connection may still do for a light user; then the setting goes with statements that each hold it for longer.
    slower = max(0.0, 1.15 * fresh / (held * dice["share_left"]) - 1.0) * float(layout.hold_s[layout.target[call]])
    began = draft.after(draft.onset)
    draft.knobs.pool[:, call] = np.where(began > 0, fresh, layout.pool[call])
    draft.knobs.blocked_s[:, call] += began * slower
    before = f"{layout.pool[call]:.0f}"
    note = draft.note(
        place,
        "config",
        f"Reduce database connections of {component.name}",
        dice.rng,
        path=f"deploy/{component.name}/values.yaml",
        patch=texts.hunk(
            [f'-    DB_POOL_MAX: "{before}"'], [f'+    DB_POOL_MAX: "{fresh:.0f}"'], line=31, context="env:"
        ),
        details={"key": "DB_POOL_MAX", "from": before, "to": f"{fresh:.0f}"},
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
)
