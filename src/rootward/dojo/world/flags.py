"""Feature flags: which flag a service asks on its way, and for what share of requests it is on."""

import dataclasses

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

LEVEL = "flag_on_share"
"""The draft's level that says for what share of a service's requests its flag is on."""
STYLES = ("otel", "micrometer")
_WHAT = ("totals", "address-form", "rate-limits", "quote-engine", "retry-policy", "render-path", "lookup", "batching")
_WHICH = ("v2", "beta", "rewrite", "fast-path", "async")


@dataclasses.dataclass(frozen=True, slots=True)
class Flag:
    key: str
    on: float  # the share of requests on an ordinary day


def of(layout: lay.Layout, component: int, seed: int) -> Flag | None:
    """The flag that a service evaluates for every request; None where its SDK does not measure that."""
    described = layout.components[component]
    if described.kind is not bp.Kind.SERVICE or described.style not in STYLES:
        return None
    rng = _rng.stream(seed, layout.plan.name, "flag", described.name)
    key = f"{described.name}-{_WHAT[int(rng.integers(0, len(_WHAT)))]}-{_WHICH[int(rng.integers(0, len(_WHICH)))]}"
    return Flag(key, (0.0, 0.0, 0.05, 1.0)[int(rng.integers(0, 4))])


def on_share(draft: dr.Draft, component: int, flag: Flag) -> lay.FloatArray:
    return draft.level(LEVEL, component, flag.on)
