"""From settings (or a capsule) to a scanned graph, once or again and again."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rootward import _clock, _tasks, errors
from rootward.apps import live, remembered, scenarios, wiring
from rootward.apps import settings as settings_module
from rootward.dojo.capsule import store
from rootward.feedback import remembering
from rootward.memory.graph import model
from rootward.memory.graph import scan as scanning
from rootward.signals import protocols


@dataclasses.dataclass(frozen=True, slots=True)
class Scanned:
    questions: int
    gaps: tuple[str, ...]
    sighted: remembering.Sighted

    def to_json(self) -> dict[str, Any]:
        return {"questions": self.questions, "missing": list(self.gaps), **dataclasses.asdict(self.sighted)}


def scan_live(
    settings: settings_module.Settings,
    place: remembered.Place,
    *,
    every_s: float | None,
    clock: _clock.Clock,
    on_done: Callable[[Scanned], None],
) -> None:
    """Scan the configured back ends and keep what was seen; with `every_s`, again and again until interrupted.

    Raises:
        SettingsError: no connector is configured, or one cannot be built.
        MemoryFileError: the graph cannot be kept.
    """
    if not settings.connectors:
        raise errors.SettingsError(live.NO_CONNECTORS)

    async def run() -> None:
        sources = wiring.sources_from_settings(settings, clock)
        limits = protocols.Limits(**settings.limits.model_dump())
        try:
            while True:
                on_done(await _scan(sources, place, clock.now_s(), limits))
                if every_s is None:
                    return
                await clock.sleep(every_s)
        finally:
            await sources.aclose()

    _tasks.run(run())


def scan_capsule(folder: Path, place: remembered.Place) -> Scanned:
    """Scan what a capsule's faces answer, as of the capsule's own moment.

    Raises:
        CapsuleError: it cannot be read.
    """
    recorded = store.load(folder).telemetry
    clock = _clock.VirtualClock(recorded.now_s)

    async def run() -> Scanned:
        sources = scenarios.connect(recorded, clock)
        try:
            return await _scan(sources, place, recorded.now_s, protocols.DEFAULT_LIMITS)
        finally:
            await sources.aclose()

    return _tasks.run(run())


async def _scan(sources: protocols.Sources, place: remembered.Place, now_s: float, limits: protocols.Limits) -> Scanned:
    found = await scanning.scan(sources, now_s=now_s, limits=limits)
    kept = remembering.sighted(place.path, place.environment, found.sightings, now_s=now_s)
    return Scanned(found.questions, tuple(dict.fromkeys(found.gaps)), kept)


def read(place: remembered.Place) -> model.Graph:
    """The graph of the environment.

    Raises:
        InputError: it is empty; the message says how to fill it.
    """
    with place.open() as memory:
        graph = memory.graph()
    if not graph.edges:
        raise errors.InputError(
            f"the graph of environment {place.environment} is empty; fill it with `rootward graph scan`"
        )
    return graph
