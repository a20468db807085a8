"""Which components have what to complain about, how often, and in which words."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import dynamics, partitions
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_formats as lf
from rootward.dojo.world.exporters import databases

SLOW_STATEMENT_S = 0.25
"""log_min_duration_statement of the databases."""
LEAST = 2.0
"""A source that would write fewer lines than this in the whole window stays silent."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Source:
    """`rate` [T] lines per second; `words(step, time_s)` gives the text."""

    component: int
    level: str
    rate: lay.FloatArray
    words: Callable[[int, float], str]
    trace: str = ""
    of: Callable[[Any], bool] | None = None  # which pods write it; None: all, by their share of the traffic
    failing: bool = False  # by their share of the failures instead
    everyday: bool = False  # something that fails now and then on any day


def troubles(frame: fr.Frame) -> list[Source]:
    """Everything that is written because something did not go well (or only seems so)."""
    found: list[Source] = []
    for e in range(len(frame.layout.calls)):
        found += _call(frame, e)
    for i in frame.layout.of_kind(bp.Kind.DATABASE):
        found += _database(frame, i)
    for i in frame.layout.of_kind(bp.Kind.CACHE):
        found += _cache(frame, i)
    for i in partitions.topics(frame.layout):
        found += [source for e in frame.layout.calls_from(i) for source in _stalled(frame, e)]
    for i in frame.layout.of_kind(bp.Kind.SERVICE):
        found += _starts(frame, i) + _own(frame, i)
        found.append(_grumble(frame, i))
    for voice in frame.draft.voices:
        busy = frame.state.served[:, voice.component] / max(float(frame.layout.rate[voice.component]), 1e-9)
        rate = voice.rate if voice.steady else voice.rate * busy
        if voice.of is not None:
            rate = rate * _share_of(frame, voice.component, voice.of)
        rng = frame.rng("voice", voice.component)
        found.append(Source(voice.component, voice.level, rate, _choose(voice.texts, rng), voice.trace, voice.of))
    return [source for source in found if float(source.rate.sum()) * frame.step_s >= LEAST]


def _share_of(frame: fr.Frame, component: int, of: Callable[[Any], bool]) -> lay.FloatArray:
    """The share of a component's traffic that some of its pods have; [T]."""
    chosen = [p for p in frame.fleet.of(component) if of(frame.fleet.pods[p])]
    return np.asarray(frame.fleet.share[chosen].sum(axis=0), dtype=np.float64)


def _choose(texts: tuple[str, ...], rng: np.random.Generator) -> Callable[[int, float], str]:
    def words(step: int, time_s: float) -> str:
        del step, time_s
        return texts[int(rng.integers(0, len(texts)))]

    return words


def _call(frame: fr.Frame, e: int) -> list[Source]:
    """The caller's complaints about one call, by reason."""
    layout, state, knobs = frame.layout, frame.state, frame.draft.knobs
    i, target = int(layout.source[e]), int(layout.target[e])
    caller, callee = layout.components[i], layout.components[target]
    if caller.kind is not bp.Kind.SERVICE or not layout.waits[e]:
        return []
    refused = knobs.refused[:, e]
    zone = frame.draft.zone_errors if frame.draft.zone_errors is not None else np.zeros(frame.steps)
    unresolved = np.where(zone > 0, refused, 0.0)
    expired = np.where(frame.times_s >= frame.draft.expiries.get(target, np.inf), refused, 0.0)
    plain = np.maximum(refused - unresolved - expired, 0.0)
    told = np.where(refused > lf.ORDINARILY_REFUSED, plain, 0.0) if e in frame.draft.refusals else np.zeros(frame.steps)
    got = (1 - refused) * (1 - state.pool_refused[:, e])
    reasons = [
        (lf.UNRESOLVED, unresolved),
        (lf.EXPIRED, expired),
        (frame.draft.refusals.get(e, lf.REFUSED), told),
        (lf.REFUSED, plain - told),
        (lf.NO_CONNECTION, (1 - refused) * state.pool_refused[:, e]),
        (_too_late(callee), got * state.timeouts[:, e]),
        (
            lf.ANSWERED_BADLY if callee.kind in (bp.Kind.SERVICE, bp.Kind.EXTERNAL) else lf.CUT_OFF,
            got * (1 - state.timeouts[:, e]) * state.error[:, target],
        ),
    ]
    attempts = state.calls[:, e]
    level = "error" if layout.required[e] >= 0.5 else "warn"
    return [Source(i, level, attempts * share, _failure(frame, e, table), everyday=True) for table, share in reasons]


def _too_late(callee: bp.Component) -> Mapping[str, str]:
    """What clients say of a callee that did not answer in time."""
    if callee.kind is bp.Kind.DATABASE:
        return lf.QUERY_CANCELLED
    return lf.NOT_PUBLISHED[callee.language] if callee.kind is bp.Kind.QUEUE else lf.TIMED_OUT


def _failure(frame: fr.Frame, e: int, table: Mapping[str, str]) -> Callable[[int, float], str]:
    layout = frame.layout
    i, target = int(layout.source[e]), int(layout.target[e])
    caller, callee = layout.components[i], layout.components[target]
    text = table.get(caller.language, table["go"])
    host = callee.host or callee.name
    port = {bp.Kind.DATABASE: 5432, bp.Kind.CACHE: 6379, bp.Kind.QUEUE: 9092, bp.Kind.EXTERNAL: 443}.get(
        callee.kind, 8080
    )
    ip = f"172.20.{target // 200}.{10 + target % 200}"
    ends_s = frame.draft.expiries.get(target, 0.0)
    end = dt.datetime.fromtimestamp(int(ends_s), tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ms = round((dynamics.POOL_TIMEOUT_S if table is lf.NO_CONNECTION else float(frame.draft.knobs.timeout_s[e])) * 1e3)
    pods = max(float(layout.replicas[i]), 1.0)

    def words(step: int, time_s: float) -> str:
        limit = frame.draft.knobs.pool[step, e]
        return text.format(
            host=host,
            ip=ip,
            port=port,
            ms=ms,
            now=f"{lf.iso(time_s)[:19]}Z",
            end=end,
            limit=int(limit) if np.isfinite(limit) else 0,
            waiting=int(frame.state.pool_waiting[step, e] / pods),
        )

    return words


def _database(frame: fr.Frame, i: int) -> list[Source]:
    layout, state = frame.layout, frame.state
    rng = frame.rng("postgres log", i)
    found: list[Source] = []
    for e in layout.calls_to(i):
        statement = layout.calls[e].operation
        took_s = databases.own_latency(frame, e)
        over = np.clip((took_s / SLOW_STATEMENT_S) ** 4, 0, 1) * (took_s > SLOW_STATEMENT_S / 4)
        waiting = databases.waiting(frame, e)

        def slow(step: int, time_s: float, took_s: lay.FloatArray = took_s, statement: str = statement) -> str:
            del time_s
            took_ms = max(took_s[step] * rng.gamma(9.0, 1 / 9.0), SLOW_STATEMENT_S) * 1e3 + rng.uniform(0.0, 9.0)
            return f"duration: {took_ms:.3f} ms  statement: {statement}"

        found.append(Source(i, "info", state.calls[:, e] * over, slow))
        if waiting.any():
            table = frame.draft.locks[e]

            def stuck(step: int, time_s: float, table: str = table, statement: str = statement) -> str:
                del step
                process = int(time_s * 31) % 4000 + 90
                return f"process {process} still waiting for RowExclusiveLock on relation {16384 + len(table) * 37} of database 16390 after 1000.{process % 1000:03d} ms\n\tDETAIL:  Process holding the lock: 3127. Wait queue: {process}.\n\tSTATEMENT:  {statement}"

            found.append(Source(i, "info", waiting / 4.0, stuck))
    return found


def _cache(frame: fr.Frame, i: int) -> list[Source]:
    rng = frame.rng("redis log", i)
    found: list[Source] = []
    if i in frame.draft.evictions:
        first = np.zeros(frame.steps)
        first[frame.draft.onset] = 3.0 / frame.step_s
        found.append(
            Source(
                i,
                "error",
                first,
                _choose(
                    (
                        "WARNING: the new maxmemory value set via CONFIG SET is smaller than the current memory usage. This will result in key eviction and/or the inability to accept new write commands depending on the maxmemory-policy.",
                    ),
                    rng,
                ),
            )
        )
    return found


def _stalled(frame: fr.Frame, e: int) -> list[Source]:
    """A consumer that does not get beyond a message says so each time it tries it again, with the same offset every time."""
    layout = frame.layout
    topic, consumer = int(layout.source[e]), int(layout.target[e])
    name, operation = layout.components[topic].name, layout.calls[e].operation
    found = []
    for k in range(partitions.COUNT):
        stalled = frame.draft.levels.get((f"{partitions.STALLED}{k}", e))
        if stalled is None or not stalled.any():
            continue
        offset = int(partitions.produced(frame, topic)[k, max(int(np.argmax(stalled > 0)) - 1, 0)])
        texts = (
            f"Error while processing record {name}-{k}@{offset}: cannot decode {operation}: unexpected end of input, will retry",
            f"Seek to offset {offset} for partition {name}-{k}",
        )
        found.append(Source(consumer, "error", stalled / 9.0, _choose(texts[:1], frame.rng("stalled", e, k))))
        found.append(Source(consumer, "info", stalled / 18.0, _choose(texts[1:], frame.rng("stalled", e, k))))
    return found


def _own(frame: fr.Frame, i: int) -> list[Source]:
    """The few requests that every service fails by itself; a release's own exceptions are a voice of the draft."""
    component = frame.layout.components[i]
    voiced = any(voice.component == i for voice in frame.draft.voices)
    share = np.full(frame.steps, component.error_ratio) if voiced else frame.draft.knobs.own_error[:, i]
    return [
        Source(
            i,
            "error",
            share * frame.state.served[:, i],
            _choose((lf.OWN[component.language],), frame.rng("own", i)),
            failing=True,
            everyday=True,
        )
    ]


def _starts(frame: fr.Frame, i: int) -> list[Source]:
    """What a process writes when it comes up."""
    rate = np.zeros(frame.steps)
    for p in frame.fleet.of(i):
        pod = frame.fleet.pods[p]
        for step in [pod.start, *(restart.ready for restart in pod.restarts if restart.served)]:
            if 0 < step < frame.steps and frame.fleet.ready[p, step]:
                rate[step] += 2.0 / frame.step_s
    component = frame.layout.components[i]
    texts = {
        "java": ("Started Application in 11.482 seconds (process running for 12.204)",),
        "nginx": ("start worker processes",),
    }
    return [
        Source(i, "info", rate, _choose(texts.get(component.language, ("listening on :8080",)), frame.rng("starts", i)))
    ]


_GRUMBLES = (
    "feature flag refresh failed, using cached values",
    "client closed the connection before the response was sent",
    "deprecated header x-legacy-id in request",
    "slow flush of 2 metrics batches to the collector",
    "configuration reloaded, 0 changes",
    "retrying token refresh (attempt 1 of 3)",
    "unexpected content-type text/html from health check of old monitor",
)


def _grumble(frame: fr.Frame, i: int) -> Source:
    """Warnings and errors that mean nothing, with an hour when there are more of them."""
    rng = frame.rng("grumble", i)
    rate = np.full(frame.steps, frame.noise.grumbles / 1000.0)
    at = int(rng.integers(0, frame.steps))
    rate[at : at + round(1500 / frame.step_s)] *= float(rng.uniform(2, 14))
    texts = tuple(_GRUMBLES[int(k)] for k in rng.permutation(len(_GRUMBLES))[:2])
    return Source(i, "error" if rng.uniform() < 0.3 else "warn", rate, _choose(texts, rng))
