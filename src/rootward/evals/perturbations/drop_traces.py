"""A system whose traces nobody collects."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import missing, variant

TITLE = "the traces are not there"
VENDORS = ("jaeger", "tempo")


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """The back ends are not part of the system; where none answered before, nothing changes."""
    del rng
    return missing.without(scenario, truth, VENDORS)
