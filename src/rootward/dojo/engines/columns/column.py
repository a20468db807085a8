"""One field of many records: texts as numbers into their distinct values, numbers and times as an array."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
CodeArray = npt.NDArray[np.int32]

NUMERIC = ("long", "double", "date")
MAX_PATTERN_CHARACTERS = 1_000


class PatternError(ValueError):
    """A pattern that is no regular expression, or a longer one than MAX_PATTERN_CHARACTERS."""


@dataclasses.dataclass(frozen=True, eq=False)
class Column:
    """`kind`: keyword, text, boolean (texts); long, double, date (numbers; dates in milliseconds since the epoch).

    Texts: `codes` [N] are numbers into `values`, which is in order; -1 where the record lacks the field.
    Numbers: `numbers` [N], NaN where the record lacks the field.
    """

    kind: str
    codes: CodeArray | None = None
    values: tuple[str, ...] = ()
    numbers: FloatArray | None = None

    @property
    def is_numeric(self) -> bool:
        return self.numbers is not None

    @functools.cached_property
    def code_of(self) -> dict[str, int]:
        return {value: code for code, value in enumerate(self.values)}

    @functools.cached_property
    def present(self) -> BoolArray:
        """Where the record has the field; shape [N]."""
        if self.numbers is not None:
            return ~np.isnan(self.numbers)
        assert self.codes is not None, "a column of texts has codes"
        return np.asarray(self.codes >= 0)

    @functools.cached_property
    def arrow(self) -> pa.Array:
        """The distinct values, for RE2."""
        return pa.array(self.values, type=pa.string())

    def equal(self, value: str) -> BoolArray:
        """Rows whose text is exactly `value`."""
        assert self.codes is not None, "only texts are compared with texts"
        return np.asarray(self.codes == self.code_of.get(value, -2))

    def among(self, codes: Iterable[int]) -> BoolArray:
        """Rows whose text is one of these distinct values."""
        chosen = np.zeros(len(self.values) + 1, dtype=np.bool_)  # one more, for -1
        chosen[list(codes)] = True
        chosen[-1] = False
        return self.where(chosen[:-1])

    def where(self, chosen: BoolArray) -> BoolArray:
        """Rows whose distinct value is chosen; `chosen` shape [distinct values]."""
        assert self.codes is not None, "only texts have distinct values"
        return np.append(chosen, np.False_)[self.codes]

    def matching(self, pattern: str, *, ignore_case: bool = False) -> BoolArray:
        """Rows whose whole text the RE2 pattern matches; raises PatternError."""
        return self.where(full_matches(self.arrow, pattern, ignore_case=ignore_case))

    def at(self, row: int) -> Any:
        """The value of one row as JSON has it; None where it lacks the field."""
        if self.numbers is not None:
            number = float(self.numbers[row])
            if number != number:  # NaN
                return None
            return int(number) if self.kind in ("long", "date") else number
        assert self.codes is not None, "a column of texts has codes"
        code = int(self.codes[row])
        if code < 0:
            return None
        return self.values[code] == "true" if self.kind == "boolean" else self.values[code]

    @functools.cached_property
    def ranks(self) -> FloatArray:
        """[N] numbers that sort as the values do, NaN where missing."""
        if self.numbers is not None:
            return self.numbers
        assert self.codes is not None, "a column of texts has codes"
        return np.where(self.codes >= 0, self.codes.astype(np.float64), np.nan)


def full_matches(texts: pa.Array, pattern: str, *, ignore_case: bool = False) -> BoolArray:
    """Which texts the whole RE2 pattern matches, in time linear in the text; raises PatternError."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise PatternError(f"The length of regex [{len(pattern)}] is over the limit of [{MAX_PATTERN_CHARACTERS}]")
    try:
        found = pc.match_substring_regex(texts, pattern=f"^(?s:{pattern})$", ignore_case=ignore_case)
    except pa.ArrowInvalid as error:
        raise PatternError(str(error).partition("\n")[0].removeprefix("Invalid regular expression: ")) from error
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)


def glob(text: str) -> str:
    """`*` and `?` as RE2; a backslash takes the next character as it is."""
    out, at = "", 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and at + 1 < len(text):
            at += 1
            out += re.escape(text[at])
        elif letter == "*":
            out += "" if out.endswith(".*") else ".*"
        else:
            out += "." if letter == "?" else re.escape(letter)
        at += 1
    return out


def texts(values: Sequence[str | None], kind: str = "keyword") -> Column:
    """A column of texts, None where a record lacks it."""
    numbers: dict[str, int] = {}
    first: CodeArray = np.fromiter(
        (-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values), np.int32, len(values)
    )
    return _ordered(kind, first, numbers)


def coded(codes: npt.NDArray[Any], values: Sequence[str | None], kind: str = "keyword") -> Column:
    """A column whose distinct values are known: row i has values[codes[i]]; values may repeat or be None."""
    numbers: dict[str, int] = {}
    of = np.array(
        [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in (*values, None)], dtype=np.int32
    )
    return _ordered(kind, of[codes], numbers)


def sparse(count: int, rows: Sequence[int], values: Sequence[Any], kind: str) -> Column:
    """A column that few records have."""
    if kind in NUMERIC:
        numbers = np.full(count, np.nan)
        numbers[list(rows)] = values
        return Column(kind, numbers=numbers)
    known: dict[str, int] = {}
    codes = np.full(count, -1, dtype=np.int32)
    codes[list(rows)] = [known.setdefault(str(value), len(known)) for value in values]
    return _ordered(kind, codes, known)


def _ordered(kind: str, codes: CodeArray, numbers: dict[str, int]) -> Column:
    values = sorted(numbers)
    new = np.full(len(values) + 1, -1, dtype=np.int32)
    for code, value in enumerate(values):
        new[numbers[value]] = code
    return Column(kind, codes=new[codes], values=tuple(values))


def rows_by(
    keys: npt.NDArray[Any], rows: IntArray, order: Callable[[Any], Any] | None = None
) -> list[tuple[Any, IntArray]]:
    """(key, rows that have it) for each distinct key of `keys` (shape of `rows`), in order of key or of `order(key)`."""
    if not len(rows):
        return []
    by = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[by])) + 1
    parts = [(keys[part[0]].item(), rows[part]) for part in np.split(by, cuts)]
    return parts if order is None else sorted(parts, key=lambda part: order(part[0]))
