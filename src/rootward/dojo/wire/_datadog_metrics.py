"""Telemetry's series as Datadog's metrics: which exist is known at once, their points are made when they are asked for."""

import collections
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.datadog import series
from rootward.dojo.wire import _datadog_naming as naming

FloatArray = series.FloatArray
KEPT = 16
LOOK_BACK = 5
"""Samples before a window that increases may need: the last one before a gap."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """Series reported together, before their values are made: `make` makes those of some rows and of samples low to high."""

    times_s: FloatArray
    tags: tuple[Mapping[str, str], ...]
    make: Callable[[Sequence[int], int, int], series.Block]

    def between(self, rows: Sequence[int], start_s: float, end_s: float) -> series.Block:
        """The rows' samples from start to end, and what increases at the start need."""
        low, high = np.searchsorted(self.times_s, [start_s, end_s], side="left").tolist()
        return self.make(rows, max(low - LOOK_BACK, 0), min(high + 1, len(self.times_s)))


Drafts = Callable[[], list[Draft]]


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """`kind` as the API has it: gauge, count, rate or distribution."""

    name: str
    kind: str
    unit: str
    description: str
    drafts: Drafts
    family: str


class Metrics:
    """A `series.Source` over one telemetry. Values are made for the series and the span that are asked for, and never kept."""

    def __init__(self, metrics: records.Metrics) -> None:
        self._metrics = metrics
        self._families: dict[str, list[tuple[int, int]]] = {}
        for number, block in enumerate(metrics.blocks):
            for row, labels in enumerate(block.labels):
                self._families.setdefault(labels["__name__"], []).append((number, row))
        self._drafts: collections.OrderedDict[str, list[Draft]] = collections.OrderedDict()
        self.known: dict[str, list[Metric]] = {}
        for metric in (*self._traced(), *self._ruled()):
            self.known.setdefault(metric.name, []).append(metric)

    @property
    def names(self) -> list[str]:
        return sorted(self.known)

    def drafts(self, metric: str) -> list[Draft]:
        """What a metric's series are, in a fixed order; those of the last KEPT metrics are kept, without values."""
        found = self._drafts.get(metric)
        if found is None:
            found = self._drafts[metric] = [draft for one in self.known.get(metric, ()) for draft in one.drafts()]
            if len(self._drafts) > KEPT:
                self._drafts.popitem(last=False)
        return found

    def blocks(self, metric: str, scope: series.Scope, start_s: float, end_s: float) -> Iterator[series.Block]:
        """One block after another, so that only one is held at a time."""
        for draft in self.drafts(metric):
            rows = [row for row, tags in enumerate(draft.tags) if scope(tags)]
            if rows:
                yield draft.between(rows, start_s, end_s)

    def metric_of_family(self, family: str) -> str:
        """A metric that comes from a family of the exporters; "" if none does."""
        return next((name for name, found in self.known.items() if any(one.family == family for one in found)), "")

    def _kind(self, family: str) -> str:
        meta = self._metrics.meta
        if family in meta:
            return meta[family].kind
        return "counter" if family.endswith(("_total", "_count", "_sum", "_bucket")) else "gauge"

    def _help(self, family: str) -> str:
        meta = self._metrics.meta.get(family)
        return meta.help if meta else ""

    def _ruled(self) -> Iterator[Metric]:
        histograms = {name.removesuffix("_bucket") for name in self._families if name.endswith("_bucket")}
        skipped = {f"{base}{end}" for base in histograms for end in ("_bucket", "_count", "_sum")}
        for base in sorted(histograms - set(naming.TRACED)):
            spread = functools.partial(self._distributions, base, naming.tags)
            yield Metric(f"openmetrics.{base}", "distribution", _unit(base), self._help(base), spread, f"{base}_bucket")
        for family in sorted(set(self._families) - skipped):
            for rule in naming.RULES.get(family) or (self._collected(family),):
                kind = "gauge" if rule.how in (naming.SAME, naming.PERCENT) else rule.how
                scalars = functools.partial(self._scalars, family, rule)
                yield Metric(rule.metric, kind, rule.unit or _unit(family), self._help(family), scalars, family)

    def _collected(self, family: str) -> naming.Rule:
        """What the OpenMetrics check makes of a family that no integration knows."""
        counts = self._kind(family) == "counter"
        base = family.removesuffix("_total")
        return naming.Rule(f"openmetrics.{base}{'.count' if counts else ''}", naming.COUNT if counts else naming.SAME)

    def _rows(self, family: str, where: Mapping[str, str]) -> Iterator[tuple[records.MetricBlock, list[int]]]:
        by_block: dict[int, list[int]] = {}
        for number, row in self._families.get(family, ()):
            labels = self._metrics.blocks[number].labels[row]
            if all(labels.get(name) == value for name, value in where.items()):
                by_block.setdefault(number, []).append(row)
        for number, rows in by_block.items():
            yield self._metrics.blocks[number], rows

    def _scalars(self, family: str, rule: naming.Rule) -> list[Draft]:
        without = tuple(name for name, _ in rule.where)
        return [
            Draft(
                block.times_s,
                tuple(naming.tags(block.labels[row], without=without) for row in rows),
                functools.partial(self._scalar, family, rule, block, rows),
            )
            for block, rows in self._rows(family, dict(rule.where))
        ]

    def _scalar(
        self,
        family: str,
        rule: naming.Rule,
        block: records.MetricBlock,
        rows: Sequence[int],
        chosen: Sequence[int],
        low: int,
        high: int,
    ) -> series.Block:
        step_s = _step(block.times_s)
        wanted = [rows[i] for i in chosen]
        part = _cut(block, wanted, low, high)
        values = part if rule.how == naming.SAME else increases(part)
        if rule.how == naming.RATE:
            values = values / step_s
        if rule.how == naming.PERCENT:
            values = values / np.maximum(_totals(family, rule.of, block, wanted, low, high), 1e-12)
        kind = "gauge" if rule.how in (naming.SAME, naming.PERCENT) else rule.how
        without = tuple(name for name, _ in rule.where)
        tags = tuple(naming.tags(block.labels[row], without=without) for row in wanted)
        return series.Block(kind, block.times_s[low:high], values * rule.scale, tags, step_s)

    def _traced(self) -> Iterator[Metric]:
        for family, traced in naming.TRACED.items():
            if f"{family}_bucket" not in self._families and f"{family}_count" not in self._families:
                continue
            counting = traced.counter if traced.counter in self._families else f"{family}_count"
            name = f"trace.{traced.operation}"

            tags = functools.partial(_trace_tags, traced=traced)
            hits = functools.partial(self._counted, counting, tags, traced, errors_only=False)
            failed = functools.partial(self._counted, counting, tags, traced, errors_only=True)
            total = f"{family}_sum"
            spent = functools.partial(self._totalled, total, tags)
            spread = functools.partial(self._distributions, family, tags)
            yield Metric(f"{name}.hits", "count", "request", "Requests", hits, counting)
            yield Metric(f"{name}.hits.by_http_status", "count", "request", "Requests by status", hits, counting)
            yield Metric(f"{name}.errors", "count", "error", "Requests with errors", failed, counting)
            yield Metric(f"{name}.duration", "count", "second", "Time spent in requests", spent, total)
            yield Metric(name, "distribution", "second", "Latency of requests", spread, f"{family}_bucket")

    def _counted(self, family: str, tags: "Tagging", traced: naming.Traced, *, errors_only: bool) -> list[Draft]:
        out = []
        for block, rows in self._rows(family, {}):
            chosen = [row for row in rows if not errors_only or _failed(block.labels[row].get(traced.status, ""))]
            if chosen:
                out.append(_counting(block, chosen, tags))
        return out

    def _totalled(self, family: str, tags: "Tagging") -> list[Draft]:
        return [_counting(block, rows, tags) for block, rows in self._rows(family, {})]

    def _distributions(self, base: str, tags: "Tagging") -> list[Draft]:
        """Histograms of one target as distributions: cumulative buckets taken apart, counters as increases."""
        sums = {
            _without(block.labels[row], ""): (block, row)
            for block, rows in self._rows(f"{base}_sum", {})
            for row in rows
        }
        out = []
        for block, rows in self._rows(f"{base}_bucket", {}):
            groups: dict[Key, list[tuple[float, int]]] = {}
            for row in rows:
                labels = block.labels[row]
                groups.setdefault(_without(labels, "le"), []).append((float(labels["le"].replace("+Inf", "inf")), row))
            by_bounds: dict[tuple[float, ...], list[tuple[Key, list[int]]]] = {}
            for key, members in groups.items():
                members.sort()
                bounds = tuple(bound for bound, _ in members)
                by_bounds.setdefault(bounds, []).append((key, [row for _, row in members]))
            for bounds, found in by_bounds.items():
                named = tuple(tags(dict(key)) for key, _ in found)
                make = functools.partial(_distribution, block, bounds, found, named, sums)
                out.append(Draft(block.times_s, named, make))
        return out


Key = tuple[tuple[str, str], ...]
Tagging = Callable[[records.Labels], dict[str, str]]


def _without(labels: records.Labels, name: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value) for key, value in labels.items() if key not in (name, "__name__")))


def _totals(family: str, of: str, block: records.MetricBlock, rows: Sequence[int], low: int, high: int) -> FloatArray:
    """The increases of all series that differ from each row only in the label `of`."""
    every = [row for row, labels in enumerate(block.labels) if labels["__name__"] == family]
    rates = np.nan_to_num(increases(_cut(block, every, low, high)))
    totals: dict[Key, FloatArray] = {}
    for row, rate in zip(every, rates, strict=True):
        key = _without(block.labels[row], of)
        totals[key] = totals.get(key, 0.0) + rate
    return np.array([totals[_without(block.labels[row], of)] for row in rows])


def _counting(block: records.MetricBlock, rows: Sequence[int], tags: Tagging) -> Draft:
    named = tuple(tags(block.labels[row]) for row in rows)

    def make(chosen: Sequence[int], low: int, high: int) -> series.Block:
        values = increases(_cut(block, [rows[i] for i in chosen], low, high))
        return series.Block(
            "count", block.times_s[low:high], values, tuple(named[i] for i in chosen), _step(block.times_s)
        )

    return Draft(block.times_s, named, make)


def _distribution(
    block: records.MetricBlock,
    bounds: tuple[float, ...],
    found: Sequence[tuple[Key, list[int]]],
    named: Sequence[Mapping[str, str]],
    sums: Mapping[Key, tuple[records.MetricBlock, int]],
    chosen: Sequence[int],
    low: int,
    high: int,
) -> series.Block:
    flat = [row for i in chosen for row in found[i][1]]
    inside = increases(_cut(block, flat, low, high)).reshape(len(chosen), len(bounds), -1)
    buckets = np.diff(inside, axis=1, prepend=0.0)
    totals = np.zeros((len(chosen), high - low))
    edges = zip((0.0, *bounds), bounds, strict=False)
    middles = np.array([(below + (above if np.isfinite(above) else below)) / 2 for below, above in edges])
    for place, i in enumerate(chosen):
        owner, row = sums.get(found[i][0], (block, -1))
        if row >= 0 and len(owner.times_s) == len(block.times_s):
            totals[place] = increases(_cut(owner, [row], low, high))[0]
        else:  # without sums, the middles of the buckets stand for their contents
            totals[place] = (buckets[place] * middles[:, None]).sum(axis=0)
    return series.Block(
        "distribution",
        block.times_s[low:high],
        inside[:, -1, :],
        tuple(named[i] for i in chosen),
        _step(block.times_s),
        sums=totals,
        buckets=np.maximum(np.nan_to_num(buckets), 0.0),
        bounds=np.array(bounds),
    )


def _step(times_s: FloatArray) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 15.0


def _cut(block: records.MetricBlock, rows: Sequence[int], low: int, high: int) -> FloatArray:
    """Some rows' samples, NaN where there is none."""
    values = block.values[list(rows), low:high]
    return np.where(records.is_stale(values), np.nan, values)


def increases(values: FloatArray) -> FloatArray:
    """What counters grew by since their last sample; a reset counts from zero; NaN at the first sample and where there is none."""
    out = np.full(values.shape, np.nan)
    if values.shape[1] < 2:
        return out
    missing = np.isnan(values)
    at = np.where(missing, -1, np.arange(values.shape[1]))
    last = np.maximum.accumulate(at, axis=1)[:, :-1]
    before = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    before[last < 0] = np.nan
    now = values[:, 1:]
    out[:, 1:] = np.where(now >= before, now - before, np.where(np.isnan(before), np.nan, now))
    return out


def _trace_tags(labels: records.Labels, traced: naming.Traced) -> dict[str, str]:
    out = naming.tags(
        labels,
        without=(
            *traced.resource,
            "server_port",
            "url_scheme",
            "outcome",
            "exception",
            "grpc_type",
            "controller_class",
        ),
    )
    parts = [labels[name] for name in traced.resource if labels.get(name)]
    joined = "/".join(parts) if traced.operation == "grpc.server" else " ".join(parts)
    out["resource_name"] = naming.tag_value(joined)
    if traced.operation.startswith("http.client"):
        out["peer.hostname"] = naming.tag_value(labels.get("server_address") or labels.get("client_name", ""))
    status = out.pop("status", "") if traced.status == "status" else ""
    if status:
        out["http.status_code"] = status
    if out.get("http.status_code"):
        out["http.status_class"] = f"{out['http.status_code'][0]}xx"
    return out


def _failed(status: str) -> bool:
    return status.startswith("5") or status in naming.GRPC_ERRORS


def _unit(family: str) -> str:
    for end, unit in (
        ("_bytes", "byte"),
        ("_seconds", "second"),
        ("_seconds_total", "second"),
        ("_bytes_total", "byte"),
    ):
        if family.endswith(end):
            return unit
    return ""
