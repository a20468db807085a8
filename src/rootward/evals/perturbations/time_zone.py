"""Logs and chat in local time, as software writes it whose container has a time zone set."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import stamps, texts, variant

TITLE = "logs and chat tell the time in another zone"
ZONES = (("+02:00", 7200), ("+05:30", 19_800), ("-07:00", -25_200), ("+09:00", 32_400), ("-03:00", -10_800))


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Back ends still keep when a line came in; only what is written in it changes."""
    zone, seconds = ZONES[int(rng.integers(0, len(ZONES)))]
    rewrite = stamps.mover(seconds, zone=zone)
    recorded = scenario.telemetry
    return variant.Variant(
        texts.said(scenario, rewrite, rewrite), truth, applied=recorded.logs is not None or bool(recorded.messages)
    )
