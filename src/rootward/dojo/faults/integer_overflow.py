"""An integer key runs out of numbers: every insert into one table fails from one row on, reads and updates go on, nothing changed."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_formats, statements
from rootward.dojo.world.exporters import database_server


def targets(layout: lay.Layout) -> list[int]:
    return kit.statement_calls(layout, statements.inserts)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    owner, database = int(layout.source[target]), int(layout.target[target])
    statement = layout.calls[target].operation
    table = statements.table_of(statement)
    failing = draft.acting(dice, ramp_s=dice["seconds_to_run_out"])
    column = dice.rng.uniform() < 0.5  # the key's column, or a foreign key that refers to it
    text = (
        "integer out of range"
        if column
        else f'nextval: reached maximum value of sequence "{table}_id_seq" (2147483647)'
    )
    code = "22003" if column else "2200H"
    words = log_formats.sql_error(text, code, "NumericValueOutOfRange" if column else "SequenceGeneratorLimitExceeded")
    kit.refuse(draft, target, failing, words, code)
    rate = kit.usual_rate(draft, target)
    draft.voices.append(
        dr.Voice(database, "error", failing * rate, (f"{text}\n\tSTATEMENT:  {statement}",), steady=True)
    )
    left = (draft.onset - np.arange(draft.steps)) * draft.step_s * rate
    draft.levels[f"sequence {table}", database] = database_server.INT4_MAX - left.clip(min=0.0)
    cause = kit.database_cause(draft, database, "integer_overflow", "", layout.components[owner].name)
    return dr.Planted((cause,), database)


FAMILY = kit.Family(
    name="integer_overflow",
    summary="An integer key of a table runs out of numbers: inserts into it fail, everything else works.",
    parameters=(dr.Parameter("seconds_to_run_out", 1, 40, "s", -1),),
    targets=targets,
    plant=plant,
    group="data",
    rows=(14,),
    of_calls=True,
)
