"""The front door: a query over a table, and aggregations over what it found."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column, table
from rootward.dojo.engines.elastic import aggregate, buckets, histograms, pipelines, queries
from rootward.dojo.engines.elastic.context import Context, Match

BUCKETINGS: dict[str, aggregate.Bucketing] = {
    "terms": buckets.terms_,
    "significant_terms": buckets.significant,
    "rare_terms": buckets.rare,
    "filter": buckets.filter_,
    "filters": buckets.filters,
    "missing": buckets.missing,
    "global": buckets.global_,
    "sampler": buckets.sampler,
    "range": buckets.range_,
    "date_range": buckets.date_range,
    "date_histogram": histograms.date_histogram,
    "auto_date_histogram": histograms.auto_date_histogram,
    "histogram": histograms.histogram,
    "composite": histograms.composite,
}


def context(
    records: table.Table, now_ms: int, row_of: Callable[[str], int | None], within: column.BoolArray, *, scoring: bool
) -> Context:
    """What one request is evaluated in."""
    return Context(records, now_ms, queries.evaluate, row_of, within, scoring)


def search(ctx: Context, query: Any) -> Match:
    """Rows that match among those of the indices asked; no query matches them all."""
    found = ctx.evaluate(ctx, query if query is not None else {"match_all": {}}, 0)
    return Match(found.mask & ctx.within, found.score)


def aggregations(
    ctx: Context,
    specs: Any,
    mask: column.BoolArray,
    top_hits: aggregate.TopHits,
    *,
    typed: bool = False,
) -> dict[str, Any]:
    """Every aggregation over the rows of `mask`; `global` and significance look at all of the indices."""
    run = aggregate.Run(
        ctx, top_hits, BUCKETINGS, pipelines.PIPELINES, np.flatnonzero(ctx.within).astype(np.int64), typed
    )
    return aggregate.run(run, _checked(specs), np.flatnonzero(mask).astype(np.int64))


def _checked(specs: Any) -> Any:
    return dict(specs) if isinstance(specs, Mapping) else specs
