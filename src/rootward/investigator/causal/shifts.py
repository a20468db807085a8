"""How far each signal moved at the onset, against its own past and against its peers.

The method is a robust z of the level after the onset: median and MAD of the time before (as BARO, Pham et al., FSE 2024),
with three corrections that public incidents taught.

- *Own null*: the scale is the spread of the same statistic (a mean over as many samples) over the signal's own quiet time, so a
  signal that often jumps needs a larger jump (Efron's empirical null, by signal).
- *Peers' floor*: the scale is at least a part of the level that the same metric has over all entities, or counters with no
  variance win.
- *Two references*: the move counts only as far as it shows both against the whole baseline and against the minutes just
  before; a season, a trend or a changed regime moves the one and not the other.

Badness is oriented: availabilities and hit ratios are turned into failure and miss ratios first.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import homes as folding
from rootward.investigator.causal import quantiles
from rootward.signals import entities, quantity, series
from rootward.signals.roles import role as roles

MAD_TO_SIGMA = 1.4826  # for a normal distribution
RELATIVE_FLOOR = 0.05  # moves of a few percent of a signal's own level are not news
PEER_FLOOR = 0.1  # of the median level of the same metric over all entities, for what users feel …
PEER_FLOOR_RESOURCES = 0.3  # … and of the mean level for resources: half of nearly nothing used is nothing
RATIO_FLOOR = 0.005  # half a percent of requests: below, ratios jitter with single requests
SHARE_FLOOR = 0.05  # of what a container may use: less hurts nobody
BEFORE_MIN = 4  # samples; fewer tell nothing about what is normal
LOCAL_S = 1200.0  # "the minutes just before"
LOCAL_FEW, LOCAL_LAST = 6, 3  # coarse signals: of fewer than six samples, the last three
GUARD_S = 60.0  # the common onset may be this late; finely sampled signals leave the time out
NULL_WINDOWS_MIN = 8  # windows of quiet time needed for an own null
QUIET_WINDOWS = 12  # pseudo-onsets in the time before, at which everything is measured as at the onset
TRIM = 0.25  # of the samples after the onset, at each end: one wild scrape does not make a level

COUNTS = {  # things that are counted in ones: a scale of less than this many is nothing
    roles.Role.POOL_IN_USE: 1.0,
    roles.Role.POOL_WAITERS: 0.3,
    roles.Role.DB_LOCK_WAITS: 1.0,
    roles.Role.RESTARTS: 0.1,
    roles.Role.REPLICAS_READY: 0.25,
    roles.Role.THREADS: 2.0,
    roles.Role.FILE_DESCRIPTORS: 10.0,
    roles.Role.DB_CONNECTIONS: 2.0,
    roles.Role.QUEUE_DEPTH: 20.0,
    roles.Role.CONSUMER_LAG: 20.0,
    roles.Role.DNS_ERRORS: 0.05,
    roles.Role.ERROR_RATE: 0.05,
    roles.Role.RETRIES: 0.05,
    roles.Role.TLS_ERRORS: 0.02,
    roles.Role.OTHER: 0.02,
}
_SHARES = frozenset(
    {
        roles.Role.CPU_THROTTLED,
        roles.Role.MEMORY_LIMIT_RATIO,
        roles.Role.DISK_USED_RATIO,
        roles.Role.SATURATION,
    }
)
FELT = frozenset({*roles.DURATIONS, *roles.ERRORS, roles.Role.RATE})
_INVERTED = frozenset({roles.Role.AVAILABILITY, roles.Role.CACHE_HIT_RATIO})
_RATIOS = frozenset(
    {
        roles.Role.AVAILABILITY,
        roles.Role.ERROR_RATIO,
        roles.Role.CACHE_HIT_RATIO,
        roles.Role.CPU_THROTTLED,
        roles.Role.MEMORY_LIMIT_RATIO,
        roles.Role.DISK_USED_RATIO,
        roles.Role.SATURATION,
    }
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """`home` is the suspect that was measured, `observer` who saw it if somebody else did. `before` and `after` are levels in the
    signal's (oriented) unit, `delta` the part of the move that both references confirm, `z` that over the signal's scale.
    `onset_s` is when this signal itself moved, None when it did not. `quiet_z` shape [QUIET_WINDOWS] holds what `z` was in equally long
    windows before the onset (NaN where nothing was measured): the latest first."""

    signal: cases.Signal
    home: entities.Entity
    observer: entities.Entity | None
    before: float
    after: float
    delta: float
    z: float
    onset_s: float | None
    quiet_z: series.FloatArray

    @property
    def role(self) -> roles.Role:
        return self.signal.role

    @property
    def said(self) -> str:
        """`cpu throttled of cart rose from 2% to 71%`."""
        direction = "rose" if self.delta > 0 else "fell"
        what = str(self.role).replace("_", " ") if self.role is not roles.Role.OTHER else self.signal.name
        before, after = (quantity.quantity(level, self.signal.unit) for level in (self.before, self.after))
        return f"{what} of {self.home.name} {direction} from {before} to {after}"


def oriented(signal: cases.Signal) -> series.FloatArray:
    """Values with up meaning worse for ratios: failures for availability, misses for hit ratios; percent become 0..1."""
    values = signal.values
    if signal.role not in _RATIOS:
        return values
    finite = values[np.isfinite(values)]
    if finite.size and float(np.max(finite)) > 1.5:
        values = values / 100.0
    return 1.0 - values if signal.role in _INVERTED else values


def measure(case: cases.Case, homes: folding.Homes, onset_s: float) -> list[Shift]:
    """The shift of every signal that has enough samples before and any after `onset_s`, in the order of `case.signals`."""
    found: dict[int, Shift] = {}
    length_s = max(case.focus.end_s - onset_s, GUARD_S)
    every = grids(case)
    usual = [median_and_sigma(grid.matrix[:, grid.times < onset_s]) for grid in every]
    peers = [_peer_key(signal) for signal in case.signals]
    levels = _peer_levels(every, [before for before, _spread in usual], peers)
    for grid, (before, spread) in zip(every, usual, strict=True):
        floors = np.array([_floor(case.signals[i].role, levels.get(peers[i])) for i in grid.members])
        columns = _measure_grid(grid, onset_s, length_s, before, spread, floors)
        moves = _first_moves(grid.times, grid.matrix, onset_s, columns.before, columns.delta).tolist()
        z, after, delta = columns.z.tolist(), columns.after.tolist(), columns.delta.tolist()
        for row in np.flatnonzero(np.isfinite(columns.z)).tolist():
            signal = case.signals[grid.members[row]]
            found[grid.members[row]] = Shift(
                signal,
                homes.of(signal.entity),
                _observer(signal, homes),
                float(before[row]),
                after[row],
                delta[row],
                z[row],
                None if math.isnan(moves[row]) else moves[row],
                columns.quiet[row],
            )
    return [found[index] for index in sorted(found)]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Signals that share their times, so that they are computed on together: `members` are indices into the case's signals, `matrix`
    shape [members, times] holds their values with up meaning worse."""

    times: series.FloatArray
    members: tuple[int, ...]
    matrix: series.FloatArray


@functools.lru_cache(maxsize=1)  # the onset is looked for in them, and then everything is measured at it
def grids(case: cases.Case) -> tuple[Grid, ...]:
    """All signals of the case that have samples."""
    groups: dict[tuple[int, bytes], list[int]] = {}
    for index, signal in enumerate(case.signals):
        groups.setdefault((len(signal.times_s), signal.times_s.tobytes()), []).append(index)
    return tuple(
        Grid(case.signals[members[0]].times_s, tuple(members), np.stack([oriented(case.signals[i]) for i in members]))
        for (length, _), members in groups.items()
        if length > 0
    )


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    before: series.FloatArray
    after: series.FloatArray
    delta: series.FloatArray
    z: series.FloatArray
    quiet: series.FloatArray


def _measure_grid(
    grid: Grid,
    onset_s: float,
    length_s: float,
    before: series.FloatArray,
    spread: series.FloatArray,
    floors: series.FloatArray,
) -> _Columns:
    """All rows at once, given what is usual for each; z is NaN where there are too few samples."""
    times, matrix = grid.times, grid.matrix
    past = matrix[:, times < onset_s]
    later = matrix[:, times >= onset_s]
    near = matrix[:, (times < onset_s - _guard_s(times)) & (times >= onset_s - LOCAL_S)]
    if near.shape[1] < LOCAL_FEW:
        near = near[:, -LOCAL_LAST:]
    after = trimmed_mean(later)
    local, _ = median_and_sigma(near)
    local = np.where(np.isfinite(local), local, before)
    counted = np.isfinite(later).sum(axis=1)
    null = _own_null(past, before, int(np.median(counted)) if counted.size else 0)
    delta = _confirmed(after - before, after - local)
    scale = np.maximum.reduce([np.where(np.isfinite(null), null, spread), floors, RELATIVE_FLOOR * np.abs(before)])
    scale = np.maximum(scale, 1e-9)
    enough = (np.isfinite(past).sum(axis=1) >= BEFORE_MIN) & (counted >= 1)
    quiet = _quiet_delta(times, matrix, onset_s, length_s, before) / scale[:, None]
    return _Columns(before, after, delta, np.where(enough, delta / scale, np.nan), quiet)


def _confirmed(against_all: series.FloatArray, against_near: series.FloatArray) -> series.FloatArray:
    """The lesser of two moves where they agree in direction, else none."""
    agree = np.sign(against_all) == np.sign(against_near)
    lesser = np.where(np.abs(against_all) < np.abs(against_near), against_all, against_near)
    return np.where(agree, lesser, 0.0)


def _quiet_delta(
    times: series.FloatArray, matrix: series.FloatArray, onset_s: float, length_s: float, before: series.FloatArray
) -> series.FloatArray:
    """The confirmed move at `QUIET_WINDOWS` pseudo-onsets, shape [rows, windows], with means for medians (sums are cheap)."""
    finite = np.isfinite(matrix)
    totals = np.cumsum(np.pad(np.where(finite, matrix, 0.0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(finite.astype(float), ((0, 0), (1, 0))), axis=1)

    def mean(start_s: series.FloatArray, end_s: series.FloatArray) -> series.FloatArray:
        low, high = np.searchsorted(times, start_s), np.searchsorted(times, end_s)
        count = counts[:, high] - counts[:, low]
        return np.where(count > 0, (totals[:, high] - totals[:, low]) / np.maximum(count, 1), np.nan)

    begin_s = onset_s - length_s * np.arange(1, QUIET_WINDOWS + 1, dtype=np.float64)
    level = mean(begin_s, begin_s + length_s)
    near = mean(begin_s - LOCAL_S, begin_s)
    near = np.where(np.isfinite(near), near, before[:, None])
    delta = _confirmed(level - before[:, None], level - near)
    return np.where(np.isfinite(level), delta, np.nan)


def _guard_s(times: series.FloatArray) -> float:
    return GUARD_S if times.size > 1 and float(np.median(np.diff(times))) < GUARD_S else 0.0


def median_and_sigma(rows: series.FloatArray) -> tuple[series.FloatArray, series.FloatArray]:
    """Median and MAD-based sigma per row, ignoring NaN; NaN for empty rows."""
    result = np.full(rows.shape[0], np.nan)
    sigma = np.full(rows.shape[0], np.nan)
    some = np.isfinite(rows).any(axis=1) if rows.shape[1] else np.zeros(rows.shape[0], dtype=bool)
    if some.any():
        result[some] = quantiles.by_row(rows[some], 0.5)
        sigma[some] = MAD_TO_SIGMA * quantiles.by_row(np.abs(rows[some] - result[some, None]), 0.5)
    return result, sigma


def trimmed_mean(rows: series.FloatArray) -> series.FloatArray:
    """Mean of the middle half per row (all of it for up to three samples), ignoring NaN."""
    ordered = np.sort(rows, axis=1)  # NaN sort last
    counts = np.isfinite(rows).sum(axis=1)
    cut = np.floor(counts * TRIM).astype(int)
    position = np.arange(rows.shape[1])[None, :]
    inside = (position >= cut[:, None]) & (position < (counts - cut)[:, None])
    total = np.where(inside, np.nan_to_num(ordered), 0.0).sum(axis=1)
    kept = inside.sum(axis=1)
    return np.where(kept > 0, total / np.maximum(kept, 1), np.nan)


def _own_null(past: series.FloatArray, center: series.FloatArray, length: int) -> series.FloatArray:
    """Spread of a mean over `length` samples around the centre, from the signal's own past; NaN when it is too short."""
    rows, columns = past.shape
    length = max(1, min(length, columns // 4))
    if columns - length + 1 < NULL_WINDOWS_MIN:
        return np.full(rows, np.nan)
    finite = np.isfinite(past)
    totals = np.cumsum(np.pad(np.where(finite, past, 0.0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(finite.astype(float), ((0, 0), (1, 0))), axis=1)
    total = totals[:, length:] - totals[:, :-length]
    count = counts[:, length:] - counts[:, :-length]
    away = np.abs(np.where(count > 0, total / np.maximum(count, 1), np.nan) - center[:, None])
    result = np.full(rows, np.nan)
    some = np.isfinite(away).sum(axis=1) >= NULL_WINDOWS_MIN
    if some.any():
        middle, high = quantiles.by_row(away[some], 0.5), quantiles.by_row(away[some], 0.9)
        # For a normal null both estimate sigma; the second is larger for signals with a habit of jumping.
        result[some] = np.maximum(MAD_TO_SIGMA * middle, high / 1.645)
    return result


def quiet_peak(measured: Sequence[Shift], *, worse_only: bool = True) -> float:
    """The largest z that so many signals reach together in a typical quiet window: what the largest now must exceed.

    The median over windows of the maximum over signals (Westfall and Young's maxT, with pseudo-onsets for permutations); the
    median, because earlier incidents may lie in the history.
    """
    if not measured:
        return 0.0
    quiet = np.stack([shift.quiet_z for shift in measured])
    quiet = np.where(np.isfinite(quiet), quiet if worse_only else np.abs(quiet), -np.inf).max(axis=0)
    known = quiet[np.isfinite(quiet)]
    # What the largest of so many normal deviates would be, for a history too short to show it.
    floor = math.sqrt(2.0 * math.log(max(len(measured), 2)))
    return max(float(np.median(known)) if known.size >= 3 else 0.0, floor)


def _floor(role: roles.Role, level: tuple[float, float] | None) -> float:
    if role in COUNTS:
        return COUNTS[role]
    median, mean = level or (0.0, 0.0)
    peers = PEER_FLOOR * median if role in FELT else PEER_FLOOR_RESOURCES * mean
    if role in _SHARES:
        return max(peers, SHARE_FLOOR)
    return max(peers, RATIO_FLOOR) if role in _RATIOS else peers


def _peer_key(signal: cases.Signal) -> tuple[str, ...]:
    statistic = signal.detail.get("statistic", "") or signal.detail.get("quantile", "")
    return (signal.name, str(signal.role), statistic, str(signal.observer is not None))


def _peer_levels(
    every: Sequence[Grid], usual: Sequence[series.FloatArray], peers: Sequence[tuple[str, ...]]
) -> dict[tuple[str, ...], tuple[float, float]]:
    """Median and mean over entities of the same metric's level before the onset."""
    levels: dict[tuple[str, ...], list[float]] = {}
    for grid, before in zip(every, usual, strict=True):
        for index, level in zip(grid.members, np.abs(before).tolist(), strict=True):
            if math.isfinite(level):
                levels.setdefault(peers[index], []).append(level)
    return {key: (float(np.median(values)), float(np.mean(values))) for key, values in levels.items()}


def _observer(signal: cases.Signal, homes: folding.Homes) -> entities.Entity | None:
    if signal.observer is not None:
        return homes.of(signal.observer)
    return homes.caller_of(signal.entity)


def _first_moves(
    times: series.FloatArray,
    matrix: series.FloatArray,
    onset_s: float,
    before: series.FloatArray,
    delta: series.FloatArray,
) -> series.FloatArray:
    """Per row the first sample, at most `LOCAL_S` before the common onset, from which on the signal has made half its move and keeps it;
    NaN for rows that did not move."""
    moving = np.isfinite(delta) & (delta != 0)
    near = np.flatnonzero(times >= onset_s - LOCAL_S)
    window = matrix[:, near]
    known = np.isfinite(window)
    moved = (window - before[:, None]) * np.sign(delta)[:, None] >= 0.5 * np.abs(delta)[:, None]
    first = np.full(matrix.shape[0], np.nan)
    kept = moving
    for column in range(near.size - 1, -1, -1):
        time_s = times[near[column]]
        if time_s < onset_s:
            kept = kept & (moved[:, column] | ~known[:, column])
        first[kept & known[:, column] & moved[:, column]] = time_s
    return first
