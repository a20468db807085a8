"""Collects spans of any format into columns, in order of time, each span once."""

import operator
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rootward.signals import answers, records, redaction

INSTANCE_KEYS = ("k8s.pod.name", "service.instance.id", "host.name", "hostname", "pod", "ip")
_KINDS = {"server", "client", "producer", "consumer", "internal"}


class Row(NamedTuple):
    """One span as a format's reader found it."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    instance: str
    operation: str
    kind: str
    start_s: float
    duration_s: float
    error: bool
    attributes: Mapping[str, Any]


_BY_START = operator.attrgetter("start_s", "trace_id", "span_id")


def kind(text: object) -> str:
    """server | client | producer | consumer | internal, or "" for anything else."""
    if not isinstance(text, str):
        return ""
    word = text if text in _KINDS else text.lower().removeprefix("span_kind_")
    return word if word in _KINDS else ""


def instance(attributes: Mapping[str, Any]) -> str:
    """The pod or host that a resource's (or process's) attributes name."""
    return next((str(attributes[key]) for key in INSTANCE_KEYS if attributes.get(key)), "")


def to_part(
    rows: list[Row], *, spans_max: int, truncated: bool = False, warnings: tuple[str, ...] = ()
) -> answers.Part[records.SpanBatch]:
    """Columns in order of start; the first of spans that came twice; at most `spans_max`, as whole traces."""
    unique = list({(row.trace_id, row.span_id): row for row in reversed(rows)}.values())
    if len(unique) > spans_max:
        unique = _whole_traces(unique, spans_max)
        warnings = (*warnings, f"more than {spans_max} spans came, the rest was left out (limit of spans)")
        truncated = True
    unique.sort(key=_BY_START)
    found = zip(*unique, strict=True) if unique else [()] * len(Row._fields)
    columns: dict[str, Any] = dict(zip(Row._fields, found, strict=True))
    columns["operation"] = redaction.redact_all(columns["operation"])
    attributes = columns["attributes"]
    redacted = {shared: redaction.redact_tree(one) for shared, one in {id(one): one for one in attributes}.items()}
    columns["attributes"] = [redacted[id(one)] for one in attributes]
    for name in ("start_s", "duration_s"):
        columns[name] = np.array(columns[name], dtype=np.float64)
    return answers.Part(records.SpanBatch(**columns), truncated=truncated, warnings=warnings)


def _whole_traces(rows: list[Row], spans_max: int) -> list[Row]:
    by_trace: dict[str, list[Row]] = {}
    for row in sorted(rows, key=_BY_START):
        by_trace.setdefault(row.trace_id, []).append(row)
    kept: list[Row] = []
    for trace in by_trace.values():
        if len(kept) + len(trace) > spans_max:
            break
        kept.extend(trace)
    # One trace alone may be too much: a part of it is better than nothing.
    return kept or rows[:spans_max]
