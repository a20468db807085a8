"""Conditions and computed fields of Logs Insights: `level = "ERROR" and @message like /timeout/ and took > 1000`."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.engines.columns import column, table

MAX_DEPTH = 30
MAX_TOKENS = 2_000
_REGEX = re.compile(r"\s*(?P<regex>/(?:[^/\\]|\\.)*/i?)")  # after `like` and `=~` only: elsewhere it divides
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
          | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
          | (?P<name>`[^`]+`|[A-Za-z_@][\w.@]*)
          | (?P<mark>=~|!=|>=|<=|==|=|>|<|[-+*/%^(),\[\]])
        )""",
    re.VERBOSE | re.IGNORECASE,
)
Value = column.Column | str | float | column.BoolArray


def matching(text: str, records: table.Table) -> column.BoolArray:
    """Rows that a condition lets through; raises QuerySyntaxError, QueryTooLarge."""
    value = _read(text, records)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, column.Column):
        return value.present.copy()
    raise errors.QuerySyntaxError("filter needs a condition")


def computed(text: str, records: table.Table) -> column.Column:
    """A field computed from others; raises QuerySyntaxError, QueryTooLarge."""
    value = _read(text, records)
    if isinstance(value, np.ndarray):
        return column.Column("long", numbers=value.astype(np.float64))
    if isinstance(value, column.Column):
        return value
    if isinstance(value, float):
        return column.Column("double", numbers=np.full(records.count, value))
    return column.texts([value] * records.count)


def typed(found: column.Column) -> column.Column:
    """A column of texts that are all numbers as numbers."""
    assert found.codes is not None, "a column of texts"
    try:
        numbers = np.array([*map(float, found.values), np.nan])
    except ValueError:
        return found
    return (
        column.Column("double", numbers=numbers[found.codes])
        if found.values and np.isfinite(numbers[:-1]).all()
        else found
    )


def _read(text: str, records: table.Table) -> Value:
    reader = _Reader(text, records)
    value = reader.either(0)
    reader.end()
    return value


class _Reader:
    def __init__(self, text: str, records: table.Table) -> None:
        self._text = text
        self._records = records
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            after = self._tokens[-1][1].lower() if self._tokens else ""
            found = (_REGEX.match(text, at) if after in ("like", "=~") else None) or _TOKEN.match(text, at)
            if found is None or len(self._tokens) > MAX_TOKENS:
                raise self.wrong(text[at : at + 20])
            at = found.end()
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))

    def wrong(self, shown: str) -> errors.QuerySyntaxError:
        return errors.QuerySyntaxError(
            f"unexpected symbol found {shown.strip()[:40]} at line 1 and position {self._at}"
        )

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise self.wrong(self._peek()[1])

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _word(self, word: str) -> bool:
        kind, text = self._peek()
        if kind == "name" and text.lower() == word:
            self._at += 1
            return True
        return False

    def _mark(self, *marks: str) -> str:
        kind, text = self._peek()
        if kind == "mark" and text in marks:
            self._at += 1
            return text
        return ""

    def either(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"conditions are nested more than {MAX_DEPTH} deep")
        value = self._both(depth)
        while self._word("or"):
            value = self._mask(value) | self._mask(self._both(depth))
        return value

    def _both(self, depth: int) -> Value:
        value = self._not(depth)
        while self._word("and"):
            value = self._mask(value) & self._mask(self._not(depth))
        return value

    def _not(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"conditions are nested more than {MAX_DEPTH} deep")
        if self._word("not"):
            return ~self._mask(self._not(depth + 1))
        return self._compared(depth)

    def _mask(self, value: Value) -> column.BoolArray:
        if isinstance(value, column.Column):
            return value.present.copy()
        if isinstance(value, np.ndarray):
            return value
        raise self.wrong(str(value))

    def _compared(self, depth: int) -> Value:
        left = self._sum(depth)
        negated = self._word("not")
        if self._word("like") or (not negated and self._mark("=~")):
            mask = self._like(left)
            return ~mask if negated else mask
        if self._word("in"):
            mask = self._in(left, depth)
            return ~mask if negated else mask
        op = self._mark("=", "==", "!=", ">", ">=", "<", "<=")
        if not op or negated:
            if negated:
                raise self.wrong("not")
            return left
        return compare(self._records, op.replace("==", "="), left, self._sum(depth))

    def _like(self, left: Value) -> column.BoolArray:
        kind, text = self._peek()
        if kind not in ("regex", "quoted"):
            raise self.wrong(text)
        self._at += 1
        if not isinstance(left, column.Column) or left.codes is None:
            return self._records.none()
        ignore_case = kind == "regex" and text.endswith("i")
        inner = text[1:].removesuffix("i")[:-1] if kind == "regex" else re.escape(re.sub(r"\\(.)", r"\1", text[1:-1]))
        inner = inner.replace("\\/", "/")
        if kind == "quoted" and "%" in inner:
            inner = ".*".join(inner.split("%"))
        try:
            return left.matching(f".*(?:{inner}).*", ignore_case=ignore_case)
        except column.PatternError as error:
            raise errors.QuerySyntaxError(f"Invalid regular expression: {error}") from error

    def _in(self, left: Value, depth: int) -> column.BoolArray:
        if not self._mark("[", "("):
            raise self.wrong(self._peek()[1])
        mask = self._records.none()
        while not self._mark("]", ")"):
            mask |= compare(self._records, "=", left, self._sum(depth + 1))
            if not self._mark(",") and self._peek()[1] not in ("]", ")"):
                raise self.wrong(self._peek()[1])
        return mask

    def _sum(self, depth: int) -> Value:
        value = self._product(depth)
        while op := self._mark("+", "-"):
            value = arithmetic(self._records, op, value, self._product(depth))
        return value

    def _product(self, depth: int) -> Value:
        value = self._one(depth)
        while op := self._mark("*", "/", "%", "^"):
            value = arithmetic(self._records, op, value, self._one(depth))
        return value

    def _one(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"conditions are nested more than {MAX_DEPTH} deep")
        if self._mark("-"):
            return arithmetic(self._records, "-", 0.0, self._one(depth + 1))
        if self._mark("("):
            value = self.either(depth + 1)
            if not self._mark(")"):
                raise self.wrong(self._peek()[1])
            return value
        kind, text = self._peek()
        self._at += 1
        if kind == "quoted":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number":
            return float(text)
        if kind != "name":
            raise self.wrong(text)
        if self._mark("("):
            return self._call(text.lower(), depth)
        return self._field(text.strip("`"))

    def _field(self, name: str) -> Value:
        found = self._records.columns.get(name)
        if found is not None:
            return found
        if name.lower() in ("true", "false"):
            return name.lower()
        return column.texts([None] * self._records.count)  # an unknown field is absent everywhere

    def _call(self, name: str, depth: int) -> Value:
        arguments: list[Value] = []
        while not self._mark(")"):
            arguments.append(self.either(depth + 1))
            if not self._mark(",") and self._peek()[1] != ")":
                raise self.wrong(self._peek()[1])
        function = _FUNCTIONS.get(name)
        if function is None or not arguments:
            raise errors.QuerySyntaxError(f"Invalid function {name[:40]}")
        return function(self._records, arguments)


def compare(records: table.Table, op: str, left: Value, right: Value) -> column.BoolArray:
    """Two values compared row by row; what is absent compares with nothing."""
    if isinstance(right, column.Column) and not isinstance(left, column.Column):
        left, right, op = right, left, {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(op, op)
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        raise errors.QuerySyntaxError("a condition cannot be compared")
    if not isinstance(left, column.Column):
        same = bool(_COMPARE[op](str(left), str(right)))
        return records.every() if same else records.none()
    if isinstance(right, column.Column):
        a, b = as_numbers(left), as_numbers(right)
        return np.asarray(_COMPARE[op](a, b) & ~np.isnan(a) & ~np.isnan(b), dtype=np.bool_)
    if left.numbers is not None:
        try:
            number = float(right)
        except ValueError:
            return records.none()
        return np.asarray(_COMPARE[op](left.numbers, number) & left.present, dtype=np.bool_)
    wanted = str(int(right)) if isinstance(right, float) and right == int(right) else str(right)
    return left.where(np.array([bool(_COMPARE[op](value, wanted)) for value in left.values], dtype=np.bool_))


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def as_numbers(value: Value) -> column.FloatArray:
    """A column's numbers; texts that are none are absent."""
    if not isinstance(value, column.Column):
        raise errors.QuerySyntaxError("a field is needed")
    if value.numbers is not None:
        return value.numbers
    assert value.codes is not None, "a column of texts has codes"
    numbers = [_number(text) for text in value.values]
    return np.array([*numbers, np.nan])[value.codes]


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan


def arithmetic(records: table.Table, op: str, left: Value, right: Value) -> Value:
    """Numbers and fields; a field that is absent makes the result absent."""
    sides = []
    for side in (left, right):
        if isinstance(side, str | np.ndarray):
            raise errors.QuerySyntaxError(f"{op} needs numbers")
        sides.append(side if isinstance(side, float) else as_numbers(side))
    with np.errstate(all="ignore"):
        found = np.asarray(_ARITHMETIC[op](*sides), dtype=np.float64)
    if found.ndim == 0:
        return float(found) if np.isfinite(found) else 0.0
    del records
    return column.Column("double", numbers=np.where(np.isfinite(found), found, np.nan))


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "^": np.power,
}


def _ispresent(records: table.Table, arguments: list[Value]) -> Value:
    value = arguments[0]
    return value.present.copy() if isinstance(value, column.Column) else records.every()


def _contains(records: table.Table, arguments: list[Value]) -> Value:
    value, wanted = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if not isinstance(value, column.Column) or value.codes is None:
        return records.none()
    return value.matching(f".*{re.escape(str(wanted))}.*")


def _texted(change: Callable[[str], str]) -> Callable[[table.Table, list[Value]], Value]:
    def function(_records: table.Table, arguments: list[Value]) -> Value:
        value = arguments[0]
        if isinstance(value, column.Column) and value.codes is not None:
            return column.coded(value.codes, [*map(change, value.values), None])
        return change(value) if isinstance(value, str) else value

    return function


def _numbered(change: Callable[[Any], Any]) -> Callable[[table.Table, list[Value]], Value]:
    def function(_records: table.Table, arguments: list[Value]) -> Value:
        with np.errstate(all="ignore"):
            found = np.asarray(change(as_numbers(arguments[0])), dtype=np.float64)
        return column.Column("double", numbers=np.where(np.isfinite(found), found, np.nan))

    return function


def _length(_records: table.Table, arguments: list[Value]) -> Value:
    value = arguments[0]
    if not isinstance(value, column.Column) or value.codes is None:
        return 0.0
    return column.Column("long", numbers=np.array([*map(float, map(len, value.values)), np.nan])[value.codes])


_FUNCTIONS: dict[str, Callable[[table.Table, list[Value]], Value]] = {
    "ispresent": _ispresent,
    "isblank": lambda records, arguments: ~_as_mask(_ispresent(records, arguments)),
    "isempty": lambda records, arguments: ~_as_mask(_ispresent(records, arguments)),
    "strcontains": _contains,
    "tolower": _texted(str.lower),
    "toupper": _texted(str.upper),
    "trim": _texted(str.strip),
    "strlen": _length,
    "abs": _numbered(np.abs),
    "ceil": _numbered(np.ceil),
    "floor": _numbered(np.floor),
    "sqrt": _numbered(np.sqrt),
    "log": _numbered(np.log),
}


def _as_mask(value: Value) -> column.BoolArray:
    assert isinstance(value, np.ndarray), "a condition"
    return value
