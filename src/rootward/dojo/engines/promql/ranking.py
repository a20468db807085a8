"""Quantiles with Prometheus's rules for NaN, missing samples and q outside [0, 1] (promql/quantile.go)."""

import numpy as np

from rootward.dojo.engines.promql import values

FloatArray = values.FloatArray


def quantile(q: FloatArray, samples: FloatArray, inside: values.BoolArray) -> FloatArray:
    """The q-quantile along the last axis, linearly interpolated.

    Args:
        q: shape [...], may be NaN or outside [0, 1].
        samples: shape [..., W]; NaN counts as smaller than everything.
        inside: shape [..., W], false where there is no sample; none at all gives NaN.
    """
    count = inside.sum(axis=-1)
    if samples.shape[-1] == 0:
        return np.full(count.shape, np.nan)
    nans = (np.isnan(samples) & inside).sum(axis=-1)
    keys = np.where(inside, np.where(np.isnan(samples), -np.inf, samples), np.inf)
    ordered = np.sort(keys, axis=-1)
    ordered = np.where(np.arange(samples.shape[-1]) < nans[..., None], np.nan, ordered)
    inner = np.clip(np.nan_to_num(q), 0.0, 1.0)
    rank = inner * (count - 1)
    lower = np.maximum(np.floor(rank), 0).astype(np.intp)
    upper = np.clip(lower + 1, 0, np.maximum(count - 1, 0))
    weight = rank - np.floor(rank)
    low = np.take_along_axis(ordered, lower[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, upper[..., None], axis=-1)[..., 0]
    result = low * (1 - weight) + high * weight
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q) | (count == 0), np.nan, result)
