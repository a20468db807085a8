"""Puts pages of log lines together: in order of time, without the lines that two pages share, secrets taken out."""

import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rootward import errors
from rootward.connectors import _json
from rootward.signals import records, redaction

_TRACE = re.compile(r"""\btrace[_.-]?id["']?\s*[=:]\s*["']?([0-9a-f]{16,32})\b""", re.IGNORECASE)
_TRACE_KEYS = ("trace_id", "traceid", "traceID", "traceId")


class Entry(NamedTuple):
    """One line; entries sort by time, then stream, then text."""

    time_ns: int
    stream: tuple[tuple[str, str], ...]
    line: str
    trace_id: str


def page(data: object) -> tuple[list[Entry], tuple[str, ...]]:
    """The entries of one answer, oldest first.

    Raises:
        errors.BackendMalformed: it is not a list of streams.
    """
    body = _json.mapping(data, "data")
    if body.get("resultType") != "streams":
        raise errors.BackendMalformed(f"resultType is {body.get('resultType')!r}, not streams")
    entries: list[Entry] = []
    warnings: dict[str, None] = {}
    streams, complaints = _json.read_each(_json.items(body.get("result"), "result"), _stream, "streams")
    for labels, values in streams:
        found, more = _json.read_each(values, functools.partial(_entry, _own(labels)), "lines")
        entries.extend(found)
        warnings.update(dict.fromkeys(more))
    return sorted(entries), (*complaints, *warnings)


def batch(entries: list[Entry]) -> records.LogBatch:
    """Entries (oldest first) as columns. Trace ids come from structured metadata, else from the line itself."""
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    stream = [numbers.setdefault(entry.stream, len(numbers)) for entry in entries]
    return records.LogBatch(
        times_s=np.array([entry.time_ns for entry in entries], dtype=np.float64) / 1e9,
        lines=redaction.redact_all(entry.line for entry in entries),
        stream=stream,
        streams=[redaction.redact_labels(dict(labels)) for labels in numbers],
        trace_ids=[entry.trace_id or _trace_in(entry.line) for entry in entries],
    )


def _stream(value: Any) -> tuple[dict[str, str], list[Any]]:
    body = _json.mapping(value, "a stream")
    return _json.text_labels(body.get("stream") or {}, "stream"), list(_json.items(body.get("values"), "values"))


class _Own(NamedTuple):
    """What the lines of a stream share: its labels, those of them that tell streams apart, the trace id among them."""

    labels: Mapping[str, str]
    stream: tuple[tuple[str, str], ...]
    trace_id: str


def _own(labels: Mapping[str, str]) -> _Own:
    kept = tuple(sorted((k, v) for k, v in labels.items() if k not in _TRACE_KEYS))
    return _Own(labels, kept, _trace_of(labels))


def _trace_of(known: Mapping[str, Any]) -> str:
    return next((known[key] for key in _TRACE_KEYS if isinstance(known.get(key), str)), "")


def _entry(own: _Own, value: Any) -> Entry:
    parts = _json.items(value, "a line")
    if len(parts) < 2 or not isinstance(parts[0], str | int) or not isinstance(parts[1], str):
        raise errors.BackendMalformed("a line is not [nanoseconds, text]")
    try:
        time_ns = int(parts[0])
    except ValueError as error:
        raise errors.BackendMalformed(f"a line's time is {parts[0]!r}, not nanoseconds") from error
    _json.seconds(time_ns / 1e9 if abs(time_ns) < 1 << 80 else "out of range", "a line's time")
    extra = parts[2] if len(parts) > 2 and isinstance(parts[2], dict) else {}
    metadata = extra.get("structuredMetadata")
    trace_id = _trace_of({**own.labels, **metadata}) if metadata and isinstance(metadata, dict) else own.trace_id
    return Entry(time_ns, own.stream, parts[1], trace_id)


def _trace_in(line: str) -> str:
    match = _TRACE.search(line) if "race" in line or "RACE" in line else None
    return match[1].lower() if match else ""
