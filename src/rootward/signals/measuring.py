"""Measuring: rate, errors, duration, saturation of every entity, asked of any metric source as discovery bound them.

Each distinct query is asked once; the answers become one line per entity and role. Arithmetic and grouping are pure (`lines_of`);
only asking is not.
"""

import collections
import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rootward import _tasks
from rootward.signals import answers, entities, naming, protocols, series, windows
from rootward.signals.roles import binding as bindings_module
from rootward.signals.roles import combine, rules
from rootward.signals.roles.role import Role

_POD = entities.EntityKind.POD
SeriesAnswer = answers.Answer[series.SeriesSet]

RARE_RATE_WINDOW_S = 1200.0  # several samples of what is scraped every five minutes
# Lines that pods would add are kept while they stay few: a service of a thousand pods is described by its sum.
PODS_PER_SERVICE_MAX = 50


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One measured line; fields as in `causal.case.Signal`, without the evidence id (which the investigator's ledger gives).

    `times_s`, `values` shape [T] on the grid start, start + step … of the window asked for; NaN where there is no sample, and at least
    one sample is finite. `detail["side"] = "client"` marks an entity's view of all whom it calls, when they are not told apart.
    """

    entity: entities.Entity
    role: Role
    name: str
    times_s: series.FloatArray
    values: series.FloatArray
    unit: str = ""
    observer: entities.Entity | None = None
    detail: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One binding's result: an answer per term, in the order of the terms, and the lines, ordered by entity."""

    binding: bindings_module.Binding
    answers: tuple[SeriesAnswer, ...]
    lines: tuple[Line, ...]


class Run(Protocol):
    """What `_tasks.run_all` does; tests pass another."""

    async def __call__(
        self, jobs: Sequence[Callable[[], Awaitable[Any]]], *, limit: int, deadline_s: float | None = None
    ) -> Sequence[Any]: ...


def rate_window(step_s: float) -> float:
    """Seconds over which rates are taken when the sampling interval is not known: at least four scrapes of the usual 15 to 30 s."""
    return max(2.0 * step_s, 120.0)


async def measure(
    source: protocols.MetricSource,
    bindings: Sequence[bindings_module.Binding],
    window: windows.Window,
    step_s: float,
    *,
    rate_window_s: float | None = None,
    limits: protocols.Limits = protocols.DEFAULT_LIMITS,
    run: Run = _tasks.run_all,
    concurrency: int = 8,
    deadline_s: float | None = None,
    only: frozenset[Role] | None = None,
) -> tuple[Measured, ...]:
    """Ask every binding (of the roles in `only`, when given), each distinct query once; results in the order of `bindings`.

    Never raises for what the back end does: a failed term is a failed answer, and its binding has no lines. An answer without data
    is data: no failures where there was traffic. What has not answered within `deadline_s` is a failed answer that says so.
    """
    wanted = [one for one in bindings if only is None or one.role in only]
    over_s = rate_window_s if rate_window_s is not None else rate_window(step_s)
    asked = [tuple(_timed(term, over_s) for term in one.terms) for one in wanted]
    found: dict[protocols.MetricQuery, SeriesAnswer] = {}

    async def ask(queries: Iterable[protocols.MetricQuery]) -> None:
        distinct = [query for query in dict.fromkeys(queries) if query not in found]
        groups = [
            distinct[place : place + protocols.QUERIES_TOGETHER]
            for place in range(0, len(distinct), protocols.QUERIES_TOGETHER)
        ]
        jobs = [lambda group=group: source.query_all(group, window, step_s, limits) for group in groups]
        results = await run(jobs, limit=concurrency, deadline_s=deadline_s)
        for group, result in zip(groups, results, strict=True):
            late = (_late(source.name, query, window) for query in group)
            found.update(zip(group, late if result is None else result, strict=True))

    await ask(term for terms in asked for term in terms)
    # A counter that exists but has no rate is scraped more rarely than the range is long.
    rare = [place for place, terms in enumerate(asked) if _without_rate(found[terms[-1]], terms[-1])]
    for place in rare:
        asked[place] = tuple(_timed(term, max(RARE_RATE_WINDOW_S, 2 * over_s)) for term in wanted[place].terms)
    await ask(term for place in rare for term in asked[place])
    grid_s = grid(window, step_s)
    measured = []
    for one, terms in zip(wanted, asked, strict=True):
        given = tuple(found[term] for term in terms)
        measured.append(Measured(one, given, lines_of(one, given, grid_s, step_s)))
    return recognised(measured)


def recognised(measured: Sequence[Measured]) -> tuple[Measured, ...]:
    """The same, callees and callers that observers name called as they call themselves: `CartService`, `cart.shop` → `cart`.

    Only where exactly one measured entity answers to the name.
    """
    own = {
        line.entity for one in measured for line in one.lines if line.observer is None and line.entity.kind is not _POD
    }
    by_key: dict[str, set[entities.Entity]] = {}
    for entity in own:
        by_key.setdefault(naming.loose_key(entity.name), set()).add(entity)

    def known(entity: entities.Entity) -> entities.Entity:
        same = {one for one in by_key.get(naming.loose_key(entity.name), ()) if entity.namespace in ("", one.namespace)}
        # A store is measured by its exporter and, as one more service, by the container runtime: the exporter knows what it is.
        telling = {one for one in same if one.kind not in (entities.EntityKind.SERVICE, entities.EntityKind.WORKLOAD)}
        best = telling or {one for one in same if one.kind is entities.EntityKind.SERVICE} or same
        return next(iter(best)) if len(best) == 1 else entity

    def renamed(line: Line) -> Line:
        if line.observer is None:
            return line
        return dataclasses.replace(line, entity=known(line.entity), observer=known(line.observer))

    return tuple(
        Measured(one.binding, one.answers, tuple(map(renamed, one.lines))) if one.binding.observer else one
        for one in measured
    )


def grid(window: windows.Window, step_s: float) -> series.FloatArray:
    """start, start + step, … ≤ end: the times at which a source answers."""
    count = int(np.floor(window.length_s / step_s + 1e-9)) + 1
    return window.start_s + step_s * np.arange(count, dtype=np.float64)


def _timed(term: protocols.MetricQuery, over_s: float) -> protocols.MetricQuery:
    # A value has no range, and equal questions are to be equal, so that they are asked once.
    return dataclasses.replace(term, over_s=over_s if term.function != "value" else 0.0)


def _without_rate(answer: SeriesAnswer, term: protocols.MetricQuery) -> bool:
    return answer.outcome is answers.Outcome.NO_DATA and term.function != "value"


def _late(source: str, query: protocols.MetricQuery, window: windows.Window) -> SeriesAnswer:
    text = f"{query.function} of {query.metric}"
    return answers.Answer(answers.Outcome.FAILED, source, text, window, error="no answer before the deadline")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class _Key:
    """What a line is about; `pod` "" for the entity as a whole."""

    entity: entities.Entity
    observer: entities.Entity | None
    pod: str
    detail: tuple[tuple[str, str], ...]

    @property
    def whole(self) -> "_Key":
        """The entity that the pod belongs to."""
        return _Key(self.entity, self.observer, "", self.detail) if self.pod else self

    def sort_key(self) -> tuple[object, ...]:
        observer = (self.observer.kind, self.observer.name) if self.observer else ("", "")
        return (self.entity, observer, self.pod, self.detail)


def lines_of(
    binding: bindings_module.Binding, given: Sequence[SeriesAnswer], grid_s: series.FloatArray, step_s: float
) -> tuple[Line, ...]:
    """The lines that a binding's answers make; none when a term was not answered. Pure."""
    if not all(answer.answered for answer in given):
        return ()
    terms = [_grouped(binding, answer.value or (), grid_s, step_s) for answer in given]
    # The last term is the whole (requests, periods, capacity): where it has no line, there is nothing to say about.
    names = set(terms[-1]) if len(terms) > 1 else set(terms[0])
    if binding.combine is bindings_module.Combine.SHARE and len(terms) > 1:
        names |= set(terms[0])
    names = _worth_telling_apart(names)
    missing = np.full(len(grid_s), np.nan)
    lines = []
    for key in sorted(names, key=_Key.sort_key):
        first = terms[0].get(key, missing)
        second = terms[1].get(key, missing) if len(terms) > 1 else None
        values = combine.combine(binding.combine, first, second, grid_s) * binding.scale
        if np.isfinite(values).any():
            lines.append(_line(binding, key, grid_s, values))
    return tuple(lines)


def _line(binding: bindings_module.Binding, key: _Key, grid_s: series.FloatArray, values: series.FloatArray) -> Line:
    entity = key.entity
    if key.pod:
        entity = entities.Entity(entities.EntityKind.POD, key.pod, key.entity.namespace)
    detail = dict(key.detail)
    if binding.observer is None and binding.variant == "client":
        detail["side"] = "client"
    return Line(entity, binding.role, binding.metric, grid_s, values, binding.unit, key.observer, detail)


def _grouped(
    binding: bindings_module.Binding, found: series.SeriesSet, grid_s: series.FloatArray, step_s: float
) -> dict[_Key, series.FloatArray]:
    """Values on the grid per entity, and per pod of it, series of the same one put together."""
    rows: dict[_Key, list[series.FloatArray]] = {}
    times_s, same = grid_s, True
    for one in found:
        key = _key(binding, one.labels)
        if key is None:
            continue
        if one.times_s is not times_s:  # the series of an answer mostly share their moments
            times_s, same = one.times_s, np.array_equal(one.times_s, grid_s)
        values = _finite_or_missing(one.values) if same else on_grid(one, grid_s, step_s)
        rows.setdefault(key.whole, []).append(values)
        if key.pod:
            rows.setdefault(key, []).append(values)
    return {key: _together(values, binding.across) for key, values in rows.items()}


def _worth_telling_apart(keys: set[_Key]) -> set[_Key]:
    """Without the pods of services that have one (that line would say the same twice) or a great many."""
    pods = collections.Counter(key.whole for key in keys if key.pod)
    return {key for key in keys if not key.pod or 1 < pods[key.whole] <= PODS_PER_SERVICE_MAX} if pods else keys


def _key(binding: bindings_module.Binding, labels: Mapping[str, str]) -> _Key | None:
    entity = binding.rule.entity(labels)
    observer = binding.observer.entity(labels) if binding.observer is not None else None
    if binding.observer is not None and observer is None and entity is not None:
        return None if entity.name == "" else _Key(entity, None, "", _detail(binding, labels))
    if entity is None or entity.name == "":
        return None
    pod = labels.get(binding.pod_label, "") if binding.pod_label else ""
    return _Key(entity, observer, "" if pod in rules.UNKNOWN_VALUES else pod, _detail(binding, labels))


def _detail(binding: bindings_module.Binding, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((label, labels[label]) for label in binding.detail if labels.get(label))


def on_grid(one: series.Series, grid_s: series.FloatArray, step_s: float) -> series.FloatArray:
    """The series' values at the grid's times, NaN where it has none; samples off the grid go to the nearest time of it."""
    values = np.full(len(grid_s), np.nan)
    if len(grid_s) == 0 or len(one.times_s) == 0:
        return values
    index = np.rint((one.times_s - grid_s[0]) / step_s)
    usable = np.isfinite(index) & (index >= 0) & (index < len(grid_s))
    values[index[usable].astype(np.intp)] = one.values[usable]
    return _finite_or_missing(values)


def _finite_or_missing(values: series.FloatArray) -> series.FloatArray:
    infinite = np.isinf(values)
    return np.where(infinite, np.nan, values) if infinite.any() else values


def _together(values: Sequence[series.FloatArray], across: str) -> series.FloatArray:
    """Several series of one entity as one, NaN only where all are."""
    if len(values) == 1:
        return values[0]
    stacked = np.stack(values)
    known = np.isfinite(stacked)
    counts = known.sum(axis=0)
    match across:
        case "max":
            joined = np.where(known, stacked, -np.inf).max(axis=0)
        case "min":
            joined = np.where(known, stacked, np.inf).min(axis=0)
        case "avg":
            joined = np.where(known, stacked, 0.0).sum(axis=0) / np.maximum(counts, 1)
        case _:
            joined = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(counts > 0, joined, np.nan)
