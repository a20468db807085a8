"""What software writes with nobody asking: checkpoints, snapshots, connections that grow old, jobs of services; round after round.

After the servers' own documentation and defaults: Postgres's checkpoint_timeout of five minutes, log_connections (on in some houses only),
log_autovacuum_min_duration; Redis's `save 60 10000` and `save 300 100`; Kafka's rolled and deleted segments; RabbitMQ's connection
log; HikariCP's maxLifetime of half an hour, which is why connections come and go at all.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import statements

LINES = 1600
"""About how many of these lines six hours have; more are sampled like everything else."""
JOBS = (
    ("{noun} cache refreshed: {n} entries in {ms} ms",),
    ("starting scheduled cleanup", "cleanup done: removed {n} expired {noun} entries, {ms} ms"),
    ("polled configuration, revision {r}, 0 changes",),
    ("flushed {n} metrics in {ms} ms",),
    (
        "[scheduled] reconcile begin",
        "[scheduled] {n} {noun} records compared",
        "[scheduled] reconcile end after {ms} ms",
    ),
    ("token refreshed, valid for {n} min",),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Round:
    """`texts(dice)` are written `apart_s` from each other, every `period_s` in the mean, `steady` or at random, by each pod."""

    component: int
    period_s: float
    texts: Callable[[np.random.Generator], list[str]]
    size: float
    apart_s: float = 0.05
    steady: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    pod: int
    time_s: float
    text: str


def lines(frame: fr.Frame) -> Iterator[Line]:
    """All of them, in no order; thinned to about LINES by leaving out whole rounds."""
    rounds = [one for i in range(len(frame.layout.components)) for one in _rounds(frame, i)]
    hours_s = frame.steps * frame.step_s
    expected = sum(one.size * hours_s / one.period_s * len(frame.fleet.of(one.component)) for one in rounds)
    kept = min(1.0, LINES * frame.volume * frame.noise.log_share / max(expected, 1.0))
    rng = frame.rng("upkeep")
    for one in rounds:
        for p in frame.fleet.of(one.component):
            count = max(int(hours_s / one.period_s), 1)
            even = (np.arange(count) + rng.uniform()) * one.period_s + rng.normal(0.0, 0.4, count)
            at_s = even if one.steady else rng.uniform(0, hours_s, count)
            for moment_s in at_s[rng.uniform(size=count) < kept].tolist():
                step = int(moment_s / frame.step_s)
                if 0 <= step < frame.steps and frame.fleet.running[p, step]:
                    begin_s = float(frame.times_s[0]) + moment_s
                    for k, text in enumerate(one.texts(rng)):
                        yield Line(p, begin_s + k * one.apart_s * float(rng.uniform(0.5, 1.5)), text)


def _rounds(frame: fr.Frame, i: int) -> list[Round]:
    component = frame.layout.components[i]
    made = _OF.get(component.language)
    if made is None or component.kind is bp.Kind.EXTERNAL:
        return []
    return made(frame, i, frame.draft.rng("upkeep", component.name))


def _jobs(frame: fr.Frame, i: int, rng: np.random.Generator) -> list[Round]:
    if rng.uniform() > 0.4:
        return []
    noun = frame.layout.components[i].name.split("-")[0]
    job = JOBS[int(rng.integers(0, len(JOBS)))]
    usual = int(10.0 ** rng.uniform(0.5, 3.5))

    def texts(dice: np.random.Generator) -> list[str]:
        n, ms = int(dice.poisson(usual)), int(dice.gamma(3.0, 9.0)) + 1
        return [text.format(noun=noun, n=n, ms=ms, r=4000 + usual) for text in job]

    period_s = float((300, 600, 900, 1800)[int(rng.integers(0, 4))])
    return [Round(i, period_s, texts, len(job), apart_s=0.02)]


def _postgres(frame: fr.Frame, i: int, rng: np.random.Generator) -> list[Round]:
    busy = float(rng.uniform(60, 4000))

    def checkpoint(dice: np.random.Generator) -> list[str]:
        wrote, long_s = int(dice.gamma(4.0, busy / 4.0)) + 1, float(dice.uniform(20, 270))
        distance = int(wrote * dice.uniform(8, 30))
        return [
            "checkpoint starting: time",
            f"checkpoint complete: wrote {wrote} buffers ({wrote / 163.84:.1f}%); 0 WAL file(s) added, 0 removed, {int(dice.integers(0, 3))} recycled; write={long_s:.3f} s, sync={dice.uniform(0.002, 0.09):.3f} s, total={long_s + 0.11:.3f} s; sync files={int(dice.integers(4, 60))}, longest={dice.uniform(0.001, 0.03):.3f} s, average={dice.uniform(0.001, 0.003):.3f} s; distance={distance} kB, estimate={int(distance * 1.1)} kB",
        ]

    found = [Round(i, 300.0, checkpoint, 2)]
    tables = statements.tables(frame.layout, i)
    clients = [frame.layout.components[frame.layout.source[e]].name for e in frame.layout.calls_to(i)]
    if clients and rng.uniform() < 0.4:  # log_connections is on
        found.append(Round(i, float(rng.uniform(40, 160)), _connection(clients), 3, apart_s=0.004, steady=False))
    if tables and rng.uniform() < 0.5:
        found.append(Round(i, float(rng.uniform(400, 1500)), _vacuum(tables), 1, steady=False))
    return found


def _connection(clients: list[str]) -> Callable[[np.random.Generator], list[str]]:
    def texts(dice: np.random.Generator) -> list[str]:
        user = clients[int(dice.integers(0, len(clients)))].replace("-", "_")
        host = f"10.244.{int(dice.integers(0, 6))}.{int(dice.integers(4, 250))}"
        return [
            f"connection received: host={host} port={int(dice.integers(33000, 60000))}",
            f'connection authenticated: identity="{user}" method=scram-sha-256 (/var/lib/postgresql/data/pg_hba.conf:100)',
            f"connection authorized: user={user} database=app application_name=PostgreSQL",
        ]

    return texts


def _vacuum(tables: tuple[str, ...]) -> Callable[[np.random.Generator], list[str]]:
    def texts(dice: np.random.Generator) -> list[str]:
        table, pages = tables[int(dice.integers(0, len(tables)))], int(dice.gamma(2.0, 900.0)) + 3
        removed = int(dice.gamma(2.0, 400.0))
        return [
            f'automatic vacuum of table "app.public.{table}": index scans: {int(dice.integers(0, 2))}\n\tpages: 0 removed, {pages} remain, {pages // 3} scanned (33.33% of total)\n\ttuples: {removed} removed, {pages * 41} remain, 0 are dead but not yet removable\n\tbuffer usage: {pages * 2} hits, {pages // 7} misses, {pages // 5} dirtied\n\tsystem usage: CPU: user: {dice.uniform(0, 0.3):.2f} s, system: {dice.uniform(0, 0.1):.2f} s, elapsed: {dice.uniform(0.1, 4):.2f} s'
        ]

    return texts


def _redis(frame: fr.Frame, i: int, rng: np.random.Generator) -> list[Round]:
    del frame
    changes, period_s = (("10000", 60.0), ("100", 300.0), ("1", 3600.0))[int(rng.integers(0, 3))]

    def snapshot(dice: np.random.Generator) -> list[str]:
        process = int(dice.integers(30, 9000))
        return [
            f"{changes} changes in {period_s:.0f} seconds. Saving...",
            f"Background saving started by pid {process}",
            "DB saved on disk",
            f"Fork CoW for RDB: current {int(dice.integers(1, 9))} MB, peak {int(dice.integers(9, 20))} MB, average {int(dice.integers(1, 9))} MB",
            "Background saving terminated with success",
        ]

    return [Round(i, period_s, snapshot, 5, apart_s=0.06)]


def _kafka(frame: fr.Frame, i: int, rng: np.random.Generator) -> list[Round]:
    topic = frame.layout.components[i].name

    def roll(dice: np.random.Generator) -> list[str]:
        base = int(dice.integers(10**6, 10**9))
        place = f"{topic}-{int(dice.integers(0, 12))}"
        return [
            f"[LocalLog partition={place}, dir=/var/lib/kafka/data] Rolled new log segment at offset {base} in {int(dice.integers(1, 9))} ms.",
            f"[ProducerStateManager partition={place}] Wrote producer snapshot at offset {base} with {int(dice.integers(0, 4))} producer ids in {int(dice.integers(0, 3))} ms.",
        ]

    return [Round(i, float(rng.uniform(120, 600)), roll, 2, apart_s=0.003, steady=False)]


def _rabbitmq(frame: fr.Frame, i: int, rng: np.random.Generator) -> list[Round]:
    del frame

    def connection(dice: np.random.Generator) -> list[str]:
        pair = f"10.244.{int(dice.integers(0, 6))}.{int(dice.integers(4, 250))}:{int(dice.integers(33000, 60000))} -> 10.244.1.17:5672"
        return [
            f"accepting AMQP connection {pair}",
            f"connection {pair}: user 'app' authenticated and granted access to vhost '/'",
        ]

    return [Round(i, float(rng.uniform(30, 400)), connection, 2, apart_s=0.01, steady=False)]


_OF: dict[str, Callable[[fr.Frame, int, np.random.Generator], list[Round]]] = {
    "go": _jobs,
    "java": _jobs,
    "python": _jobs,
    "node": _jobs,
    "postgres": _postgres,
    "redis": _redis,
    "kafka": _kafka,
    "rabbitmq": _rabbitmq,
}
