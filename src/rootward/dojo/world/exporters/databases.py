"""postgres_exporter: sessions by state, locks, statements, connections of every database."""

import hashlib

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import sheet

META = {
    "pg_up": tm.MetricMeta(
        "gauge",
        "Whether the last scrape of metrics from PostgreSQL was able to connect to the server (1 for yes, 0 for no).",
    ),
    "pg_stat_activity_count": tm.MetricMeta("gauge", "number of connections in this state"),
    "pg_stat_activity_max_tx_duration": tm.MetricMeta(
        "gauge", "max duration in seconds any active transaction has been running", "seconds"
    ),
    "pg_locks_count": tm.MetricMeta("gauge", "Number of locks"),
    "pg_settings_max_connections": tm.MetricMeta("gauge", "Server Parameter: max_connections"),
    "pg_stat_database_numbackends": tm.MetricMeta("gauge", "Number of backends currently connected to this database."),
    "pg_stat_database_xact_commit": tm.MetricMeta(
        "counter", "Number of transactions in this database that have been committed"
    ),
    "pg_stat_database_xact_rollback": tm.MetricMeta(
        "counter", "Number of transactions in this database that have been rolled back"
    ),
    "pg_stat_database_blks_read": tm.MetricMeta("counter", "Number of disk blocks read in this database"),
    "pg_stat_database_tup_returned": tm.MetricMeta("counter", "Number of rows returned by queries in this database"),
    "pg_stat_statements_calls_total": tm.MetricMeta("counter", "Number of times executed"),
    "pg_stat_statements_seconds_total": tm.MetricMeta(
        "counter", "Total time spent in the statement, in seconds", "seconds"
    ),
    "pg_stat_statements_mean_exec_time_seconds": tm.MetricMeta(
        "gauge", "Mean time spent executing the statement over the last interval", "seconds"
    ),
}
NO_SESSION = ("28", "57")
"""Classes of SQLSTATE that a client meets before it has a session; any other is the answer to a statement."""


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "postgres")
    for i in frame.layout.of_kind(bp.Kind.DATABASE):
        if i not in frame.draft.hidden:
            _database(frame, page, i)
    return page.blocks()


def query_id(statement: str) -> str:
    """Postgres's identifier of a normalised statement: a signed 64-bit number."""
    return str(int.from_bytes(hashlib.sha256(statement.encode()).digest()[:8], "big", signed=True))


def waiting(frame: fr.Frame, call: int) -> lay.FloatArray:
    """Sessions of one call's statement that wait for a lock; [T]."""
    if call not in frame.draft.locks:
        return np.zeros(frame.steps)
    state = frame.state
    blocked = frame.draft.knobs.blocked_s[:, call] / np.maximum(state.call_latency[:, call], 1e-9)
    return np.asarray(np.floor(state.pool_used[:, call] * np.clip(blocked, 0, 1) * 0.98), dtype=np.float64)


def own_latency(frame: fr.Frame, call: int) -> lay.FloatArray:
    """Seconds that the statement itself took in the database; [T]."""
    took_s = frame.state.call_latency[:, call] - frame.draft.knobs.delay_s[:, call]
    return np.clip(took_s, 1e-5, frame.draft.knobs.timeout_s[call])  # clients cancel what takes longer


def admitted(frame: fr.Frame, i: int) -> lay.FloatArray:
    """Share of the attempts on a database that get a session, over all its clients; [T]."""
    codes = frame.draft.codes
    calls = [e for e in frame.layout.calls_to(i) if codes.get(e, "")[:2] in ("", *NO_SESSION)]
    attempts = frame.state.calls[:, calls]
    refused = (attempts * frame.draft.knobs.refused[:, calls]).sum(axis=1) / np.maximum(attempts.sum(axis=1), 1e-9)
    return np.asarray(1.0 - refused, dtype=np.float64)


def _sessions(
    frame: fr.Frame, i: int, capacity: float, rng: np.random.Generator
) -> dict[tuple[str, str], lay.FloatArray]:
    """Sessions [T] by state and by what they wait for; clients may open `capacity` of them."""
    layout, calls = frame.layout, frame.layout.calls_to(i)
    lock = np.sum([waiting(frame, e) for e in calls], axis=0)
    leaked = sum(frame.draft.knobs.leaked[:, e] * layout.replicas[layout.source[e]] for e in calls)
    used = frame.state.pool_used[:, calls].sum(axis=1)
    active = np.maximum(np.rint(np.maximum(used - leaked, 0) + rng.poisson(0.4, frame.steps)), lock)
    reading = np.rint((active - lock) * frame.draft.level("io_wait_share", i, 0.08))
    return {
        ("active", "none"): active - lock - reading,
        ("active", "IO"): reading,
        ("active", "Lock"): lock,
        ("idle", "Client"): np.maximum(np.rint(capacity * 0.5 * admitted(frame, i)) - active - np.rint(leaked), 1),
        ("idle in transaction", "Client"): np.rint(leaked) + (lock > 0),
    }


def _database(frame: fr.Frame, page: sheet.Sheet, i: int) -> None:
    component, state, layout = frame.layout.components[i], frame.state, frame.layout
    pods = frame.fleet.of(i)
    pod = pods[0]
    rng = frame.rng("postgres", i)
    datname = component.name.removesuffix("-db").replace("-", "_")
    base = {
        "job": "postgres-exporter",
        "instance": f"{frame.fleet.pods[pod].address}:9187",
        "namespace": layout.namespace(i),
        "service": component.name,
        "pod": frame.fleet.pods[pod].name,
        "server": f"{component.name}:5432",
    }
    calls = layout.calls_to(i)
    capacity = sum(layout.pool[e] * layout.replicas[layout.source[e]] for e in calls)
    parts = _sessions(frame, i, float(capacity), rng)
    lock = parts["active", "Lock"]
    active: lay.FloatArray = np.sum([row for (status, _), row in parts.items() if status == "active"], axis=0)

    def gauge(name: str, row: lay.FloatArray, **more: str) -> None:
        page.gauge({"__name__": name, **base, **more}, np.broadcast_to(row, frame.steps), pod)

    def counter(name: str, row: lay.FloatArray, *, whole: bool = True, **more: str) -> None:
        page.counter({"__name__": name, **base, **more}, row, pod, whole=whole)

    gauge("pg_up", np.ones(frame.steps))
    for (status, event), row in parts.items():
        gauge("pg_stat_activity_count", row, datname=datname, state=status, wait_event_type=event, usename="app")
    held_s = np.cumsum(lock > 0) * frame.step_s * (lock > 0) + frame.draft.level("longest_transaction_s", i, 0.0)
    gauge(
        "pg_stat_activity_max_tx_duration", held_s + rng.exponential(0.6, frame.steps), datname=datname, state="active"
    )
    locks: dict[str, lay.FloatArray] = {
        "accesssharelock": active * 2 + 3,
        "rowexclusivelock": np.rint(active * 0.8),
        "sharerowexclusivelock": lock,
        "exclusivelock": np.where(lock > 0, 1.0, 0.0),
    }
    for mode, held in locks.items():
        gauge("pg_locks_count", held, datname=datname, mode=mode)
    gauge("pg_settings_max_connections", np.full(frame.steps, float(np.ceil(capacity * 1.6 / 50) * 50)))
    gauge("pg_stat_database_numbackends", np.sum(list(parts.values()), axis=0), datname=datname)
    served = state.served[:, i] * frame.step_s
    counter("pg_stat_database_xact_commit", served, datname=datname)
    turned = np.sum(
        [state.calls[:, e] * frame.draft.knobs.refused[:, e] for e in calls if e in frame.draft.codes], axis=0
    )
    counter("pg_stat_database_xact_rollback", turned * frame.step_s * 1.0 + served * 0.0004, datname=datname)
    heavy = np.sum([state.calls[:, e] * own_latency(frame, e) for e in calls], axis=0) * frame.step_s
    counter("pg_stat_database_blks_read", heavy * 220, datname=datname)
    counter("pg_stat_database_tup_returned", served * 12 + heavy * 9000, datname=datname)
    for e in calls:
        done = np.minimum(state.calls[:, e] * (1 - frame.draft.knobs.refused[:, e]), state.served[:, i]) * frame.step_s
        mean_s = own_latency(frame, e)
        text = layout.calls[e].operation or "SELECT 1"
        more = {
            "datname": datname,
            "queryid": query_id(text),
            "user": layout.components[layout.source[e]].name.replace("-", "_"),
        }
        counter("pg_stat_statements_calls_total", done, **more)
        counter("pg_stat_statements_seconds_total", done * mean_s, whole=False, **more)
        gauge("pg_stat_statements_mean_exec_time_seconds", mean_s, **more, query=text[:80])
