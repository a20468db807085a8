"""The finding: what we tell people, and its published JSON form (`finding.schema.json` beside this file, version below).

A finding always exists, whatever failed on the way; `status` says whether there is something to say.
"""

import dataclasses
import enum
from typing import Any

from rootward import _clock
from rootward.investigator import planted as planting
from rootward.signals import answers, entities, windows

SCHEMA_VERSION = 1


class Status(enum.StrEnum):
    FOUND = "found"
    QUIET = "quiet"  # unsure: not enough evidence to be worth anybody's attention
    NO_FAULT = "no_fault"  # the system is healthy: the alert is noise, or has recovered
    OUTSIDE = "outside"  # something is wrong, and its cause lies outside what the connected sources show


@dataclasses.dataclass(frozen=True, slots=True)
class Confidence:
    """Probability that this is the root cause, with a 90% interval. All in 0..1. `raw` is the reasoner's own, before calibration, and `place`
    the probability that the cause is there, of whatever kind it is; None where no reasoner said it, and of other than the leading cause."""

    point: float
    low: float
    high: float
    raw: float | None = None
    place: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RootCause:
    entity: entities.Entity
    fault: str
    onset_s: float | None
    confidence: Confidence
    evidence: tuple[str, ...]
    because: tuple[str, ...] = ()  # one sentence per clue, each resting on cited evidence
    changed: str = ""  # the change behind it, in words
    change_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class RuledOut:
    entity: entities.Entity
    fault: str
    reason: str
    evidence: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """One line worth looking at, for reports: down-sampled values over time, the onset marked."""

    title: str
    unit: str
    times_s: tuple[float, ...]
    values: tuple[float | None, ...]
    onset_s: float | None
    evidence: str


@dataclasses.dataclass(frozen=True, slots=True)
class Timing:
    """By the clock that the investigator was given. `stages` seconds per stage."""

    started_s: float
    elapsed_s: float
    probes: int
    probes_failed: int
    stages: dict[str, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """One piece of guidance that applied: what it made the investigation do and what that brought, in sentences."""

    id: str
    text: str
    did: tuple[str, ...]
    evidence: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Counterfactual:
    """What the same answers come to without what guidance asked for and how it leans."""

    status: Status
    root_causes: tuple[tuple[entities.Entity, str, float], ...]  # entity, kind of fault, probability


@dataclasses.dataclass(frozen=True, slots=True)
class Guided:
    """What guidance did to a finding; `changed` says in a sentence how the finding differs from that without it."""

    heard: tuple[Heard, ...]
    conflicts: tuple[str, ...]
    without: Counterfactual
    changed: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cited:
    """A sentence that was checked against the evidence it cites."""

    sentence: str
    evidence: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence of a model that did not stand in the evidence it cited, and why."""

    sentence: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Opinion:
    """What a language model made of it. `verdict`: agreed | unsure | overruled (its cause stands first, on evidence that it asked for) |
    not_accepted (it named another cause without such evidence) | none (it did not conclude: `trouble` says why)."""

    model: str
    verdict: str
    sentences: tuple[Cited, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    trouble: str = ""
    questions: int = 0
    tokens: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A fact or a past incident that is like this finding: `id` in memory, what it says, who said it or what found it, when, and why
    it is shown. It had no part in the judgement."""

    id: str
    text: str
    provenance: str
    when_s: float
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    status: Status
    alert: str
    summary: str  # at most three sentences
    root_causes: tuple[RootCause, ...]  # best first; empty unless something points somewhere
    path: tuple[entities.Entity, ...]  # from cause to alert
    evidence: tuple[answers.Evidence, ...]  # everything cited, and only that
    ruled_out: tuple[RuledOut, ...]
    missing: tuple[str, ...]
    next_checks: tuple[str, ...]
    timing: Timing
    charts: tuple[Chart, ...] = ()
    planted: tuple[planting.Attempt, ...] = ()  # texts that tried to instruct their reader; nothing followed them
    guided: Guided | None = None  # None when no guidance applied
    opinion: Opinion | None = None  # None: no model was asked
    seen_before: tuple[Seen, ...] = ()
    skills: tuple[str, ...] = ()  # technologies whose probe recipes were used

    def to_json(self) -> dict[str, Any]:
        """The published form: see docs/reference/finding.md."""
        return {
            "schema_version": SCHEMA_VERSION,
            "status": str(self.status),
            "alert": self.alert,
            "summary": self.summary,
            "root_causes": [_cause(cause) for cause in self.root_causes],
            "path": [_entity(entity) for entity in self.path],
            "evidence": [_evidence(item) for item in self.evidence],
            "ruled_out": [
                {"entity": _entity(r.entity), "fault": r.fault, "reason": r.reason, "evidence": list(r.evidence)}
                for r in self.ruled_out
            ],
            "missing": list(self.missing),
            "next_checks": list(self.next_checks),
            "charts": [dataclasses.asdict(chart) for chart in self.charts],
            "planted": [dataclasses.asdict(attempt) for attempt in self.planted],
            "opinion": None if self.opinion is None else dataclasses.asdict(self.opinion),
            "timing": {
                "started": _clock.to_iso(self.timing.started_s),
                "elapsed_s": round(self.timing.elapsed_s, 3),
                "probes": self.timing.probes,
                "probes_failed": self.timing.probes_failed,
                "stages": {name: round(seconds, 3) for name, seconds in self.timing.stages.items()},
            },
            **({"guidance": _guided(self.guided)} if self.guided is not None else {}),
            **({"skills": list(self.skills)} if self.skills else {}),
            **({"seen_before": [_seen(one) for one in self.seen_before]} if self.seen_before else {}),
        }


def _entity(entity: entities.Entity) -> dict[str, str]:
    return {"kind": str(entity.kind), "name": entity.name, "namespace": entity.namespace}


def _guided(guided: Guided) -> dict[str, Any]:
    return {
        "applied": [
            {"id": h.id, "text": h.text, "did": list(h.did), "evidence": list(h.evidence)} for h in guided.heard
        ],
        "conflicts": list(guided.conflicts),
        "without": {
            "status": str(guided.without.status),
            "root_causes": [
                {"entity": _entity(entity), "fault": fault, "probability": round(probability, 3)}
                for entity, fault, probability in guided.without.root_causes
            ],
        },
        "changed": guided.changed,
    }


def _seen(one: Seen) -> dict[str, Any]:
    return {"id": one.id, "text": one.text, "provenance": one.provenance, "when": _time(one.when_s), "why": one.why}


def _time(time_s: float | None) -> str | None:
    return None if time_s is None else _clock.to_iso(time_s)


def _window(window: windows.Window | None) -> dict[str, str] | None:
    return None if window is None else {"start": _clock.to_iso(window.start_s), "end": _clock.to_iso(window.end_s)}


def _cause(cause: RootCause) -> dict[str, Any]:
    said = cause.confidence
    confidence = {name: round(getattr(said, name), 3) for name in ("point", "low", "high")}
    return {
        "entity": _entity(cause.entity),
        "fault": cause.fault,
        "onset": _time(cause.onset_s),
        "confidence": {
            **confidence,
            **({} if said.raw is None else {"raw": round(said.raw, 6)}),
            **({} if said.place is None else {"place": round(said.place, 3)}),
        },
        "evidence": list(cause.evidence),
        "because": list(cause.because),
        "changed": cause.changed,
        "change_id": cause.change_id,
    }


def _evidence(item: answers.Evidence) -> dict[str, Any]:
    return {
        "id": item.id,
        "source": item.source,
        "query": item.query,
        "window": _window(item.window),
        "outcome": str(item.outcome),
        "summary": item.summary,
        "warnings": list(item.warnings),
        "error": item.error,
        "link": item.link,
    }
