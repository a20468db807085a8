"""What the reasoner sees: everything the probes brought home, in one frozen record. And what its parts say: clues.

`investigator.probe` fills a `Case`; nothing in `causal` asks for more. All times are seconds since the epoch.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from rootward.signals import alerts as fired  # the field `alerts` below would hide the module
from rootward.signals import entities, records, series, windows
from rootward.signals.roles import role


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """One measured line: what (`role`) on whom (`entity`), by whom (`observer`, when somebody else measured it: a client's view
    of its callee, a mesh's view of an edge). `name` is the metric's own name and `detail` the labels that set it apart
    (statement, route, status). `times_s`, `values` shape [T], NaN for no sample; it covers baseline and focus. `evidence` is
    the id of the answer it came in."""

    entity: entities.Entity
    role: role.Role
    name: str
    times_s: series.FloatArray
    values: series.FloatArray
    evidence: str
    unit: str = ""
    observer: entities.Entity | None = None
    detail: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LogsOf:
    """Lines of one entity over baseline and focus; `truncated` when the limit cut some off."""

    entity: entities.Entity
    lines: records.LogBatch
    evidence: str
    truncated: bool = False


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class SpansOf:
    """Traces gathered over one window ("baseline" or "focus")."""

    window: windows.Window
    spans: records.SpanBatch
    evidence: str
    truncated: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """A question that could not be answered: what is missing, from whom, why (an outcome other than ok), and what it would have told."""

    question: str
    source: str
    reason: str
    evidence: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Case:
    """`baseline` is the time before trouble, `focus` from shortly before the alert's trouble began to the time of asking; the onset
    lies in `focus` (as framed: it may be off by minutes, and reasoning must not hang on it). `objects` by kind. `known` are the
    entities that exist, with aliases folded; `pods_of` maps a pod to the workload or service it belongs to.
    """

    alert: fired.Alert
    baseline: windows.Window
    focus: windows.Window
    now_s: float
    signals: Sequence[Signal] = ()
    edges: Sequence[records.TopologyEdge] = ()
    logs: Sequence[LogsOf] = ()
    spans: Sequence[SpansOf] = ()
    events: Sequence[tuple[records.Event, str]] = ()  # with the evidence id
    objects: Mapping[str, Sequence[records.ClusterObject]] = dataclasses.field(default_factory=dict)
    objects_evidence: Mapping[str, str] = dataclasses.field(default_factory=dict)  # kind → evidence id
    changes: Sequence[tuple[records.Change, str]] = ()
    messages: Sequence[tuple[records.Message, str]] = ()
    alerts: Sequence[tuple[fired.Alert, str]] = ()
    gaps: Sequence[Gap] = ()
    pods_of: Mapping[str, entities.Entity] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Clue:
    """One thing that speaks for (or against) a hypothesis: the common currency of all detectors.

    `weight` is a log-likelihood ratio in nats for (entity, fault) against "nothing is wrong with it": positive speaks for,
    negative against, and 3 is already strong (20 to 1). `fault` "" means "something is wrong here, kind unknown".
    `symptom` marks what is likely an effect of trouble elsewhere (latency, errors seen by a caller), so that the posterior
    lets the graph explain it away. `sentence` is what a person reads; `evidence` ids it rests on; `change` the id of a
    change it blames. `family` names the detector's modality, so clues that share a measurement are not counted twice. `victims` are
    those that the clue itself says suffer from it, where no call leads from them to the entity.
    """

    entity: entities.Entity
    fault: str
    weight: float
    sentence: str
    evidence: tuple[str, ...]
    family: str
    onset_s: float | None = None
    symptom: bool = False
    change: str = ""
    victims: tuple[entities.Entity, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Refutation:
    """A hypothesis that was considered and dropped, and why."""

    entity: entities.Entity
    fault: str
    reason: str
    evidence: tuple[str, ...] = ()
    change: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Hypothesis:
    """A ranked answer. `probability` over all hypotheses and the three nulls sums to one; `low`/`high` is its 90% interval."""

    entity: entities.Entity
    fault: str
    probability: float
    low: float
    high: float
    onset_s: float | None
    clues: tuple[Clue, ...]
    path: tuple[entities.Entity, ...] = ()  # from the cause to the alert's entity
    change: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What the reasoner concludes: hypotheses, best first, the mass on "cause outside what we can see", "no fault" and "not enough
    evidence", and what was ruled out."""

    hypotheses: tuple[Hypothesis, ...]
    outside: float
    no_fault: float
    not_enough: float
    ruled_out: tuple[Refutation, ...] = ()
    notes: tuple[str, ...] = ()
