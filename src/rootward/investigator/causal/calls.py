"""What traces say about who is the culprit: whose own work got slower, whose network did, whose calls are missing, who fails.

Four features, each per request of the baseline's mix so that a change in what users ask does not look like a fault:

- *work*: self time of a service's spans, weighted by how often each operation is called per trace;
- *way*: client span less server span, summed over the edges of a service (network delay shows on all of them);
- *shape*: child calls that a (service, operation) used to make and makes no more, or makes many times over;
- *errors*: spans that fail without a failing child.

Each is compared with its own null: how much the same feature moved between slices of the quiet time.
"""

import dataclasses
import math

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture, spans, vote
from rootward.investigator.causal.shifts import MAD_TO_SIGMA
from rootward.signals import entities, series
from rootward.signals.roles import role as roles

TRUST = {"work": 0.55, "way": 0.55, "shape": 0.7, "span errors": 0.75}
CALLS_MIN = 5  # before, per group: fewer say nothing
SLICES_MIN, SLICES_MAX = 6, 24  # of quiet time, about as many traces in each as there are since the onset
TRIM_TOP, TRIM_FROM = 0.1, 4
SLICES_KNOWN_MIN = 3
DELAYED = 2.0  # times as much excess on the way as in the code: then the network is slow, not the code
BUSY_Z = 2.0
KIND_WEIGHT = 1.0  # what a feature says about the kind of fault
WORK_WORDS = "spends {0:+.3g} ms more in its own code per request"
WAY_WORDS = "calls to and from it spend {0:+.3g} ms more on the way per request"
ABOVE_NULL = 3.0  # durations have heavy tails: their means stand out by more before they mean something
AFTER_MIN = 3  # calls since the onset
RELATIVE_FLOOR = 0.1  # a tenth slower is not yet news
FLOOR_SHARE = 0.05  # of the mean change of all services: below, excess is rounding


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The table, and which of its spans are after the onset; `slices` numbers `count` equal parts of the quiet time, -1 after."""

    table: spans.Table
    after: spans.BoolArray
    slices: spans.IntArray
    count: int


def votes(seen: picture.Picture) -> list[vote.Vote]:
    """None when there are no spans on either side of the onset."""
    if seen.table is None:
        return []
    parts = _split(seen.table, seen.onset_s)
    if parts is None:
        return []
    evidence = tuple(dict.fromkeys(batch.evidence for batch in seen.case.spans))
    work, way = _work(parts), _way(parts)
    delayed = {
        name
        for name, on_way, in_code in zip(parts.table.services, way.excess, work.excess, strict=True)
        if on_way > DELAYED * max(in_code, 0.0)
    }
    working = busy(seen)
    starved = {name for name in parts.table.services if seen.homes.named(name) in working}
    found = [
        _vote(seen, parts.table, Reading("work", work, evidence, WORK_WORDS, "cpu_overload", starved)),
        _vote(seen, parts.table, Reading("way", way, evidence, WAY_WORDS, "network_delay", delayed - starved)),
    ]
    return [one for one in found if one is not None]


def busy(seen: picture.Picture) -> set[entities.Entity]:
    """Suspects whose CPU use rose, in cores or as a share of their limit."""
    wanted = (roles.Role.CPU_USAGE, roles.Role.SATURATION, roles.Role.CPU_THROTTLED)
    return {shift.home for role in wanted for shift in seen.by_role.get(role, ()) if shift.z >= BUSY_Z}


def _split(table: spans.Table, onset_s: float) -> Parts | None:
    starts = np.full(table.traces, np.inf)
    np.minimum.at(starts, table.trace, table.start_s)
    late_trace = starts >= onset_s
    after = late_trace[table.trace]
    quiet = np.sort(starts[~late_trace])
    if not after.any() or quiet.size < CALLS_MIN:
        return None
    count = int(np.clip(quiet.size / late_trace.sum(), SLICES_MIN, SLICES_MAX))
    edges = np.quantile(quiet, np.linspace(0, 1, count + 1)[1:-1])
    slices = np.where(after, -1, np.searchsorted(edges, starts[table.trace], side="right"))
    return Parts(table, after, slices, count)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """Per service (rows of `Table.services`): excess seconds per request after the onset [S], in each quiet slice [slices, S], and
    the scale of both [S]."""

    excess: series.FloatArray
    quiet: series.FloatArray
    scale: series.FloatArray


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Per key: the mean after the onset [size] (NaN for too few), in each quiet slice [slices, size], the number of quiet values
    [size] and the standard error of the mean after [size]."""

    after: series.FloatArray
    quiet: series.FloatArray
    count: series.FloatArray
    error: series.FloatArray


def _means(parts: Parts, rows: spans.BoolArray, key: spans.IntArray, size: int, values: series.FloatArray) -> Means:
    """Trimmed means of `values` per key.

    The slowest tenth is left out: one span that waited for a minute is not the service's speed.
    """
    chosen = np.flatnonzero(rows)
    cell = (parts.slices[chosen] + 1) * size + key[chosen]
    order = np.lexsort((values[chosen], cell))
    cell, ordered = cell[order], values[chosen][order]
    cells = (parts.count + 1) * size
    count = np.bincount(cell, minlength=cells)
    rank = np.arange(cell.size) - (np.cumsum(count) - count)[cell]
    kept = rank < np.where(count >= TRIM_FROM, np.floor(count * (1.0 - TRIM_TOP)), count)[cell]
    number = np.bincount(cell[kept], minlength=cells)
    total = np.bincount(cell[kept], ordered[kept], minlength=cells)
    means = np.where(number > 0, total / np.maximum(number, 1), np.nan).reshape(parts.count + 1, size)
    squares = np.bincount(cell[kept], ordered[kept] ** 2, minlength=cells).reshape(parts.count + 1, size)
    counts = number.reshape(parts.count + 1, size)
    # Standard error of the mean after the onset, from the spread within slices: a handful of calls cannot say much.
    inner = squares[1:].sum(axis=0) / np.maximum(counts[1:].sum(axis=0), 1)
    spread = np.sqrt(np.maximum(inner - np.nan_to_num(np.nanmean(_filled(means[1:]), axis=0)) ** 2, 0.0))
    error = spread / np.sqrt(np.maximum(counts[0], 1))
    quiet = count.reshape(parts.count + 1, size)[1:].sum(axis=0).astype(np.float64)
    return Means(np.where(counts[0] >= AFTER_MIN, means[0], np.nan), means[1:], quiet, error)


def _filled(rows: series.FloatArray) -> series.FloatArray:
    """Columns without any number become zero, so that their mean is one."""
    return np.where(np.isfinite(rows).any(axis=0), rows, 0.0)


def _excess(
    parts: Parts, rows: spans.BoolArray, key: spans.IntArray, size: int, values: series.FloatArray
) -> tuple[series.FloatArray, series.FloatArray, series.FloatArray]:
    """(excess after [size], the same in quiet slices [slices, size], its scale [size]) in seconds per request at the quiet mix of calls.

    Normal is the median over slices: an earlier incident spoils a few slices, and not what normal is.
    """
    means = _means(parts, rows, key, size, values)
    quiet, count = means.quiet, means.count
    requests = max(len(np.unique(parts.table.trace[~parts.after])), 1)
    per_request = np.where(count >= CALLS_MIN, count / requests, 0.0)
    known = np.isfinite(quiet).sum(axis=0) >= SLICES_KNOWN_MIN
    base, sigma = np.full(size, np.nan), np.zeros(size)
    base[known] = np.nanmedian(quiet[:, known], axis=0)
    sigma[known] = MAD_TO_SIGMA * np.nanmedian(np.abs(quiet[:, known] - base[known]), axis=0)
    sigma = np.maximum.reduce([sigma, RELATIVE_FLOOR * np.nan_to_num(base), means.error]) * per_request
    return np.nan_to_num(means.after - base) * per_request, np.nan_to_num(quiet - base) * per_request, sigma


def _work(parts: Parts) -> Feature:
    table = parts.table
    after, null, sigma = _excess(parts, ~table.client, table.group, len(table.groups), table.self_s)
    owner = np.array([table.services.index(service) for service, _ in table.groups])
    return _by_service(table, owner, after, null, sigma)


def _way(parts: Parts) -> Feature:
    table = parts.table
    rows = table.crossing
    above = np.where(rows, table.parent, 0)
    values = np.maximum(table.duration_s[above] - table.duration_s, 0.0)
    edge = table.service[above] * len(table.services) + table.service
    after, null, sigma = _excess(parts, rows, edge, len(table.services) ** 2, values)
    return _shared(table, after, null, sigma)


@dataclasses.dataclass(frozen=True, slots=True)
class SlowEdge:
    """Calls that newly spend `excess_s` more between the client and the server each. `share` of all time that requests newly take,
    at work or on the way, is what this edge accounts for."""

    caller: str
    callee: str
    excess_s: float
    share: float


def slow_edges(seen: picture.Picture) -> list[SlowEdge]:
    """Edges whose way got significantly slower, the one that accounts for most first."""
    parts = None if seen.table is None else _split(seen.table, seen.onset_s)
    if parts is None:
        return []
    table, size = parts.table, len(parts.table.services)
    above = np.where(table.crossing, table.parent, 0)
    way = np.maximum(table.duration_s[above] - table.duration_s, 0.0)
    edge = table.service[above] * size + table.service
    means = _means(parts, table.crossing, edge, size**2, way)
    after, null, sigma = _excess(parts, table.crossing, edge, size**2, way)
    z = after / np.maximum(sigma, 1e-9)
    peak = float(np.median((null / np.maximum(sigma, 1e-9)).max(axis=1)))
    total = float(np.maximum(after, 0.0).sum() + np.maximum(_work(parts).excess, 0.0).sum())
    found = []
    for key in np.flatnonzero(z > vote.NOTABLE_Z).tolist():
        if vote.significance(float(z[key]), peak, above=ABOVE_NULL) > 0.5:
            excess_s = float(means.after[key] - np.nanmedian(means.quiet[:, key]))
            found.append(
                SlowEdge(
                    table.services[key // size],
                    table.services[key % size],
                    excess_s,
                    float(after[key]) / max(total, 1e-9),
                )
            )
    return sorted(found, key=lambda one: (-one.share, one.caller, one.callee))


def _shared(table: spans.Table, after: series.FloatArray, null: series.FloatArray, sigma: series.FloatArray) -> Feature:
    """An edge's excess belongs to the end more of whose edges are slow: delay at one pod shows on all of its edges."""
    n = len(table.services)
    z = after / np.maximum(sigma, 1e-9)
    slow = np.where(after > 0, 1.0 / (1.0 + (vote.NOTABLE_Z / np.maximum(z, 1e-6)) ** 2), 0.0).reshape(n, n)
    touched = (sigma > 0).reshape(n, n)
    touched = touched.sum(axis=0) + touched.sum(axis=1)
    cover = ((slow.sum(axis=0) + slow.sum(axis=1)) / np.maximum(touched, 1)) ** 2
    to_callee = (cover[None, :] / np.maximum(cover[:, None] + cover[None, :], 1e-9)).ravel()
    callee, caller = np.tile(np.arange(n), n), np.repeat(np.arange(n), n)
    one = _by_service(table, callee, after * to_callee, null * to_callee, sigma * to_callee)
    rest = 1.0 - to_callee
    other = _by_service(table, caller, after * rest, null * rest, sigma * rest)
    return Feature(one.excess + other.excess, one.quiet + other.quiet, np.hypot(one.scale, other.scale))


def _by_service(
    table: spans.Table,
    owner: spans.IntArray,
    after: series.FloatArray,
    null: series.FloatArray,
    sigma: series.FloatArray,
) -> Feature:
    size = len(table.services)
    return Feature(
        np.bincount(owner, after, minlength=size).astype(np.float64),
        np.stack([np.bincount(owner, row, minlength=size) for row in null]),
        np.sqrt(np.bincount(owner, sigma**2, minlength=size)),
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A feature with how it is said (`words` takes milliseconds) and the kind of fault that it means for `services`."""

    family: str
    feature: Feature
    evidence: tuple[str, ...]
    words: str
    fault: str
    services: set[str]


def _vote(seen: picture.Picture, table: spans.Table, read: Reading) -> vote.Vote | None:
    feature = read.feature
    scale = np.maximum(feature.scale, FLOOR_SHARE * float(np.abs(feature.excess).mean()) + 1e-6)
    peak = float(np.median((feature.quiet / scale).max(axis=1)))
    surplus: dict[entities.Entity, float] = {}
    surest = 0.0
    clues = []
    for name, excess, z in zip(table.services, feature.excess.tolist(), (feature.excess / scale).tolist(), strict=True):
        if excess <= 0:
            continue
        weight = vote.significance(z, peak, above=ABOVE_NULL)
        entity = seen.homes.named(name)
        surplus[entity] = surplus.get(entity, 0.0) + excess * weight
        surest = max(surest, weight)
        if weight > 0.5:
            sentence = f"{name} {read.words.format(excess * 1e3)}"
            said = min(math.log1p(z / vote.NOTABLE_Z), 3.0)
            clues.append(cases.Clue(entity, "", said, sentence, read.evidence, read.family))
            if name in read.services:
                clues.append(cases.Clue(entity, read.fault, KIND_WEIGHT, sentence, read.evidence, read.family))
    return vote.Vote(read.family, surplus, TRUST[read.family] * surest, tuple(clues)) if surplus else None
