"""The same traces behind another vendor's API."""

import dataclasses

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import variant

TITLE = "traces are in Tempo, not in Jaeger"


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Jaeger is not part of the system; where there are no traces, or Jaeger did not answer anyway, nothing changes."""
    del rng
    recorded = scenario.telemetry
    had = recorded.spans is not None and len(recorded.spans.span_ids) > 0 and "jaeger" not in recorded.access
    changed = dataclasses.replace(recorded, access={**recorded.access, "jaeger": "absent"})
    return variant.Variant(tm.Scenario(changed, scenario.alert), truth, applied=had and "tempo" not in recorded.access)
