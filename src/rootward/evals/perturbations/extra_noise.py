"""More of everything that means nothing: restless numbers, more lines of the usual kind, more talk."""

import dataclasses

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import stamps, variant

TITLE = "numbers are more restless, logs and channels fuller"
SIGMA = 0.12
"""Standard deviation of the wobble, as a share of a counter's rate or a gauge's value."""
MEMORY = 0.8  # of the wobble, from one sample to the next
LINES_MORE = 0.15
MESSAGES_MORE = 12
TALK = (
    "who moved the retro?",
    "the new office printer is down again",
    "reminder to update your on-call numbers",
    "staging looks broken, ignore it",
    "has anybody seen the design doc for the search rewrite?",
    "thanks everyone, that migration went well last week",
    "coffee machine on 3 works again",
    "lint is failing on main, fix is on its way",
)


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """All series of one target wobble together, so that histograms and ratios stay consistent."""
    recorded = scenario.telemetry
    blocks = tuple(_restless(block, rng) for block in recorded.metrics.blocks)
    changed = dataclasses.replace(
        recorded,
        metrics=dataclasses.replace(recorded.metrics, blocks=blocks),
        logs=None if recorded.logs is None else _fuller(recorded.logs, rng),
        messages=_talk(recorded, rng),
    )
    return variant.Variant(tm.Scenario(changed, scenario.alert), truth)


def _restless(block: tm.MetricBlock, rng: np.random.Generator) -> tm.MetricBlock:
    steps = len(block.times_s)
    if steps < 2:
        return block
    shocks = rng.standard_normal(steps) * SIGMA * np.sqrt(1 - MEMORY**2)
    wobble = np.zeros(steps)
    for t in range(1, steps):
        wobble[t] = MEMORY * wobble[t - 1] + shocks[t]
    factor = np.exp(wobble)
    names = [labels["__name__"] for labels in block.labels]
    counts = np.array([name.endswith(("_total", "_count", "_sum", "_bucket")) for name in names], dtype=np.bool_)
    values = tm.wide(block.values).copy()
    if counts.any():
        values[counts] = counters(values[counts], factor)
    return dataclasses.replace(block, values=values)


def counters(values: tm.FloatArray, factor: tm.FloatArray) -> tm.FloatArray:
    """Counters [S, T] whose increase in each step is times `factor` [T]; resets and gaps stay where they are, whole numbers whole."""
    gone = ~np.isfinite(values)
    places = np.maximum.accumulate(np.where(gone, 0, np.arange(values.shape[1])), axis=1)
    filled = np.nan_to_num(np.take_along_axis(values, places, axis=1), nan=0.0, posinf=0.0, neginf=0.0)
    steps = np.diff(filled, axis=1, prepend=0.0)
    restarts = steps < 0
    steps = np.where(restarts, filled, steps)
    grown = steps * factor[None, :]
    grown[:, 0] = filled[:, 0]
    whole = np.all(filled == np.rint(filled), axis=1)
    total = np.cumsum(grown, axis=1)
    since = np.maximum.accumulate(np.where(restarts, total - grown, 0.0), axis=1)
    made = total - since
    made[whole] = np.rint(made[whole])
    out = values.copy()
    out[~gone] = made[~gone]
    return out


def _fuller(logs: tm.Logs, rng: np.random.Generator) -> tm.Logs:
    """Lines of before, once more at other times, with the time written in them told anew."""
    count = len(logs.lines)
    more = int(count * LINES_MORE)
    if not more:
        return logs
    half = max(1, int(np.searchsorted(logs.times_ns, (logs.times_ns[0] + logs.times_ns[-1]) // 2)))
    source = rng.integers(0, half, more)  # the first half of the window: what is usual here
    apart_s = rng.integers(-1800, 3601, more)
    times = np.clip(logs.times_ns[source] + apart_s * 1_000_000_000, logs.times_ns[0], logs.times_ns[-1])
    told = (times - logs.times_ns[source]) // 1_000_000_000
    lines = [*logs.lines, *(stamps.moved(logs.lines[int(i)], int(s)) for i, s in zip(source, told, strict=True))]
    every = np.concatenate([logs.times_ns, times])
    order = np.argsort(every, kind="stable")

    def also(texts: tuple[str, ...] | list[str]) -> list[str]:
        return [([*texts, *([""] * more)])[int(i)] for i in order] if texts else []

    return dataclasses.replace(
        logs,
        times_ns=every[order],
        stream=np.concatenate([logs.stream, logs.stream[source]])[order],
        lines=[lines[int(i)] for i in order],
        trace_ids=also(list(logs.trace_ids)),
        span_ids=also(list(logs.span_ids)),
    )


def _talk(recorded: tm.Telemetry, rng: np.random.Generator) -> tuple[tm.ChatMessage, ...]:
    people = sorted({message.user for message in recorded.messages if not message.bot})
    channels = sorted({message.channel for message in recorded.messages})
    if not people:
        return recorded.messages
    said = [
        tm.ChatMessage(
            round(float(rng.uniform(recorded.start_s, recorded.end_s)), 3),
            channels[int(rng.integers(0, len(channels)))],
            people[int(rng.integers(0, len(people)))],
            TALK[int(rng.integers(0, len(TALK)))],
        )
        for _ in range(MESSAGES_MORE)
    ]
    return tuple(sorted([*recorded.messages, *said], key=lambda m: (m.time_s, m.channel, m.user, m.text)))
