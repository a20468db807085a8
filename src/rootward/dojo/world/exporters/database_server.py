"""postgres_exporter, the server's side: replication, write-ahead log, checkpoints, background writer, vacuum, sizes, sequences."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import statements
from rootward.dojo.world.exporters import sheet

META = {
    "pg_replication_lag_seconds": tm.MetricMeta("gauge", "Replication lag behind master in seconds", "seconds"),
    "pg_replication_is_replica": tm.MetricMeta("gauge", "Indicates if the server is a replica"),
    "pg_stat_replication_pg_wal_lsn_diff": tm.MetricMeta("gauge", "Lag in bytes between master and slave", "bytes"),
    "pg_replication_slots_active": tm.MetricMeta("gauge", "Flag indicating if the slot is active"),
    "pg_replication_slots_pg_wal_lsn_diff": tm.MetricMeta("gauge", "Replication lag in bytes", "bytes"),
    "pg_stat_replication_pg_current_wal_lsn_bytes": tm.MetricMeta("counter", "WAL position in bytes", "bytes"),
    "pg_wal_size_bytes": tm.MetricMeta("gauge", "Total size of WAL segments", "bytes"),
    "pg_stat_bgwriter_checkpoints_timed_total": tm.MetricMeta(
        "counter", "Number of scheduled checkpoints that have been performed"
    ),
    "pg_stat_bgwriter_checkpoints_req_total": tm.MetricMeta(
        "counter", "Number of requested checkpoints that have been performed"
    ),
    "pg_stat_bgwriter_checkpoint_write_time_total": tm.MetricMeta(
        "counter", "Time spent writing files to disk during checkpoints, in milliseconds", "milliseconds"
    ),
    "pg_stat_bgwriter_checkpoint_sync_time_total": tm.MetricMeta(
        "counter", "Time spent synchronizing files to disk during checkpoints, in milliseconds", "milliseconds"
    ),
    "pg_stat_bgwriter_buffers_checkpoint_total": tm.MetricMeta(
        "counter", "Number of buffers written during checkpoints"
    ),
    "pg_stat_bgwriter_buffers_backend_total": tm.MetricMeta(
        "counter", "Number of buffers written directly by a backend"
    ),
    "pg_stat_database_temp_bytes": tm.MetricMeta(
        "counter", "Total amount of data written to temporary files by queries in this database", "bytes"
    ),
    "pg_stat_user_tables_n_dead_tup": tm.MetricMeta("gauge", "Estimated number of dead rows"),
    "pg_stat_user_tables_n_live_tup": tm.MetricMeta("gauge", "Estimated number of live rows"),
    "pg_stat_user_tables_autovacuum_count": tm.MetricMeta(
        "counter", "Number of times this table has been vacuumed by the autovacuum daemon"
    ),
    "pg_database_size_bytes": tm.MetricMeta("gauge", "Disk space used by the database", "bytes"),
    "pg_postmaster_start_time_seconds": tm.MetricMeta("gauge", "Time at which postmaster started", "seconds"),
    "pg_sequences_last_value": tm.MetricMeta("gauge", "Last value handed out by the sequence"),
    "pg_sequences_max_value": tm.MetricMeta("gauge", "Highest value of the sequence's column type"),
}
WAL_PER_WRITE = 900.0
WAL_IDLE = 4e3
CHECKPOINT_S = 300.0
INT4_MAX = 2_147_483_647.0


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "postgres server")
    for i in frame.layout.of_kind(bp.Kind.DATABASE):
        if i not in frame.draft.hidden:
            _Server(frame, page, i).emit()
    return page.blocks()


def write_rate(frame: fr.Frame, i: int) -> lay.FloatArray:
    """Statements per second that change something and are let do so; [T]."""
    calls = [e for e in frame.layout.calls_to(i) if statements.writes(frame.layout.calls[e].operation)]
    state, refused = frame.state, frame.draft.knobs.refused
    return np.asarray((state.calls[:, calls] * (1 - refused[:, calls])).sum(axis=1), dtype=np.float64)


class _Server:
    """The rows of one database."""

    def __init__(self, frame: fr.Frame, page: sheet.Sheet, i: int) -> None:
        self._frame, self._page, self._i = frame, page, i
        component, pod = frame.layout.components[i], frame.fleet.of(i)[0]
        self._pod = pod
        self._rng = frame.rng("postgres server", i)
        self._datname = component.name.removesuffix("-db").replace("-", "_")
        self._base = {
            "job": "postgres-exporter",
            "instance": f"{frame.fleet.pods[pod].address}:9187",
            "namespace": frame.layout.namespace(i),
            "service": component.name,
            "pod": frame.fleet.pods[pod].name,
            "server": f"{component.name}:5432",
        }
        self._writes = write_rate(frame, i)

    def emit(self) -> None:
        wal = self._level("wal_bytes_per_s", self._writes * WAL_PER_WRITE + WAL_IDLE)
        self._replication(wal)
        self._checkpoints(wal)
        self._tables()
        for table in statements.inserted(self._frame.layout, self._i):
            self._sequence(table)

    def _level(self, name: str, ordinary: lay.FloatArray | float) -> lay.FloatArray:
        return self._frame.draft.level(name, self._i, ordinary)

    def _gauge(self, name: str, row: lay.FloatArray | float, **more: str) -> None:
        wide = np.broadcast_to(np.asarray(row, dtype=np.float64), (self._frame.steps,))
        self._page.gauge({"__name__": name, **self._base, **more}, wide, self._pod)

    def _counter(self, name: str, row: lay.FloatArray, **more: str) -> None:
        self._page.counter({"__name__": name, **self._base, **more}, row, self._pod)

    def _replication(self, wal: lay.FloatArray) -> None:
        frame, name = self._frame, self._frame.layout.components[self._i].name
        jitter = self._rng.exponential(0.012, frame.steps)
        lag_s = self._level("replication_lag_s", 0.0) + 0.004 + jitter
        behind = np.rint(lag_s * wal)
        replica = {**self._base, "instance": f"{name}-ro:9187", "server": f"{name}-ro:5432"}
        del replica["pod"]
        self._page.gauge({"__name__": "pg_replication_lag_seconds", **replica}, lag_s)
        self._page.gauge({"__name__": "pg_replication_is_replica", **replica}, np.ones(frame.steps))
        self._gauge("pg_replication_is_replica", 0.0)
        self._gauge("pg_replication_lag_seconds", 0.0)
        standby = {"application_name": f"{name.replace('-', '_')}_ro", "state": "streaming"}
        self._gauge("pg_stat_replication_pg_wal_lsn_diff", behind, **standby)
        slot = {"slot_name": f"{name.replace('-', '_')}_ro", "database": self._datname}
        self._gauge("pg_replication_slots_active", 1.0, **slot)
        self._gauge("pg_replication_slots_pg_wal_lsn_diff", behind, **slot)
        forgotten = {"slot_name": "warehouse_cdc", "database": self._datname}
        self._gauge("pg_replication_slots_active", self._level("cdc_slot_active", 1.0), **forgotten)
        kept = self._level("cdc_slot_bytes", np.rint(self._rng.exponential(3e4, frame.steps)))
        self._gauge("pg_replication_slots_pg_wal_lsn_diff", kept, **forgotten)
        self._counter("pg_stat_replication_pg_current_wal_lsn_bytes", wal * frame.step_s)
        self._gauge("pg_wal_size_bytes", np.rint((1.074e9 + behind + kept) / 16_777_216) * 16_777_216)

    def _checkpoints(self, wal: lay.FloatArray) -> None:
        frame = self._frame
        period_s = self._level("checkpoint_every_s", CHECKPOINT_S)
        timed = np.where(period_s >= CHECKPOINT_S, frame.step_s / CHECKPOINT_S, 0.0)
        asked = np.where(period_s < CHECKPOINT_S, frame.step_s / period_s, 0.0)
        self._counter("pg_stat_bgwriter_checkpoints_timed_total", timed)
        self._counter("pg_stat_bgwriter_checkpoints_req_total", asked)
        busy = self._level("checkpoint_busy", 0.12)
        self._counter("pg_stat_bgwriter_checkpoint_write_time_total", busy * frame.step_s * 1e3)
        self._counter("pg_stat_bgwriter_checkpoint_sync_time_total", busy * busy * frame.step_s * 180.0)
        pages = wal / 8192.0 * CHECKPOINT_S / period_s
        self._counter("pg_stat_bgwriter_buffers_checkpoint_total", pages * 0.7 * frame.step_s)
        self._counter("pg_stat_bgwriter_buffers_backend_total", pages * 0.05 * frame.step_s)
        temp = self._level("temp_bytes_per_s", self._rng.exponential(2e3, frame.steps))
        self._counter("pg_stat_database_temp_bytes", temp * frame.step_s, datname=self._datname)

    def _tables(self) -> None:
        frame = self._frame
        dead = self._level("dead_rows_factor", 1.0)
        for table in statements.tables(frame.layout, self._i):
            live = float(np.rint(10 ** self._rng.uniform(5.2, 7.4)))
            phase = self._rng.uniform(0, 1)
            saw = (np.arange(frame.steps) * frame.step_s / 5400.0 + phase) % 1.0
            where = {"datname": self._datname, "schemaname": "public", "relname": table}
            self._gauge("pg_stat_user_tables_n_live_tup", np.rint(live * (1 + 1e-6 * np.arange(frame.steps))), **where)
            self._gauge("pg_stat_user_tables_n_dead_tup", np.rint(live * (0.01 + 0.1 * saw) * dead), **where)
            turned = np.concatenate(([0.0], (np.diff(saw) < 0) * 1.0))
            self._counter("pg_stat_user_tables_autovacuum_count", turned, **where)
        size = 6e9 + 4e10 * float(self._rng.uniform())
        grown = size + np.cumsum(self._writes) * frame.step_s * 210
        self._gauge("pg_database_size_bytes", np.rint(grown / 8192) * 8192, datname=self._datname)
        started = frame.fleet.pods[self._pod].created_s + 6.2
        self._gauge("pg_postmaster_start_time_seconds", np.floor(self._level("postmaster_start_s", started)))

    def _sequence(self, table: str) -> None:
        """An integer key column that inserts into `table` draw from."""
        frame = self._frame
        grown = np.cumsum(self._writes) * frame.step_s * 0.5
        usual = INT4_MAX * float(self._rng.uniform(0.05, 0.6)) + grown
        last = self._level(f"sequence {table}", usual)
        where = {"datname": self._datname, "schemaname": "public", "sequencename": f"{table}_id_seq"}
        self._gauge("pg_sequences_last_value", np.floor(np.minimum(last, INT4_MAX)), **where)
        self._gauge("pg_sequences_max_value", INT4_MAX, **where)
