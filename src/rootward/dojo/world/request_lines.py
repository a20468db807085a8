"""What a service writes while it handles one ordinary request: a handful of lines, one after the other, in its own habit.

Every service has habits of its own, drawn once: whether it says when it begins, which of its calls it talks about, which steps it tells
of (some always, more seldom: how often what is said falls off as Zipf has it), what it says again for every item, what it adds at the
end. Streams so get as many templates and come in as many bursts as those of real systems do.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import log_words

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


STEPS_MEAN = 2.6
"""Steps of its own work that a component tells of nearly always, in the mean over components."""
RARE = 5
"""Further ones that it tells of seldom."""
ITEMS_MAX = 12


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """Written with `chance` at `moment` of the request's time (0 to 1); for each of `items` in the mean. `call`: -1 for none."""

    chance: float
    moment: float
    text: str
    call: int = -1
    items: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Habit:
    """Lines of one request in order; `together` requests in the mean come at once, and `objects` are printed whole."""

    lines: tuple[Line, ...]
    together: float = 1.0
    objects: tuple[str, ...] = ("",)

    @property
    def mean(self) -> float:
        return sum(line.chance * line.items for line in self.lines)


def habit(frame: fr.Frame, i: int) -> Habit:
    """The habit of a component's code: the same in every window of the same system."""
    layout, component = frame.layout, frame.layout.components[i]
    rng = frame.draft.rng("habit", component.name)
    end = END["consumer" if component.consumer else "service"]
    lines: list[Line] = []
    if rng.uniform() < 0.6:
        lines.append(Line(float(rng.uniform(0.6, 1.0)), 0.0, BEGIN[int(rng.integers(0, len(BEGIN)))]))
    for place, e in enumerate(layout.calls_from(i)):
        texts = CALLS[layout.components[layout.target[e]].kind]
        often = min(float(layout.weight[e]), 1.0) * float(rng.uniform(0.0, 1.0))
        if often > 0.1:
            lines.append(Line(often, 0.15 + 0.7 * (place + 1) / 12.0, texts[int(rng.integers(0, len(texts)))], e))
    asides = rng.permutation(len(ASIDES))[: int(rng.integers(0, 4))]
    lines += [Line(float(rng.uniform(0.03, 0.5)), float(rng.uniform(0.2, 0.9)), ASIDES[int(k)]) for k in asides]
    printed = 0.6 * float(frame.draft.rng("printed objects").beta(0.7, 1.1))
    said = log_words.words(component, printed, frame.draft.rng("words", component.name))
    told = min(int(rng.gamma(2.0, STEPS_MEAN / 2.0)), len(said.steps) - RARE)
    for rank, text in enumerate(said.steps[: told + RARE]):
        chance = (
            float(rng.uniform(0.6, 1.0)) if rank < told else float(rng.uniform(0.3, 1.0)) * 0.4 / (rank - told + 1.0)
        )
        items = float(rng.uniform(1.5, 5.0)) if rank < told and rng.uniform() < 0.15 else 1.0
        lines.append(Line(chance, float(rng.uniform(0.05, 0.95)), text, items=items))
    last = (Line(1.0, 1.0, end),) if rng.uniform() < 0.8 else ()
    together = 1.0 + float(rng.exponential(1.0))
    return Habit((*sorted(lines, key=lambda line: line.moment), *last), together, said.objects)


def teller(frame: fr.Frame, habit: Habit) -> Callable[[str, int, bp.Route, float, int, str], str]:
    """Fills in a line: (text, call, route, took_ms, step, trace) → what is written."""
    layout, objects = frame.layout, habit.objects

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
            uuid=f"{trace[:8]}-{trace[8:12]}-4{trace[12:15]}-9{trace[15:18]}-{trace[18:30]}",
            object=objects[number % len(objects)],
            offset=1_000_000 + number % 9_000_000,
            callee=(callee.host or callee.name) if callee is not None else "",
            operation=layout.calls[call].operation[:60] if call >= 0 else "",
            ms=ms,
            took=took_ms,
        )

    return tell


def chosen(habit: Habit, count: int, rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """How often each of `count` requests writes each line; [count, lines]."""
    chances = np.array([line.chance for line in habit.lines])
    items = np.array([line.items for line in habit.lines])
    said = rng.uniform(size=(count, len(habit.lines))) < chances
    return np.where(said, np.minimum(rng.geometric(1.0 / items, said.shape), ITEMS_MAX), 0)
