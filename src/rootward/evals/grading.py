"""Ask a subject about one scenario, open the truth, and write down a row for each time it was asked."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Protocol

from rootward import _clock, errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals import failure_modes, materials, records, reply
from rootward.evals import plan as plans
from rootward.evals.perturbations import variant
from rootward.evals.scores import registry

LISTED_MAX = 5
UNBUILT, ERROR = "unbuilt", "error"
MESSAGE_MAX = 300


class Unanswered(errors.RootwardError):
    """A subject gave no answer that can be used; `status` is error or timeout."""

    def __init__(self, message: str, *, status: str = ERROR) -> None:
        super().__init__(message)
        self.status = status


class Subject(Protocol):
    """Who is measured. `ask` is given the scenario only, never the truth; raises Unanswered when there is no answer to grade."""

    def ask(self, scenario: tm.Scenario) -> reply.Reply: ...


def rows(
    item: plans.Item,
    subject: Subject,
    perturb: tuple[str, ...],
    repeats: int,
    *,
    done: frozenset[records.Key] = frozenset(),
) -> Iterator[records.Row]:
    """A row for the scenario and each variant of it, `repeats` times; those in `done` are left out. Nothing that a scenario or a
    subject does raises from here: it becomes a row that says so."""
    wanted = [(name, repeat) for name in ("", *perturb) for repeat in range(repeats)]
    wanted = [(name, repeat) for name, repeat in wanted if (item.id, name, repeat) not in done]
    if not wanted:
        return
    try:
        material = materials.build(item)
        segments = materials.segments(item, material)
    except Exception as error:  # noqa: BLE001 -- one scenario that breaks must not end the run; the row says what broke
        for name, repeat in wanted:
            yield _failed(item, name, repeat, UNBUILT, error)
        return
    for name in dict.fromkeys(name for name, _ in wanted):
        try:
            made = (
                materials.perturbed(item, material, name)
                if name
                else variant.Variant(material.scenario, material.truth)
            )
        except Exception as error:  # noqa: BLE001 -- as above
            for one, repeat in wanted:
                if one == name:
                    yield dataclasses.replace(_failed(item, name, repeat, UNBUILT, error), segments=segments)
            continue
        if made.applied:
            for one, repeat in wanted:
                if one == name:
                    yield _row(item, subject, made, segments, name, repeat, calls=material.calls)


def _row(
    item: plans.Item,
    subject: Subject,
    made: variant.Variant,
    segments: dict[str, str],
    name: str,
    repeat: int,
    *,
    calls: frozenset[tuple[str, str]] = frozenset(),
) -> records.Row:
    stopwatch = _clock.SystemClock()
    began_s = stopwatch.monotonic_s()
    try:
        said = subject.ask(made.scenario)
    except Exception as error:  # noqa: BLE001 -- whatever a subject does is its answer: a row with the reason
        status = error.status if isinstance(error, Unanswered) else ERROR
        failed = _failed(item, name, repeat, status, error)
        return dataclasses.replace(
            failed,
            segments=segments,
            scores={registry.PRIMARY: 0.0},
            expected=made.truth.status,
            fault=_fault(made.truth),
            failure=f"no answer: {status if isinstance(error, Unanswered) else type(error).__name__}",
            seconds=stopwatch.monotonic_s() - began_s,
        )
    seconds = stopwatch.monotonic_s() - began_s
    fresh = {old: new for new, old in made.originals.items()}
    renamed = frozenset((fresh.get(caller, caller), fresh.get(callee, callee)) for caller, callee in calls)
    graded = reply.Graded(made.truth, said, reply.vocabulary(made.scenario.telemetry, made.truth), renamed)
    return graded_row(item, graded, made, segments, name=name, repeat=repeat, seconds=seconds)


def graded_row(
    item: plans.Item,
    graded: reply.Graded,
    made: variant.Variant,
    segments: dict[str, str],
    *,
    name: str = "",
    repeat: int = 0,
    seconds: float = 0.0,
) -> records.Row:
    """The row of a reply; names are mapped back to what they were before a perturbation, so that variants can be compared."""
    said, first = graded.reply, graded.first

    def back(text: str) -> str:
        return made.originals.get(text, text)

    verdict = f"{first.kind}/{back(first.name)}:{first.fault}" if graded.spoke and first is not None else said.status
    used = {back(one) for one in said.path} | {f"tool:{item.source}" for item in said.cited if item.answered}
    return records.Row(
        scenario=item.id,
        scores=registry.score_all(graded),
        segments=segments,
        repeat=repeat,
        perturbation=name,
        status=said.status,
        expected=graded.truth.status,
        failure=failure_modes.label(graded),
        fault=_fault(graded.truth),
        answered=first.fault if graded.spoke and first is not None else "",
        verdict=verdict,
        evidence=tuple(sorted(used)),
        confidence=first.confidence if graded.spoke and first is not None else None,
        right=graded.right if graded.spoke else None,
        seconds=seconds,
        probes=said.probes,
        tokens=said.tokens,
        cost=said.cost,
        message=_message(graded, verdict),
        detail=_detail(item, graded, back),
    )


def _detail(item: plans.Item, graded: reply.Graded, back: Callable[[str], str]) -> dict[str, object]:
    listed = [
        {
            "kind": claim.kind,
            "name": back(claim.name),
            "fault": claim.fault,
            "confidence": None if claim.confidence is None else round(claim.confidence, 4),
            "change": claim.change,
        }
        for claim in graded.reply.claims[:LISTED_MAX]
    ]
    causes = [{"kind": c.kind, "name": back(c.name), "fault": c.fault} for c in graded.truth.causes]
    path = {"said": [back(name) for name in graded.reply.path], "true": [back(name) for name in graded.truth.path]}
    found: dict[str, object] = {"digest": item.digest(), "listed": listed, "causes": causes, "path": path}
    first = graded.first
    if first is None or first.raw is None:
        return found
    # Of the leading candidate, told or not: what calibration is fitted on, and what another threshold would have told.
    leading = {
        "raw": round(first.raw, 9),
        "fault": first.fault,
        "right": graded.would_be_right,
        "wrong": graded.hits(first) is None,
        "evident": bool(first.evidence),
    }
    return {**found, "leading": leading}


def _fault(truth: oracle.Truth) -> str:
    return truth.causes[0].fault if truth.causes else ""


def _message(graded: reply.Graded, verdict: str) -> str:
    """What was expected and what came, in a sentence, for reports of failures."""
    if graded.caused:
        wanted = " and ".join(f"{c.kind}/{c.name}:{c.fault or '?'}" for c in graded.truth.causes)
    else:
        wanted = f"no cause ({graded.truth.status.replace('_', ' ')})"
    return f"expected {wanted}, got {verdict}"


def _failed(item: plans.Item, name: str, repeat: int, status: str, error: BaseException) -> records.Row:
    text = " ".join(str(error).split()) or type(error).__name__
    shown = text if isinstance(error, errors.RootwardError) else f"{type(error).__name__}: {text}"
    return records.Row(
        scenario=item.id,
        scores={},
        segments={"family": item.fault or "recorded", "world": item.world or "recorded"},
        repeat=repeat,
        perturbation=name,
        status=status,
        message=shown[:MESSAGE_MAX],
        detail={"digest": item.digest()},
    )
