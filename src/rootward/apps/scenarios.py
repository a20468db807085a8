"""From a scenario to a finding: the dojo's faces, the real connectors over them, the investigator, and the truth opened last."""

from collections.abc import Callable

from rootward import _clock, _tasks
from rootward.apps import wiring
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import faces
from rootward.investigator import briefing, investigate, options
from rootward.investigator import finding as findings
from rootward.signals import protocols


def connect(recorded: telemetry.Telemetry, clock: _clock.Clock) -> protocols.Sources:
    """Sources over the scenario's faces, in this process, through the vendors' own APIs."""
    return wiring.sources_from_faces(faces.faces(recorded, clock), clock)


def explain(
    scenario: telemetry.Scenario,
    *,
    chosen: options.Options | None = None,
    on_stage: Callable[[str], None] = lambda _: None,
    brief: briefing.Briefing = briefing.NOTHING,
    advisor: investigate.Advisor | None = None,
) -> findings.Finding:
    """Investigate a scenario as of its own moment; its clock stands still, so equal scenarios give equal findings.

    Raises:
        AlertError: the scenario's alert is not one.
    """
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    alert = wiring.read_alert(scenario.alert)

    async def run() -> findings.Finding:
        sources = connect(scenario.telemetry, clock)
        try:
            return await investigate.investigate(
                alert, sources, clock=clock, chosen=chosen, on_stage=on_stage, brief=brief, advisor=advisor
            )
        finally:
            await sources.aclose()

    return _tasks.run(run())
