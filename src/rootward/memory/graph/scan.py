"""A scan: cheap questions to every connected back end, from which the graph is kept fresh. Few requests, short windows, no baselines."""

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rootward import _tasks
from rootward.memory.graph import model, reading
from rootward.signals import alerts, answers, protocols, questions, records, roles, topology, windows

KINDS = ("Service", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "ConfigMap", "Ingress", "Pod")
RECENT_S = 3600.0  # calls are looked for in the last hour
DAYS_S = 7 * 86_400.0  # deployments in the last week
ALERTS_S = 86_400.0
SAMPLED_SERVICES = 6  # whose traces are sampled
SAMPLED_TRACES = 20  # of each
OBSERVED_MAX = 12  # metrics by which one side counts its calls to the other
CONCURRENCY = 8


@dataclasses.dataclass(slots=True, eq=False)
class Scan:
    """What was sighted, what could not be asked (in words), and how many questions it took."""

    sightings: list[model.Sighting] = dataclasses.field(default_factory=list)
    gaps: list[str] = dataclasses.field(default_factory=list)
    questions: int = 0


@dataclasses.dataclass(slots=True, eq=False)
class _Haul:
    edges: list[records.TopologyEdge] = dataclasses.field(default_factory=list)
    objects: dict[str, list[records.ClusterObject]] = dataclasses.field(default_factory=dict)
    changes: list[records.Change] = dataclasses.field(default_factory=list)
    fired: list[alerts.Alert] = dataclasses.field(default_factory=list)


async def scan(
    sources: protocols.Sources,
    *,
    now_s: float,
    limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    deadline_s: float = 60.0,
) -> Scan:
    """Ask all at once; whatever fails is told under `gaps` and the rest is used."""
    told, haul = Scan(), _Haul()

    def note(what: str, answer: answers.Answer[Any]) -> Any:
        told.questions += 1
        if not answer.answered:
            told.gaps.append(f"{what} ({answer.source}: {str(answer.outcome).replace('_', ' ')})")
        return answer.value or ()

    work: list[Awaitable[str]] = [
        *(_cluster(one, haul, limits, note) for one in sources.clusters),
        *(_traces(one, haul, now_s, limits, note) for one in sources.traces),
        *(_metrics(one, haul, now_s, limits, note) for one in sources.metrics),
        *(_changes(one, haul, now_s, limits, note) for one in sources.changes),
        *(_alerts(one, haul, now_s, limits, note) for one in sources.alerts),
    ]
    jobs = [functools.partial(_done, one) for one in work]
    done = await _tasks.run_all(jobs, limit=CONCURRENCY, deadline_s=deadline_s)
    told.gaps += ["a back end that gave no answer before the deadline"] * sum(one is None for one in done)
    told.sightings = _read(haul)
    return told


async def _done(work: Awaitable[str]) -> str:
    return await work


def _read(haul: _Haul) -> list[model.Sighting]:
    """The same for every order in which answers came."""
    known = [one for edge in haul.edges for one in (edge.caller, edge.callee)]
    edges = [*haul.edges, *topology.from_objects(haul.objects), *topology.from_names(known)]
    called = reading.calls(edges)
    named = reading.canonical(called)
    services = [one for said in called for one in (said.subject, said.object) if one.kind == "service"]
    found = [
        *called,
        *reading.objects(haul.objects, named),
        *reading.fired(haul.fired, named),
        *reading.changed(haul.changes, named, services),
    ]
    ordered = sorted(found, key=lambda s: (s.subject, s.relation, s.object, s.source, -s.certainty, s.detail))
    once: dict[tuple[object, ...], model.Sighting] = {}
    for said in ordered:
        once.setdefault((said.subject, said.relation, said.object, said.source), said)
    return list(once.values())


Note = Callable[[str, answers.Answer[Any]], Any]


async def _cluster(source: protocols.ClusterSource, haul: _Haul, limits: protocols.Limits, note: Note) -> str:
    for kind in filter(source.holds, KINDS):
        haul.objects.setdefault(kind, []).extend(note(f"{kind} objects", await source.objects(kind, limits=limits)))
    return source.name


async def _traces(
    source: protocols.TraceSource, haul: _Haul, now_s: float, limits: protocols.Limits, note: Note
) -> str:
    """The back end's own call graph where it has one; a few whole traces for what is no service of its own: databases, queues."""
    window = windows.Window(now_s - RECENT_S, now_s)
    graph = await source.dependencies(window, limits)
    if graph.outcome is not answers.Outcome.BAD_QUERY:  # this back end simply has no such question
        haul.edges += note("who calls whom", graph)
    services: Sequence[str] = note("traced services", await source.services(window, limits))
    step = max(len(services) // SAMPLED_SERVICES, 1)
    for service in services[::step][:SAMPLED_SERVICES]:
        query = protocols.TraceQuery(service, traces=SAMPLED_TRACES)
        batch = note(f"traces through {service}", await source.search(query, window, limits))
        if isinstance(batch, records.SpanBatch):
            haul.edges += topology.from_spans(batch)
    return source.name


async def _metrics(
    source: protocols.MetricSource, haul: _Haul, now_s: float, limits: protocols.Limits, note: Note
) -> str:
    """One sample each of what clients, meshes and service graphs count about others."""
    window = windows.Window(now_s - RECENT_S, now_s)
    catalogue = note("which metrics exist", await source.catalogue(window, limits))
    observed = [one for one in roles.discover(catalogue) if one.observer is not None]
    counted = [one for one in observed if one.role is roles.Role.RATE] or observed
    measured = await questions.measure(
        source, counted[:OBSERVED_MAX], window, RECENT_S, rate_window_s=RECENT_S, limits=limits, concurrency=2,
    )  # fmt: skip
    for item in measured:
        for answer in item.answers:
            note(f"{item.binding.role} from {item.binding.metric}", answer)
        haul.edges += topology.from_lines(item.lines)
    return source.name


async def _changes(
    source: protocols.ChangeSource, haul: _Haul, now_s: float, limits: protocols.Limits, note: Note
) -> str:
    haul.changes += note("deployments", await source.changes(windows.Window(now_s - DAYS_S, now_s), limits))
    return source.name


async def _alerts(
    source: protocols.AlertSource, haul: _Haul, now_s: float, limits: protocols.Limits, note: Note
) -> str:
    haul.fired += note("alerts", await source.alerts(windows.Window(now_s - ALERTS_S, now_s), limits))
    return source.name
