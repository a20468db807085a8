"""Small systems for tests of the reasoner: a frontend that calls orders and search, orders that calls its database."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from rootward import _rng
from rootward.investigator.causal import case as cases
from rootward.signals import alerts, entities, records, series, windows
from rootward.signals.roles import role as roles

NOW_S = 1_760_000_000.0
ONSET_S = NOW_S - 600.0
START_S = NOW_S - 3 * 3600.0
STEP_S = 30.0
Role = roles.Role


def service(name: str) -> entities.Entity:
    return entities.Entity(entities.EntityKind.SERVICE, name)


def database(name: str) -> entities.Entity:
    return entities.Entity(entities.EntityKind.DATABASE, name)


def external(name: str) -> entities.Entity:
    return entities.Entity(entities.EntityKind.EXTERNAL, name)


def grid(step_s: float = STEP_S) -> series.FloatArray:
    return np.arange(START_S, NOW_S + 1e-6, step_s)


def signal(
    entity: entities.Entity,
    role: roles.Role,
    before: float,
    after: float | None = None,
    *,
    noise: float = 0.03,
    observer: entities.Entity | None = None,
    detail: Mapping[str, str] | None = None,
    name: str = "",
    onset_s: float = ONSET_S,
    step_s: float = STEP_S,
) -> cases.Signal:
    """A level with relative noise that steps at the onset (`after` None: it does not)."""
    times = grid(step_s)
    rng = _rng.stream(7, str(entity), str(role), name, str(observer), str(sorted((detail or {}).items())))
    levels = np.where(times >= onset_s, before if after is None else after, before)
    values = levels * (1.0 + noise * rng.standard_normal(times.size))
    return cases.Signal(
        entity,
        role,
        name or str(role),
        times,
        values,
        f"E-{entity.name}-{role}",
        observer=observer,
        detail=detail or {},
    )


def edge(caller: entities.Entity, callee: entities.Entity) -> records.TopologyEdge:
    return records.TopologyEdge(caller, callee, "test")


def case(signals: Sequence[cases.Signal], *, about: str = "frontend", **parts: object) -> cases.Case:
    alert = alerts.Alert("FrontendSlow", starts_at_s=ONSET_S + 60.0, entity=service(about), metric="latency")
    subject = cases.Case(
        alert,
        baseline=windows.Window(START_S, NOW_S - 1800.0),
        focus=windows.Window(NOW_S - 1800.0, NOW_S),
        now_s=NOW_S,
        signals=tuple(signals),
        edges=(
            edge(service("frontend"), service("orders")),
            edge(service("frontend"), service("search")),
            edge(service("orders"), database("orders-db")),
        ),
    )
    return dataclasses.replace(subject, **parts)  # type: ignore[arg-type]


def healthy() -> list[cases.Signal]:
    """Latency, errors, requests and CPU of everybody, quiet."""
    found = []
    for name, latency in (("frontend", 0.2), ("orders", 0.05), ("search", 0.03)):
        found.append(signal(service(name), Role.DURATION_MEAN, latency))
        found.append(signal(service(name), Role.RATE, 100.0))
        found.append(signal(service(name), Role.CPU_USAGE, 0.5))
        found.append(signal(service(name), Role.ERROR_RATIO, 0.001))
    return found


def replaced(signals: Sequence[cases.Signal], *changed: cases.Signal) -> list[cases.Signal]:
    """`signals` with those of the same entity, role and observer exchanged, and new ones added."""
    keys = {(one.entity, one.role, one.observer, one.name) for one in changed}
    return [one for one in signals if (one.entity, one.role, one.observer, one.name) not in keys] + list(changed)


def logs(entity: entities.Entity, lines: Sequence[tuple[float, str]]) -> cases.LogsOf:
    ordered = sorted(lines)
    batch = records.LogBatch(
        np.array([time_s for time_s, _ in ordered]),
        [line for _, line in ordered],
        [0] * len(ordered),
        [{"service": entity.name}],
    )
    return cases.LogsOf(entity, batch, f"L-{entity.name}")


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    trace: str
    id: str
    parent: str
    service: str
    operation: str
    start_s: float
    duration_s: float
    kind: str = ""
    error: bool = False


def spans(rows: Sequence[Span]) -> cases.SpansOf:
    batch = records.SpanBatch(
        [row.trace for row in rows],
        [row.id for row in rows],
        [row.parent for row in rows],
        [row.service for row in rows],
        ["" for _ in rows],
        [row.operation for row in rows],
        [row.kind for row in rows],
        np.array([row.start_s for row in rows]),
        np.array([row.duration_s for row in rows]),
        [row.error for row in rows],
        [{} for _ in rows],
    )
    return cases.SpansOf(windows.Window(START_S, NOW_S), batch, "T1")
