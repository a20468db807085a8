"""How much is asked of a system over time: the day's rhythm, noise with memory, and bursts."""

import numpy as np

from rootward.dojo.world import layout as lay

DAY_S = 86_400.0
NIGHT_SHARE = 0.45
"""Traffic at the quietest hour as a share of the peak's."""


def coloured(rng: np.random.Generator, steps: int, width: int, *, memory: float, sigma: float) -> lay.FloatArray:
    """First-order autoregressive noise of mean 0 and standard deviation `sigma`; shape [steps, width].

    `memory` in [0, 1) is the correlation from one step to the next.
    """
    noise: lay.FloatArray = rng.standard_normal((steps, width)) * float(sigma * np.sqrt(1 - memory**2))
    if steps:
        noise[0] /= np.sqrt(1 - memory**2)
    for t in range(1, steps):
        noise[t] += memory * noise[t - 1]
    return noise


def rhythm(times_s: lay.FloatArray, peak_hour: float, utc_offset_h: float) -> lay.FloatArray:
    """The day's shape, 1 at the peak hour and NIGHT_SHARE at the quietest; shape of `times_s`."""
    hours = times_s / 3600.0 + utc_offset_h
    wave = 0.5 + 0.5 * np.cos((hours - peak_hour) * (2 * np.pi / 24.0))
    # The square root makes a broad day and a short night, as consumer traffic has.
    return np.asarray(NIGHT_SHARE + (1 - NIGHT_SHARE) * np.sqrt(wave), dtype=np.float64)


def bursts(rng: np.random.Generator, steps: int, step_s: float) -> lay.FloatArray:
    """Short surges (a newsletter, a crawler): about one an hour, a few percent to a quarter, decaying within minutes."""
    out = np.ones(steps)
    for _ in range(rng.poisson(steps * step_s / 3600.0)):
        start = int(rng.integers(0, steps))
        length = int(max(2, rng.integers(90, 420) / step_s))
        stop = min(steps, start + length)
        out[start:stop] += rng.uniform(0.03, 0.2) * np.exp(-np.arange(stop - start) / (length / 2.5))
    return out


def demand(layout: lay.Layout, times_s: lay.FloatArray, rng: np.random.Generator) -> lay.FloatArray:
    """Requests per second that arrive from outside, per component; shape [T, N]."""
    steps, count = len(times_s), len(layout.components)
    step_s = float(times_s[1] - times_s[0])
    out = np.zeros((steps, count))
    shape = rhythm(times_s, layout.plan.peak_hour, layout.plan.utc_offset_h) * bursts(rng, steps, step_s)
    memory = float(np.exp(-step_s / 180.0))
    wobble = np.exp(coloured(rng, steps, count, memory=memory, sigma=0.035))
    for name, peak in layout.plan.demand.items():
        i = layout.index[name]
        period_s = layout.components[i].period_s
        out[:, i] = peak * wobble[:, i] * (batches(times_s, period_s) if period_s else shape)
    return out


def batches(times_s: lay.FloatArray, period_s: float) -> lay.FloatArray:
    """Work that comes once per period, on the period's clock, and lasts a sixth of it; mean of about 1."""
    phase = np.mod(times_s, period_s) / period_s
    return np.asarray(np.where(phase < 1 / 6, 4.0 * (1 - phase * 3), 0.25), dtype=np.float64)
