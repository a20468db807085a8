"""Parallel plans ask for more shared memory than the container's /dev/shm has: statements fail for want of space on an empty disk."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_formats, statements, texts
from rootward.dojo.world.exporters import filesystems


def targets(layout: lay.Layout) -> list[int]:
    """Reads, which the planner may spread over workers."""
    return kit.statement_calls(layout, lambda text: not statements.writes(text))


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    place, owner = int(layout.target[target]), int(layout.source[target])
    name, statement = layout.components[place].name, layout.calls[target].operation
    acting = draft.acting(dice, ramp_s=dice["seconds_to_replan"])
    failing = acting * dice["parallel_plans"]
    text = f'could not resize shared memory segment "/PostgreSQL.{dice.rng.integers(10**8, 2 * 10**9)}" to 67108864 bytes: No space left on device'
    kit.refuse(draft, target, failing, log_formats.sql_error(text, "53100", "DiskFull"), "53100")
    rate = failing * kit.usual_rate(draft, target)
    draft.voices.append(dr.Voice(place, "error", rate, (f"{text}\n\tSTATEMENT:  {statement}",), steady=True))
    jitter = draft.rng("shm", place).uniform(0.93, 1.0, draft.steps)
    usual = 0.03
    draft.levels[filesystems.SHM_LEVEL, place] = usual + (jitter - usual) * acting
    workers = int(dice.rng.integers(4, 9))
    note = draft.note(
        place,
        "config",
        f"Use more parallel workers on {name}",
        dice.rng,
        path=f"deploy/{name}/postgresql.conf",
        patch=texts.hunk(
            ["-max_parallel_workers_per_gather = 0"],
            [f"+max_parallel_workers_per_gather = {workers}", "+min_parallel_table_scan_size = 1MB"],
            line=188,
        ),
        details={"key": "max_parallel_workers_per_gather", "from": "0", "to": f"{workers}"},
    )
    cause = kit.database_cause(draft, place, "shm_exhaustion", note.sha, layout.components[owner].name)
    return dr.Planted((cause,), place)


FAMILY = kit.Family(
    name="shm_exhaustion",
    summary="A database's shared memory is used up by parallel plans: statements fail for want of space on an empty disk.",
    parameters=(
        dr.Parameter("parallel_plans", 0.25, 0.95, "of the statement's runs", +1),
        dr.Parameter("seconds_to_replan", 10, 90, "s"),
    ),
    targets=targets,
    plant=plant,
    group="resources",
    shapes=("step", "intermittent", "periodic"),
    rows=(54,),
    of_calls=True,
)
