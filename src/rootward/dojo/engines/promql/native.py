"""Native histograms as values: exponential buckets over time, what one adds, scales and counts of them.

After model/histogram/float_histogram.go of prometheus/prometheus. Of the positive half only: what measures durations and sizes has
no other. Bucket `i` of a schema `s` holds what is above 2^((i-1)/2^s) and at most 2^(i/2^s); a histogram of a finer schema is
brought to a coarser one by joining buckets.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward.dojo.engines.promql import values

FloatArray = values.FloatArray
FINEST = 1 << 30
"""Finer than any schema."""
COUNT, SUM, ZERO, BUCKETS = 0, 1, 2, 3
"""Rows of `cells`: count of observations, their sum, those at or near zero, then the buckets."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """`offset` is the index of the first of `size` buckets; up to `near` observations count as zero."""

    schema: int
    near: float
    offset: int
    size: int

    def uppers(self) -> FloatArray:
        """The inclusive upper bound of each bucket."""
        return np.asarray(np.exp2((self.offset + np.arange(self.size)) / 2.0**self.schema), dtype=np.float64)

    def lowers(self) -> FloatArray:
        return np.asarray(np.exp2((self.offset - 1 + np.arange(self.size)) / 2.0**self.schema), dtype=np.float64)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Histograms:
    """One series' histograms at N moments: `cells` [3 + buckets, N], which count only where `present` [N]."""

    labels: values.LabelSet
    shape: Shape
    cells: FloatArray
    present: values.BoolArray

    def called(self, labels: values.LabelSet) -> "Histograms":
        return dataclasses.replace(self, labels=labels)

    def nameless(self) -> "Histograms":
        return self.called(values.without_name(self.labels))

    def times(self, factor: FloatArray) -> "Histograms":
        """Everything in it, count and sum too, times `factor` [N]."""
        return dataclasses.replace(self, cells=self.cells * factor)


def common(shapes: Sequence[Shape]) -> Shape:
    """The coarsest of the schemas over the widest of the ranges: what all of them can be brought to."""
    schema = min(shape.schema for shape in shapes)
    near = max(shape.near for shape in shapes)
    first = min(int(_coarser(shape.offset, shape.schema - schema)) for shape in shapes)
    last = max(int(_coarser(shape.offset + shape.size - 1, shape.schema - schema)) for shape in shapes)
    return Shape(schema, near, first, max(last - first + 1, 0))


def brought(cells: FloatArray, shape: Shape, wanted: Shape) -> FloatArray:
    """The same observations in buckets of another, coarser or wider shape; [3 + wanted.size, N]."""
    if shape == wanted:
        return cells
    out = np.zeros((BUCKETS + wanted.size, cells.shape[1]))
    out[:BUCKETS] = cells[:BUCKETS]
    at = _coarser(shape.offset + np.arange(shape.size), shape.schema - wanted.schema) - wanted.offset
    np.add.at(out, BUCKETS + at, cells[BUCKETS:])
    if wanted.near > shape.near:
        within = wanted.uppers() <= wanted.near
        out[ZERO] += out[BUCKETS:][within].sum(axis=0)
        out[BUCKETS:][within] = 0.0
    return out


def _coarser(index: "values.IntArray | int", steps: int) -> "values.IntArray":
    """The bucket that holds bucket `index` when 2^steps buckets are joined."""
    return np.asarray(((np.asarray(index, dtype=np.int64) - 1) >> steps) + 1, dtype=np.int64)


def totals(labels: values.LabelSet, parts: Sequence[Histograms]) -> list[Histograms]:
    """The sum of those that are present at each moment, one for each schema that the coarsest of them has at some moment."""
    found = []
    coarsest = np.full(parts[0].present.shape, FINEST)
    for part in parts:
        coarsest = np.minimum(coarsest, np.where(part.present, part.shape.schema, FINEST))
    for schema in sorted({part.shape.schema for part in parts}):
        here = coarsest == schema
        if here.any():
            some = [dataclasses.replace(part, present=part.present & here) for part in parts]
            found.append(_total(labels, [part for part in some if part.present.any()]))
    return found


def _total(labels: values.LabelSet, parts: Sequence[Histograms]) -> Histograms:
    wanted = common([part.shape for part in parts])
    cells = np.zeros((BUCKETS + wanted.size, parts[0].cells.shape[1]))
    present = np.zeros(cells.shape[1], dtype=bool)
    for part in parts:
        cells += np.where(part.present, brought(part.cells, part.shape, wanted), 0.0)
        present |= part.present
    return Histograms(labels, wanted, cells, present)


def changed(before: FloatArray, after: FloatArray) -> values.BoolArray:
    """Where a histogram cannot have grown out of the one before it: something in it fell; [N]."""
    fell = after < before
    fell[SUM] = False
    return np.asarray(fell.any(axis=0), dtype=np.bool_)
