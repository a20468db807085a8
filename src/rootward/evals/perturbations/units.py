"""Durations of requests in milliseconds, as older libraries and many teams have them."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import metric_names, variant

TITLE = "durations of requests are in milliseconds, buckets and thresholds too"
STARTS = ("http_", "grpc_", "nginx_ingress_controller_request_duration")


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """`…_seconds` becomes `…_milliseconds`."""
    del rng
    names = {
        metric_names.family(labels["__name__"])
        for block in scenario.telemetry.metrics.blocks
        for labels in block.labels
    }
    fresh = {
        name: name.removesuffix("_seconds") + "_milliseconds"
        for name in sorted(names)
        if name.startswith(STARTS) and name.endswith("_seconds")
    }
    return variant.Variant(metric_names.renamed(scenario, fresh, factor=1000.0), truth, applied=bool(fresh))
