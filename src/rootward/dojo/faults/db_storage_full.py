"""A database's volume fills up: from the last byte on its writes fail, while reads are answered as ever."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_formats, statements, texts, volumes

REFUSED = 0.97
"""Of writes: now and then one finds room in a page that is already there."""


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    database = layout.components[target]
    claim = volumes.claims(layout, target, draft.seed)[0]
    filling = draft.acting(dice, ramp_s=dice["minutes_to_fill"] * 60.0)
    ordinary = volumes.used_share(draft, claim)
    draft.levels[volumes.LEVEL, target] = ordinary + (1.0 - ordinary) * filling
    growth = np.concatenate(([0.0], np.maximum(np.diff(filling), 0.0)))
    full = np.where(filling >= 1.0, REFUSED, 0.0)
    sha = (_forgotten_slot if dice.rng.uniform() < 0.5 else _spilling)(draft, target, claim, growth, dice)
    failing = [e for e in layout.calls_to(target) if statements.writes(layout.calls[e].operation)]
    for e in failing:
        path = f"base/16390/{16_384 + len(layout.calls[e].operation) * 37}"
        text = f'could not extend file "{path}": No space left on device'
        kit.refuse(draft, e, full, log_formats.sql_error(text, "53100", "DiskFull"), "53100")
        said = (f"{text}\n\tHINT:  Check free disk space.\n\tSTATEMENT:  {layout.calls[e].operation}",)
        draft.voices.append(dr.Voice(target, "error", full * kit.usual_rate(draft, e), said, steady=True))
    return dr.Planted(
        (kit.database_cause(draft, target, "disk_full", sha),), target, note=f"{database.name}: {claim.name}"
    )


def _forgotten_slot(draft: dr.Draft, target: int, claim: volumes.Claim, growth: lay.FloatArray, dice: dr.Dice) -> str:
    """Its consumer has gone, so the write-ahead log of a bulk load is kept for a replication slot that nobody reads."""
    database = draft.layout.components[target]
    kept = np.cumsum(growth) * (1 - claim.used) * claim.capacity
    draft.levels["cdc_slot_active", target] = 1.0 - draft.after(draft.onset)
    draft.levels["cdc_slot_bytes", target] = kept + 2e4
    draft.levels["wal_bytes_per_s", target] = growth * (1 - claim.used) * claim.capacity / draft.step_s + 6e4
    note = draft.note(
        target,
        "infrastructure",
        f"Pause the CDC connector of {database.name} during the warehouse move",
        dice.rng,
        path=f"connectors/{database.name}-cdc.yaml",
        patch=texts.hunk(["-  state: RUNNING"], ["+  state: PAUSED"], line=6, context="spec:"),
        details={"connector": f"{database.name}-cdc", "state": "PAUSED", "slot": "warehouse_cdc"},
    )
    return note.sha


def _spilling(draft: dr.Draft, target: int, claim: volumes.Claim, growth: lay.FloatArray, dice: dr.Dice) -> str:
    """A report sorts more than fits into memory, into temporary files; nobody changed a thing."""
    del dice
    draft.levels["temp_bytes_per_s", target] = growth * (1 - claim.used) * claim.capacity / draft.step_s + 1.5e3
    running_s = np.maximum(np.arange(draft.steps) - draft.onset, 0) * draft.step_s
    draft.levels["longest_transaction_s", target] = running_s * draft.after(draft.onset)
    kit.burn(draft, target, 0.12 * draft.after(draft.onset))
    return ""


FAMILY = kit.Family(
    name="db_storage_full",
    summary="A database's volume fills up: writes fail, reads go on.",
    parameters=(dr.Parameter("minutes_to_fill", 4.0, 14.0, "min", -1),),
    targets=kit.written_databases,
    plant=plant,
    group="data",
    rows=(12,),
    kinds=("disk_full",),
)
