"""A finding is produced whatever fails: nothing connected, everything empty, refused, broken, or hanging."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rootward import _clock
from rootward.investigator import finding as findings
from rootward.investigator import investigate, options
from rootward.signals import alerts, answers, entities, protocols

NOW_S = 1_700_000_000.0
ALERT = alerts.Alert(
    "CheckoutErrors",
    starts_at_s=NOW_S - 300.0,
    labels={"namespace": "shop"},
    entity=entities.Entity(entities.EntityKind.SERVICE, "checkout", "shop"),
)
SCHEMA = json.loads((Path(investigate.__file__).parent / "finding.schema.json").read_text(encoding="utf-8"))


class Stand:
    """Answers every question of every protocol in one way."""

    name = "stand"

    def __init__(self, reply: Callable[[], Any]) -> None:
        self._reply = reply

    def __getattr__(self, method: str) -> Any:
        if method == "aclose":
            return self._close
        if method == "holds":  # told without asking
            return lambda _kind: True

        async def ask(*_: Any, **__: Any) -> Any:
            reply = self._reply()
            return await reply if asyncio.iscoroutine(reply) else reply

        return ask

    async def _close(self) -> None:
        return None


def everywhere(reply: Callable[[], Any]) -> protocols.Sources:
    stand = (Stand(reply),)
    return protocols.Sources(stand, stand, stand, stand, stand, stand, stand)  # type: ignore[arg-type]


def explain(sources: protocols.Sources, chosen: options.Options = options.Options()) -> findings.Finding:  # noqa: B008 -- frozen
    clock = _clock.VirtualClock(NOW_S)
    finding = asyncio.run(investigate.investigate(ALERT, sources, clock=clock, chosen=chosen))
    jsonschema.validate(finding.to_json(), SCHEMA)
    return finding


def failing(outcome: answers.Outcome) -> Callable[[], Any]:
    return lambda: answers.Answer(
        outcome, "stand", "?", error="as told" if outcome is not answers.Outcome.NO_DATA else ""
    )


def test_nothing_connected_is_quiet_and_says_so() -> None:
    finding = explain(protocols.Sources())
    assert finding.status is findings.Status.QUIET
    assert any("not connected" in item for item in finding.missing)


@pytest.mark.parametrize(
    "outcome", [o for o in answers.Outcome if o not in (answers.Outcome.OK, answers.Outcome.TRUNCATED)]
)
def test_back_ends_that_give_nothing_never_lead_to_a_named_cause(outcome: answers.Outcome) -> None:
    finding = explain(everywhere(failing(outcome)))
    assert finding.status is not findings.Status.FOUND
    assert finding.timing.probes > 0


@pytest.mark.parametrize("outcome", [answers.Outcome.FAILED, answers.Outcome.NOT_PERMITTED])
def test_what_was_refused_is_named_as_missing(outcome: answers.Outcome) -> None:
    finding = explain(everywhere(failing(outcome)))
    assert any(outcome.replace("_", " ") in item for item in finding.missing)
    assert any("rootward doctor" in check for check in finding.next_checks)
    assert finding.timing.probes_failed == finding.timing.probes


def test_back_ends_that_hang_cost_only_the_deadline() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    finding = explain(everywhere(forever), options.Options(deadline_s=0.05))
    assert finding.status is findings.Status.QUIET
    assert any("deadline" in item for item in finding.missing)


def test_empty_answers_are_not_taken_for_health_alone() -> None:
    finding = explain(everywhere(failing(answers.Outcome.NO_DATA)))
    assert finding.status in (findings.Status.QUIET, findings.Status.OUTSIDE)
