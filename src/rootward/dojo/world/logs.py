"""Log lines that follow from what happened: ordinary requests sampled thinly, failures by their reason, data stores' own words."""

import dataclasses
import datetime as dt
from collections.abc import Callable

import numpy as np

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import last_words, log_layouts, request_lines, upkeep_lines
from rootward.dojo.world import layout as lay
from rootward.dojo.world import log_sources as sources

LINES_ORDINARY = 9_000
LINES_TROUBLE = 6500
"""About how many lines six hours have."""
EVERYDAY, FLOOD = 0.02, 2.5
"""Of failures that happen every day this share is kept (as of ordinary requests), until they are this many times as frequent."""
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
    sizes = [float(_expected(frame, source).sum()) for source in troubles]
    share = min(1.0, LINES_TROUBLE * frame.volume * frame.noise.log_share / max(sum(sizes), 1.0))
    for source, size in zip(troubles, sizes, strict=True):
        _write(frame, book, of_pod, source, int(np.clip(size * share, 12, PER_SOURCE)), rng)
    _upkeep(frame, book, of_pod)
    _last_words(frame, book, streams, of_pod)
    _resolver(frame, book, streams, rng)
    times_s = np.array(book.times_s, dtype=np.float64)
    order = np.argsort(times_s, kind="stable")
    return tm.Logs(
        times_ns=(times_s[order] * 1e6).astype(np.int64) * 1000,
        stream=np.array(book.stream, dtype=np.int32)[order],
        lines=[book.lines[k] for k in order.tolist()],
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


def _expected(frame: fr.Frame, source: sources.Source) -> lay.FloatArray:
    """Lines per step: what fails every day is sampled like all that happens every day; above that bent at the top only, so that a
    flood still looks like one next to ordinary times."""
    expected = _bent(np.maximum(source.rate, 0.0) * frame.step_s)
    if not source.everyday:
        return expected
    usual = float(np.median(expected[: max(frame.draft.onset, 1)]))
    return np.where(expected > FLOOD * usual, expected, expected * EVERYDAY)


def _bent(expected: lay.FloatArray) -> lay.FloatArray:
    return np.minimum(expected, 1.2 + np.sqrt(expected))


def _moments(
    frame: fr.Frame, expected: lay.FloatArray, cap: float, rng: np.random.Generator
) -> tuple[lay.IndexArray, lay.FloatArray]:
    """Steps and times at which something is written, `expected` times per step, thinned to about `cap` in all."""
    count = rng.poisson(expected * min(1.0, cap / max(float(expected.sum()), 1e-9)))
    steps = np.repeat(np.arange(frame.steps), count)
    return steps, frame.times_s[steps] + rng.uniform(0, frame.step_s, len(steps))


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
    served = frame.state.served[:, i] * _alive(frame, i)
    cap = max(budget / size / habit.together, 1.0)
    steps, moments_s = _moments(frame, served * (cap / max(float(served.sum()), 1e-9)), cap, rng)
    # Connections live long, and a page asks for several things at once: requests come in groups, each group to one pod.
    group = np.repeat(np.arange(len(steps)), rng.geometric(1.0 / habit.together, len(steps)))
    pods = np.array(_pods(frame, i, steps, rng), dtype=np.intp)[group].tolist()
    steps = steps[group]
    times_s = (
        moments_s[group]
        + rng.exponential(0.15, len(group)) * np.concatenate(([0.0], np.diff(group) == 0))[: len(group)]
    )
    traces = rng.bytes(16 * len(steps)).hex()
    took = frame.state.latency[steps, i] * rng.gamma(4.0, 0.25, len(steps)) * 1e3
    routes = rng.choice(len(component.routes), size=len(steps), p=_shares(component))
    said = request_lines.chosen(habit, len(steps), rng)
    tell, write = request_lines.teller(frame, habit), log_layouts.writer(frame, i)
    unknown = frame.counts.client[:, i] / np.maximum(frame.counts.total[:, i], 1.0)
    missed = frame.rng("not found", i).uniform(size=len(steps)) < unknown[steps]
    for k, time_s in enumerate(times_s.tolist()):
        step, pod = int(steps[k]), pods[k]
        ahead_s = float(book.ahead_s[pod][step])
        route, trace = component.routes[routes[k]], traces[32 * k : 32 * k + 32]
        if component.language == "nginx":
            line = _access(time_s + ahead_s, route, took[k], trace, 404 if missed[k] else 200)
            _note(book, time_s, of_pod[pod], line)
            continue
        for at in np.flatnonzero(said[k]).tolist():
            line_of = habit.lines[at]
            at_s = time_s + line_of.moment * took[k] / 1e3
            for item in range(int(said[k, at])):
                # The next item has other numbers, and is come to a little later.
                turned = trace if not item else trace[3 * item :] + trace[: 3 * item]
                words = tell(line_of.text, line_of.call, route, took[k], step, turned)
                _note(
                    book, at_s + 2e-4 * item, of_pod[pod], write(at_s + ahead_s, "info", component.name, words, trace)
                )


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
    steps, moments_s = _moments(frame, _expected(frame, source) * _alive(frame, source.component), cap, rng)
    if not len(steps):
        return
    pods = _pods(frame, source.component, steps, rng, source)
    write = log_layouts.writer(frame, source.component)
    traces = rng.bytes(16 * len(steps)).hex()
    words: Callable[[int, float], str] = source.words
    for k, time_s in enumerate(moments_s.tolist()):
        said_s = time_s + float(book.ahead_s[pods[k]][steps[k]])
        line = write(said_s, source.level, component.name, words(int(steps[k]), time_s), traces[32 * k : 32 * k + 32])
        _note(book, time_s, of_pod[pods[k]], log_layouts.with_stack(line, source.trace) if source.trace else line)


def _upkeep(frame: fr.Frame, book: _Book, of_pod: dict[int, int]) -> None:
    """What is written round after round, each line by its pod's clock."""
    rng = frame.rng("upkeep traces")
    writers = {i: log_layouts.writer(frame, i) for i in range(len(frame.layout.components))}
    for one in upkeep_lines.lines(frame):
        i = frame.fleet.pods[one.pod].component
        step = min(max(int((one.time_s - frame.times_s[0]) / frame.step_s), 0), frame.steps - 1)
        said_s, name = one.time_s + float(book.ahead_s[one.pod][step]), frame.layout.components[i].name
        _note(book, one.time_s, of_pod[one.pod], writers[i](said_s, "info", name, one.text, rng.bytes(16).hex()))


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
    _, times_s = _moments(frame, _bent(frame.draft.zone_errors * 3.0 * frame.step_s), PER_SOURCE, rng)
    names = [
        c.host or f"{c.name}.{frame.layout.namespace(i)}.svc.cluster.local"
        for i, c in enumerate(frame.layout.components)
    ]
    for k, time_s in enumerate(times_s.tolist()):
        name = names[int(rng.integers(0, len(names)))]
        book.times_s.append(time_s)
        book.stream.append(base + k % 2)
        book.lines.append(
            f"[ERROR] plugin/errors: 2 {name}. A: read udp 10.100.0.4:{32768 + int(_rng.token(rng, 4), 16) % 28000}->10.0.0.53:53: i/o timeout"
        )
