"""Runs a request's aggregations: metrics directly, buckets with their sub-aggregations, pipelines over siblings."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import metrics, rejection
from rootward.dojo.engines.elastic.context import Context

IntArray = column.IntArray
MAX_BUCKETS = 65_536  # search.max_buckets
MAX_DEPTH = 20
TopHits = Callable[[Mapping[str, Any], IntArray], dict[str, Any]]
Sub = Callable[[IntArray], dict[str, Any]]
_NAME = re.compile(r"[^\[\]>]+")


@dataclasses.dataclass(slots=True, eq=False)
class Run:
    """One request's aggregations. `top_hits` renders documents; `typed` puts the type before each name (typed_keys)."""

    ctx: Context
    top_hits: TopHits
    bucketings: Mapping[str, "Bucketing"]
    pipelines: Mapping[str, "Pipeline"]
    every: IntArray
    typed: bool = False
    buckets: int = 0

    def spend(self, count: int) -> None:
        """Counts buckets; raises too_many_buckets_exception past MAX_BUCKETS."""
        self.buckets += count
        if self.buckets > MAX_BUCKETS:
            raise rejection.Rejection(
                "too_many_buckets_exception",
                f"Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}] but this number of buckets "
                "was exceeded. This limit can be set by changing the [search.max_buckets] cluster level setting.",
                phase=True,
            )


Bucketing = Callable[[Run, Mapping[str, Any], IntArray, Sub], dict[str, Any]]
Pipeline = Callable[[Mapping[str, Any], dict[str, Any], str], None]


def run(state: Run, specs: Any, rows: IntArray, depth: int = 0) -> dict[str, Any]:
    """Name → result for every aggregation of `specs` over the rows.

    Raises:
        rejection.Rejection: an aggregation that does not exist, is malformed, or makes too many buckets.
    """
    if specs is None:
        return {}
    if not isinstance(specs, Mapping):
        raise rejection.parsing("Found [START_ARRAY] under [aggregations], expected [START_OBJECT]")
    if depth > MAX_DEPTH:
        raise rejection.argument("The nesting of aggregations is too deep")
    out: dict[str, Any] = {}
    later: list[tuple[str, str, Any]] = []
    for name, spec in specs.items():
        kind, body, inner = _taken_apart(name, spec)
        if kind in state.pipelines:
            later.append((name, kind, body))
            continue
        out[_key(state, kind, name)] = _one(state, kind, body, inner, rows, depth)
    for name, kind, body in later:
        if not isinstance(body, Mapping):
            raise rejection.parsing(f"[{kind}] malformed, expected an object")
        state.pipelines[kind](body, out, name)
    return out


def _one(state: Run, kind: str, body: Any, inner: Any, rows: IntArray, depth: int) -> dict[str, Any]:
    metric = metrics.METRICS.get(kind)
    bucketing = state.bucketings.get(kind)
    if metric is None and bucketing is None and kind != "top_hits":
        raise rejection.Rejection("parsing_exception", f"Unknown aggregation type [{kind[:60]}]")
    if not isinstance(body, Mapping):
        raise rejection.parsing(f"[{kind}] malformed, expected an object")
    if bucketing is None:
        if inner:
            raise rejection.argument(f"Aggregator [{kind}] of type [{kind}] cannot accept sub-aggregations")
        return metric(state.ctx, body, rows) if metric else state.top_hits(body, rows)

    def sub(part: IntArray) -> dict[str, Any]:
        return {"doc_count": len(part), **run(state, inner, part, depth + 1)}

    return bucketing(state, body, rows, sub)


def _key(state: Run, kind: str, name: str) -> str:
    return f"{_TYPED.get(kind, kind)}#{name}" if state.typed else name


_TYPED = {"terms": "sterms", "percentiles": "tdigest_percentiles", "significant_terms": "sigsterms"}


def _taken_apart(name: str, spec: Any) -> tuple[str, Any, Any]:
    if not _NAME.fullmatch(name):
        raise rejection.parsing(
            f"Invalid aggregation name [{name[:60]}]. Aggregation names can contain any character except '[', ']', and '>'"
        )
    if not isinstance(spec, Mapping):
        raise rejection.parsing(
            f"Aggregation definition for [{name}] starts with a [VALUE_STRING], expected a [START_OBJECT]."
        )
    inner = spec.get("aggs", spec.get("aggregations"))
    kinds = [key for key in spec if key not in ("aggs", "aggregations", "meta")]
    if not kinds:
        raise rejection.parsing(f"Missing definition for aggregation [{name}]")
    if len(kinds) > 1:
        raise rejection.parsing(f"Found two aggregation type definitions in [{name}]: [{kinds[0]}] and [{kinds[1]}]")
    return kinds[0], spec[kinds[0]], inner
