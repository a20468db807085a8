"""Quantiles by row are numpy's, to the last bit."""

import numpy as np
import pytest

from rootward.investigator.causal import quantiles


@pytest.mark.parametrize("seed", range(20))
def test_quantiles_are_numpys(seed: int) -> None:
    random = np.random.Generator(np.random.PCG64(seed))
    rows = random.normal(size=(20, int(random.integers(1, 90)))) * 10.0 ** random.integers(-5, 8)
    rows[random.random(rows.shape) < random.random()] = np.nan
    rows[:, 0] = 1.25  # each row has a number
    assert np.array_equal(quantiles.by_row(rows, 0.5), np.nanmedian(rows, axis=1))
    assert np.array_equal(quantiles.by_row(rows, 0.9), np.nanquantile(rows, 0.9, axis=1))
