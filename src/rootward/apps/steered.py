"""An investigation with memory: briefed beforehand, its finding kept afterwards; without memory it is the same, and says so."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rootward import _clock, errors
from rootward.apps import advising, live, remembered, scenarios, settings_model, wiring
from rootward.apps import settings as settings_module
from rootward.apps.cli import output as files
from rootward.dojo.capsule import store
from rootward.feedback import remembering
from rootward.investigator import briefing
from rootward.investigator import finding as findings
from rootward.memory import applying, recall, records, skills
from rootward.signals import alerts

CALLS_FRESH_S = 7 * 86_400.0  # remembered calls that no scan has confirmed for so long before the alert are not gone by


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """`note` says under which id the finding was kept, or why it was not; "" when nothing was to be kept. `kept` is the id."""

    finding: findings.Finding
    note: str = ""
    kept: str = ""


def over_live(
    alert: alerts.Alert,
    settings: settings_module.Settings,
    *,
    memory: bool,
    model: bool = False,
    on_stage: Callable[[str], None],
) -> Told:
    """Investigate over the configured back ends; with `memory` and as settings say, briefed and kept.

    Raises:
        SettingsError: no connector is configured, or one cannot be built.
    """
    place = remembered.place(settings)
    known = brief(place, alert, settings.memory) if memory else briefing.NOTHING
    now_s = _clock.SystemClock().now_s()
    advisor = advising.advisor(settings) if model else None
    finding = live.explain(alert, settings, on_stage=on_stage, brief=known, advisor=advisor)
    if memory and settings.memory.use:
        finding = recalled(place, alert, finding, now_s=now_s)
    if not (memory and settings.memory.remember):
        return Told(finding)
    try:
        kept = remembering.incident(place.path, place.environment, alert, finding.to_json(), now_s=now_s)
    except errors.InputError as error:  # a memory that cannot be written costs no finding
        return Told(finding, f"the finding was not kept: {error}")
    return Told(finding, f"kept as {kept.id}: rootward guidance explain {kept.id}", kept.id)


def over_capsule(
    folder: Path,
    settings: settings_module.Settings,
    *,
    memory: bool,
    model: bool = False,
    on_stage: Callable[[str], None],
) -> Told:
    """Investigate a recorded scenario; briefed with `memory`, never kept: it is nobody's production of today.

    Raises:
        CapsuleError: it cannot be read.
        AlertError: its alert is not one.
    """
    scenario = store.load(folder)
    chosen = wiring.options_from_settings(settings)
    place, alert = remembered.place(settings), wiring.read_alert(scenario.alert)
    known = brief(place, alert, settings.memory) if memory else briefing.NOTHING
    advisor = advising.advisor(settings) if model else None
    finding = scenarios.explain(scenario, chosen=chosen, on_stage=on_stage, brief=known, advisor=advisor)
    if memory and settings.memory.use:
        finding = recalled(place, alert, finding, now_s=scenario.telemetry.now_s)
    return Told(finding)


def recalled(
    place: remembered.Place, alert: alerts.Alert, finding: findings.Finding, *, now_s: float
) -> findings.Finding:
    """The finding with what was seen before; as it is when memory cannot be read (the briefing has said so already)."""
    try:
        with place.open() as memory:
            hits = recall.like(memory, alert, finding.to_json(), now_s=now_s)
    except errors.MemoryFileError:
        return finding
    return dataclasses.replace(finding, seen_before=tuple(_seen(hit) for hit in hits))


def _seen(hit: recall.Hit) -> findings.Seen:
    one = hit.record
    if isinstance(one, records.Fact):
        return findings.Seen(one.id, one.text, one.provenance, one.created_s, hit.why)
    return findings.Seen(one.id, one.summary, f"investigation of {one.alert}", one.created_s, hit.why)


def brief(place: remembered.Place, alert: alerts.Alert, chosen: settings_model.Memory) -> briefing.Briefing:
    """What memory holds for an alert, as of when it began to fire; when memory cannot be read, a briefing that says why and steers nothing."""
    shelf = skills.Shelf() if chosen.skills else None
    if not chosen.use:
        return briefing.Briefing(shelf=shelf)
    try:
        with place.open() as memory:
            every = memory.guidance()
            calls = memory.graph(incidents=False).calls_since(alert.starts_at_s - CALLS_FRESH_S)
    except errors.MemoryFileError as error:
        return briefing.Briefing(problem=str(error), shelf=shelf)
    selection = applying.select(every, alert, environment=place.environment, at_s=alert.starts_at_s)
    return briefing.Briefing(selection, shelf=shelf, edges=calls)


def finding_of(place: remembered.Place, run: str) -> dict[str, Any]:
    """The finding, in its JSON form, of a past incident (I7) or a file that `rootward investigate --json` wrote.

    Raises:
        InputError: there is none.
    """
    if records.kind_of_id(run) == "incident":
        with place.open() as memory:
            one = memory.get(run)
        assert isinstance(one, records.Incident), "ids tell kinds"
        return one.finding
    data = files.read_json(Path(run))
    found = data.get("finding", data) if isinstance(data, dict) else None
    if not isinstance(found, dict) or "root_causes" not in found:
        raise errors.InputError(
            f"{run} holds no finding; give a past incident (I7) or what `rootward investigate --json` printed"
        )
    return found
