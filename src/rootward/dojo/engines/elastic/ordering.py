"""In which order buckets come: by count, by key, or by what a sub-aggregation found."""

import math
from collections.abc import Mapping
from typing import Any

from rootward.dojo.engines.elastic import rejection


def ordered(buckets: list[dict[str, Any]], order: Any, default: Mapping[str, str]) -> list[dict[str, Any]]:
    """The buckets in the order asked for; ties by key."""
    wanted = order if order is not None else default
    pairs = [pair for one in (wanted if isinstance(wanted, list) else [wanted]) for pair in _pairs(one)]
    out = sorted(buckets, key=lambda bucket: _sortable(bucket.get("key")))
    for path, direction in reversed(pairs):
        down = direction == "desc"
        out.sort(key=lambda bucket: _rank(bucket, path, down=down), reverse=down)
    return out


def _pairs(one: Any) -> list[tuple[str, str]]:
    if not isinstance(one, Mapping):
        raise rejection.parsing("[terms] unknown field [order], must be an object")
    out = []
    for path, direction in one.items():
        if str(direction).lower() not in ("asc", "desc"):
            raise rejection.parsing(f"Unknown order direction [{str(direction)[:40]}]")
        out.append((str(path), str(direction).lower()))
    return out


def _sortable(key: Any) -> tuple[int, Any]:
    return (0, key) if isinstance(key, int | float) else (1, str(key))


def _rank(bucket: Mapping[str, Any], path: str, *, down: bool) -> Any:
    if path == "_count":
        return bucket["doc_count"]
    if path in ("_key", "_term"):
        return _sortable(bucket["key"])
    value = at_path(bucket, path)
    # What has no value comes last, whichever the direction.
    return value if value is not None else (-math.inf if down else math.inf)


def at_path(bucket: Mapping[str, Any], path: str) -> float | None:
    """`avg_ms`, `stats.max`, `latency.99`, `errors>avg_ms`, `_count`; raises Rejection when there is no such sub-aggregation."""
    if path == "_count":
        return float(bucket["doc_count"])
    *parents, last = path.split(">")
    at: Any = bucket
    for name in parents:
        at = at.get(name) if isinstance(at, Mapping) else None
    name, _, metric = last.partition(".")
    name, _, bracket = name.partition("[")
    found = at.get(name) if isinstance(at, Mapping) else None
    if not isinstance(found, Mapping):
        raise rejection.Rejection(
            "aggregation_execution_exception",
            f"Invalid aggregation order path [{path[:100]}]. The provided aggregation [{name[:60]}] either does not exist, or is a "
            "pipeline aggregation and cannot be used to sort the buckets.",
            phase=True,
        )
    metric = metric or bracket.strip("]")
    if "values" in found and metric:
        values = found["values"]
        value = values.get(metric, values.get(f"{metric}.0")) if isinstance(values, Mapping) else None
    else:
        value = found.get(metric or "value", found.get("doc_count") if metric in ("", "_count", "doc_count") else None)
    return float(value) if isinstance(value, int | float) else None
