"""All telemetry of one production system over a window, in memory: what worlds make, capsules store and faces serve.

Columnar, so that six hours of a 50-service world are a few arrays. Times are seconds (or nanoseconds where the name says
so) since the epoch, UTC. Everything here may hold records from after "now": the faces hide what has not happened yet.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = Mapping[str, str]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STALE_BITS = np.uint64(0x7FF0000000000002)
STALE = np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0]
"""Prometheus's staleness marker: "no sample here", as distinct from a sample whose value is NaN
(prometheus/model/value/value.go). Copy it only through array assignment, which keeps the bits."""

Samples = npt.NDArray[np.floating[Any]]
"""Narrow (float32) only where every sample is exact in it: the whole numbers of most counters. Large worlds fit so."""
NARROW_MAX = 2.0**24
"""Whole numbers up to here are exact in float32."""
_GLANCE = 64
_NARROW_STALE_BITS = np.uint32(0x7FC00002)


def _bits(values: Samples) -> tuple[npt.NDArray[Any], np.uint64 | np.uint32]:
    if values.dtype == np.float32:
        return values.view(np.uint32), _NARROW_STALE_BITS
    return values.view(np.uint64), STALE_BITS


def is_stale(values: Samples) -> npt.NDArray[np.bool_]:
    """Where there is no sample; same shape as `values`."""
    bits, marker = _bits(values)
    return np.asarray(bits == marker, dtype=np.bool_)


def make_stale(values: Samples, where: Any) -> None:
    """Take samples away in place; `where` is any index into `values`."""
    bits, marker = _bits(values)
    bits[where] = marker


def narrow(values: FloatArray) -> Samples:
    """The same samples in half the space, or `values` itself where that would not hold them exactly."""
    if values.shape[-1] > _GLANCE and narrow(values[..., ::_GLANCE]).dtype == np.float64:
        return values  # most of what is not exact shows at a glance
    with np.errstate(over="ignore", invalid="ignore"):
        half = values.astype(np.float32)
    stale = is_stale(values)
    if not np.all((half == values) | stale):
        return values
    make_stale(half, stale)
    return half


def wide(values: Samples) -> FloatArray:
    """The same samples as float64, without a copy if they are."""
    if values.dtype == np.float64:
        return values.astype(np.float64, copy=False)
    full = values.astype(np.float64)
    make_stale(full, is_stale(values))
    return full


def absent_to_stale(values: FloatArray, absent: npt.NDArray[np.bool_]) -> FloatArray:
    """A copy of `values` with the staleness marker wherever `absent` is true."""
    out = np.array(values, dtype=np.float64)
    out.view(np.uint64)[absent] = STALE_BITS
    return out


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class MetricBlock:
    """Series that were scraped at the same moments (one target, one job, or one irregular series).

    `times_s` shape [T], strictly increasing; `values` shape [S, T], stale (see `is_stale`) where there is no sample; `labels` has
    S entries, each with "__name__". Counters are cumulative with resets, histograms classic buckets (`le`), as real targets expose them.
    """

    times_s: FloatArray
    values: Samples
    labels: tuple[Labels, ...]

    def __post_init__(self) -> None:
        assert self.values.shape == (len(self.labels), len(self.times_s)), "one row per series, one column per time"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class HistogramSeries:
    """A series of Prometheus's native histograms, of observations that are not negative; cumulative with resets, as counters are.

    `times_s` shape [T], strictly increasing. `cells` shape [3 + B, T]: count and sum of all observations, those up to `near_zero`,
    then how many each bucket holds by itself. Bucket k holds what is above 2^((offset + k - 1) / 2^schema) and at most
    2^((offset + k) / 2^schema). `absent` [T] is true where there is no sample.
    """

    labels: Labels
    times_s: FloatArray
    schema: int
    near_zero: float
    offset: int
    cells: FloatArray
    absent: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        assert self.cells.shape[1:] == self.times_s.shape == self.absent.shape, "one column per time"


@dataclasses.dataclass(frozen=True, slots=True)
class MetricMeta:
    """`kind`: counter | gauge | histogram | summary | untyped, as in the exposition format's TYPE line."""

    kind: str
    help: str = ""
    unit: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Metrics:
    blocks: tuple[MetricBlock, ...] = ()
    meta: Mapping[str, MetricMeta] = dataclasses.field(default_factory=dict)  # by metric family name
    histograms: tuple[HistogramSeries, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Logs:
    """`times_ns` shape [N] non-decreasing; `stream` shape [N] indexes `streams`; `lines` has N texts.

    A stream's labels are what a log agent would set: namespace, pod, container, app, node … `trace_ids` / `span_ids` have N
    entries ("" for none) or are empty (structured metadata).
    """

    times_ns: IntArray
    stream: npt.NDArray[np.int32]
    lines: Sequence[str]
    streams: tuple[Labels, ...]
    trace_ids: Sequence[str] = ()
    span_ids: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """What emitted spans: OpenTelemetry resource attributes (k8s.pod.name, host.name, service.version …)."""

    service: str
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Row i of every column is one span, in order of start. Ids are lower-case hex (32 and 16 characters); `parent_ids` "" for
    roots. `process`, `name` index `processes`, `names`. `kind`: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer,
    5 consumer; `status`: 0 unset, 1 ok, 2 error (OTLP's numbers)."""

    trace_ids: Sequence[str]
    span_ids: Sequence[str]
    parent_ids: Sequence[str]
    process: npt.NDArray[np.int32]
    name: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    start_ns: IntArray
    duration_ns: IntArray
    status: npt.NDArray[np.int8]
    attributes: Sequence[Mapping[str, Any]]
    processes: tuple[Process, ...] = ()
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectVersion:
    """A Kubernetes object from `time_s` on, until the next version of the same kind/namespace/name; `deleted` ends it.

    `body` is the object as the API returns it: apiVersion, kind, metadata, spec, status, or data … of any kind.
    """

    time_s: float
    body: Mapping[str, Any]
    deleted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """`events` are core/v1 Event objects; their lastTimestamp (or eventTime) decides when they are visible."""

    versions: tuple[ObjectVersion, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    version: str = "v1.31.2"


@dataclasses.dataclass(frozen=True, slots=True)
class Commit:
    """`files`: path → unified patch ("" when unknown)."""

    time_s: float
    sha: str
    author: str
    message: str
    repository: str  # "owner/name"
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    parent: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Pull:
    number: int
    title: str
    author: str
    repository: str
    created_s: float
    merged_s: float | None
    merge_sha: str = ""
    body: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Deployment:
    """One roll-out as GitHub's deployments API shows it; `payload` holds service, version, image … as pipelines put them."""

    time_s: float
    id: int
    sha: str
    repository: str
    environment: str
    creator: str
    description: str = ""
    payload: Mapping[str, str] = dataclasses.field(default_factory=dict)
    state: str = "success"
    finished_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeEvent:
    """A change reported to PagerDuty's change events: flags, configuration, secrets, migrations, infrastructure.

    `kind` is in custom_details.kind as pipelines put it (flag | config | secret | schema | infrastructure | scale | deploy).
    """

    time_s: float
    id: str
    summary: str
    source: str
    service: str = ""
    details: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    commits: tuple[Commit, ...] = ()
    pulls: tuple[Pull, ...] = ()
    deployments: tuple[Deployment, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ChatMessage:
    """`user` names a member ("U…" ids are made by the face); `bot` for integrations; `thread_s` the parent's time, or None."""

    time_s: float
    channel: str
    user: str
    text: str
    bot: bool = False
    thread_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class AlertRule:
    """A Prometheus alerting rule; `for_s` seconds pending before it fires."""

    name: str
    expr: str
    for_s: float
    labels: Labels
    annotations: Labels
    group: str = "rules"


@dataclasses.dataclass(frozen=True, slots=True)
class RecordingRule:
    """A Prometheus recording rule: its answers are kept as series called `name`, with `labels` added. The faces evaluate it."""

    name: str
    expr: str
    labels: Labels = dataclasses.field(default_factory=dict)
    group: str = "rules"


@dataclasses.dataclass(frozen=True, slots=True)
class FiredAlert:
    """One firing of a rule: active (pending) from `active_s`, firing from `starts_s` to `ends_s` (None: still firing)."""

    rule: str
    labels: Labels
    annotations: Labels
    active_s: float
    starts_s: float
    ends_s: float | None = None
    value: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Incident:
    """A PagerDuty incident; `alert_labels` are those of the alert that opened it."""

    time_s: float
    number: int
    title: str
    service: str
    urgency: str = "high"
    resolved_s: float | None = None
    alert_labels: Labels = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Telemetry:
    """Everything that the faces can be asked about. `now_s` is the moment at which the investigated alert is looked at.

    `access` tells, per vendor ("prometheus", "loki", "elasticsearch", "datadog", "kubernetes", "jaeger", "tempo", "alertmanager",
    "github", "slack", "pagerduty" …: `wire.faces` names them all), when a face does not answer: "absent" (not part of this system:
    the wiring leaves it out), "forbidden" (403) or "down" (503). A vendor not named there answers.
    """

    name: str
    start_s: float
    end_s: float
    now_s: float
    metrics: Metrics = dataclasses.field(default_factory=Metrics)
    logs: Logs | None = None
    spans: Spans | None = None
    cluster: Cluster = dataclasses.field(default_factory=Cluster)
    code: Code = dataclasses.field(default_factory=Code)
    change_events: tuple[ChangeEvent, ...] = ()
    messages: tuple[ChatMessage, ...] = ()
    rules: tuple[AlertRule, ...] = ()
    recordings: tuple[RecordingRule, ...] = ()
    alerts: tuple[FiredAlert, ...] = ()
    incidents: tuple[Incident, ...] = ()
    access: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.start_s < self.end_s, "telemetry covers a span of time"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What an investigation starts from: the telemetry and the alert, an Alertmanager webhook (version 4) payload.

    The truth is not here: it is sealed apart (`dojo.oracle`), so that nothing that serves a scenario can leak it.
    """

    telemetry: Telemetry
    alert: Mapping[str, Any]
