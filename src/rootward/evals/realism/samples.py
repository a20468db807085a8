"""Rows of features of one signal, each with the group that it must not be separated from when a classifier is tried on it."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
MOST = 1500
"""Rows of one source that a comparison uses: more change nothing and cost time."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """`rows` [S, F]; `groups` [S] name what a row came from (a pod, a trace's entry, a world)."""

    rows: FloatArray
    groups: tuple[str, ...]

    def thinned(self, rng: np.random.Generator, most: int = MOST) -> "Samples":
        """At most `most` rows, drawn without replacement, in their order."""
        if len(self.rows) <= most:
            return self
        kept = np.sort(rng.permutation(len(self.rows))[:most])
        return Samples(self.rows[kept], tuple(self.groups[k] for k in kept))


def joined(parts: Sequence[Samples], features: int) -> Samples:
    """All of `parts`; an empty one has no rows of `features` numbers."""
    rows = [part.rows for part in parts if len(part.rows)]
    empty = np.zeros((0, features))
    return Samples(np.concatenate(rows) if rows else empty, tuple(g for part in parts for g in part.groups))


def made(rows: Sequence[Sequence[float]], groups: Sequence[str], features: int) -> Samples:
    """Rows that are finite throughout."""
    table = np.array(rows, dtype=np.float64).reshape(-1, features)
    good = np.atleast_1d(np.isfinite(table).all(axis=1))
    return Samples(table[good], tuple(g for g, kept in zip(groups, good.tolist(), strict=True) if kept))
