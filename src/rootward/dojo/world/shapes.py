"""How a fault's strength goes over time: there at once, rising, coming and going by chance, or by the clock."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward.dojo.world import layout as lay

KINDS = ("step", "ramp", "intermittent", "periodic")
RAMP_S = (300.0, 900.0)
PERIOD_S = (600.0, 1200.0)
DUTY = (0.55, 0.8)
EPISODE_S = (420.0, 1100.0)
REST_S = (60.0, 300.0)
EPISODES = 12
"""More than fit behind any onset."""


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """`kind` is one of KINDS. A ramp takes `ramp_s` to its full strength; `edges_s` are the seconds after the onset at which an
    intermittent or periodic fault goes off, comes back, goes off …; it is on before the first of them."""

    kind: str = "step"
    ramp_s: float = 0.0
    edges_s: tuple[float, ...] = ()

    def profile(self, since_s: lay.FloatArray, *, ramp_s: float = 0.0, step_s: float = 0.0) -> lay.FloatArray:
        """Strength from 0 to 1 at `since_s` [T] seconds after the onset (negative: before it); `ramp_s` is the least time that a
        fault of this nature needs to build up. A step of `step_s` counts as passed when it begins."""
        rise_s = max(self.ramp_s, ramp_s)
        if rise_s > 0:
            strength = np.clip((since_s + step_s) / rise_s, 0.0, 1.0) * (since_s >= 0)
        else:
            strength = (since_s >= 0).astype(np.float64)
        if not self.edges_s:
            return np.asarray(strength, dtype=np.float64)
        passed = np.searchsorted(np.array(self.edges_s), since_s, side="right")
        return np.asarray(strength * (passed % 2 == 0), dtype=np.float64)


STEP = Shape()


def drawn(rng: np.random.Generator, kinds: Sequence[str]) -> Shape:
    """One of `kinds` with its times, as the dice fall."""
    kind = kinds[int(rng.integers(0, len(kinds)))]
    if kind == "ramp":
        return Shape(kind, ramp_s=float(rng.uniform(*RAMP_S)))
    if kind == "periodic":
        period_s, on = float(rng.uniform(*PERIOD_S)), float(rng.uniform(*DUTY))
        return Shape(kind, edges_s=tuple(s for k in range(EPISODES) for s in (period_s * (k + on), period_s * (k + 1))))
    if kind == "intermittent":
        lengths = [float(rng.uniform(*bounds)) for _ in range(EPISODES) for bounds in (EPISODE_S, REST_S)]
        return Shape(kind, edges_s=tuple(float(edge) for edge in np.cumsum(lengths)))
    return STEP
