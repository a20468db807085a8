"""Range selectors and subqueries: expressions in square brackets become windows, and window functions vectors."""

from collections.abc import Callable, Sequence

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import budget, context, options, store, tree, values, windows

IntArray = values.IntArray
Compute = Callable[[windows.Windows], tuple[values.FloatArray, values.BoolArray]]
ComputeAll = Callable[[Sequence[windows.Windows]], tuple[values.FloatArray, values.BoolArray]]


def matrix(ctx: context.Context, node: tree.Expr, times_ms: IntArray) -> windows.Matrix:
    """A range vector at `times_ms`.

    Raises:
        errors.QueryTooLarge: more series, samples or inner points than the limits.
    """
    node = tree.unwrapped(node)
    if isinstance(node, tree.Subquery):
        return _subquery(ctx, node, times_ms)
    assert isinstance(node, tree.Matrix), "the parser checks types"
    selector, range_ms = node.selector, node.range_ms
    ids, end_ms = ctx.select(selector), ctx.reference_ms(selector, times_ms)
    if len(ids) * len(times_ms) > ctx.settings.limits.samples:
        raise errors.QueryTooLarge(budget.TOO_MANY_SAMPLES)
    parts = []
    for strip, at, rows in ctx.store.pieces(ids):
        ctx.budget.spend(len(rows) * budget.SERIES)
        run = store.run(strip, rows, int(end_ms.min()) - range_ms, min(int(end_ms.max()), ctx.until_ms))
        if len(run.times_ms):
            parts.append((at, _paid(ctx, windows.cut(run, end_ms, times_ms, range_ms, ctx.settings))))
    return windows.Matrix([ctx.store.labels[i] for i in ids.tolist()], parts, len(times_ms))


def _paid(ctx: context.Context, part: windows.Windows) -> windows.Windows:
    """Every sample is looked at once by any function of windows."""
    looked_at = int(part.counts.sum()) * len(part.block)
    ctx.budget.spend(looked_at)
    ctx.budget.samples += looked_at
    return part


def gathered(ctx: context.Context, matrix: windows.Matrix) -> windows.Matrix:
    """The matrix, paid for once more: the function that follows lays every window's samples side by side."""
    for _, part in matrix.parts:
        ctx.budget.spend(int(part.counts.sum()) * len(part.block) * budget.GATHERED)
    return matrix


def _subquery(ctx: context.Context, node: tree.Subquery, times_ms: IntArray) -> windows.Matrix:
    """The inner expression on its own grid (multiples of the step since the epoch), then windows over what it gave."""
    range_ms, end_ms = node.range_ms, ctx.reference_ms(node, times_ms)
    step_ms = node.step_ms or ctx.settings.default_step_ms
    edge = int(end_ms.min()) - range_ms
    start = edge // step_ms * step_ms
    if start < edge or (start == edge and ctx.settings.dialect is options.Dialect.V3):
        start += step_ms
    points = max(0, (int(end_ms.max()) - start) // step_ms + 1)
    if points > ctx.settings.limits.subquery_points:
        raise errors.QueryTooLarge(
            f"subquery evaluates {points} points; the limit is {ctx.settings.limits.subquery_points}"
        )
    grid = start + step_ms * np.arange(points, dtype=np.int64)
    inner = ctx.vector(node.expr, grid) if points else values.empty(0)
    parts = []
    for at, held in _alike(inner.present):
        if held.any():
            run = store.Run(grid[held], inner.values[at][:, held])
            parts.append((at, _paid(ctx, windows.cut(run, end_ms, times_ms, range_ms, ctx.settings))))
    return windows.Matrix(list(inner.labels), parts, len(times_ms))


def _alike(present: values.BoolArray) -> list[tuple[IntArray, values.BoolArray]]:
    """Rows with equal presence: (positions, presence)."""
    if present.all():
        return [(np.arange(len(present)), np.ones(present.shape[1], dtype=bool))] if len(present) else []
    rows: dict[bytes, list[int]] = {}
    for row, packed in enumerate(np.packbits(present, axis=1)):
        rows.setdefault(packed.tobytes(), []).append(row)
    return [(np.array(some), present[some[0]]) for some in rows.values()]


def applied(matrix: windows.Matrix, compute: Compute, *, keep_name: bool = False) -> values.Vector:
    """A function of windows as an instant vector.

    Raises:
        errors.QueryExecutionError: without their names, two series are the same.
    """
    out, present = _blank(matrix)
    for at, part in matrix.parts:
        out[at], present[at] = compute(part)
    return _vector(matrix, out, present, keep_name=keep_name)


def applied_together(matrix: windows.Matrix, compute: ComputeAll) -> values.Vector:
    """As `applied`, for a function that takes all parts at once and gives their rows one below the other."""
    out, present = _blank(matrix)
    if matrix.parts:
        at = np.concatenate([at for at, _ in matrix.parts])
        out[at], present[at] = compute([part for _, part in matrix.parts])
    return _vector(matrix, out, present, keep_name=False)


def _blank(matrix: windows.Matrix) -> tuple[values.FloatArray, values.BoolArray]:
    shape = (len(matrix.labels), matrix.steps)
    return np.full(shape, np.nan), np.zeros(shape, dtype=bool)


def _vector(
    matrix: windows.Matrix, out: values.FloatArray, present: values.BoolArray, *, keep_name: bool
) -> values.Vector:
    vector = values.Vector(matrix.labels, out, present).without_empty()
    return vector if keep_name else values.drop_name(vector, strict=True)
