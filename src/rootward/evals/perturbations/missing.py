"""Back ends taken away."""

import dataclasses

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import variant


def without(scenario: tm.Scenario, truth: oracle.Truth, vendors: tuple[str, ...]) -> variant.Variant:
    """The scenario without some back ends; not applied where none of them answered before."""
    recorded = scenario.telemetry
    present = [vendor for vendor in vendors if vendor not in recorded.access]
    access = {**recorded.access, **dict.fromkeys(present, "absent")}
    changed = tm.Scenario(dataclasses.replace(recorded, access=access), scenario.alert)
    return variant.Variant(changed, truth, applied=bool(present))
