"""Gather: ask every connected back end at once and put what came home into one `Case`."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence

from rootward import _tasks
from rootward.investigator import briefing, ledger, options
from rootward.investigator import frame as framing
from rootward.investigator.causal import case
from rootward.investigator.causal import case as cases  # the field `case` below hides the module
from rootward.investigator.probing import asked, cluster, context, logs, metrics, notebook, traces
from rootward.signals import alerts, entities, naming, protocols, records, roles, topology


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The case, the evidence behind it, and what could be asked again in a second round."""

    case: cases.Case
    ledger: ledger.Ledger
    sources: protocols.Sources
    plain: cases.Case | None = None  # the case without what guidance asked for, when it asked for anything
    asked: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)  # who asked → ids of the answers


@dataclasses.dataclass(slots=True, eq=False)
class _Haul:
    """What the readers bring home, filled as each finishes; a reader that hangs leaves its default."""

    measured: metrics.Metrics | None = None
    lines: list[case.LogsOf] = dataclasses.field(default_factory=list)
    traced: traces.Traces = dataclasses.field(default_factory=traces.Traces)
    state: cluster.ClusterState = dataclasses.field(default_factory=cluster.ClusterState)
    around: context.Context = dataclasses.field(default_factory=context.Context)
    brought: asked.Brought = dataclasses.field(default_factory=asked.Brought)
    remembered: Sequence[records.TopologyEdge] = ()


async def gather(
    alert: alerts.Alert,
    sources: protocols.Sources,
    *,
    now_s: float,
    chosen: options.Options,
    overrides: Sequence[roles.Override] = (),
    on_stage: Callable[[str], None] = lambda _: None,
    brief: briefing.Briefing = briefing.NOTHING,
) -> Gathered:
    """Never raises for what back ends do; everything that was not answered is in `case.gaps`. What `brief` asks is asked as well."""
    questions = brief.asked()
    frame = framing.frame(alert, now_s=now_s, chosen=chosen)
    notebooks = {name: notebook.Notebook(ledger.Ledger(name[0].upper())) for name in (*READERS, PROBES)}
    haul = _Haul(remembered=brief.edges)
    # Metrics settle the baseline for all, so they are read first; the others then run side by side.
    for source in sources.metrics:
        on_stage(f"metrics from {source.name}")
        found = await _within(
            chosen.deadline_s, metrics.read(source, frame, chosen, notebooks["metrics"], overrides, brief.shelf)
        )
        if found is None:
            notebooks["metrics"].unanswered("metrics", source.name, "no answer before the deadline")
        elif haul.measured is None or found.signals:
            frame = found.frame
            haul.measured = _merged(haul.measured, found)
    on_stage("logs, traces, cluster state, changes and messages")
    await _read_others(sources, frame, chosen, notebooks, haul, questions)
    _note_absent(sources, notebooks["metrics"])
    book = ledger.Ledger()
    for notes in notebooks.values():
        book.absorb(notes.ledger)
    gaps = [gap for notes in notebooks.values() for gap in notes.gaps]
    if not questions:
        return Gathered(_assemble(frame, haul, gaps), book, sources)
    return Gathered(_with_asked(frame, haul, gaps), book, sources, _assemble(frame, haul, gaps), haul.brought.keys)


PROBES = "probes"  # questions that guidance asks as well
READERS = ("metrics", "logs", "traces", "kubernetes", "changes")


async def _within(deadline_s: float, job: Awaitable[metrics.Metrics]) -> metrics.Metrics | None:
    async def one() -> metrics.Metrics:
        return await job

    return (await _tasks.run_all([one], limit=1, deadline_s=deadline_s))[0]


async def _read_others(
    sources: protocols.Sources,
    frame: framing.Frame,
    chosen: options.Options,
    notebooks: Mapping[str, notebook.Notebook],
    haul: _Haul,
    questions: Sequence[briefing.Asked],
) -> None:
    async def read_logs() -> str:
        for source in sources.logs:
            haul.lines.extend(await logs.read(source, frame, chosen, notebooks["logs"]))
        return "logs"

    async def read_traces() -> str:
        for source in sources.traces:
            haul.traced = await traces.read(source, frame, chosen, notebooks["traces"])
        return "traces"

    async def read_cluster() -> str:
        for source in sources.clusters:
            found = await cluster.read(source, frame, chosen, notebooks["kubernetes"])
            haul.state = cluster.joined(haul.state, found)
        return "kubernetes"

    async def read_context() -> str:
        haul.around = await context.read(sources, frame, chosen, notebooks["changes"])
        return "changes"

    async def read_asked() -> str:
        haul.brought = await asked.read(sources, frame, chosen, notebooks[PROBES], questions)
        return PROBES

    jobs = [read_logs, read_traces, read_cluster, read_context, *([read_asked] if questions else [])]
    done = await _tasks.run_all(jobs, limit=len(jobs), deadline_s=chosen.deadline_s)
    for name in (*READERS[1:], *([PROBES] if questions else [])):
        if name not in done:
            notebooks[name].unanswered(name, name, "no answer before the deadline")


def _merged(first: metrics.Metrics | None, second: metrics.Metrics) -> metrics.Metrics:
    if first is None:
        return second
    return metrics.Metrics(second.frame, [*first.signals, *second.signals], [*first.lines, *second.lines])


def _note_absent(sources: protocols.Sources, notes: notebook.Notebook) -> None:
    """A kind of signal that no connector brings is missing evidence too."""
    for kind, present in (
        ("metrics", sources.metrics),
        ("logs", sources.logs),
        ("traces", sources.traces),
        ("cluster state", sources.clusters),
        ("changes", sources.changes),
    ):
        if not present:
            notes.unanswered(kind, "", "not connected")


def _with_asked(frame: framing.Frame, haul: _Haul, gaps: Sequence[case.Gap]) -> case.Case:
    """The case with what was asked as well; lines and traces that came anyway stand in it once."""
    more = asked.unseen(haul.brought, haul.lines, haul.traced.spans)
    measured = haul.measured or metrics.Metrics(frame)
    known = {(one.channel, one.time_s, one.text) for one, _ in haul.around.messages}
    said = [pair for pair in more.messages if (pair[0].channel, pair[0].time_s, pair[0].text) not in known]
    return _assemble(
        frame,
        dataclasses.replace(
            haul,
            measured=dataclasses.replace(measured, signals=[*measured.signals, *more.signals]),
            lines=[*haul.lines, *more.lines],
            traced=dataclasses.replace(haul.traced, spans=[*haul.traced.spans, *more.spans]),
            around=dataclasses.replace(haul.around, messages=[*haul.around.messages, *said]),
        ),
        gaps,
    )


def _assemble(frame: framing.Frame, haul: _Haul, gaps: Sequence[case.Gap]) -> case.Case:
    measured = haul.measured or metrics.Metrics(frame)
    spans = [batch.spans for batch in haul.traced.spans]
    evidence = haul.traced.spans[0].evidence if haul.traced.spans else ""
    found = [
        *haul.traced.edges,
        *(dataclasses.replace(edge, evidence=evidence) for batch in spans for edge in topology.from_spans(batch)),
        *topology.from_lines(measured.lines),
        *topology.from_objects(haul.state.objects),
    ]
    if haul.remembered and not haul.traced.spans and not haul.traced.edges and not haul.state.objects:
        # What a scan saw some time ago stands in where nobody tells now; whoever tells now knows better.
        found.extend(haul.remembered)
        stood_in = f"calls that a scan saw earlier stand in: {len(haul.remembered)}"
        gaps = [*gaps, case.Gap("who calls whom now", "memory", stood_in)]
    return case.Case(
        alert=frame.alert,
        baseline=frame.baseline,
        focus=frame.focus,
        now_s=frame.now_s,
        signals=measured.signals,
        edges=topology.merge(found),
        logs=haul.lines,
        spans=haul.traced.spans,
        events=haul.state.events,
        objects=haul.state.objects,
        objects_evidence=haul.state.evidence,
        changes=haul.around.changes,
        messages=haul.around.messages,
        alerts=haul.around.alerts,
        gaps=gaps,
        pods_of=pods_of(haul.state.objects.get("Pod", ())),
    )


def pods_of(pods: Sequence[records.ClusterObject]) -> dict[str, entities.Entity]:
    """Which service each pod belongs to: by its owner's name, without the replica set's hash."""
    found: dict[str, entities.Entity] = {}
    for pod in pods:
        owners = pod.body.get("metadata", {}).get("ownerReferences") or [{}]
        owner = owners[0].get("name") or pod.name
        service = naming.service_of_pod(pod.name if owners[0].get("kind") == "ReplicaSet" else owner)
        found[pod.name] = entities.Entity(entities.EntityKind.SERVICE, service, pod.namespace)
    return found
