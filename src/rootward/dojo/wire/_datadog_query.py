"""Metric queries: /api/v1/query, and version 2's timeseries and scalar queries with formulas over metrics, logs and spans."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from starlette import responses

from rootward import _clock, errors
from rootward.dojo.engines.datadog import analytics, evaluate, parser, series
from rootward.dojo.wire import _datadog_metrics as metrics
from rootward.dojo.wire import _datadog_replies as replies
from rootward.dojo.wire import _datadog_search as searching
from rootward.dojo.wire import _http

MAX_QUERIES = 20
_UNITS = {
    "byte": ("bytes", 2, "B"),
    "second": ("time", 19, "s"),
    "millisecond": ("time", 18, "ms"),
    "nanosecond": ("time", 16, "ns"),
    "percent": ("percentage", 17, "%"),
    "request": ("network", 45, "req"),
    "error": ("system", 60, "err"),
    "core": ("cpu", 95, "core"),
    "nanocore": ("cpu", 115, "ncores"),
}
_REDUCE: dict[str, Callable[[series.FloatArray], Any]] = {
    "avg": np.nanmean,
    "sum": np.nansum,
    "min": np.nanmin,
    "max": np.nanmax,
    "last": lambda values: values[~np.isnan(values)][-1],
    "mean": np.nanmean,
    "area": np.nansum,
    "l2norm": lambda values: np.sqrt(np.nansum(values**2)),
    "percentile": lambda values: np.nanpercentile(values, 95),
}


class Queries:
    """`searches` are the kinds of events that version 2's queries may be about."""

    def __init__(self, source: metrics.Metrics, clock: _clock.Clock, searches: Mapping[str, searching.Search]) -> None:
        self._source = source
        self._clock = clock
        self._searches = searches

    def unit(self, metric: str) -> dict[str, Any] | None:
        found = self._source.known.get(metric)
        known = _UNITS.get(found[0].unit) if found else None
        if found is None or known is None:
            return None
        family, number, short = known
        name = found[0].unit
        return {
            "family": family,
            "id": number,
            "name": name,
            "short_name": short,
            "plural": f"{name}s",
            "scale_factor": 1.0,
        }

    def v1(self, call: _http.Call) -> responses.Response:
        text = call.get("query")
        if not text:
            raise _http.Refused(400, "query is required")
        start_s, end_s = (_seconds(call, name) for name in ("from", "to"))
        if end_s <= start_s:
            raise _http.Refused(400, "'to' must be after 'from'")
        if end_s - start_s > 400 * 86_400:
            raise _http.Refused(400, "time range is too large")
        out = []
        queries = parser.split(text)
        if len(queries) > MAX_QUERIES:
            raise _http.Refused(400, f"at most {MAX_QUERIES} queries")
        now_s = self._clock.now_s()
        for number, one in enumerate(queries):
            try:
                node = parser.parse(one)
                on = evaluate.window(start_s, end_s, now_s, evaluate.rollup_s(node))
                lines = evaluate.evaluate(node, self._source, on)
            except errors.QuerySyntaxError as error:
                raise _http.Refused(400, f"Error parsing query: \n{error}") from error
            out += [self._series(line, on, number, now_s) for line in lines]
        by = sorted({tag.partition(":")[0] for one in out for tag in one["tag_set"]})
        return replies.answer(
            {
                "status": "ok",
                "resp_version": 1,
                "res_type": "time_series",
                "query": text,
                "from_date": int(start_s * 1000),
                "to_date": int(end_s * 1000),
                "series": out,
                "values": [],
                "times": [],
                "message": "",
                "group_by": by,
            },
            family="query",
        )

    def _series(self, line: series.Line, on: series.Window, number: int, now_s: float) -> dict[str, Any]:
        times = on.times_s
        points = [
            [int(at * 1000), value]
            for at, value in zip(times.tolist(), line.values.tolist(), strict=True)
            if value == value and at <= now_s  # not NaN
        ]
        return {
            "metric": line.metric,
            "display_name": line.metric,
            "query_index": number,
            "aggr": line.aggregator or None,
            "scope": line.scope or "*",
            "expression": line.expression,
            "tag_set": list(line.tags),
            "interval": int(on.interval_s),
            "length": len(points),
            "start": points[0][0] if points else int(on.start_s * 1000),
            "end": points[-1][0] + int(on.interval_s * 1000) - 1 if points else int(on.start_s * 1000),
            "pointlist": points,
            "unit": [self.unit(line.metric), None] if self.unit(line.metric) else None,
            "attributes": {},
        }

    def _formulas(self, call: _http.Call, kind: str) -> tuple[list[tuple[str, evaluate.Lines]], series.Window]:
        """(formula, its lines) of a version 2 request."""
        data = replies.section(replies.body_of(call), "data")
        if data.get("type") != f"{kind}_request":
            raise _http.Refused(400, f"type must be {kind}_request")
        attributes = replies.section(data, "attributes")
        now_ms = int(self._clock.now_s() * 1000)
        start_ms, end_ms = (_whole(attributes, name) for name in ("from", "to"))
        if end_ms <= start_ms or end_ms - start_ms > 400 * 86_400_000:
            raise _http.Refused(400, "invalid time range")
        queries = replies.listed(attributes, "queries")
        if not queries or len(queries) > MAX_QUERIES:
            raise _http.Refused(400, f"between 1 and {MAX_QUERIES} queries are needed")
        wanted_s = _whole(attributes, "interval", 0) / 1000
        on = evaluate.window(start_ms / 1000, end_ms / 1000, now_ms / 1000, wanted_s)
        variables: dict[str, evaluate.Lines] = {}
        for number, one in enumerate(queries):
            if not isinstance(one, Mapping):
                raise _http.Refused(400, "invalid query")
            name = replies.text_of(one, "name", f"query{number + 1}")
            variables[name] = self._one(one, on)
            if kind == "scalar":
                variables[name] = _reduced(variables[name], replies.text_of(one, "aggregator", "avg"))
        if kind == "scalar":
            on = series.Window(on.start_s, on.interval_s, 1, on.until_s)
        out = []
        for formula in replies.listed(attributes, "formulas") or [{"formula": name} for name in variables]:
            if not isinstance(formula, Mapping):
                raise _http.Refused(400, "invalid formula")
            text = replies.text_of(formula, "formula")
            lines = evaluate.evaluate(parser.parse(text), self._source, on, variables)
            out.append((text, _limited(lines, replies.section(formula, "limit"))))
        return out, on

    def _one(self, one: Mapping[str, Any], on: series.Window) -> evaluate.Lines:
        source = replies.text_of(one, "data_source", "metrics")
        if source in ("metrics", "cloud_cost"):
            return evaluate.evaluate(parser.parse(replies.text_of(one, "query")), self._source, on)
        searched = self._searches.get(source)
        if searched is None:
            raise _http.Refused(400, f"invalid data_source {source[:40]}")
        compute = {**replies.section(one, "compute"), "type": "timeseries", "interval": int(on.interval_s * 1000)}
        end_ms = int((on.start_s + on.interval_s * on.count) * 1000)
        body = {
            "filter": {
                "query": replies.text_of(replies.section(one, "search"), "query", "*"),
                "from": int(on.start_s * 1000),
                "to": end_ms,
            },
            "compute": [compute],
            "group_by": replies.listed(one, "group_by"),
        }
        buckets, _ = searched.aggregated(body)
        return [_line(bucket, on) for bucket in buckets]

    def timeseries(self, call: _http.Call) -> responses.Response:
        found, on = self._formulas(call, "timeseries")
        lines = [(number, line) for number, (_, some) in enumerate(found) for line in some]
        data = {
            "type": "timeseries_response",
            "attributes": {
                "series": [
                    {
                        "group_tags": list(line.tags),
                        "query_index": number,
                        "unit": [self.unit(line.metric), None] if self.unit(line.metric) else None,
                    }
                    for number, line in lines
                ],
                "times": [int(at * 1000) for at in on.times_s.tolist()],
                "values": [[_number(value) for value in line.values.tolist()] for _, line in lines],
            },
        }
        return replies.answer({"data": data}, family="query")

    def scalar(self, call: _http.Call) -> responses.Response:
        found, _ = self._formulas(call, "scalar")
        keys = sorted({line.tags for _, lines in found for line in lines})
        names = [tag.partition(":")[0] for tag in keys[0]] if keys else []
        columns: list[dict[str, Any]] = [
            {
                "name": name,
                "type": "group",
                "values": [[tag.partition(":")[2] for tag in key if tag.startswith(f"{name}:")] for key in keys],
            }
            for name in names
        ]
        for number, (text, lines) in enumerate(found):
            by_tags = {line.tags: line for line in lines}
            values = [_number(float(by_tags[key].values[0])) if key in by_tags else None for key in keys]
            unit = self.unit(lines[0].metric) if lines else None
            columns.append(
                {
                    "name": text or f"formula{number + 1}",
                    "type": "number",
                    "values": values,
                    "meta": {"unit": [unit, None] if unit else None},
                }
            )
        return replies.answer({"data": {"type": "scalar_response", "attributes": {"columns": columns}}}, family="query")


def _line(bucket: analytics.Bucket, on: series.Window) -> series.Line:
    values = np.full(on.count, np.nan)
    for point in bucket.computes[0]:
        at = round((point["time"] / 1000 - on.start_s) / on.interval_s)
        if 0 <= at < on.count and isinstance(point["value"], int | float):
            values[at] = point["value"]
    return series.Line(tuple(f"{key}:{value}" for key, value in bucket.by.items()), values)


def _reduced(lines: evaluate.Lines, aggregator: str) -> evaluate.Lines:
    reduce = _REDUCE.get(aggregator)
    if reduce is None:
        raise _http.Refused(400, f"invalid aggregator {aggregator[:40]}")
    return [
        series.Line(
            line.tags, np.array([float(reduce(line.values))]), line.metric, line.aggregator, line.scope, line.expression
        )
        for line in lines
        if not np.isnan(line.values).all()
    ]


def _limited(lines: evaluate.Lines, limit: Mapping[str, Any]) -> evaluate.Lines:
    count = limit.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        return lines
    sign = 1 if limit.get("order") == "asc" else -1
    known = [line for line in lines if not np.isnan(line.values).all()]
    return sorted(known, key=lambda line: (sign * float(np.nanmean(line.values)), line.tags))[:count]


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _whole(data: Mapping[str, Any], name: str, default: int | None = None) -> int:
    value = data.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e14:
        raise _http.Refused(400, f"invalid field {name}: expected milliseconds since the epoch")
    return int(value)


def _seconds(call: _http.Call, name: str) -> float:
    text = call.get(name)
    try:
        value = float(text)
    except ValueError as error:
        raise _http.Refused(400, f"{name} is required" if not text else f"invalid {name}: {text[:40]}") from error
    if not 0 <= value < 1e11:
        raise _http.Refused(400, f"invalid {name}: {text[:40]}")
    return value
