"""Lists: metrics and their tags, hosts, version 1's events, incidents."""

import fnmatch
from collections.abc import Sequence
from typing import Any

from starlette import responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _datadog_metrics as metrics
from rootward.dojo.wire import _datadog_naming as naming
from rootward.dojo.wire import _datadog_replies as replies
from rootward.dojo.wire import _datadog_stream as stream
from rootward.dojo.wire import _http, _ids

MAX_EVENTS = 1_000


class Catalogue:
    def __init__(
        self,
        telemetry: records.Telemetry,
        clock: _clock.Clock,
        source: metrics.Metrics,
        happened: Sequence[stream.Event],
    ) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._source = source
        self._happened = happened

    def _tags(self, name: str) -> list[dict[str, str]]:
        return [dict(tags) for draft in self._source.drafts(name) for tags in draft.tags]

    def active(self, call: _http.Call) -> responses.Response:
        since_s = _http.integer(call, "from", int(self._clock.now_s()) - 3600)
        names = self._source.names
        host, tags = call.get("host"), call.get("tag_filter")
        if host or tags:
            names = [name for name in names if any(_has(one, host, tags) for one in self._tags(name))]
        return replies.answer({"from": str(since_s), "metrics": names})

    def described(self, call: _http.Call) -> responses.Response:
        found = self._source.known.get(call.path["name"])
        if not found:
            raise _http.Refused(404, "Metric not found")
        one = found[0]
        data = {
            "type": "gauge" if one.kind == "distribution" else one.kind,
            "description": one.description,
            "short_name": one.name.rpartition(".")[2].replace("_", " "),
            "integration": one.name.partition(".")[0],
            "unit": one.unit or None,
            "per_unit": None,
            "statsd_interval": None,
        }
        return replies.answer(data)

    def search(self, call: _http.Call) -> responses.Response:
        text = call.get("q")
        kind, colon, wanted = text.partition(":")
        if not colon:
            kind, wanted = "", text
        results: dict[str, list[str]] = {}
        if kind in ("", "metrics"):
            results["metrics"] = [name for name in self._source.names if wanted in name]
        if kind in ("", "hosts"):
            results["hosts"] = [name for name in self._host_names() if wanted in name]
        return replies.answer({"results": results})

    def metrics(self, call: _http.Call) -> responses.Response:
        wanted = call.get("filter[metric_type]") or (call.get("filter[queried]") and "")
        names = [name for name in self._source.names if not wanted or self._source.known[name][0].kind == wanted]
        prefix = call.get("filter[tags]")
        if prefix:
            names = [name for name in names if any(_has(one, "", prefix) for one in self._tags(name))]
        size = _http.integer(call, "page[size]", 10_000, least=1)
        begin = call.get("page[cursor]")
        names = [name for name in names if name > begin]
        data = [{"type": "metrics", "id": name} for name in names[:size]]
        more = len(names) > size
        pagination = {
            "type": "cursor_limit",
            "limit": size,
            "next_cursor": names[size - 1] if more else None,
            "cursor": begin or None,
        }
        return replies.answer({"data": data, "meta": {"pagination": pagination}})

    def all_tags(self, call: _http.Call) -> responses.Response:
        name = call.path["name"]
        if name not in self._source.known:
            raise _http.Refused(404, "Metric not found")
        tags = sorted({f"{key}:{value}" for one in self._tags(name) for key, value in one.items()})
        return replies.answer({"data": {"type": "metrics", "id": name, "attributes": {"tags": tags}}})

    def configured(self, call: _http.Call) -> responses.Response:
        name = call.path["name"]
        found = self._source.known.get(name)
        if not found:
            raise _http.Refused(404, "Metric not found")
        keys = sorted({key for one in self._tags(name) for key in one})
        attributes = {
            "tags": keys,
            "metric_type": found[0].kind,
            "include_percentiles": found[0].kind == "distribution",
        }
        return replies.answer({"data": {"type": "manage_tags", "id": name, "attributes": attributes}})

    def _host_names(self) -> list[str]:
        found = {
            labels["node"] for block in self._telemetry.metrics.blocks for labels in block.labels if labels.get("node")
        }
        return sorted(naming.tag_value(name) for name in found)

    def host_tags(self, _call: _http.Call) -> responses.Response:
        return replies.answer({"tags": {"env:production": self._host_names()}})

    def hosts(self, call: _http.Call) -> responses.Response:
        names = [name for name in self._host_names() if call.get("filter").removeprefix("host:") in name]
        begin, count = _http.integer(call, "start", 0), _http.integer(call, "count", 100)
        now_s = int(self._clock.now_s())
        shown = [
            {
                "name": name,
                "host_name": name,
                "id": 9_000_000_000 + _ids.number("host", name, digits=9),
                "up": True,
                "is_muted": False,
                "last_reported_time": now_s - 10,
                "apps": ["agent", "kubernetes", "ntp"],
                "sources": ["agent"],
                "aliases": [name],
                "tags_by_source": {"Datadog": [f"host:{name}", "env:production"]},
            }
            for name in names[begin : begin + count]
        ]
        return replies.answer({"host_list": shown, "total_returned": len(shown), "total_matching": len(names)})

    def events(self, call: _http.Call) -> responses.Response:
        now_s = self._clock.now_s()
        if not call.get("start") or not call.get("end"):
            raise _http.Refused(400, "'start' and 'end' are required")
        start_s, end_s = _http.integer(call, "start", 0), _http.integer(call, "end", 0)
        sources = {one for one in call.get("sources").split(",") if one}
        tags = {one for one in call.get("tags").split(",") if one}
        found = [
            stream.v1(one)
            for one in reversed(self._happened)
            if start_s <= one.time_s <= min(end_s, now_s)
            and (not sources or one.source in sources)
            and tags <= {f"{key}:{value}" for key, value in one.tags.items()}
            and call.get("priority") in ("", "normal")
        ]
        page = _http.integer(call, "page", 0)
        return replies.answer(
            {"events": found[page * MAX_EVENTS : (page + 1) * MAX_EVENTS], "status": "ok"}, family="events"
        )

    def event(self, call: _http.Call) -> responses.Response:
        now_s = self._clock.now_s()
        for one in self._happened:
            if one.time_s <= now_s and str(replies.identifier(one.key)) == call.path["id"]:
                return replies.answer({"event": stream.v1(one), "status": "ok"}, family="events")
        raise _http.Refused(404, "No event matches that event_id.")

    def _incidents(self) -> list[dict[str, Any]]:
        now_s = self._clock.now_s()
        return [_incident(one, now_s) for one in self._telemetry.incidents if one.time_s <= now_s]

    def incidents(self, call: _http.Call) -> responses.Response:
        size, offset = _http.integer(call, "page[size]", 10, least=1), _http.integer(call, "page[offset]", 0)
        found = self._incidents()
        shown = found[offset : offset + size]
        pagination = {"offset": offset, "next_offset": offset + len(shown), "size": len(shown)}
        return replies.answer({"data": shown, "meta": {"pagination": pagination}})

    def incident(self, call: _http.Call) -> responses.Response:
        for one in self._incidents():
            if call.path["id"] in (one["id"], str(one["attributes"]["public_id"])):
                return replies.answer({"data": one})
        raise _http.Refused(404, "Incident not found")


def _has(tags: dict[str, str], host: str, text: str) -> bool:
    wanted = [one for one in text.split(",") if one]
    have = {f"{key}:{value}" for key, value in tags.items()}
    return (not host or tags.get("host") == host.lower()) and all(
        any(fnmatch.fnmatchcase(one, pattern) for one in have) for pattern in wanted[:50]
    )


def _incident(one: records.Incident, now_s: float) -> dict[str, Any]:
    resolved = one.resolved_s is not None and one.resolved_s <= now_s
    raw = _ids.opaque("", "incident", str(one.number), length=32, alphabet="0123456789abcdef")
    return {
        "id": f"{raw[:8]}-{raw[8:12]}-5{raw[13:16]}-a{raw[17:20]}-{raw[20:]}",
        "type": "incidents",
        "attributes": {
            "public_id": one.number,
            "title": one.title.partition("] ")[2] or one.title,
            "created": replies.iso(one.time_s * 1000),
            "modified": replies.iso((one.resolved_s if resolved and one.resolved_s else one.time_s) * 1000),
            "detected": replies.iso(one.time_s * 1000),
            "resolved": replies.iso(one.resolved_s * 1000) if resolved and one.resolved_s else None,
            "state": "resolved" if resolved else "active",
            "severity": "SEV-2" if one.urgency == "high" else "SEV-4",
            "customer_impacted": False,
            "fields": {
                "services": {"type": "autocomplete", "value": [one.service]},
                "state": {"type": "dropdown", "value": "resolved" if resolved else "active"},
            },
        },
    }
