"""Native histograms as Prometheus's API writes them: count, sum and the buckets that hold anything, bounds and counts as text.

After web/api/v1/json_codec.go of prometheus/prometheus. A bucket begins with a number that tells which of its bounds belong to it:
0 the upper one (buckets above zero), 3 both (the one around zero).
"""

from collections.abc import Callable, Iterator

import numpy as np

from rootward.dojo.engines.promql import engine, native, values

UPPER, BOTH = 0, 3


def rows(
    found: engine.Result, number: Callable[[float], str], stamp: Callable[[int], str]
) -> Iterator[tuple[values.LabelSet, str]]:
    """(labels, JSON field) of each histogram series of a vector ("histogram") or matrix ("histograms")."""
    assert found.times_ms is not None, "vectors and matrices have moments"
    points: dict[values.LabelSet, dict[int, str]] = {}
    for one in found.histograms:  # a series whose schema changes comes in parts
        for n in np.flatnonzero(one.present).tolist():
            points.setdefault(one.labels, {})[n] = f"[{stamp(int(found.times_ms[n]))},{_histogram(one, n, number)}]"
    for labels, texts in points.items():
        if found.kind == "vector":
            yield labels, f'"histogram":{texts[0]}'
        else:
            yield labels, f'"histograms":[{",".join(texts[n] for n in sorted(texts))}]'


def _histogram(one: native.Histograms, n: int, number: Callable[[float], str]) -> str:
    cells = one.cells[:, n].tolist()
    near = one.shape.near
    buckets = [
        (BOTH, -near, near, max(cells[native.ZERO], 0.0))
    ]  # the real one leaves it out when it is less than nothing
    bounds = zip(one.shape.lowers().tolist(), one.shape.uppers().tolist(), cells[native.BUCKETS :], strict=True)
    buckets += [(UPPER, low, high, held) for low, high, held in bounds]
    shown = ",".join(
        f'[{kind},"{number(low)}","{number(high)}","{number(held)}"]' for kind, low, high, held in buckets if held != 0
    )
    head = f'"count":"{number(cells[native.COUNT])}","sum":"{number(cells[native.SUM])}"'
    return f'{{{head},"buckets":[{shown}]}}' if shown else f"{{{head}}}"
