"""Pipeline aggregations: what is computed from the buckets of other aggregations."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.engines.elastic import ordering, rejection
from rootward.dojo.engines.elastic.aggregate import Pipeline


def _series(body: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[list[Any], list[float | None]]:
    """(buckets, value of each) at `buckets_path`, `histogram>metric`."""
    path = body.get("buckets_path")
    if not isinstance(path, str):
        raise rejection.argument("Missing required field [buckets_path] for bucket aggregation")
    name, _, rest = path.partition(">")
    parent = found.get(name)
    buckets = parent.get("buckets") if isinstance(parent, Mapping) else None
    if buckets is None:
        raise rejection.Rejection(
            "action_request_validation_exception",
            f"Validation Failed: 1: No aggregation found for path [{path[:100]}];",
        )
    listed = list(buckets.values()) if isinstance(buckets, Mapping) else buckets
    return listed, [ordering.at_path(bucket, rest or "_count") for bucket in listed]


def _over(reduce: Callable[[Any], float], *, keyed: bool = False) -> Pipeline:
    def pipeline(body: Mapping[str, Any], found: dict[str, Any], name: str) -> None:
        buckets, values = _series(body, found)
        known = [value for value in values if value is not None]
        result: dict[str, Any] = {"value": float(reduce(np.array(known))) if known else None}
        if keyed:
            result["keys"] = [
                str(bucket.get("key_as_string", bucket.get("key")))
                for bucket, value in zip(buckets, values, strict=True)
                if value is not None and value == result["value"]
            ]
        found[name] = result

    return pipeline


def _stats(body: Mapping[str, Any], found: dict[str, Any], name: str) -> None:
    _, values = _series(body, found)
    known = np.array([value for value in values if value is not None])
    empty: dict[str, Any] = {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}
    found[name] = (
        {
            "count": len(known),
            "min": float(known.min()),
            "max": float(known.max()),
            "avg": float(known.mean()),
            "sum": float(known.sum()),
        }
        if len(known)
        else empty
    )


PIPELINES: dict[str, Pipeline] = {
    "avg_bucket": _over(np.mean),
    "sum_bucket": _over(np.sum),
    "max_bucket": _over(np.max, keyed=True),
    "min_bucket": _over(np.min, keyed=True),
    "stats_bucket": _stats,
}
