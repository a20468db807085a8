"""What a back end must be able to answer, by kind of signal. Connectors fulfil these; the investigator asks through them.

Contract of every method here (tests/contract holds each implementation to it):

- It never raises for anything the back end does, and returns an `Answer` that says which of the six outcomes it was.
- Windows are inclusive at both ends. Results are in order of time (or of name, for catalogues), equal for equal questions.
- It is bounded: at most what `Limits` allows is returned (then TRUNCATED), and at most `limits.seconds` are spent.
- It reads only, and changes nothing in the back end.
- Text that came from production (lines, messages, annotations) is returned as data, with secrets redacted.
- Nothing is cached between calls unless said; a source may be asked concurrently; `aclose` ends its connections.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal, Protocol

from rootward.signals import alerts, answers, records, series, windows


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """The most that one question may cost. Reaching one gives TRUNCATED, not silence."""

    series: int = 2_000
    samples: int = 2_000_000
    lines: int = 5_000
    spans: int = 50_000
    records: int = 2_000  # events, changes, messages, objects, alerts
    bytes: int = 64 * 1024 * 1024  # of response bodies
    seconds: float = 10.0


DEFAULT_LIMITS = Limits()
QUERIES_TOGETHER = 16  # metric queries that one request may carry: a back end works them off one after another

MatchOperator = Literal["=", "!=", "=~", "!~"]


@dataclasses.dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; regular expressions are anchored at both ends (RE2), as Prometheus and Loki do."""

    label: str
    operator: MatchOperator
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question about one metric, in no vendor's language.

    function: "value" (as stored), "rate" (per second, of a counter), "increase", "delta"; over `over_s` seconds.
    aggregate: how series fall together into `by` (None keeps each series); `quantile` in (0, 1) asks the quantile of a
    histogram (classic buckets `le`) per `by` group, after `function` was applied to the buckets.
    """

    metric: str
    matchers: tuple[Matcher, ...] = ()
    function: Literal["value", "rate", "increase", "delta"] = "value"
    over_s: float = 300.0
    aggregate: Literal["sum", "avg", "max", "min", "count"] | None = None
    by: tuple[str, ...] = ()
    quantile: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class LogQuery:
    """Lines whose stream matches all `matchers`, that contain every text of `contains` (any case), none of `excludes`."""

    matchers: tuple[Matcher, ...] = ()
    contains: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    newest_first: bool = True  # which lines are kept when the limit is reached; results are always in order of time


@dataclasses.dataclass(frozen=True, slots=True)
class TraceQuery:
    """Whole traces that touch `service` (and `operation`); at most `traces` of them, spread over the window as the back end allows."""

    service: str
    operation: str = ""
    errors_only: bool = False
    min_duration_s: float | None = None
    traces: int = 200


class Source(Protocol):
    """What all sources share."""

    @property
    def name(self) -> str:
        """The name given in settings, e.g. "prometheus" or "prom-eu"; unique among sources, cited in evidence."""

    async def ping(self, limits: Limits = DEFAULT_LIMITS) -> answers.Answer[str]:
        """Reachable and permitted? The value is the product and version, as far as it tells."""

    async def aclose(self) -> None:
        """End connections. Calling it twice is fine."""


class MetricSource(Source, Protocol):
    async def catalogue(
        self, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[series.MetricInfo]]:
        """Which metrics exist in the window, ordered by name."""

    async def query(
        self, query: MetricQuery, window: windows.Window, step_s: float, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[series.SeriesSet]:
        """Series on the grid start, start+step, … ≤ end; labels without the metric's name; ordered by labels."""

    async def query_all(
        self, queries: Sequence[MetricQuery], window: windows.Window, step_s: float, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[answers.Answer[series.SeriesSet]]:
        """The answer that `query` gives to each, in their order, in fewer requests where the back end can. Each counts for itself:
        one without data, refused or too large changes no other. At most `QUERIES_TOGETHER`; `limits` hold for each."""

    async def native(
        self, text: str, window: windows.Window, step_s: float, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[series.SeriesSet]:
        """The same for a query in the back end's own language (an alert's expression)."""


class LogSource(Source, Protocol):
    async def streams(
        self, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[dict[str, str]]]:
        """The label sets that have lines in the window."""

    async def lines(
        self, query: LogQuery, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[records.LogBatch]:
        """Lines, oldest first."""

    async def counts(
        self,
        query: LogQuery,
        window: windows.Window,
        step_s: float,
        by: tuple[str, ...],
        limits: Limits = DEFAULT_LIMITS,
    ) -> answers.Answer[series.SeriesSet]:
        """Number of matching lines in each step (the step that ends at the time given), per `by` labels."""


class TraceSource(Source, Protocol):
    async def services(self, window: windows.Window, limits: Limits = DEFAULT_LIMITS) -> answers.Answer[Sequence[str]]:
        """Names of services that have spans, ordered (some back ends cannot limit this to the window and warn)."""

    async def search(
        self, query: TraceQuery, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[records.SpanBatch]:
        """All spans of the matching traces."""

    async def dependencies(
        self, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.TopologyEdge]]:
        """Who calls whom; BAD_QUERY if the back end has no such call."""


class ClusterSource(Source, Protocol):
    def holds(self, kind: str) -> bool:
        """Whether objects of this kind ("Event": events) are anything that this source could be asked for; asks nobody."""

    async def objects(
        self, kind: str, namespace: str = "", label_selector: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.ClusterObject]]:
        """Objects of one kind as spelt in manifests ("Pod", "Deployment" …); "" asks all namespaces; present state."""

    async def events(
        self, window: windows.Window, namespace: str = "", limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.Event]]:
        """Cluster events last seen in the window (clusters forget them after about an hour)."""

    async def pod_logs(
        self, pod: str, namespace: str, container: str = "", *, previous: bool = False, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[records.LogBatch]:
        """The newest lines of one container; `previous` asks the instance before the last restart."""


class ChangeSource(Source, Protocol):
    async def changes(
        self, window: windows.Window, limits: Limits = DEFAULT_LIMITS, *, closely: windows.Window | None = None
    ) -> answers.Answer[Sequence[records.Change]]:
        """Commits, deploys, configuration, flags … in the window, oldest first.

        `closely` is when a change must have been made or rolled out to be worth asking for its files: the whole window unless
        told. Sources that bring files without being asked for each may bring them all.
        """


class MessageSource(Source, Protocol):
    async def messages(
        self, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[records.Message]]:
        """What people and bots wrote in the channels that we may read, oldest first, threads included."""


class AlertSource(Source, Protocol):
    async def alerts(
        self, window: windows.Window, limits: Limits = DEFAULT_LIMITS
    ) -> answers.Answer[Sequence[alerts.Alert]]:
        """Alerts (or incidents) that were firing at some time in the window, as far as the back end remembers."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sources:
    """Every back end that an investigation may ask, by kind of signal; one connector may stand in several places."""

    metrics: tuple[MetricSource, ...] = ()
    logs: tuple[LogSource, ...] = ()
    traces: tuple[TraceSource, ...] = ()
    clusters: tuple[ClusterSource, ...] = ()
    changes: tuple[ChangeSource, ...] = ()
    messages: tuple[MessageSource, ...] = ()
    alerts: tuple[AlertSource, ...] = ()

    async def aclose(self) -> None:
        """Close each distinct source once."""
        every = [*self.metrics, *self.logs, *self.traces, *self.clusters, *self.changes, *self.messages, *self.alerts]
        for source in {id(one): one for one in every}.values():
            await source.aclose()
