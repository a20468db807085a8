"""What a subject said about a scenario, in one form for all subjects: the embedded reasoner, a model, a foreign command."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals import command_subject, scoring
from rootward.investigator import finding as findings
from rootward.signals import answers, naming

FOUND = "found"
CLAIMED_MIN = 0.5  # a further cause counts as claimed, not only as listed, from this confidence on


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One cause that was named; `confidence` in 0..1, None when the subject states none; `raw` is what it was before
    calibration. `because`: its reasons, in sentences."""

    kind: str
    name: str
    fault: str = ""
    confidence: float | None = None
    onset_s: float | None = None
    change: str = ""
    evidence: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    raw: float | None = None

    def as_answer(self) -> scoring.Answer:
        return scoring.Answer(self.kind, self.name, self.fault, self.confidence or 0.0, self.change)


@dataclasses.dataclass(frozen=True, slots=True)
class Cited:
    """One piece of evidence. `answered`: the back end did answer; `source` names the tool that was asked."""

    id: str
    source: str
    answered: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """`status` as in findings (found, quiet, no_fault, outside); `claims` best first; `path` entity names from cause to alert.

    `tokens` and `cost` ($) are 0 for subjects that use no model, or do not tell.
    """

    status: str
    claims: tuple[Claim, ...] = ()
    path: tuple[str, ...] = ()
    cited: tuple[Cited, ...] = ()
    probes: int = 0
    tokens: int = 0
    cost: float = 0.0


def from_finding(finding: findings.Finding) -> Reply:
    """The embedded reasoner's finding as a reply."""
    unanswered = (answers.Outcome.FAILED, answers.Outcome.BAD_QUERY, answers.Outcome.NOT_PERMITTED)
    return Reply(
        status=str(finding.status),
        claims=tuple(
            Claim(
                str(c.entity.kind),
                c.entity.name,
                c.fault,
                c.confidence.point,
                c.onset_s,
                c.change_id,
                c.evidence,
                c.because,
                c.confidence.raw,
            )
            for c in finding.root_causes
        ),
        path=tuple(entity.name for entity in finding.path),
        cited=tuple(Cited(item.id, item.source, item.outcome not in unanswered) for item in finding.evidence),
        probes=finding.timing.probes,
    )


def from_command(answer: command_subject.Answer) -> Reply:
    """What a command printed as a reply. The texts that it gives as evidence are the reasons of its first cause; a confidence of 0 is
    one that it did not state."""
    keys = tuple(f"E{number}" for number in range(1, len(answer.evidence) + 1))
    claims = [Claim(one.kind, one.name, one.fault, one.confidence or None, None, one.change) for one in answer.ranked]
    if claims:
        claims[0] = dataclasses.replace(claims[0], evidence=keys, because=answer.evidence)
    return Reply(
        answer.status,
        tuple(claims),
        answer.path,
        tuple(Cited(key, text) for key, text in zip(keys, answer.evidence, strict=True)),
        answer.probes,
        answer.tokens,
        answer.cost,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Graded:
    """A reply beside the truth: what every score reads. `vocabulary` holds the names of everything in the system, `calls` who calls whom
    (caller, callee), empty where that is not known."""

    truth: oracle.Truth
    reply: Reply
    vocabulary: frozenset[str] = frozenset()
    calls: frozenset[tuple[str, str]] = frozenset()

    @property
    def caused(self) -> bool:
        """There is a cause to name."""
        return self.truth.status == FOUND and bool(self.truth.causes)

    @property
    def first(self) -> Claim | None:
        return self.reply.claims[0] if self.reply.claims else None

    @property
    def spoke(self) -> bool:
        """It told people a cause."""
        return self.reply.status == FOUND and bool(self.reply.claims)

    @property
    def claimed(self) -> tuple[Claim, ...]:
        """What it says is so: the first claim and every further one that it is sure of; none when it did not speak."""
        if not self.spoke:
            return ()
        sure = [c for c in self.reply.claims[1:] if c.confidence is not None and c.confidence >= CLAIMED_MIN]
        return (self.reply.claims[0], *sure)

    def hits(self, claim: Claim, *, with_fault: bool = False) -> oracle.Cause | None:
        """The true cause that a claim names."""
        for cause in self.truth.causes:
            if scoring.names_cause(claim.as_answer(), cause) and (not with_fault or claim.fault == cause.fault):
                return cause
        return None

    @property
    def right(self) -> bool:
        """Spoke, and the first claim names a true cause: the entity, and the kind of fault where the truth knows it."""
        return self.spoke and self.would_be_right

    @property
    def would_be_right(self) -> bool:
        """The same of the first claim, whether it was told or kept as a candidate."""
        if self.first is None or not self.caused:
            return False
        found = self.hits(self.first)
        return found is not None and (not found.fault or self.hits(self.first, with_fault=True) is not None)

    def place_on_path(self, name: str) -> int | None:
        """Where on the true causal path a name stands, from 0 at the cause; None if it is not on it."""
        folded = {name, naming.service_of_pod(name)}
        for cause in self.truth.causes:
            accepted = {cause.name, *(alias for _, alias in cause.aliases)}
            if folded & (accepted | {naming.service_of_pod(one) for one in accepted}):
                return 0
        found = [place for place, one in enumerate(self.truth.path) if folded & {one, naming.service_of_pod(one)}]
        return found[0] if found else None

    def on_route(self, name: str) -> bool:
        """On the true causal path, or on another chain of calls from where the alert is down to the cause: trouble takes them all."""
        if self.place_on_path(name) is not None:
            return True
        path = self.truth.path
        return bool(path) and bool({name, naming.service_of_pod(name)} & _between(self.calls, path[-1], path[0]))

    def leads_on(self, here: str, there: str) -> bool:
        """Whether trouble goes from one part on to the other: along the true path, or from a callee to who calls it."""
        first, second = self.place_on_path(here), self.place_on_path(there)
        if first is not None and second is not None and first <= second:
            return True
        return (naming.service_of_pod(there), naming.service_of_pod(here)) in self.calls or (there, here) in self.calls


@functools.lru_cache(maxsize=256)
def _between(calls: frozenset[tuple[str, str]], top: str, bottom: str) -> frozenset[str]:
    """Everything on any chain of calls from `top` down to `bottom`, both included; empty if there is none."""
    callees: dict[str, set[str]] = {}
    callers: dict[str, set[str]] = {}
    for caller, callee in calls:
        callees.setdefault(caller, set()).add(callee)
        callers.setdefault(callee, set()).add(caller)
    down, up = _reached(top, callees), _reached(bottom, callers)
    return frozenset(down & up) if bottom in down else frozenset()


def _reached(start: str, onwards: Mapping[str, set[str]]) -> set[str]:
    seen, frontier = {start}, [start]
    while frontier:
        fresh = [name for here in frontier for name in onwards.get(here, ()) if name not in seen]
        seen.update(fresh)
        frontier = list(dict.fromkeys(fresh))
    return seen


LABELS_NAMING = ("service", "app", "service_name", "deployment", "statefulset", "daemonset")


def vocabulary(recorded: tm.Telemetry, truth: oracle.Truth) -> frozenset[str]:
    """Every name that people call a part of this system by, the truth's included."""
    names: set[str] = set(truth.path) | set(truth.decoys)
    for cause in truth.causes:
        names |= {cause.name, *(name for _, name in cause.aliases)}
    for block in recorded.metrics.blocks:
        for labels in block.labels:
            names.update(labels[key] for key in LABELS_NAMING if key in labels)
    if recorded.spans is not None:
        names.update(process.service for process in recorded.spans.processes)
    for version in recorded.cluster.versions:
        body: Mapping[str, Any] = version.body
        if body.get("kind") in ("Deployment", "StatefulSet", "DaemonSet", "Service", "Node"):
            names.add(str((body.get("metadata") or {}).get("name", "")))
    return frozenset(name for name in names if len(name) > 1)
