"""A database fails over to its standby: every connection drops at once, is refused for less than a minute, and all is well again."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import log_formats

WARM_S = 420.0
"""Until the new primary has its working set in memory."""


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    database = layout.components[target]
    down = draft.steps_in(dice["seconds_down"])
    back = min(draft.onset + down, draft.steps - 1)
    since_s = np.maximum(np.arange(draft.steps) - back, 0) * draft.step_s
    returned = draft.after(back)
    # Pools still hold dead connections for a while, and find out one by one.
    stale = np.where(returned > 0, dice["stale_connections"] * np.exp(-since_s / 45.0), draft.after(draft.onset))
    cold = returned * np.exp(-since_s / (WARM_S / 3)) * dice["cold_ms"] / 1e3
    words = log_formats.sql_error(
        "terminating connection due to administrator command", "57P01", "AdminShutdown", word="FATAL"
    )
    for e in layout.calls_to(target):
        kit.refuse(draft, e, np.minimum(stale, 0.995), words, "57P01")
        draft.knobs.blocked_s[:, e] += cold
    draft.levels["postmaster_start_s", target] = np.where(
        returned > 0, draft.times_s[back] - 4.0, draft.times_s[0] - float(dice.rng.uniform(3, 40)) * 86_400
    )
    _tell(draft, target, back)
    if dice.rng.uniform() < 0.5:
        draft.note(
            target,
            "infrastructure",
            f"Drain the node of {database.name} for its kernel update",
            dice.rng,
            details={"window": "maintenance", "plan": "1 node to replace"},
        )
    return dr.Planted((kit.database_cause(draft, target, "db_failover"),), target)


def _tell(draft: dr.Draft, target: int, back: int) -> None:
    """The operator's events and the two servers' own words."""
    name = draft.layout.components[target].name
    where = (draft.layout.namespace(target), "StatefulSet", name)
    source = "cloudnative-pg"
    for at, reason, message, bad in (
        (draft.onset, "FailingOver", f"Current primary isn't healthy, initiating a failover from {name}-0", True),
        (max(back - 1, draft.onset), "FailoverTarget", f"Failing over from {name}-0 to {name}-1", False),
        (back, "PrimaryPromoted", f"{name}-1 is the new primary", False),
    ):
        draft.happenings.append(dr.Happening(at, where, reason, message, warning=bad, source=source))
    once = draft.after(draft.onset) - draft.after(draft.onset + 1)
    again = draft.after(back) - draft.after(min(back + 1, draft.steps - 1))
    said = (
        (once, ("FATAL:  terminating connection due to administrator command",), "error"),
        (once, ("received fast shutdown request", "shutting down"), "info"),
        (
            again,
            (
                "selected new timeline ID: 9",
                "archive recovery complete",
                "database system is ready to accept connections",
            ),
            "info",
        ),
    )
    for rate, texts, level in said:
        draft.voices.append(dr.Voice(target, level, rate * 6.0 / draft.step_s, texts, steady=True))


FAMILY = kit.Family(
    name="db_failover",
    summary="A database fails over to its standby: connections drop for less than a minute or two, then all is well.",
    parameters=(
        dr.Parameter("seconds_down", 25, 110, "s", +1),
        dr.Parameter("stale_connections", 0.15, 0.5, "of connections", +1),
        dr.Parameter("cold_ms", 1.0, 12.0, "ms per statement"),
    ),
    targets=kit.felt_databases,
    plant=plant,
    group="data",
    rows=(13,),
)
