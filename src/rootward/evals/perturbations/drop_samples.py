"""A scrape in seven is lost, each target's by itself, as in a cluster whose Prometheus is short of memory."""

import dataclasses

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import variant

TITLE = "one sample in seven is lost"
LOST = 1 / 7
SAMPLES_MIN = 8


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Whole scrapes of a block are left out."""
    recorded = scenario.telemetry
    blocks = tuple(_thinned(block, rng) for block in recorded.metrics.blocks)
    metrics = dataclasses.replace(recorded.metrics, blocks=blocks)
    changed = tm.Scenario(dataclasses.replace(recorded, metrics=metrics), scenario.alert)
    return variant.Variant(changed, truth, applied=bool(blocks))


def _thinned(block: tm.MetricBlock, rng: np.random.Generator) -> tm.MetricBlock:
    if len(block.times_s) < SAMPLES_MIN:
        return block
    kept = np.flatnonzero(rng.uniform(size=len(block.times_s)) >= LOST)
    return dataclasses.replace(block, times_s=block.times_s[kept], values=np.ascontiguousarray(block.values[:, kept]))
