"""Metric families renamed, and their values turned into another unit, in series, meta data and rules alike."""

import dataclasses
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.capsule import telemetry as tm

SUFFIXES = ("_bucket", "_count", "_sum")


def family(name: str) -> str:
    """The family of a series' name: without what histograms and summaries append."""
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def renamed(scenario: tm.Scenario, fresh: Mapping[str, str], *, factor: float = 1.0) -> tm.Scenario:
    """Families called as `fresh` says; with a `factor` their values (and bounds of buckets, and thresholds of rules) are times it."""
    recorded = scenario.telemetry
    blocks = tuple(_block(block, fresh, factor) for block in recorded.metrics.blocks)
    meta = {
        fresh.get(family(name), family(name)) + name[len(family(name)) :]: kind
        for name, kind in recorded.metrics.meta.items()
    }
    rewrite = _rule_rewriter(fresh, factor)
    rules = tuple(dataclasses.replace(rule, expr=rewrite(rule.expr)) for rule in recorded.rules)
    recordings = tuple(dataclasses.replace(rule, expr=rewrite(rule.expr)) for rule in recorded.recordings)
    histograms = tuple(
        _histogram(one, fresh) for one in recorded.metrics.histograms if not _rescaled(one, fresh, factor)
    )
    metrics = dataclasses.replace(recorded.metrics, blocks=blocks, meta=meta, histograms=histograms)
    telemetry = dataclasses.replace(recorded, metrics=metrics, rules=rules, recordings=recordings)
    return tm.Scenario(telemetry, _alert(scenario.alert, rewrite))


def _rescaled(one: tm.HistogramSeries, fresh: Mapping[str, str], factor: float) -> bool:
    """The bounds of a native histogram's buckets are powers of two, which no other unit can have."""
    return factor != 1.0 and one.labels["__name__"] in fresh


def _histogram(one: tm.HistogramSeries, fresh: Mapping[str, str]) -> tm.HistogramSeries:
    name = one.labels["__name__"]
    return dataclasses.replace(one, labels={**one.labels, "__name__": fresh.get(name, name)})


def _block(block: tm.MetricBlock, fresh: Mapping[str, str], factor: float) -> tm.MetricBlock:
    labels = []
    scaled = np.zeros(len(block.labels), dtype=np.bool_)
    for row, one in enumerate(block.labels):
        name = one["__name__"]
        new = fresh.get(family(name))
        if new is None:
            labels.append(one)
            continue
        changed = {**one, "__name__": new + name[len(family(name)) :]}
        if factor != 1.0 and "le" in changed and changed["le"] != "+Inf":
            changed["le"] = f"{float(changed['le']) * factor:g}"
        scaled[row] = not name.endswith(("_bucket", "_count"))
        labels.append(changed)
    values = block.values
    if factor != 1.0 and scaled.any():
        rows = tm.wide(values)[scaled]
        values = tm.wide(values).copy()
        with np.errstate(invalid="ignore"):  # the mark of an absent sample is a signalling NaN
            values[scaled] = tm.absent_to_stale(rows * factor, tm.is_stale(rows))
    return dataclasses.replace(block, labels=tuple(labels), values=values)


def _rule_rewriter(fresh: Mapping[str, str], factor: float) -> Callable[[str], str]:
    if not fresh:
        return lambda expr: expr
    ordered = sorted(fresh, key=lambda name: (-len(name), name))
    find = re.compile(rf"(?<![\w:])({'|'.join(map(re.escape, ordered))})(_bucket|_count|_sum)?(?![\w:])")
    threshold = re.compile(r"(?P<compares>[<>]=?\s*)(?P<value>\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$")

    def rewrite(expr: str) -> str:
        changed = find.sub(lambda found: fresh[found[1]] + (found[2] or ""), expr)
        # Ratios and counts have no unit; what compares a quantile, a mean or the value itself has.
        unitless = changed == expr or "/" in expr or "_count" in expr
        if factor == 1.0 or unitless:
            return changed
        return threshold.sub(lambda found: f"{found['compares']}{float(found['value']) * factor:g}", changed)

    return rewrite


def _alert(alert: Mapping[str, Any], rewrite: Callable[[str], str]) -> dict[str, Any]:
    """The alert with the query that it links to rewritten."""
    changed = []
    for one in alert["alerts"]:
        address, query, rest = one.get("generatorURL", ""), "g0.expr=", ""
        head, found, tail = address.partition(query)
        if found:
            expr, _, rest = tail.partition("&")
            expr = urllib.parse.quote_plus(rewrite(urllib.parse.unquote_plus(expr)))
            address = f"{head}{found}{expr}" + (f"&{rest}" if rest else "")
        changed.append({**one, "generatorURL": address})
    return {**alert, "alerts": changed}
