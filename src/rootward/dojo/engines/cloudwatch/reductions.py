"""What `stats` makes of a group's numbers: sums, means, percentiles."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.engines.columns import column


def reduced(function: str, values: column.FloatArray, rest: str) -> float:
    """`rest` is what stands behind the field: the percentile of `pct`; raises QuerySyntaxError."""
    if function in ("pct", "percentile"):
        try:
            share = float(rest)
        except ValueError as error:
            raise errors.QuerySyntaxError("pct needs a field and a percentile") from error
        if not 0 <= share <= 100:
            raise errors.QuerySyntaxError("pct needs a percentile between 0 and 100")
        return float(np.percentile(values, share))
    return float(FUNCTIONS[function](values))


FUNCTIONS: dict[str, Callable[[column.FloatArray], Any]] = {
    "sum": np.sum,
    "avg": np.mean,
    "min": np.min,
    "max": np.max,
    "stddev": np.std,
    "median": np.median,
    **dict.fromkeys(
        ("count", "count_distinct", "pct", "percentile", "earliest", "latest", "sortsfirst", "sortslast"), np.size
    ),
}
