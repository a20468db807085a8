"""What containers write before they end, and init containers while they wait: lines of single pods, not of a component's traffic."""

import dataclasses
from collections.abc import Iterator

from rootward.dojo.world import frame as fr
from rootward.dojo.world import log_layouts, pod_objects
from rootward.dojo.world import troubles as tr

REPEATED_S = 30.0
"""An init container that waits says so about this often."""
LINES = 60
"""The most such lines of one pod, the latest."""


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """`container` is that of the pod unless it has a name of its own."""

    pod: int
    time_s: float
    text: str
    container: str = ""


def lines(frame: fr.Frame) -> Iterator[Line]:
    for p, pod in enumerate(frame.fleet.pods):
        for spell in pod.spells:
            if spell.state.lines:
                yield from list(_of(frame, p, spell))[-LINES:]


def _of(frame: fr.Frame, p: int, spell: tr.Spell) -> Iterator[Line]:
    pod = frame.fleet.pods[p]
    component = frame.layout.components[pod.component]
    named = pod_objects.texts(frame, p)
    write = log_layouts.writer(frame, pod.component)
    rng = frame.rng("last words", pod.name, spell.start)
    if spell.state.kind == tr.INITIALISING:
        time_s, until_s = pod.created_s + 4.0, float(frame.times_s[min(spell.end, frame.steps) - 1])
        while time_s < until_s:
            text = spell.state.lines[int(rng.integers(0, len(spell.state.lines)))]
            yield Line(p, round(time_s, 6), text.format(**named), spell.state.reason)
            time_s += REPEATED_S * float(rng.uniform(0.97, 1.06))
        return
    for restart in pod.restarts:
        if spell.start <= restart.at <= spell.end and restart.at < frame.steps:
            time_s = float(frame.times_s[restart.at]) - float(rng.uniform(0.2, 1.4))
            for k, text in enumerate(spell.state.lines):
                trace = "".join("0123456789abcdef"[int(c)] for c in rng.integers(0, 16, 32))
                raw = text.startswith("!")
                said = text[1:].format(**named) if raw else text.format(**named)
                moment = round(time_s + 0.004 * k, 6)
                yield Line(p, moment, said if raw else write(moment, "error", component.name, said, trace))
