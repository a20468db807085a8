"""Everything that is not a number over time: log lines, spans, cluster objects and events, changes, messages, edges."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any

from rootward.signals import entities, series


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class LogBatch:
    """Log lines in order of time.

    `times_s` shape [N]; `lines` N texts, redacted; `stream` shape [N], index into `streams` (label sets). `trace_ids` has N
    entries ("" where the line has none) or is empty.
    """

    times_s: series.FloatArray
    lines: Sequence[str]
    stream: Sequence[int]
    streams: Sequence[Mapping[str, str]]
    trace_ids: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.lines)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class SpanBatch:
    """Spans, column by column; row i of every column is one span. Shapes are [N].

    `duration_s` is never negative as served, but clock skew may put a child before its parent. `kind` is server | client |
    producer | consumer | internal | "". `instance` is the pod or host ("" if unknown). `parent_id` is "" for roots.
    """

    trace_id: Sequence[str]
    span_id: Sequence[str]
    parent_id: Sequence[str]
    service: Sequence[str]
    instance: Sequence[str]
    operation: Sequence[str]
    kind: Sequence[str]
    start_s: series.FloatArray
    duration_s: series.FloatArray
    error: Sequence[bool]
    attributes: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.span_id)


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something a cluster (or cloud) reported: a Kubernetes Event or the like."""

    time_s: float
    entity: entities.Entity
    reason: str
    message: str
    warning: bool = False
    count: int = 1
    first_s: float | None = None
    source: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ClusterObject:
    """One Kubernetes object as the API returned it (camelCase keys), with its kind spelt as in manifests."""

    kind: str
    name: str
    namespace: str
    body: Mapping[str, Any]


class ChangeKind(enum.StrEnum):
    COMMIT = "commit"
    DEPLOY = "deploy"
    CONFIG = "config"
    FLAG = "flag"
    SCHEMA = "schema"
    SECRET = "secret"  # noqa: S105 -- the kind of a change, not a credential
    SCALE = "scale"
    INFRASTRUCTURE = "infrastructure"


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Something that people or their automation did. `id` is a commit hash, a deployment id, a flag's name.

    `files` maps a changed path to its patch text ("" when the source gives none). `entity` is None when the source does not
    say what it touched (a commit in a mono-repository).
    """

    kind: ChangeKind
    time_s: float
    summary: str
    id: str = ""
    entity: entities.Entity | None = None
    author: str = ""
    version: str = ""
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    detail: Mapping[str, str] = dataclasses.field(default_factory=dict)
    source: str = ""
    link: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One message of a person or bot in a chat channel; data, never instructions."""

    time_s: float
    channel: str
    author: str
    text: str
    thread: str = ""
    bot: bool = False
    link: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class TopologyEdge:
    """`caller` depends on `callee`. `source` says how we know (traces, mesh metrics, configuration, names …);
    `weight` is calls per second where known; `certainty` in (0, 1]."""

    caller: entities.Entity
    callee: entities.Entity
    source: str
    weight: float | None = None
    certainty: float = 1.0
    evidence: str = ""
