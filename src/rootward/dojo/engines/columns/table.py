"""A table of records: named columns of one length, and the word index of its texts, made when first asked for."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column, tokens


class Table:
    """Built once, asked many times, never changed. `columns` have [count] rows each, in order of time; `salt` is what tells the
    ids of its rows from those of another system's."""

    def __init__(self, count: int, columns: Mapping[str, column.Column], salt: int = 0) -> None:
        self.count = count
        self.salt = salt
        self.columns = dict(columns)
        self._tokens: dict[str, tokens.TokenIndex] = {}

    def words_of(self, field: str) -> tokens.TokenIndex:
        """The word index of a field's rows; made once."""
        known = self._tokens.get(field)
        if known is None:
            found = self.columns[field]
            assert found.codes is not None, "only texts have words"
            values = (*found.values, "")  # the last one is that of rows without the field
            known = self._tokens[field] = tokens.TokenIndex([values[code] for code in found.codes.tolist()])
        return known

    def record(self, row: int) -> dict[str, Any]:
        """The fields that one row has."""
        return {name: value for name, one in self.columns.items() if (value := one.at(row)) is not None}

    def every(self) -> column.BoolArray:
        return np.ones(self.count, dtype=np.bool_)

    def none(self) -> column.BoolArray:
        return np.zeros(self.count, dtype=np.bool_)
