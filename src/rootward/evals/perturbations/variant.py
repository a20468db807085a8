"""What a perturbation makes of a scenario."""

import dataclasses
from collections.abc import Mapping

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """The changed scenario with its truth changed alike. `originals` maps new names to old ones, so that answers can be compared;
    `later_s` is by how much the whole world was moved in time. `applied` is false where there was nothing to change (a scenario
    without traces cannot lose them): such a variant is not run."""

    scenario: tm.Scenario
    truth: oracle.Truth
    originals: Mapping[str, str] = dataclasses.field(default_factory=dict)
    later_s: float = 0.0
    applied: bool = True
