"""Request metrics under the names that an organisation gives them when it wraps the usual library: with a prefix of its own."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import metric_names, variant

TITLE = "request metrics carry an organisation's prefix (platform_http_requests_total)"
STARTS = ("http_", "grpc_")
PREFIXES = ("platform_", "app_", "svc_", "internal_", "backend_")


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """One prefix for all: such a wrapper is the organisation's, not the team's."""
    prefix = PREFIXES[int(rng.integers(0, len(PREFIXES)))]
    names = {
        metric_names.family(labels["__name__"])
        for block in scenario.telemetry.metrics.blocks
        for labels in block.labels
    }
    fresh = {name: prefix + name for name in sorted(names) if name.startswith(STARTS)}
    return variant.Variant(metric_names.renamed(scenario, fresh), truth, applied=bool(fresh))
