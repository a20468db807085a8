"""Recording rules: expressions evaluated every so often, whose answers are kept as series of another name.

After rules/recording.go of prometheus/prometheus: what an evaluation gives gets the rule's name and labels; a series that is not
given any more ends with a staleness marker; a rule that fails records nothing.
"""

from collections.abc import Sequence

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, options, tree, values

POINTS_MAX = 10_000
"""Evaluations in one go: fewer than a range query may have."""
KINDS = (values.Scalar, values.Vector)


def series(
    metrics: telemetry.Metrics,
    rules: Sequence[telemetry.RecordingRule],
    times_s: Sequence[tuple[float, float]],
    every_s: float,
    settings: options.Options,
) -> tuple[telemetry.MetricBlock, ...]:
    """What `rules` record, each from the first to the last of its `times_s`, `every_s` apart; rules see no other's series."""
    needed = {name for rule in rules for name in _names(rule.expr, settings)}
    small = engine.Engine(_only(metrics, needed), settings)
    found = [_one(small, rule, span_s, every_s) for rule, span_s in zip(rules, times_s, strict=True)]
    return tuple(block for block in found if block is not None)


def failure(rule: telemetry.RecordingRule, settings: options.Options) -> str:
    """Why a rule cannot be evaluated at all, in the server's words; "" if it can."""
    try:
        engine.Engine(telemetry.Metrics(), settings).instant(rule.expr, 0.0)
    except errors.EngineError as error:
        return str(error)
    return ""


def _names(expr: str, settings: options.Options) -> set[str]:
    try:
        node = engine.Engine(telemetry.Metrics(), settings).parse(expr)
    except errors.EngineError:
        return set()
    return {one.name for one in tree.walk(node) if isinstance(one, tree.Selector)}


def _only(metrics: telemetry.Metrics, names: set[str]) -> telemetry.Metrics:
    """The series of these names; all of them where a selector names none ("")."""
    if "" in names:
        return metrics
    blocks = []
    for block in metrics.blocks:
        rows = [row for row, labels in enumerate(block.labels) if labels.get(values.NAME) in names]
        if rows:
            kept = tuple(block.labels[row] for row in rows)
            blocks.append(telemetry.MetricBlock(block.times_s, block.values[rows], kept))
    return telemetry.Metrics(tuple(blocks))


def _one(
    promql: engine.Engine, rule: telemetry.RecordingRule, span_s: tuple[float, float], every_s: float
) -> telemetry.MetricBlock | None:
    grid_s = np.arange(span_s[0], span_s[1], every_s)
    rows: dict[values.LabelSet, telemetry.FloatArray] = {}
    held: dict[values.LabelSet, values.BoolArray] = {}
    for begin in range(0, len(grid_s), POINTS_MAX):
        part = grid_s[begin : begin + POINTS_MAX]
        try:
            found = promql.range(rule.expr, float(part[0]), float(part[-1]), every_s)
        except errors.EngineError:
            return None
        first_ms, step_ms = round(float(part[0]) * 1000), round(every_s * 1000)
        for one in found.series:
            key = values.label_set({**dict(one.labels), **rule.labels, values.NAME: rule.name})
            at = begin + np.round((one.times_ms - first_ms) / step_ms).astype(np.int64)
            row = rows.setdefault(key, np.zeros(len(grid_s)))
            there = held.setdefault(key, np.zeros(len(grid_s), dtype=bool))
            row[at], there[at] = one.values, True
    if not rows:
        return None
    absent = ~np.array(list(held.values()))
    samples = telemetry.absent_to_stale(np.array(list(rows.values())), absent)
    return telemetry.MetricBlock(grid_s, samples, tuple(dict(key) for key in rows))
