"""Which metrics a Prometheus has, with kinds, units and label names, in few requests however many series there are."""

import dataclasses
import functools
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward import _tasks, errors
from rootward.connectors import _http, _json
from rootward.connectors.prometheus import promql
from rootward.signals import answers, protocols, redaction, series, windows

SERIES_SAMPLE = 20_000  # series read in one request to learn label names from
SERIES_PER_METRIC = 20  # of a metric that the sample did not reach
METRICS_ASKED_ALONE = 200  # at most so many such metrics
CONCURRENCY = 8
EXAMPLES = 8  # values kept of each label

_KINDS = {"counter", "gauge", "histogram", "summary"}
_SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_created", "_info")


@dataclasses.dataclass(slots=True)
class _Seen:
    """What series told about one metric."""

    series: int = 0
    labels: dict[str, dict[str, None]] = dataclasses.field(default_factory=dict)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """`rows` are label sets with the same names, so that each label's values are read as one column."""
        self.series += len(rows)
        for name in rows[0]:
            if name == "__name__":
                continue
            examples = self.labels.get(name, {})
            if len(examples) < EXAMPLES:
                examples = dict(itertools.islice((examples | _texts(rows, name)).items(), EXAMPLES))
            if examples:
                self.labels[name] = examples


async def read(
    http: _http.HttpClient, window: windows.Window, limits: protocols.Limits, budget: _http.Budget
) -> answers.Part[Sequence[series.MetricInfo]]:
    """The metrics that have series in the window, ordered by name; at most `limits.series` of them.

    The parts of a histogram (`_bucket`, `_sum`, `_count`) are listed each, with the family's kind, help and unit.
    """
    span: dict[str, str | int | float | bool] = {"start": window.start_s, "end": window.end_s}
    found = await http.get_json("/api/v1/label/__name__/values", span, budget=budget)
    every = sorted({one for one in _data(found, list) if isinstance(one, str) and one})
    names = every[: limits.series]
    warnings = [f"{len(every)} metrics exist, the first {len(names)} are listed"] if len(every) > len(names) else []
    if not names:
        return answers.Part([])
    families, complaint = await _families(http, budget)
    warnings += complaint
    seen, complete, complaint = await _labels(http, names, span, budget)
    warnings += complaint
    listed = [_describe(name, families, seen.get(name, _Seen()), counted=complete) for name in names]
    return answers.Part(listed, truncated=len(every) > len(names), warnings=tuple(warnings))


async def _families(http: _http.HttpClient, budget: _http.Budget) -> tuple[Mapping[str, Any], list[str]]:
    try:
        return _data(await http.get_json("/api/v1/metadata", budget=budget), dict), []
    except (errors.BackendMalformed, errors.QueryRejected) as error:
        return {}, [f"no metadata, so kinds and units are unknown: {error}"]


async def _labels(
    http: _http.HttpClient, names: Sequence[str], span: Mapping[str, Any], budget: _http.Budget
) -> tuple[dict[str, _Seen], bool, list[str]]:
    """What series tell of each metric; whether all series were seen; warnings."""
    seen: dict[str, _Seen] = {}
    everything = {"match[]": '{__name__=~".+"}', "limit": SERIES_SAMPLE, **span}
    try:
        rows = _data(await http.get_json("/api/v1/series", everything, budget=budget, bytes_max=16 << 20), list)
    except errors.BackendTimeout:
        raise
    except errors.BackendError:
        rows = []  # too many for one request, or refused as too broad: ask metric by metric instead
    _collect(rows, seen)
    missing = [name for name in names if name not in seen]
    complete = bool(rows) and len(rows) < SERIES_SAMPLE and not missing
    if not missing:
        return seen, complete, []
    asked = missing[:METRICS_ASKED_ALONE]
    jobs = [functools.partial(_one_metric, http, name, span, budget) for name in asked]
    for part in await _tasks.run_all(jobs, limit=CONCURRENCY):
        _collect(part or [], seen)
    left = [name for name in missing if name not in seen]
    return seen, False, [f"labels are not known of {len(left)} metrics"] if left else []


async def _one_metric(
    http: _http.HttpClient, name: str, span: Mapping[str, Any], budget: _http.Budget
) -> Iterable[Mapping[str, Any]]:
    params = {"match[]": promql.selector(name), "limit": SERIES_PER_METRIC, **span}
    try:
        rows = _data(await http.get_json("/api/v1/series", params, budget=budget, bytes_max=4 << 20), list)
    except errors.BackendError:
        return []  # counted among the metrics whose labels are not known
    return list(rows)[:SERIES_PER_METRIC]


def _collect(rows: Iterable[Any], seen: dict[str, _Seen]) -> None:
    """Series of one metric come together and mostly have the same labels: such a run is read at once."""
    known = (labels for labels in rows if isinstance(labels, dict) and isinstance(labels.get("__name__"), str))
    for (name, _), run in itertools.groupby(known, lambda labels: (labels["__name__"], labels.keys())):
        seen.setdefault(name, _Seen()).add(list(run))


def _texts(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, None]:
    """The different texts under `name`, in order of appearance."""
    values = map(operator.itemgetter(name), rows)
    try:
        return {one: None for one in dict.fromkeys(values) if isinstance(one, str)}
    except TypeError:  # a list or an object, which is no label's value
        return {one[name]: None for one in rows if isinstance(one[name], str)}


def _describe(name: str, families: Mapping[str, Any], seen: _Seen, *, counted: bool) -> series.MetricInfo:
    entry = next((families[one] for one in _family_names(name) if one in families), None)
    about = entry[0] if isinstance(entry, list) and entry and isinstance(entry[0], dict) else {}
    kind = _json.optional_text(about.get("type")).lower()
    labels = {label: tuple(redaction.redact_all(sorted(values))) for label, values in sorted(seen.labels.items())}
    return series.MetricInfo(
        name=name,
        kind=kind if kind in _KINDS else "unknown",
        unit=_json.optional_text(about.get("unit")),
        help=redaction.redact(_json.optional_text(about.get("help"))),
        labels=labels,
        series=seen.series if counted else 0,
    )


def _family_names(name: str) -> Iterable[str]:
    """The names under which metadata may describe a stored metric: itself, or its family's."""
    yield name
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            yield name[: -len(suffix)]


def _data(body: object, shape: type) -> Any:
    value = _json.mapping(body, "the answer").get("data")
    if value is None:
        return shape()
    if not isinstance(value, shape):
        raise errors.BackendMalformed(f"data is {type(value).__name__}, not {shape.__name__}")
    return value
