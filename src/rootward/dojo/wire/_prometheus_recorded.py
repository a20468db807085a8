"""The telemetry's metrics as a Prometheus holds them: what targets expose, and what the server's own recording rules made of it."""

import dataclasses
import zlib

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import options, recording

EVERY_S = 30.0
"""The evaluation interval of alerting rules."""
RECORDED_EVERY_S = 60.0
"""That of groups of recording rules."""


def moment_s(group: str) -> float:
    """When within the interval a group of rules is evaluated: the real server spreads them by a hash of their name."""
    return zlib.crc32(group.encode()) % 30_000 / 1000


def with_recorded(telemetry: records.Telemetry, settings: options.Options) -> records.Metrics:
    """Metrics with one more block for each recording rule."""
    rules, metrics = telemetry.recordings, telemetry.metrics
    if not rules:
        return metrics
    begin_s = telemetry.start_s // RECORDED_EVERY_S * RECORDED_EVERY_S + RECORDED_EVERY_S
    spans_s = [(begin_s + moment_s(rule.group), telemetry.end_s) for rule in rules]
    made = recording.series(metrics, rules, spans_s, RECORDED_EVERY_S, settings)
    return dataclasses.replace(metrics, blocks=(*metrics.blocks, *made))
