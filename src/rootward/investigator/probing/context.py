"""What people and automation did and said: changes, messages, other alerts, over the day before."""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.investigator.causal import changes as blamed
from rootward.investigator.probing import notebook as notebooks
from rootward.signals import alerts as fired_alerts
from rootward.signals import answers, protocols, records, windows

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Context:
    changes: Sequence[tuple[records.Change, str]] = ()
    messages: Sequence[tuple[records.Message, str]] = ()
    alerts: Sequence[tuple[fired_alerts.Alert, str]] = ()


async def read(
    sources: protocols.Sources, frame: framing.Frame, chosen: options.Options, notebook: notebooks.Notebook
) -> Context:
    """Each kind in order of time, with the evidence that brought it."""
    window = windows.Window(frame.focus.start_s - chosen.context_s, frame.now_s)
    recent = windows.Window(frame.focus.start_s, frame.now_s)
    # Changes in effect for longer are not blamed, so their files need not come.
    closely = windows.Window(frame.focus.start_s - blamed.AGE_MAX_S, frame.now_s)
    change_answers = [await source.changes(window, chosen.limits, closely=closely) for source in sources.changes]
    message_answers = [await source.messages(recent, chosen.limits) for source in sources.messages]
    alert_answers = [await source.alerts(recent, chosen.limits) for source in sources.alerts]
    changes = _collect("what changed", change_answers, notebook)
    messages = _collect("chat messages", message_answers, notebook)
    fired = _collect("other alerts", alert_answers, notebook)
    changes.sort(key=lambda pair: pair[0].time_s)
    messages.sort(key=lambda pair: pair[0].time_s)
    fired.sort(key=lambda pair: pair[0].starts_at_s)
    return Context(changes, messages, fired)


def _collect(
    question: str, given: Sequence[answers.Answer[Sequence[T]]], notebook: notebooks.Notebook
) -> list[tuple[T, str]]:
    found: list[tuple[T, str]] = []
    for answer in given:
        key = notebook.note(question, answer)
        found.extend((item, key) for item in answer.value or ())
    return found
