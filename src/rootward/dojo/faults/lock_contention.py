"""A long transaction holds a lock on a busy table: sessions queue behind it while the database itself is idle."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, slow_query
from rootward.dojo.world import draft as dr
from rootward.dojo.world import statements, texts


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    place, owner = int(layout.target[target]), int(layout.source[target])
    database, service = layout.components[place], layout.components[owner]
    began = draft.acting(dice, ramp_s=dice["minutes_to_build"] * 60.0)
    draft.knobs.blocked_s[:, target] += began * dice["wait_ms"] / 1e3
    table = statements.table_of(layout.calls[target].operation)
    draft.locks[target] = table
    sha = ""
    if dice.rng.uniform() < 0.6:
        note = draft.note(
            owner,
            "schema",
            f"Backfill {table}.region on {database.name}",
            dice.rng,
            path=f"migrations/20{dice.rng.integers(100000, 999999)}_backfill_region.sql",
            patch=texts.hunk(
                [],
                [
                    "+BEGIN;",
                    f"+LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE;",
                    f"+UPDATE {table} SET region = 'eu';",  # noqa: S608 -- text of a migration, never run
                    "+COMMIT;",
                ],
                line=1,
            ),
            details={"database": database.name, "table": table, "statement": f"backfill of {table}.region"},
        )
        sha = note.sha
    aliases = (("service", database.name), *([("service", service.name)] if sha else []))
    cause = oracle.Cause("database", database.name, "lock_contention", kit.onset_s(draft), sha, aliases)
    return dr.Planted((cause,), place)


FAMILY = kit.Family(
    name="lock_contention",
    summary="Sessions of a database wait for a lock that a long transaction holds.",
    parameters=(
        dr.Parameter("wait_ms", 600, 4000, "ms per statement", +1),
        dr.Parameter("minutes_to_build", 0.5, 3.0, "min"),
    ),
    targets=slow_query.targets,
    plant=plant,
    group="data",
    shapes=("step", "intermittent"),
    rows=(9,),
    of_calls=True,
)
