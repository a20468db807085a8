"""The doctor: a green light proves reachability, not value; so every question is asked, and its real sample shown."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rootward import _clock, _tasks, errors
from rootward.apps import live, wiring
from rootward.apps import settings as settings_module
from rootward.signals import answers, protocols, questions, windows

WINDOW_S = 3600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Reached:
    """One connector's ping: `outcome` ok means reachable and permitted; `detail` is its product and version, or the error."""

    name: str
    outcome: answers.Outcome
    detail: str


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    reached: tuple[Reached, ...]
    capabilities: tuple[questions.Capability, ...]

    @property
    def healthy(self) -> bool:
        return all(item.outcome in (answers.Outcome.OK, answers.Outcome.NO_DATA) for item in self.reached)


def check(settings: settings_module.Settings, *, at_s: float | None = None) -> Report:
    """Ask every configured connector everything once, about the hour before `at_s` (seconds since the epoch; None: now).

    Raises:
        SettingsError: none is configured.
    """
    if not settings.connectors:
        raise errors.SettingsError(live.NO_CONNECTORS)
    clock = _clock.SystemClock()

    async def run() -> Report:
        sources = wiring.sources_from_settings(settings, clock)
        try:
            return await examine(sources, now_s=clock.now_s() if at_s is None else at_s)
        finally:
            await sources.aclose()

    return _tasks.run(run())


async def examine(sources: protocols.Sources, *, now_s: float) -> Report:
    """Ping each distinct source, then ask the questions of those that answered."""
    reached = []
    for source in distinct(sources):
        answer = await source.ping()
        reached.append(Reached(source.name, answer.outcome, answer.value or answer.error))
    window = windows.Window(now_s - WINDOW_S, now_s)
    return Report(tuple(reached), tuple(await questions.capabilities(sources, window)))


def distinct(sources: protocols.Sources) -> list[protocols.Source]:
    """Each source once, whatever kinds of signal it stands for."""
    every: list[protocols.Source] = [
        *sources.metrics, *sources.logs, *sources.traces, *sources.clusters, *sources.changes, *sources.messages, *sources.alerts,
    ]  # fmt: skip
    return list({id(source): source for source in every}.values())


def to_json(report: Report) -> dict[str, Any]:
    return {
        "healthy": report.healthy,
        "connectors": [
            {"name": item.name, "outcome": str(item.outcome), "detail": item.detail} for item in report.reached
        ],
        "questions": [
            {
                "question": item.question,
                "source": item.source,
                "outcome": str(item.outcome),
                "sample": item.sample,
                "query": item.query,
                "error": item.error,
            }
            for item in report.capabilities
        ],
    }


def show(report: Report) -> None:
    """Two tables: who can be reached, and what each can answer with a real sample."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(title="Connectors", title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("connector", "answer", "detail"):
        table.add_column(name, overflow="fold")
    for item in report.reached:
        table.add_row(item.name, _coloured(item.outcome), escape(item.detail))
    console.print(table)
    asked = Table(title="\nQuestions", title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("question", "connector", "answer", "a real sample, or why not"):
        asked.add_column(name, overflow="fold")
    for capability in _ordered(report.capabilities):
        asked.add_row(
            capability.question,
            capability.source,
            _coloured(capability.outcome),
            escape(capability.sample or capability.error),
        )
    console.print(asked)


def _ordered(capabilities: Sequence[questions.Capability]) -> list[questions.Capability]:
    return sorted(capabilities, key=lambda item: (item.question, item.source))


def _coloured(outcome: answers.Outcome) -> str:
    word = str(outcome).replace("_", " ")
    style = {"ok": "green", "truncated": "green", "no data": "yellow"}.get(word, "red")
    return f"[{style}]{word}[/{style}]"
