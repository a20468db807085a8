"""Rules over databases: replicas that fall behind, checkpoints that come too often, transactions that end badly."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching

LAG_S = 30.0
TOO_OFTEN = 0.02
"""Requested checkpoints per second: more than one a minute."""


def watches(frame: fr.Frame) -> list[watching.Watch]:
    databases = [i for i in frame.layout.of_kind(bp.Kind.DATABASE) if i not in frame.draft.hidden]
    return [watch for i in databases for watch in (_lag(frame, i), _checkpoints(frame, i))]


def _lag(frame: fr.Frame, i: int) -> watching.Watch:
    name = frame.layout.components[i].name
    lag_s = frame.draft.level("replication_lag_s", i, 0.0)
    rule = tm.AlertRule(
        f"{watching.camel(name)}ReplicationLag",
        f'pg_replication_lag_seconds{{server="{name}-ro:5432"}} > {LAG_S:g}',
        120.0,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"The read replica of {name} is behind",
            "description": f"{name}-ro is {{{{ $value | humanizeDuration }}}} behind its primary.",
        },
        group="postgres",
    )
    return watching.Watch(rule, i, True, lag_s > LAG_S, lag_s)


def _checkpoints(frame: fr.Frame, i: int) -> watching.Watch:
    """Somebody reads it in the morning; nobody is woken for it."""
    name = frame.layout.components[i].name
    period_s = frame.draft.level("checkpoint_every_s", i, 300.0)
    often = np.where(period_s < 300.0, 1.0 / period_s, 0.0)
    rate = watching.over_window(frame, often) / max(1, round(watching.WINDOW_S / frame.step_s))
    rule = tm.AlertRule(
        f"{watching.camel(name)}CheckpointsTooFrequent",
        f'rate(pg_stat_bgwriter_checkpoints_req_total{{service="{name}"}}[5m]) > {TOO_OFTEN:g}',
        600.0,
        watching.labels(frame, i, "warning"),
        {
            "summary": f"{name} checkpoints more often than its timeout asks for",
            "description": "max_wal_size may be too small ({{ $value }} requested checkpoints per second).",
        },
        group="postgres",
    )
    return watching.Watch(rule, i, False, rate > TOO_OFTEN, rate)
