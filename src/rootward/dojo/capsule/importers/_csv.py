"""Small CSV tables of numbers, read strictly: a damaged file is told by name, never half-imported."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry

csv.field_size_limit(2**27)


def rows(path: Path) -> list[list[str]]:
    """All non-empty rows.

    Raises:
        DatasetError: unreadable, not UTF-8 or not CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise errors.DatasetError(f"{path} is not a CSV file: {error}") from error


def numbers(path: Path, body: Sequence[Sequence[str]], *, width: int) -> telemetry.FloatArray:
    """Shape [rows, width]; empty cells are NaN.

    Raises:
        DatasetError: no rows, rows of another width, or a cell that is no number.
    """
    uneven = next((row for row in body if len(row) != width), None)
    if not body or uneven is not None:
        raise errors.DatasetError(
            f"{path}: expected rows of {width} cells, found {'none' if uneven is None else len(uneven)}"
        )
    try:
        return np.array([[float(cell) if cell else np.nan for cell in row] for row in body], dtype=np.float64)
    except ValueError as error:
        raise errors.DatasetError(f"{path}: a cell is no number: {error}") from error
