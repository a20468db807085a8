"""What a service writes while it handles one ordinary request: a handful of lines, one after the other, in its own habit.

Every service has habits of its own, drawn once: whether it says when it begins, which of its calls it talks about, what it adds at
the end. Streams so get as many templates and come in as many bursts as those of real systems do.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr

BEGIN = (
    "{method} {path} request_id={id} user={user}",
    "handling {method} {path}",
    "[{path}] begin id={id}",
    "received request {id} for {path} from 10.{a}.{b}.7",
)
ASIDES = (
    "session {id} refreshed, expires in {n} s",
    "feature set resolved for user {user}: [baseline, r{a}]",
    "response size {size} bytes, compressed {less}",
    "validated payload with {a} fields",
    "locale fallback to en for user {user}",
    "price list v{a} in use",
    "audit: user={user} action={path} outcome=ok",
    "deadline left {n} ms",
)
CALLS = {
    bp.Kind.DATABASE: (
        "query on {callee} returned {a} rows in {ms:.1f} ms",
        "{callee}: {a} row(s), {ms:.1f}ms",
        "executed {operation} ({ms:.1f} ms)",
    ),
    bp.Kind.CACHE: (
        "cache hit key={path}:{a}",
        "{callee} GET {path}:{a} in {ms:.2f} ms",
        "cache lookup took {ms:.2f}ms",
    ),
    bp.Kind.QUEUE: ("published to {callee} partition={b} offset={offset}", "event {id} sent to {callee}"),
    bp.Kind.EXTERNAL: ("{callee} answered 200 in {ms:.0f} ms", "call to {callee} ok ({ms:.0f} ms)"),
    bp.Kind.SERVICE: (
        "called {callee} in {ms:.1f} ms",
        "{callee} -> 200 ({ms:.1f}ms)",
        "got answer from {callee} request_id={id}",
    ),
}
END = {
    "service": "{method} {path} 200 {took:.1f}ms",
    "consumer": "processed message offset={offset} in {took:.0f}ms",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Habit:
    """Lines of one request in order: each with the chance that a request has it and where in the request's time it comes (0 to 1)."""

    lines: tuple[tuple[float, float, str, int], ...]  # chance, moment, text, call or -1

    @property
    def mean(self) -> float:
        return sum(chance for chance, *_ in self.lines)


def habit(frame: fr.Frame, i: int) -> Habit:
    """The habit of a component's code: the same in every window of the same system."""
    layout, component = frame.layout, frame.layout.components[i]
    rng = frame.draft.rng("habit", component.name)
    end = END["consumer" if component.consumer else "service"]
    lines: list[tuple[float, float, str, int]] = []
    if rng.uniform() < 0.6:
        lines.append((float(rng.uniform(0.6, 1.0)), 0.0, BEGIN[int(rng.integers(0, len(BEGIN)))], -1))
    for place, e in enumerate(layout.calls_from(i)):
        texts = CALLS[layout.components[layout.target[e]].kind]
        often = min(float(layout.weight[e]), 1.0) * float(rng.uniform(0.0, 1.0))
        if often > 0.1:
            lines.append((often, 0.15 + 0.7 * (place + 1) / 12.0, texts[int(rng.integers(0, len(texts)))], e))
    asides = rng.permutation(len(ASIDES))[: int(rng.integers(0, 4))]
    lines += [(float(rng.uniform(0.03, 0.5)), float(rng.uniform(0.2, 0.9)), ASIDES[int(k)], -1) for k in asides]
    return Habit((*sorted(lines, key=lambda line: line[1]), (1.0, 1.0, end, -1)))


def teller(frame: fr.Frame) -> Callable[[str, int, bp.Route, float, int, str], str]:
    """Fills in a line: (text, call, route, took_ms, step, trace) → what is written."""
    layout = frame.layout

    def tell(text: str, call: int, route: bp.Route, took_ms: float, step: int, trace: str) -> str:
        number = int(trace[8:16], 16)
        callee = layout.components[layout.target[call]] if call >= 0 else None
        ms = float(frame.state.call_latency[step, call]) * 1e3 * (0.6 + number % 97 / 120.0) if call >= 0 else 0.0
        return text.format(
            method=route.method,
            path=route.path,
            id=trace[:12],
            user=number % 90_000 + 1000,
            a=number % 41 + 1,
            b=number % 12,
            n=number % 870 + 30,
            size=number % 61_000 + 300,
            less=number % 9_000 + 120,
            offset=1_000_000 + number % 9_000_000,
            callee=(callee.host or callee.name) if callee is not None else "",
            operation=layout.calls[call].operation[:60] if call >= 0 else "",
            ms=ms,
            took=took_ms,
        )

    return tell


def chosen(habit: Habit, count: int, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which of `count` requests write which line; [count, lines]."""
    return rng.uniform(size=(count, len(habit.lines))) < np.array([chance for chance, *_ in habit.lines])
