"""A world that has run its course: what every exporter reads. Nothing here changes any more."""

import dataclasses

import numpy as np

from rootward import _rng
from rootward.dojo.world import draft as dr
from rootward.dojo.world import dynamics, uneven
from rootward.dojo.world import knobs as kn
from rootward.dojo.world import layout as lay
from rootward.dojo.world import noise as ns
from rootward.dojo.world import pods as pd

FloatArray = lay.FloatArray
UNROUTED = "unrouted"
"""The level of a door that says which share of its requests it has no backend for, and answers with 404."""
LARGE = 500_000
"""Calls × steps from which arrays no longer fit into the processor's caches."""


@dataclasses.dataclass(slots=True, eq=False)
class Counts:
    """Whole requests per step as servers counted them, [T, N]; `slow` shape of the latency's distribution [N]."""

    total: FloatArray
    failed: FloatArray  # answered with a server error, for any reason
    rejected: FloatArray
    late: FloatArray  # failed because a callee did not answer in time
    client: FloatArray  # 4xx
    shape: FloatArray


@dataclasses.dataclass(slots=True, eq=False)
class Frame:
    draft: dr.Draft
    state: dynamics.State
    fleet: pd.Fleet
    counts: Counts
    noise: ns.Noise
    gaps: dict[int, lay.BoolArray] = dataclasses.field(init=False)
    """Pods whose scrapes fail now and then, and when [T]; empty in a world without noise."""
    unseen: dict[int, lay.BoolArray] = dataclasses.field(init=False)
    """When a pod brings no samples [T]: not running, or not scraped; only pods that are always seen are left out."""

    def __post_init__(self) -> None:
        self.gaps = _scrape_gaps(self)
        if self.layout.source.size * self.steps >= LARGE:
            for part in (self.state, self.counts, self.draft.knobs):
                _by_column(part)
        self.unseen = _unseen(self.fleet.running, self.gaps)

    @property
    def layout(self) -> lay.Layout:
        return self.draft.layout

    @property
    def times_s(self) -> FloatArray:
        return self.draft.times_s

    @property
    def step_s(self) -> float:
        return self.draft.step_s

    @property
    def steps(self) -> int:
        return self.draft.steps

    @property
    def volume(self) -> float:
        """How much is kept of logs and traces, 1 for six hours: short windows need less, long ones are sampled more thinly."""
        return float(np.clip(self.steps * self.step_s / 21_600.0, 0.3, 2.0))

    def failing(self, component: int) -> FloatArray:
        """Each pod's share of the component's failed requests; [pods of it, T]."""
        if not any(one.component == component for one in self.draft.uneven):
            return np.asarray(self.fleet.share[self.fleet.of(component)], dtype=np.float64)
        return uneven.failing(self.draft, self.fleet, component, self.state.error[:, component])

    def ahead_s(self, node: int) -> FloatArray:
        """How far a node's clock is ahead (negative: behind), [T]."""
        rng = self.rng("clock", node)
        usual, far, off = rng.standard_normal(), rng.uniform(), rng.uniform(2.0, 9.0) * (-1.0) ** rng.integers(0, 2)
        skew_s = float(off if far < self.noise.skewed_nodes else usual * self.noise.clock_skew_s)
        return skew_s + self.draft.level("node_timex_offset_seconds", node, 0.0)

    def rng(self, *path: str | int) -> np.random.Generator:
        return _rng.stream(self.draft.seed, self.layout.plan.name, "observed", *path)

    def below(self, component: int | slice, bound_s: float) -> FloatArray:
        """Share of requests that took at most `bound_s`; log-logistic around the mean latency."""
        shape = self.counts.shape[component]
        scale = self.state.latency[:, component] / mean_factor(shape)
        return np.asarray(1.0 / (1.0 + (scale / bound_s) ** shape), dtype=np.float64)


def _scrape_gaps(frame: Frame) -> dict[int, lay.BoolArray]:
    rng = frame.rng("gaps")
    pods = len(frame.fleet.pods)
    gaps: dict[int, lay.BoolArray] = {}
    often = round(pods * frame.noise.scrape_gaps)
    for p in sorted({int(i) for i in rng.integers(0, pods, often)}):
        missing = np.zeros(frame.steps, dtype=np.bool_)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(0, frame.steps))
            missing[at : at + int(rng.integers(1, 8))] = True
        gaps[p] = missing
    return gaps


def _by_column(part: dynamics.State | Counts | kn.Knobs) -> None:
    """Lay the arrays [T, N] out so that what happened to one component or call lies together, as it is read from here on: a
    column of a large array touches as many pages of memory as there are steps."""
    for field in dataclasses.fields(part):
        values = getattr(part, field.name)
        if values.ndim == 2:
            setattr(part, field.name, np.asfortranarray(values))


def _unseen(running: lay.BoolArray, gaps: dict[int, lay.BoolArray]) -> dict[int, lay.BoolArray]:
    missing = {int(p): ~running[p] for p in np.flatnonzero(~running.all(axis=1))}
    for p, gap in gaps.items():
        missing[p] = missing[p] | gap if p in missing else gap
    return {p: when for p, when in missing.items() if when.any()}


def mean_factor(shape: FloatArray) -> FloatArray:
    """Mean of a log-logistic distribution over its scale."""
    return np.asarray((np.pi / shape) / np.sin(np.pi / shape), dtype=np.float64)


def quantile_factor(shape: FloatArray, quantile: float) -> FloatArray:
    """A quantile of a log-logistic distribution over its mean."""
    return np.asarray((quantile / (1 - quantile)) ** (1 / shape) / mean_factor(shape), dtype=np.float64)


def per_source(layout: lay.Layout, values: FloatArray) -> FloatArray:
    """Sum [T, E] values over each component's own calls: [T, N]."""
    out = np.zeros((len(values), len(layout.components)))
    if len(layout.source):
        sources, first = np.unique(layout.source, return_index=True)
        out[:, sources] = np.add.reduceat(values, first, axis=1)
    return out


def count(draft: dr.Draft, state: dynamics.State) -> Counts:
    """Turn rates into whole numbers, as a counter would see them."""
    layout = draft.layout
    rng = draft.rng("counts")
    completed = (state.served + state.rejected * state.arrivals) * draft.step_s
    total = np.maximum(np.rint(completed + np.sqrt(completed) * rng.standard_normal(completed.shape)), 0.0)
    failed = np.minimum(rng.poisson(np.minimum(completed * state.error, 1e9)), total)
    fatal = state.lost * layout.required * layout.waits
    late = per_source(layout, fatal * state.timeouts / np.maximum(state.failed, 1e-12)) / np.maximum(
        per_source(layout, fatal), 1e-12
    )
    rejected = np.minimum(np.rint(completed * state.rejected), failed)
    client = np.minimum(rng.poisson(completed * rng.uniform(0.002, 0.012, completed.shape[1])), total - failed)
    for i in sorted({i for level, i in draft.levels if level == UNROUTED}):
        more = draft.rng("unrouted", i).poisson(np.maximum(completed[:, i] * draft.level(UNROUTED, i, 0.0), 0.0))
        client[:, i] = np.minimum(client[:, i] + more, total[:, i] - failed[:, i])
    shape = rng.uniform(3.0, 4.2, completed.shape[1])
    late_count = np.rint((failed - rejected) * np.minimum(late, 1.0)).astype(np.float64)
    shaped: FloatArray = np.asarray(shape, dtype=np.float64)
    return Counts(total, failed, rejected, late_count, client.astype(np.float64), shaped)
