"""Searches and analytics over logs, spans and events: one shape of request and answer each, over the same engine."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from starlette import responses

from rootward import _clock
from rootward.dojo.engines.columns import column, table
from rootward.dojo.engines.datadog import analytics, search
from rootward.dojo.wire import _datadog_events as events
from rootward.dojo.wire import _datadog_replies as replies
from rootward.dojo.wire import _http

MAX_PAGE = 1_000
_QUARTER_MS = 900_000


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """A search: `start_ms` ≤ time < `end_ms`, newest first unless `ascending`."""

    query: str
    start_ms: int
    end_ms: int
    ascending: bool = False
    limit: int = 10
    cursor: str = ""


def log(records: table.Table, row: int) -> dict[str, Any]:
    """A log of /api/v2/logs/events."""
    kept, tags, attributes = events.split(records.record(row))
    shown = {
        "timestamp": replies.iso(kept["timestamp"]),
        "status": kept.get("status", "info"),
        "service": kept.get("service", ""),
        "message": kept.get("message", ""),
        "host": kept.get("host", ""),
        "tags": [*tags, *(f"{name}:{kept[name]}" for name in ("source", "service") if kept.get(name))],
        "attributes": attributes,
    }
    return {"id": events.event_id(row), "type": "log", "attributes": shown}


def span(records: table.Table, row: int) -> dict[str, Any]:
    """A span of /api/v2/spans/events."""
    kept, tags, attributes = events.split(records.record(row), events.SPAN_RESERVED)
    started_ms = kept["timestamp"]
    took_ns = int(attributes.get("duration", 0))
    shown = {
        "type": kept.get("type", "custom"),
        "service": kept.get("service", ""),
        "resource_name": kept.get("resource_name", ""),
        "operation_name": kept.get("operation_name", ""),
        "trace_id": kept["trace_id"],
        "span_id": kept["span_id"],
        "parent_id": kept.get("parent_id", "0"),
        "host": kept.get("host", ""),
        "env": kept.get("env", ""),
        "start_timestamp": replies.iso(started_ms),
        "end_timestamp": replies.iso(started_ms + took_ns / 1e6),
        "ingestion_reason": "auto",
        "retained_by": "diversity_sampling",
        "single_span": False,
        "resource_hash": f"{abs(hash_of(kept.get('resource_name', ''))):016x}",
        "tags": tags,
        "attributes": {**attributes, "status": kept.get("status", "ok")},
        "custom": {
            **attributes,
            "service": kept.get("service", ""),
            "version": dict(_pair(tag) for tag in tags).get("version", ""),
        },
    }
    return {"id": events.event_id(row, "AQAAA"), "type": "spans", "attributes": shown}


def hash_of(text: str) -> int:
    """A resource's hash, the same in every process."""
    out = 14695981039346656037
    for byte in text.encode():
        out = (out ^ byte) * 1099511628211 % 2**64
    return out


def _pair(tag: str) -> tuple[str, str]:
    key, _, value = tag.partition(":")
    return key, value


class Search:
    """One kind of event. `wrapped` requests lie in `data.attributes`, as those for spans do."""

    def __init__(
        self,
        load: Callable[[], events.Events],
        render: Callable[[], events.Render],
        clock: _clock.Clock,
        *,
        wrapped: bool = False,
    ) -> None:
        self._load = load
        self._render = render
        self._clock = clock
        self._wrapped = wrapped

    def _now_ms(self) -> int:
        return int(self._clock.now_s() * 1000)

    def _request(self, call: _http.Call) -> Mapping[str, Any]:
        body = replies.body_of(call)
        return replies.section(replies.section(body, "data"), "attributes") if self._wrapped else body

    def _wanted(self, filters: Mapping[str, Any], sort: str, page: Mapping[str, Any]) -> Wanted:
        now_ms = self._now_ms()
        limit = page.get("limit", 10)
        try:
            limit = int(limit)
        except (TypeError, ValueError, OverflowError) as error:
            raise _http.Refused(
                400, "input_validation_error(Field 'page.limit' is invalid: must be a number)"
            ) from error
        if not 0 < limit <= MAX_PAGE:
            raise _http.Refused(
                400, f"input_validation_error(Field 'page.limit' is invalid: must be between 1 and {MAX_PAGE})"
            )
        if sort not in ("", "timestamp", "-timestamp"):
            raise _http.Refused(400, "input_validation_error(Field 'sort' is invalid: must be timestamp or -timestamp)")
        start_ms = replies.time_ms(filters.get("from"), "filter.from", now_ms, now_ms - _QUARTER_MS)
        end_ms = replies.time_ms(filters.get("to"), "filter.to", now_ms, now_ms)
        query = replies.text_of(filters, "query", "*")
        return Wanted(
            "" if query == "*" else query, start_ms, end_ms, sort == "timestamp", limit, replies.text_of(page, "cursor")
        )

    def post(self, call: _http.Call) -> responses.Response:
        body = self._request(call)
        sort = replies.text_of(body, "sort")
        return self._found(call, self._wanted(replies.section(body, "filter"), sort, replies.section(body, "page")))

    def get(self, call: _http.Call) -> responses.Response:
        filters = {name: call.get(f"filter[{name}]") or None for name in ("query", "from", "to")}
        page = {name: call.get(f"page[{name}]") for name in ("limit", "cursor") if call.get(f"page[{name}]")}
        return self._found(call, self._wanted(filters, call.get("sort"), page))

    def mask(self, wanted: Wanted) -> column.BoolArray:
        """Rows that a search finds."""
        found = self._load()
        return search.matching(wanted.query, found.table) & found.visible(
            wanted.start_ms, wanted.end_ms, self._now_ms()
        )

    def _found(self, call: _http.Call, wanted: Wanted) -> responses.Response:
        found = self._load()
        rows = np.flatnonzero(self.mask(wanted))
        rows = rows if wanted.ascending else rows[::-1]
        if wanted.cursor:
            after = events.row_after(wanted.cursor, found.table.count)
            rows = rows[rows > after] if wanted.ascending else rows[rows < after]
        shown = rows[: wanted.limit].tolist()
        render = self._render()
        out: dict[str, Any] = {"data": [render(found.table, row) for row in shown], "meta": replies.meta(call)}
        if len(rows) > len(shown):
            cursor = events.cursor(shown[-1])
            out["meta"]["page"] = {"after": cursor}
            out["links"] = {"next": _next(call, wanted, cursor)}
        return replies.answer(out, family="logs")

    def aggregated(self, body: Mapping[str, Any]) -> tuple[list[analytics.Bucket], Sequence[analytics.Compute]]:
        """The buckets of an analytics request, and what was computed."""
        filters = replies.section(body, "filter")
        wanted = self._wanted(filters, "", {})
        computes = [analytics.compute_of(one) for one in replies.listed(body, "compute")] or [
            analytics.Compute("count")
        ]
        if len(computes) > 10:
            raise _http.Refused(400, "at most 10 computes")
        groups = [analytics.group_of(one, computes) for one in replies.listed(body, "group_by")]
        rows = np.flatnonzero(self.mask(wanted)).astype(np.int64)
        return analytics.aggregate(self._load().table, rows, computes, groups, wanted.start_ms, wanted.end_ms), computes

    def aggregate(self, call: _http.Call) -> responses.Response:
        body = self._request(call)
        buckets, _ = self.aggregated(body)
        if self._wrapped:
            data = [
                {
                    "id": f"{i:08x}",
                    "type": "bucket",
                    "attributes": {"by": one.by, "compute": _named(one.computes), "computes": _named(one.computes)},
                }
                for i, one in enumerate(buckets)
            ]
            return replies.answer({"data": data, "meta": replies.meta(call)}, family="logs")
        shown = [{"by": one.by, "computes": _named(one.computes)} for one in buckets]
        return replies.answer({"data": {"buckets": shown}, "meta": replies.meta(call)}, family="logs")


def _named(computes: Sequence[Any]) -> dict[str, Any]:
    return {
        f"c{i}": [{"time": replies.iso(point["time"]), "value": point["value"]} for point in one]
        if isinstance(one, list)
        else one
        for i, one in enumerate(computes)
    }


def _next(call: _http.Call, wanted: Wanted, cursor: str) -> str:
    path = call.url.partition("?")[0].removesuffix("/search")
    sort = "timestamp" if wanted.ascending else "-timestamp"
    filters = f"filter%5Bfrom%5D={wanted.start_ms}&filter%5Bto%5D={wanted.end_ms}"
    return f"{path}?{filters}&sort={sort}&page%5Bcursor%5D={cursor}&page%5Blimit%5D={wanted.limit}"
