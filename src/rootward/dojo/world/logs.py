"""Log lines that follow from what happened: ordinary requests sampled thinly, failures by their reason, data stores' own words."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable

import numpy as np

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import last_words, request_lines
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_formats as lf
from rootward.dojo.world import log_sources as sources

LINES_ORDINARY = 10_000
LINES_TROUBLE = 6500
"""About how many lines six hours have."""
PER_SOURCE = 900
"""The most lines that one source of errors writes: shippers rate-limit, and six hours stay readable."""


@dataclasses.dataclass(slots=True)
class _Book:
    """`ahead_s` is how far each pod's clock is off over time: lines carry their writer's time, shippers stamp the true one."""

    times_s: list[float]
    stream: list[int]
    lines: list[str]
    ahead_s: list[lay.FloatArray]


def logs(frame: fr.Frame) -> tm.Logs:
    """All lines in order of time."""
    streams, of_pod = _streams(frame)
    skews = [frame.ahead_s(n) for n in range(len(frame.fleet.nodes))]
    book = _Book([], [], [], [skews[pod.node] for pod in frame.fleet.pods])
    rng = frame.rng("logs")
    services = frame.layout.of_kind(bp.Kind.SERVICE)
    budget = int(LINES_ORDINARY * frame.volume * frame.noise.log_share) // max(len(services), 1)
    for i in services:
        _ordinary(frame, book, of_pod, i, budget, rng)
    troubles = sources.troubles(frame)
    # One share for all, so that what fails most writes most; the rare still gets its few lines.
    sizes = [float(_expected(frame, source.rate).sum()) for source in troubles]
    share = min(1.0, LINES_TROUBLE * frame.volume * frame.noise.log_share / max(sum(sizes), 1.0))
    for source, size in zip(troubles, sizes, strict=True):
        _write(frame, book, of_pod, source, int(np.clip(size * share, 12, PER_SOURCE)), rng)
    _last_words(frame, book, streams, of_pod)
    _resolver(frame, book, streams, rng)
    order = sorted(range(len(book.lines)), key=lambda k: (book.times_s[k], k))
    return tm.Logs(
        times_ns=(np.array([book.times_s[k] for k in order]) * 1e6).astype(np.int64) * 1000,
        stream=np.array([book.stream[k] for k in order], dtype=np.int32),
        lines=[book.lines[k] for k in order],
        streams=tuple(streams),
    )


def _streams(frame: fr.Frame) -> tuple[list[tm.Labels], dict[int, int]]:
    streams: list[tm.Labels] = []
    of_pod: dict[int, int] = {}
    for p, pod in enumerate(frame.fleet.pods):
        component = frame.layout.components[pod.component]
        of_pod[p] = len(streams)
        streams.append(
            {
                "namespace": frame.layout.namespace(pod.component),
                "pod": pod.name,
                "container": component.name,
                "app": component.name,
                "service_name": component.name,
                "node": frame.fleet.nodes[pod.node],
                "stream": "stdout" if component.language in ("go", "node", "java") else "stderr",
            }
        )
    return streams, of_pod


def _expected(frame: fr.Frame, rate: lay.FloatArray) -> lay.FloatArray:
    """Lines per step, bent at the top only, so that a flood still looks like one next to ordinary times."""
    expected = np.maximum(rate, 0.0) * frame.step_s
    return np.minimum(expected, 1.2 + np.sqrt(expected))


def _moments(
    frame: fr.Frame, rate: lay.FloatArray, cap: int, rng: np.random.Generator
) -> tuple[lay.IndexArray, list[float]]:
    """Steps and times at which lines are written, thinned to about `cap` in all."""
    expected = _expected(frame, rate)
    total = float(expected.sum())
    count = rng.poisson(expected * min(1.0, cap / max(total, 1e-9)))
    steps = np.repeat(np.arange(frame.steps), count)
    times_s = frame.times_s[steps] + rng.uniform(0, frame.step_s, len(steps))
    return steps, times_s.tolist()


def _alive(frame: fr.Frame, component: int) -> lay.BoolArray:
    """Where some process of the component can write; [T]."""
    return np.asarray(frame.fleet.running[frame.fleet.of(component)].any(axis=0), dtype=np.bool_)


def _pods(
    frame: fr.Frame,
    component: int,
    steps: lay.IndexArray,
    rng: np.random.Generator,
    source: sources.Source | None = None,
) -> list[int]:
    pods = np.array(frame.fleet.of(component), dtype=np.intp)
    share = frame.failing(component) if source is not None and source.failing else frame.fleet.share[pods]
    here = share[:, steps] + 1e-6 * frame.fleet.running[pods][:, steps]
    if source is not None and source.of is not None:
        here = here * np.array([[bool(source.of(frame.fleet.pods[p]))] for p in pods]) + 1e-12
    bounds = np.cumsum(here, axis=0)
    chosen = (rng.uniform(size=len(steps)) * bounds[-1] > bounds).sum(axis=0)
    return [int(p) for p in pods[np.minimum(chosen, len(pods) - 1)]]


def _ordinary(
    frame: fr.Frame, book: _Book, of_pod: dict[int, int], i: int, budget: int, rng: np.random.Generator
) -> None:
    component = frame.layout.components[i]
    habit = request_lines.habit(frame, i)
    size = 1.0 if component.language == "nginx" else habit.mean
    rate = frame.state.served[:, i] * _alive(frame, i)
    cap = max(int(budget / size), 1)
    steps, times_s = _moments(frame, rate * (cap / max(float(rate.sum() * frame.step_s), 1e-9)), cap, rng)
    pods = _pods(frame, i, steps, rng)
    traces = rng.bytes(16 * len(steps)).hex()
    took = frame.state.latency[steps, i] * rng.gamma(4.0, 0.25, len(steps)) * 1e3
    routes = rng.choice(len(component.routes), size=len(steps), p=_shares(component))
    said = request_lines.chosen(habit, len(steps), rng)
    tell, write = request_lines.teller(frame), lf.FORMATS[component.language]
    unknown = frame.counts.client[:, i] / np.maximum(frame.counts.total[:, i], 1.0)
    missed = frame.rng("not found", i).uniform(size=len(steps)) < unknown[steps]
    for k, time_s in enumerate(times_s):
        step, pod = int(steps[k]), pods[k]
        ahead_s = float(book.ahead_s[pod][step])
        route, trace = component.routes[routes[k]], traces[32 * k : 32 * k + 32]
        if component.language == "nginx":
            line = _access(time_s + ahead_s, route, took[k], trace, 404 if missed[k] else 200)
            _note(book, time_s, of_pod[pod], line)
            continue
        for at, (_, moment, text, call) in enumerate(habit.lines):
            if said[k, at]:
                at_s = time_s + moment * took[k] / 1e3
                words = tell(text, call, route, took[k], step, trace)
                _note(book, at_s, of_pod[pod], write(at_s + ahead_s, "info", component.name, words, trace))


def _note(book: _Book, time_s: float, stream: int, line: str) -> None:
    book.times_s.append(time_s)
    book.stream.append(stream)
    book.lines.append(line)


def _access(time_s: float, route: bp.Route, took_ms: float, trace: str, status: int) -> str:
    moment = dt.datetime.fromtimestamp(time_s, tz=dt.UTC)
    ip = f"{int(time_s) % 190 + 11}.{int(trace[:2], 16)}.{int(trace[2:4], 16)}.{int(trace[4:6], 16)}"
    return f'{ip} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "{route.method} {route.path} HTTP/2.0" {status} {int(trace[6:10], 16)} "-" "Mozilla/5.0" {took_ms / 1e3:.3f} {trace}'


def _shares(component: bp.Component) -> lay.FloatArray:
    share = np.array([route.share for route in component.routes])
    return np.asarray(share / share.sum(), dtype=np.float64)


def _write(
    frame: fr.Frame, book: _Book, of_pod: dict[int, int], source: sources.Source, cap: int, rng: np.random.Generator
) -> None:
    component = frame.layout.components[source.component]
    steps, times_s = _moments(frame, source.rate * _alive(frame, source.component), cap, rng)
    if not len(steps):
        return
    pods = _pods(frame, source.component, steps, rng, source)
    write = lf.FORMATS.get(component.language, lf.FORMATS["go"])
    traces = rng.bytes(16 * len(steps)).hex()
    words: Callable[[int, float], str] = source.words
    for k, time_s in enumerate(times_s):
        said_s = time_s + float(book.ahead_s[pods[k]][steps[k]])
        line = write(said_s, source.level, component.name, words(int(steps[k]), time_s), traces[32 * k : 32 * k + 32])
        if source.trace:
            line = _with_trace(line, source.trace, component.language)
        book.times_s.append(time_s)
        book.stream.append(of_pod[pods[k]])
        book.lines.append(line)


def _with_trace(line: str, trace: str, language: str) -> str:
    if language in ("go", "node"):
        return f'{line[:-1]},"stack":{json.dumps(trace)}}}'
    return f"{line}\n{trace}"


def _last_words(frame: fr.Frame, book: _Book, streams: list[tm.Labels], of_pod: dict[int, int]) -> None:
    """What containers write before they end, each in the stream of its pod."""
    own: dict[tuple[int, str], int] = {}
    for said in last_words.lines(frame):
        at = of_pod[said.pod]
        if said.container:
            key = (said.pod, said.container)
            if key not in own:
                own[key] = len(streams)
                streams.append({**streams[at], "container": said.container})
            at = own[key]
        book.times_s.append(said.time_s)
        book.stream.append(at)
        book.lines.append(said.text)


def _resolver(frame: fr.Frame, book: _Book, streams: list[tm.Labels], rng: np.random.Generator) -> None:
    """CoreDNS says which names it could not forward."""
    if frame.draft.zone_errors is None:
        return
    base = len(streams)
    streams += [
        {
            "namespace": "kube-system",
            "pod": pod,
            "container": "coredns",
            "app": "coredns",
            "service_name": "coredns",
            "node": frame.fleet.nodes[0],
            "stream": "stdout",
        }
        for pod in ("coredns-5d78c9869d-7wq2m", "coredns-5d78c9869d-x8hzd")
    ]
    _, times_s = _moments(frame, frame.draft.zone_errors * 3.0, PER_SOURCE, rng)
    names = [
        c.host or f"{c.name}.{frame.layout.namespace(i)}.svc.cluster.local"
        for i, c in enumerate(frame.layout.components)
    ]
    for k, time_s in enumerate(times_s):
        name = names[int(rng.integers(0, len(names)))]
        book.times_s.append(time_s)
        book.stream.append(base + k % 2)
        book.lines.append(
            f"[ERROR] plugin/errors: 2 {name}. A: read udp 10.100.0.4:{32768 + int(_rng.token(rng, 4), 16) % 28000}->10.0.0.53:53: i/o timeout"
        )
