"""Connection pools as their owners expose them: HikariCP on the JVM, pgxpool in Go, OpenTelemetry elsewhere."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import requests, sheet, styles

META = {
    "hikaricp_connections_active": tm.MetricMeta("gauge", "Active connections"),
    "hikaricp_connections_idle": tm.MetricMeta("gauge", "Idle connections"),
    "hikaricp_connections_max": tm.MetricMeta("gauge", "Max connections"),
    "hikaricp_connections_pending": tm.MetricMeta("gauge", "Pending threads"),
    "hikaricp_connections_timeout_total": tm.MetricMeta("counter", "Connection timeout total count"),
    "pgxpool_acquired_conns": tm.MetricMeta("gauge", "Number of currently acquired connections in the pool."),
    "pgxpool_idle_conns": tm.MetricMeta("gauge", "Number of currently idle conns in the pool."),
    "pgxpool_max_conns": tm.MetricMeta("gauge", "Maximum size of the pool."),
    "pgxpool_empty_acquire_total": tm.MetricMeta(
        "counter",
        "Cumulative count of successful acquires from the pool that waited for a resource to be released or constructed because the pool was empty.",
    ),
    "pgxpool_acquire_duration_seconds_total": tm.MetricMeta(
        "counter", "Total duration of all successful acquires from the pool.", "seconds"
    ),
    "db_client_connection_count": tm.MetricMeta(
        "gauge", "The number of connections that are currently in state described by the state attribute."
    ),
    "db_client_connection_max": tm.MetricMeta("gauge", "The maximum number of open connections allowed."),
    "db_client_connection_pending_requests": tm.MetricMeta(
        "gauge", "The number of current pending requests for an open connection."
    ),
    "db_client_connection_timeouts_total": tm.MetricMeta(
        "counter", "The number of connection timeouts that have occurred trying to obtain a connection from the pool."
    ),
}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "pools")
    names = pool_names(frame.layout)
    for e in np.flatnonzero(np.isfinite(frame.layout.pool)):
        i = int(frame.layout.source[e])
        if frame.layout.components[i].style and i not in frame.draft.hidden:
            _pool(frame, page, int(e), i, names[int(e)])
    return page.blocks()


def pool_names(layout: lay.Layout) -> dict[int, str]:
    """What the pool of each call is named after: its database; a caller's second pool to the same one is for writing, a third has a
    number."""
    names: dict[int, str] = {}
    taken: set[tuple[int, str]] = set()
    for e in range(len(layout.calls)):
        caller, database = int(layout.source[e]), layout.components[layout.target[e]].name
        able = (database, f"{database}-write", *(f"{database}-{k}" for k in range(3, len(layout.calls) + 4)))
        names[e] = next(name for name in able if (caller, name) not in taken)
        if np.isfinite(layout.pool[e]):
            taken.add((caller, names[e]))
    return names


def _pool(frame: fr.Frame, page: sheet.Sheet, e: int, i: int, database: str) -> None:
    component, state = frame.layout.components[i], frame.state
    style = styles.STYLES[component.style]
    rng = frame.rng("pool", e)
    for p in frame.fleet.of(i):
        share = frame.fleet.share[p]
        limit = frame.draft.knobs.pool[:, e]
        active = np.minimum(np.floor(state.pool_used[:, e] * share + rng.uniform(0, 1, frame.steps)), limit)
        pending = np.rint(state.pool_waiting[:, e] * share)
        starved = pending > 0
        active = np.where(starved, limit, active)
        calls = state.calls[:, e] * share * frame.step_s
        base = styles.target(frame, i, p, requests.PORTS[style.name]) | style.naming(component.name)
        spent: tuple[tuple[str, lay.FloatArray, bool, dict[str, str]], ...]
        if component.language == "java":
            rows = _hikari(base, database, active, limit, pending)
            spent = (
                (
                    "hikaricp_connections_timeout_total",
                    calls * state.pool_refused[:, e],
                    True,
                    {"pool": f"{database}-pool"},
                ),
            )
        elif component.language == "go":
            rows = _pgx(base, database, active, limit)
            spent = (
                ("pgxpool_empty_acquire_total", calls * np.where(starved, 0.9, 0.001), True, {"db": database}),
                (
                    "pgxpool_acquire_duration_seconds_total",
                    calls * (state.pool_wait[:, e] + 2e-5),
                    False,
                    {"db": database},
                ),
            )
        else:
            rows = _otel(base, database, active, limit, pending)
            spent = (
                (
                    "db_client_connection_timeouts_total",
                    calls * state.pool_refused[:, e],
                    True,
                    {"db_client_connection_pool_name": database},
                ),
            )
        page.gauges([labels for labels, _ in rows], np.array([row for _, row in rows]), [p] * len(rows))
        for name, steps, whole, more in spent:
            page.counter({"__name__": name, **base, **more}, steps, p, whole=whole)


Rows = list[tuple[dict[str, str], lay.FloatArray]]


def _hikari(
    base: dict[str, str], database: str, active: lay.FloatArray, limit: lay.FloatArray, pending: lay.FloatArray
) -> Rows:
    pool = {"pool": f"{database}-pool"}
    return [
        ({"__name__": "hikaricp_connections_active", **base, **pool}, active),
        ({"__name__": "hikaricp_connections_idle", **base, **pool}, limit - active),
        ({"__name__": "hikaricp_connections_max", **base, **pool}, limit),
        ({"__name__": "hikaricp_connections_pending", **base, **pool}, pending),
    ]


def _pgx(base: dict[str, str], database: str, active: lay.FloatArray, limit: lay.FloatArray) -> Rows:
    return [
        ({"__name__": "pgxpool_acquired_conns", **base, "db": database}, active),
        ({"__name__": "pgxpool_idle_conns", **base, "db": database}, limit - active),
        ({"__name__": "pgxpool_max_conns", **base, "db": database}, limit),
    ]


def _otel(
    base: dict[str, str], database: str, active: lay.FloatArray, limit: lay.FloatArray, pending: lay.FloatArray
) -> Rows:
    pool = {"db_client_connection_pool_name": database}
    return [
        ({"__name__": "db_client_connection_count", **base, **pool, "state": "used"}, active),
        ({"__name__": "db_client_connection_count", **base, **pool, "state": "idle"}, limit - active),
        ({"__name__": "db_client_connection_max", **base, **pool}, limit),
        ({"__name__": "db_client_connection_pending_requests", **base, **pool}, pending),
    ]
