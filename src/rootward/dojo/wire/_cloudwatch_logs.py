"""CloudWatch Logs over the telemetry's logs, laid out as Container Insights' Fluent Bit does: one group, a stream for each container,
events that are JSON with the line in `log` and the pod in `kubernetes`."""

import base64
import collections
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.cloudwatch import insights, patterns
from rootward.dojo.engines.columns import column
from rootward.dojo.wire import _cloudwatch_alarms as alarms
from rootward.dojo.wire import _cloudwatch_events as events
from rootward.dojo.wire import _cloudwatch_protocols as protocols
from rootward.dojo.wire import _elasticsearch_documents as documents
from rootward.dojo.wire import _ids

MAX_EVENTS = 10_000
MAX_BYTES = 1_048_576
MAX_RUN = 1_000
"""Queries whose results are kept; the oldest are forgotten."""
_ARN = f"arn:aws:logs:{alarms.REGION}:{alarms.ACCOUNT}:log-group:{events.GROUP}"


def invalid(message: str) -> protocols.Refusal:
    return protocols.Refusal("InvalidParameterException", message)


class Logs:
    """The operations; nothing but the results of queries is kept."""

    def __init__(self, load: Callable[[], records.Logs], clock: _clock.Clock) -> None:
        self._load = load
        self._clock = clock
        self._run: collections.OrderedDict[str, tuple[str, insights.Result]] = collections.OrderedDict()

    @functools.cached_property
    def _events(self) -> events.Events:
        return events.events(self._load())

    def _now_ms(self) -> int:
        return int(self._clock.now_s() * 1000)

    def groups(self, data: Mapping[str, Any]) -> dict[str, Any]:
        _limit(data, 50, 50)
        prefix, part = _text(data, "logGroupNamePrefix"), _text(data, "logGroupNamePattern")
        found = [self._group()] if events.GROUP.startswith(prefix) and part in events.GROUP else []
        return {"logGroups": found}

    def _group(self) -> dict[str, Any]:
        times = self._events.times_ms
        size = int(self._visible().sum()) * 420
        created = int(times[0]) - 86_400_000 * 40 if len(times) else 0
        return {
            "logGroupName": events.GROUP,
            "creationTime": created,
            "retentionInDays": 30,
            "metricFilterCount": 0,
            "arn": f"{_ARN}:*",
            "storedBytes": size,
            "logGroupClass": "STANDARD",
            "logGroupArn": _ARN,
        }

    def _visible(self) -> column.BoolArray:
        return np.asarray(self._events.times_ms <= self._now_ms())

    def _check(self, data: Mapping[str, Any]) -> None:
        name = _text(data, "logGroupName") or _text(data, "logGroupIdentifier")
        if not name:
            raise invalid("Exactly one of logGroupName and logGroupIdentifier must be specified")
        _known_group(name)

    def streams(self, data: Mapping[str, Any]) -> dict[str, Any]:
        self._check(data)
        prefix = _text(data, "logStreamNamePrefix")
        order = _text(data, "orderBy") or "LogStreamName"
        if order not in ("LogStreamName", "LastEventTime"):
            raise invalid("orderBy must be LogStreamName or LastEventTime")
        if prefix and order == "LastEventTime":
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        found = [one for one in self._streams() if one["logStreamName"].startswith(prefix)]
        by_time = order == "LastEventTime"
        found.sort(
            key=lambda one: (one["lastEventTimestamp"] if by_time else 0, one["logStreamName"]),
            reverse=data.get("descending") is True,
        )
        size, begin = _limit(data, 50, 50), _begin(data)
        return _paged({"logStreams": found[begin : begin + size]}, begin + size, len(found))

    def _streams(self) -> list[dict[str, Any]]:
        visible = self._visible()
        out = []
        for number, name in enumerate(self._events.streams):
            times = self._events.times_ms[visible & (self._events.stream == number)]
            if len(times):
                out.append(
                    {
                        "logStreamName": name,
                        "creationTime": int(times[0]),
                        "firstEventTimestamp": int(times[0]),
                        "lastEventTimestamp": int(times[-1]),
                        "lastIngestionTime": int(times[-1]) + 1_500,
                        "uploadSequenceToken": _ids.opaque("49", name, length=56, alphabet="0123456789"),
                        "arn": f"{_ARN}:log-stream:{name}",
                        "storedBytes": 0,
                    }
                )
        return out

    def _between(self, data: Mapping[str, Any]) -> column.BoolArray:
        """Rows with startTime ≤ time < endTime, in milliseconds."""
        mask = self._visible()
        start, end = _whole(data, "startTime", 0), _whole(data, "endTime", 2**53)
        if start > end:
            raise invalid("End time should not be less than start time.")
        return mask & (self._events.times_ms >= start) & (self._events.times_ms <= end)

    def filter(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """FilterLogEvents: oldest first, a page at a time."""
        self._check(data)
        mask = self._between(data) & patterns.matching(_text(data, "filterPattern"), self._events.table)
        names, prefix = data.get("logStreamNames") or [], _text(data, "logStreamNamePrefix")
        if not isinstance(names, list) or len(names) > 100:
            raise invalid("logStreamNames must be a list of at most 100 names")
        if names or prefix:
            chosen = np.array(
                [(not names or one in names) and one.startswith(prefix) for one in self._events.streams], dtype=np.bool_
            )
            mask &= chosen[self._events.stream]
        rows = np.flatnonzero(mask)
        size, begin = _limit(data, MAX_EVENTS, MAX_EVENTS), _begin(data)
        shown = self._fitting(rows[begin : begin + size].tolist())
        return _paged(
            {"events": [self._event(row, full=True) for row in shown], "searchedLogStreams": []},
            begin + len(shown),
            len(rows),
        )

    def _fitting(self, rows: list[int]) -> list[int]:
        """As many as a page of MAX_BYTES holds."""
        total = 0
        for i, row in enumerate(rows):
            total += len(str(self._events.table.columns["@message"].at(row))) + 26
            if total > MAX_BYTES and i:
                return rows[:i]
        return rows

    def _event(self, row: int, *, full: bool) -> dict[str, Any]:
        ms = int(self._events.times_ms[row])
        out = {"timestamp": ms, "message": self._events.table.columns["@message"].at(row), "ingestionTime": ms + 1_500}
        if full:
            out |= {
                "logStreamName": self._events.streams[int(self._events.stream[row])],
                "eventId": f"3{ms:015d}{row:040d}",
            }
        return out

    def get(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """GetLogEvents of one stream; pages go both ways."""
        self._check(data)
        name = _text(data, "logStreamName")
        if name not in {one["logStreamName"] for one in self._streams()}:
            raise protocols.Refusal("ResourceNotFoundException", "The specified log stream does not exist.")
        rows = np.flatnonzero(self._between(data) & (self._events.stream == self._events.streams.index(name)))
        size = _limit(data, MAX_EVENTS, MAX_EVENTS)
        token = _text(data, "nextToken")
        if token:
            way, at = _position(token)
            low = at if way == "f" else max(at - size, 0)
            high = min(low + size, len(rows)) if way == "f" else at
        else:
            low, high = (
                (0, min(size, len(rows)))
                if data.get("startFromHead") is True
                else (max(len(rows) - size, 0), len(rows))
            )
        shown = self._fitting(rows[low:high].tolist())
        return {
            "events": [self._event(row, full=False) for row in shown],
            "nextForwardToken": f"f/{low + len(shown):056d}/s",
            "nextBackwardToken": f"b/{low:056d}/s",
        }

    def start(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """StartQuery: it is run at once; its result waits to be fetched."""
        given = [_text(data, "logGroupName"), *_names(data, "logGroupNames"), *_names(data, "logGroupIdentifiers")]
        wanted = [name for name in given if name]
        if not wanted:
            raise invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified")
        for name in wanted[:50]:
            _known_group(name)
        start, end = (_whole(data, name, None) for name in ("startTime", "endTime"))
        if end < start:
            raise protocols.Refusal(
                "MalformedQueryException", "end date and time must be after the start date and time"
            )
        unit = 1 if start > 10**11 else 1000  # some callers give milliseconds, and the service takes them
        mask = self._visible() & (self._events.times_ms >= start * unit) & (self._events.times_ms <= end * unit)
        text = _text(data, "queryString")
        try:
            found = insights.run(text, self._events.table, mask)
        except errors.EngineError as error:
            raise protocols.Refusal("MalformedQueryException", str(error)) from error
        limit = data.get("limit")
        if limit is not None:
            count = _limit(data, MAX_EVENTS, MAX_EVENTS)
            found = dataclasses.replace(found, rows=found.rows[:count], pointers=found.pointers[:count])
        raw = _ids.opaque(
            "", "query", text, str(start), str(end), str(self._now_ms()), length=32, alphabet="0123456789abcdef"
        )
        identifier = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-b{raw[17:20]}-{raw[20:]}"
        self._run[identifier] = (text, found)
        while len(self._run) > MAX_RUN:
            self._run.popitem(last=False)
        return {"queryId": identifier}

    def results(self, data: Mapping[str, Any]) -> dict[str, Any]:
        known = self._run.get(_text(data, "queryId"))
        if known is None:
            raise protocols.Refusal(
                "ResourceNotFoundException", f"Query '{_text(data, 'queryId')[:60]}' does not exist"
            )
        _, found = known
        rows = [[{"field": name, "value": value} for name, value in row] for row in found.rows]
        for row, pointer in zip(rows, found.pointers, strict=False):
            row.append(
                {
                    "field": "@ptr",
                    "value": base64.b64encode(f"{alarms.ACCOUNT}@{documents.document_id(pointer)}".encode()).decode(),
                }
            )
        scanned = int(self._visible().sum())
        statistics = {
            "recordsMatched": float(found.matched),
            "recordsScanned": float(scanned),
            "bytesScanned": float(scanned * 420),
        }
        return {"queryLanguage": "CWLI", "results": rows, "statistics": statistics, "status": "Complete"}

    def stop(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if _text(data, "queryId") not in self._run:
            raise protocols.Refusal(
                "ResourceNotFoundException", f"Query '{_text(data, 'queryId')[:60]}' does not exist"
            )
        raise invalid("Query is not in a running state")

    def queries(self, data: Mapping[str, Any]) -> dict[str, Any]:
        del data
        shown = [
            {
                "queryId": identifier,
                "queryString": text,
                "status": "Complete",
                "createTime": self._now_ms(),
                "logGroupName": events.GROUP,
            }
            for identifier, (text, _) in reversed(self._run.items())
        ]
        return {"queries": shown[:100]}

    def fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """GetLogGroupFields: how many events of a hundred have each field."""
        self._check(data)
        rows = np.flatnonzero(self._visible())
        found = [
            {"name": name, "percent": round(100 * float(one.present[rows].mean()))}
            for name, one in sorted(self._events.table.columns.items())
            if len(rows) and bool(one.present[rows].any())
        ]
        return {"logGroupFields": found[:1000]}


def _known_group(name: str) -> None:
    if name not in (events.GROUP, _ARN, f"{_ARN}:*"):
        raise protocols.Refusal("ResourceNotFoundException", "The specified log group does not exist.")


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise protocols.Refusal("SerializationException", "Start of structure or map found where not expected.")
    return value


def _names(data: Mapping[str, Any], name: str) -> list[str]:
    value = data.get(name) or []
    if not isinstance(value, list):
        raise protocols.Refusal("SerializationException", "Start of structure or map found where not expected.")
    return [str(one) for one in value]


def _whole(data: Mapping[str, Any], name: str, default: int | None) -> int:
    value = data.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 2**53:
        raise invalid(
            f"1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must not be null"
        )
    return int(value)


def _limit(data: Mapping[str, Any], default: int, most: int) -> int:
    value = data.get("limit", default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise invalid(
            f"1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must have value less than or equal to {most}"
        )
    return value


def _begin(data: Mapping[str, Any]) -> int:
    token = _text(data, "nextToken")
    if not token:
        return 0
    try:
        return int.from_bytes(base64.urlsafe_b64decode(token.encode("ascii")), "big") >> 64
    except ValueError as error:
        raise invalid("The specified nextToken is invalid.") from error


def _paged(out: dict[str, Any], following: int, count: int) -> dict[str, Any]:
    if following < count:
        number = following << 64 | _ids.number("token", str(following), digits=18)
        out["nextToken"] = base64.urlsafe_b64encode(number.to_bytes(24, "big")).decode()
    return out


def _position(token: str) -> tuple[str, int]:
    way, _, rest = token.partition("/")
    digits = rest.removesuffix("/s")
    if (
        way not in ("f", "b")
        or not (digits.isascii() and digits.isdigit() and len(digits) == 56)
        or int(digits) > 2**53
    ):
        raise invalid("The specified nextToken is invalid.")
    return way, int(digits)
