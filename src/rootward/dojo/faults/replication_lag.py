"""A bulk write outruns a database's read replica: what was written a moment ago cannot be read there, and the primary is well."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import statements, texts

FELT_S = 20.0
"""A replica this far behind lacks about two thirds of what readers look for."""
STALE = {
    "go": "read {table} from {database}-ro: no rows in result set (row written moments ago, retried 3 times)",
    "java": "org.springframework.dao.EmptyResultDataAccessException: Incorrect result size: expected 1, actual 0 ({table} on {database}-ro)",
    "python": "sqlalchemy.exc.NoResultFound: No row was found when one was required ({table} on {database}-ro)",
    "node": "NotFoundError: {table} row not visible on {database}-ro after 3 attempts",
}


def targets(layout: lay.Layout) -> list[int]:
    """Databases that are written to, and read by a service whose failure an entry feels."""
    written = {int(layout.target[e]) for e in range(len(layout.calls)) if statements.writes(layout.calls[e].operation)}
    return [i for i in kit.felt_databases(layout) if i in written and _readers(layout, i)]


def _readers(layout: lay.Layout, database: int) -> list[int]:
    reads = kit.statement_calls(layout, lambda text: not statements.writes(text))
    return [e for e in reads if int(layout.target[e]) == database]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    database = layout.components[target]
    writing = draft.acting(dice, ramp_s=60.0)
    draft.levels["wal_bytes_per_s", target] = 6e4 + writing * dice["write_mb_per_s"] * 1e6
    lag_s = _behind(draft, writing, dice["seconds_per_minute"] / 60.0)
    draft.levels["replication_lag_s", target] = lag_s
    missing = (1 - np.exp(-lag_s / FELT_S)) * dice["stale_reads"]
    for e in _readers(layout, target):
        owner = int(layout.source[e])
        component, table = layout.components[owner], statements.table_of(layout.calls[e].operation)
        share = missing * min(1.0, float(layout.call_rate[e] / max(layout.rate[owner], 1e-9)))
        kit.fail(draft, owner, share)
        text = STALE.get(component.language, STALE["go"]).format(table=table, database=database.name)
        rate = share * float(layout.rate[owner]) * draft.traffic_at_onset()
        draft.voices.append(dr.Voice(owner, "error", rate, (text,), steady=True))
    _report(draft, target, dice)
    writer = next(e for e in layout.calls_to(target) if statements.writes(layout.calls[e].operation))
    table = statements.table_of(layout.calls[writer].operation)
    note = draft.note(
        int(layout.source[writer]),
        "schema",
        f"Backfill {table}.search_key on {database.name}",
        dice.rng,
        path=f"migrations/20{dice.rng.integers(100000, 999999)}_backfill_search_key.sql",
        patch=texts.hunk([], [f"+UPDATE {table} SET search_key = lower(name) WHERE search_key IS NULL;"], line=1),  # noqa: S608 -- never run
        details={"database": database.name, "table": table, "statement": f"backfill of {table}.search_key"},
    )
    owner = layout.components[layout.source[writer]].name
    return dr.Planted((kit.database_cause(draft, target, "replication_lag", note.sha, owner),), target)


def _behind(draft: dr.Draft, writing: lay.FloatArray, growth: float) -> lay.FloatArray:
    """Seconds behind: growing while the bulk write runs, caught up three times as fast afterwards."""
    lag_s, out = 0.0, np.zeros(draft.steps)
    for t in range(draft.onset, draft.steps):
        lag_s = max(lag_s + draft.step_s * (growth if writing[t] > 0 else -3.0 * growth), 0.0)
        out[t] = lag_s
    return out


def _report(draft: dr.Draft, target: int, dice: dr.Dice) -> None:
    """What tempts: an analyst's report that burns the primary's processor, and has nothing to do with the replica."""
    draft.standing = True
    begins = max(1, draft.onset - draft.steps_in(dice["report_minutes_before"] * 60.0))
    running = draft.after(begins, ramp_s=45.0)
    kit.burn(draft, target, dice["report_cores"] * running)
    draft.levels["longest_transaction_s", target] = np.maximum(np.arange(draft.steps) - begins, 0) * draft.step_s
    draft.levels["temp_bytes_per_s", target] = 2e3 + 3e6 * running
    took = f"duration: {dice.rng.uniform(4e4, 9e4):.3f} ms"
    query = "SELECT date_trunc('day', created_at), count(*), avg(total) FROM history GROUP BY 1"
    said = (f"{took}  statement: {query}",)
    draft.voices.append(dr.Voice(target, "info", running / 90.0, said, steady=True))


FAMILY = kit.Family(
    name="replication_lag",
    summary="A bulk write outruns a database's read replica, and readers miss what was just written.",
    parameters=(
        dr.Parameter("seconds_per_minute", 8.0, 40.0, "s behind per minute", +1),
        dr.Parameter("stale_reads", 0.15, 0.6, "of reads need fresh rows", +1),
        dr.Parameter("write_mb_per_s", 15.0, 60.0, "MB/s of write-ahead log"),
        dr.Parameter("report_minutes_before", 2.0, 9.0, "min"),
        dr.Parameter("report_cores", 0.1, 0.25, "of the primary's cores"),
    ),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("step", "intermittent"),
    rows=(11,),
)
