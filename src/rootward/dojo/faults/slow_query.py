"""A migration drops an index that one statement needs: it scans instead, and keeps the database busy."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import statements, texts


def targets(layout: lay.Layout) -> list[int]:
    """Calls to databases whose failure an entry feels."""
    felt = lay.feels(layout)
    databases = set(layout.of_kind(bp.Kind.DATABASE))
    return [
        e
        for e in range(len(layout.calls))
        if int(layout.target[e]) in databases and felt[layout.source[e]] * layout.required[e] >= 0.3
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    place, owner = int(layout.target[target]), int(layout.source[target])
    database, service = layout.components[place], layout.components[owner]
    scan_s = dice["scan_ms"] / 1e3
    began = draft.acting(dice, ramp_s=dice["minutes_to_spread"] * 60.0)
    # A scan is bound by the disk more than by the processor.
    draft.knobs.work_s[:, target] += began * scan_s * 0.15
    draft.knobs.blocked_s[:, target] += began * scan_s * 0.85
    table = statements.table_of(layout.calls[target].operation)
    note = draft.note(
        owner,
        "schema",
        f"Migration on {database.name}: drop unused index on {table}",
        dice.rng,
        path=f"migrations/20{dice.rng.integers(100000, 999999)}_drop_index.sql",
        patch=texts.hunk([], [f"+DROP INDEX CONCURRENTLY IF EXISTS idx_{table}_lookup;"], line=1),
        details={"database": database.name, "table": table, "statement": f"DROP INDEX idx_{table}_lookup"},
    )
    cause = oracle.Cause(
        "database",
        database.name,
        "slow_query",
        kit.onset_s(draft),
        note.sha,
        (("service", database.name), ("service", service.name)),
    )
    return dr.Planted((cause,), place)


FAMILY = kit.Family(
    name="slow_query",
    summary="A schema migration makes one database statement slow.",
    parameters=(
        dr.Parameter("scan_ms", 120, 1500, "ms per statement", +1),
        dr.Parameter("minutes_to_spread", 0.5, 4.0, "min"),
    ),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("step", "ramp", "intermittent", "periodic"),
    rows=(10,),
    of_calls=True,
)
