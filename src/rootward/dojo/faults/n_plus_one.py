"""A release asks the database once per row instead of once per request: many quick statements, a slow request, an idle processor."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, statements, texts
from rootward.dojo.world import layout as lay

LIGHT = 0.008
"""What a look-up by key costs the database's processor, against an ordinary statement."""
QUICK = 0.85
"""How much of an ordinary statement's waiting it is spared: its rows are in memory."""


EVERY = 0.6


def targets(layout: lay.Layout) -> list[int]:
    """Reads that every request makes, with no cache in front."""
    reads = kit.statement_calls(layout, lambda text: text.startswith("SELECT"))
    return [e for e in reads if layout.behind[e] < 0 and layout.weight[e] >= EVERY]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    owner, database = int(layout.source[target]), int(layout.target[target])
    service, table = layout.components[owner], statements.table_of(layout.calls[target].operation)
    patch = texts.Patch(
        f"Show {table.removesuffix('s')} details in the list",
        {
            texts.source(service): texts.hunk(
                [f"-    rows = repo.find_{table}_with_details(ids)"],
                ["+    for id in ids:", f"+        rows.append(repo.find_{table.removesuffix('s')}(id))"],
                line=118,
            )
        },
        feature=True,
    )
    release = history.release(draft, owner, draft.onset, patch)
    began = draft.acting(dice, ramp_s=30.0 * float(layout.replicas[owner]))
    times = 1.0 + (dice["queries"] - 1.0) * began
    draft.knobs.calls_factor[:, target] *= times
    lighter = (times - 1.0) / times  # share of the statements that are the new, light ones
    draft.knobs.work_s[:, target] -= lighter * (1.0 - LIGHT) * draft.knobs.cpu_s[:, database]
    draft.knobs.blocked_s[:, target] -= lighter * QUICK * draft.knobs.wait_s[:, database]
    cause = kit.service_cause(draft, owner, "n_plus_one", release.sha)
    return dr.Planted((cause,), owner, suspects=(layout.components[database].name,))


FAMILY = kit.Family(
    name="n_plus_one",
    summary="A release asks the database once per row: many more, quick statements for every request.",
    parameters=(dr.Parameter("queries", 15, 90, "statements for one", +1),),
    targets=targets,
    plant=plant,
    group="software",
    rows=(2,),
    of_calls=True,
)
