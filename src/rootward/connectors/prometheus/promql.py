"""Writes a MetricQuery as PromQL (https://prometheus.io/docs/prometheus/latest/querying/basics/)."""

import json
import re
from collections.abc import Iterable

from rootward.signals import protocols

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
_RESERVED = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "inf", "nan", "and",
  "or", "unless", "start", "end", "atan2", "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk",
  "quantile", "count_values", "limitk", "limit_ratio"})  # fmt: skip


def compile_query(query: protocols.MetricQuery) -> str:
    """The PromQL text. Names that the classic syntax cannot say are quoted, as Prometheus 3 and the compatible ones take them."""
    text = selector(query.metric, query.matchers)
    if query.function != "value":
        text = f"{query.function}({text}[{duration(query.over_s)}])"
    if query.quantile is not None:
        grouping = ", ".join(_label(name) for name in ("le", *query.by))
        return f"histogram_quantile({query.quantile:g}, sum by ({grouping}) ({text}))"
    if query.aggregate is not None:
        grouping = f" by ({', '.join(_label(name) for name in query.by)}) " if query.by else ""
        return f"{query.aggregate}{grouping}({text})"
    return text


def selector(metric: str, matchers: Iterable[protocols.Matcher] = ()) -> str:
    """A vector selector; a metric's name that is no identifier (dots, dashes, a keyword) goes inside the braces."""
    plain = _METRIC_NAME.match(metric) and metric.lower() not in _RESERVED
    conditions = [] if plain or not metric else [f"__name__={quoted(metric)}"]
    conditions += [f"{_label(one.label)}{one.operator}{quoted(one.value)}" for one in matchers]
    name = metric if plain else ""
    return f"{name}{{{', '.join(conditions)}}}" if conditions or not name else name


def quoted(text: str) -> str:
    """A PromQL string: Go's escapes, which JSON's are a part of (except for the slash, which JSON does not need to escape)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def duration(seconds: float) -> str:
    """ "300s", or milliseconds when it is not whole; never less than one millisecond."""
    if seconds == int(seconds) and seconds >= 1:
        return f"{int(seconds)}s"
    return f"{max(round(seconds * 1000), 1)}ms"


def _label(name: str) -> str:
    return name if _LABEL_NAME.match(name) else quoted(name)
