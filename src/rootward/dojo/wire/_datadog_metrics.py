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
CACHED_METRICS = 64
Make = Callable[[], list[series.Block]]


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """`kind` as the API has it: gauge, count, rate or distribution."""

    name: str
    kind: str
    unit: str
    description: str
    make: Make
    family: str


class Metrics:
    """A `series.Source` over one telemetry."""

    def __init__(self, metrics: records.Metrics) -> None:
        self._metrics = metrics
        self._families: dict[str, list[tuple[int, int]]] = {}
        for number, block in enumerate(metrics.blocks):
            for row, labels in enumerate(block.labels):
                self._families.setdefault(labels["__name__"], []).append((number, row))
        self.known: dict[str, list[Metric]] = {}
        for metric in (*self._traced(), *self._ruled()):
            self.known.setdefault(metric.name, []).append(metric)
        self._made: collections.OrderedDict[str, list[series.Block]] = collections.OrderedDict()

    @property
    def names(self) -> list[str]:
        return sorted(self.known)

    def blocks(self, metric: str) -> Sequence[series.Block]:
        """The series of a metric; the last CACHED_METRICS metrics asked for are kept."""
        made = self._made.get(metric)
        if made is None:
            made = [block for one in self.known.get(metric, ()) for block in one.make()]
            self._made[metric] = made
            if len(self._made) > CACHED_METRICS:
                self._made.popitem(last=False)
        else:
            self._made.move_to_end(metric)
        return made

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

    def _scalars(self, family: str, rule: naming.Rule) -> list[series.Block]:
        out = []
        for block, rows in self._rows(family, dict(rule.where)):
            step_s = _step(block.times_s)
            values = _gauges(block, rows) if rule.how == naming.SAME else increases(block, rows)
            if rule.how == naming.RATE:
                values = values / step_s
            if rule.how == naming.PERCENT:
                values = values / np.maximum(self._totals(family, rule.of, block, rows), 1e-12)
            without = tuple(name for name, _ in rule.where)
            tags = tuple(naming.tags(block.labels[row], without=without) for row in rows)
            kind = "gauge" if rule.how in (naming.SAME, naming.PERCENT) else rule.how
            out.append(series.Block(kind, block.times_s, values * rule.scale, tags, step_s))
        return out

    def _totals(self, family: str, of: str, block: records.MetricBlock, rows: Sequence[int]) -> FloatArray:
        """The increases of all series that differ from each row only in the label `of`."""
        every = [row for row, labels in enumerate(block.labels) if labels["__name__"] == family]
        rates = np.nan_to_num(increases(block, every))
        keys = [_without(block.labels[row], of) for row in every]
        totals: dict[tuple[tuple[str, str], ...], FloatArray] = {}
        for key, row in zip(keys, rates, strict=True):
            totals[key] = totals.get(key, 0.0) + row
        return np.array([totals[_without(block.labels[row], of)] for row in rows])

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

    def _counted(self, family: str, tags: "Tagging", traced: naming.Traced, *, errors_only: bool) -> list[series.Block]:
        out = []
        for block, rows in self._rows(family, {}):
            chosen = [row for row in rows if not errors_only or _failed(block.labels[row].get(traced.status, ""))]
            if errors_only and not chosen:
                continue
            named = tuple(tags(block.labels[row]) for row in chosen)
            out.append(series.Block("count", block.times_s, increases(block, chosen), named, _step(block.times_s)))
        return out

    def _totalled(self, family: str, tags: "Tagging") -> list[series.Block]:
        return [
            series.Block(
                "count",
                block.times_s,
                increases(block, rows),
                tuple(tags(block.labels[row]) for row in rows),
                _step(block.times_s),
            )
            for block, rows in self._rows(family, {})
        ]

    def _distributions(self, base: str, tags: "Tagging") -> list[series.Block]:
        """Histograms of one target as distributions: cumulative buckets taken apart, counters as increases."""
        sums = {
            _without(block.labels[row], ""): (block, row)
            for block, rows in self._rows(f"{base}_sum", {})
            for row in rows
        }
        out = []
        for block, rows in self._rows(f"{base}_bucket", {}):
            groups: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
            for row in rows:
                labels = block.labels[row]
                groups.setdefault(_without(labels, "le"), []).append((float(labels["le"].replace("+Inf", "inf")), row))
            by_bounds: dict[tuple[float, ...], list[tuple[tuple[tuple[str, str], ...], list[int]]]] = {}
            for key, members in groups.items():
                members.sort()
                by_bounds.setdefault(tuple(bound for bound, _ in members), []).append(
                    (key, [row for _, row in members])
                )
            for bounds, found in by_bounds.items():
                out.append(_distribution(block, bounds, found, sums, tags))
        return out


Tagging = Callable[[records.Labels], dict[str, str]]


def _without(labels: records.Labels, name: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value) for key, value in labels.items() if key not in (name, "__name__")))


def _distribution(
    block: records.MetricBlock,
    bounds: tuple[float, ...],
    found: Sequence[tuple[tuple[tuple[str, str], ...], list[int]]],
    sums: Mapping[tuple[tuple[str, str], ...], tuple[records.MetricBlock, int]],
    tags: Tagging,
) -> series.Block:
    flat = [row for _, rows in found for row in rows]
    inside = increases(block, flat).reshape(len(found), len(bounds), -1)
    buckets = np.diff(inside, axis=1, prepend=0.0)
    totals = np.zeros((len(found), len(block.times_s)))
    middles = np.array(
        [(low + (high if np.isfinite(high) else low)) / 2 for low, high in zip((0.0, *bounds), bounds, strict=False)]
    )
    for i, (key, _) in enumerate(found):
        owner, row = sums.get(key, (block, -1))
        if row >= 0 and len(owner.times_s) == len(block.times_s):
            totals[i] = increases(owner, [row])[0]
        else:  # without sums, the middles of the buckets stand for their contents
            totals[i] = (buckets[i] * middles[:, None]).sum(axis=0)
    return series.Block(
        "distribution",
        block.times_s,
        inside[:, -1, :],
        tuple(tags(dict(key)) for key, _ in found),
        _step(block.times_s),
        sums=totals,
        buckets=np.maximum(np.nan_to_num(buckets), 0.0),
        bounds=np.array(bounds),
    )


def _step(times_s: FloatArray) -> float:
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 15.0


def _gauges(block: records.MetricBlock, rows: Sequence[int]) -> FloatArray:
    values = block.values[list(rows)]
    return np.where(records.is_stale(values), np.nan, values)


def increases(block: records.MetricBlock, rows: Sequence[int]) -> FloatArray:
    """What counters grew by since their last sample; a reset counts from zero; NaN at the first sample and where there is none."""
    values = _gauges(block, rows)
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
