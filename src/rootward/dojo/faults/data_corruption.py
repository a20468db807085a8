"""Blocks of a database's volume cannot be read any more: statements that touch them fail, all others are fine."""

from rootward.dojo import oracle
from rootward.dojo.faults import batch_contention, kit
from rootward.dojo.world import draft as dr

TEXTS = (
    'could not read block {block} in file "base/16390/24{block}": Input/output error',
    "invalid page in block {block} of relation base/16390/24{block}",
    "page verification failed, calculated checksum 29{block} but expected 41{block}",
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, database = draft.layout, draft.layout.components[target]
    acting = draft.acting(dice) * dice["touched_share"]
    draft.knobs.own_error[:, target] = 1 - (1 - draft.knobs.own_error[:, target]) * (1 - acting)
    block = int(dice.rng.integers(17, 88))
    rate = acting * float(layout.rate[target]) * 0.5
    draft.voices.append(dr.Voice(target, "error", rate, tuple(text.format(block=block) for text in TEXTS)))
    draft.levels["disk_errors", target] = acting * dice["errors_per_s"] * draft.step_s
    aliases = (("service", database.name), ("workload", database.name))
    cause = oracle.Cause("database", database.name, "data_corruption", kit.onset_s(draft), "", aliases)
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="data_corruption",
    summary="Blocks of a database's volume are unreadable and statements that touch them fail.",
    parameters=(
        dr.Parameter("touched_share", 0.05, 0.4, "of statements", +1),
        dr.Parameter("errors_per_s", 0.05, 0.6, "read errors per second"),
    ),
    targets=batch_contention.targets,
    plant=plant,
    group="data",
    shapes=("step", "ramp"),
    rows=(58,),
)
