"""Checkpoints that follow one another, or a vacuum that must not wait, keep a database's disk busy: every statement waits for it."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import statements, texts


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    storm = draft.acting(dice, ramp_s=dice["minutes_to_build"] * 60.0)
    for e in layout.calls_to(target):
        heavier = 1.6 if statements.writes(layout.calls[e].operation) else 1.0
        draft.knobs.blocked_s[:, e] += storm * heavier * dice["wait_ms"] / 1e3
    # The processor is a symptom: more sessions at once, and the server's own workers.
    kit.burn(draft, target, 0.14 * storm)
    draft.levels["io_wait_share", target] = 0.08 + 0.8 * storm
    draft.levels["iowait_cores", target] = storm * dice["disk_queue"]
    checkpoints = dice.rng.uniform() < 0.6
    sha = (_checkpoints if checkpoints else _vacuum)(draft, target, storm, dice)
    return dr.Planted((kit.database_cause(draft, target, "io_storm", sha),), target)


def _checkpoints(draft: dr.Draft, target: int, storm: lay.FloatArray, dice: dr.Dice) -> str:
    name = draft.layout.components[target].name
    every_s = float(dice.rng.integers(8, 21))
    draft.levels["checkpoint_every_s", target] = np.where(storm > 0.05, every_s, 300.0)
    draft.levels["checkpoint_busy", target] = 0.12 + 0.85 * storm
    said = (
        f'checkpoints are occurring too frequently ({every_s:.0f} seconds apart)\n\tHINT:  Consider increasing the configuration parameter "max_wal_size".',
        "checkpoint starting: wal",
        f"checkpoint complete: wrote 60412 buffers (46.1%); 0 WAL file(s) added, 0 removed, 8 recycled; write={every_s * 0.9:.3f} s, sync=2.116 s, total={every_s:.3f} s",
    )
    # The first line is what tells a storm from ordinary checkpoints, and Postgres writes it each time.
    draft.voices.append(dr.Voice(target, "info", storm / every_s, said[:1], steady=True))
    draft.voices.append(dr.Voice(target, "info", storm / every_s, said[1:], steady=True))
    note = draft.note(
        target,
        "config",
        f"Shrink write-ahead log of {name}",
        dice.rng,
        path=f"deploy/{name}/postgresql.conf",
        patch=texts.hunk(["-max_wal_size = 8GB"], ["+max_wal_size = 256MB"], line=212),
        details={"key": "max_wal_size", "from": "8GB", "to": "256MB"},
    )
    return note.sha


def _vacuum(draft: dr.Draft, target: int, storm: lay.FloatArray, dice: dr.Dice) -> str:
    """Nobody changed anything: transaction ids ran low, and the vacuum that mends that cannot be put off."""
    del dice
    layout = draft.layout
    datname = layout.components[target].name.removesuffix("-db").replace("-", "_")
    draft.levels["dead_rows_factor", target] = np.full(draft.steps, 4.0)
    running_s = np.maximum(np.arange(draft.steps) - draft.onset, 0) * draft.step_s
    draft.levels["longest_transaction_s", target] = running_s * (storm > 0)
    said = tuple(
        f'automatic aggressive vacuum to prevent wraparound of table "{datname}.public.{table}": index scans: 1\n\tpages: 0 removed, 918223 remain, 918223 scanned (100.00% of total)\n\tI/O timings: read: 412903.177 ms, write: 118022.805 ms'
        for table in statements.tables(layout, target)
    )
    draft.voices.append(dr.Voice(target, "info", storm / 20.0, said, steady=True))
    return ""


FAMILY = kit.Family(
    name="io_storm",
    summary="Checkpoints or an urgent vacuum keep a database's disk busy, and every statement waits for it.",
    parameters=(
        dr.Parameter("wait_ms", 40, 500, "ms per statement", +1),
        dr.Parameter("disk_queue", 1.5, 5.0, "cores waiting for the disk"),
        dr.Parameter("minutes_to_build", 0.5, 3.0, "min"),
    ),
    targets=kit.felt_databases,
    plant=plant,
    group="data",
    shapes=("step", "ramp", "intermittent", "periodic"),
    rows=(15,),
)
