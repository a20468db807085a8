"""Metric math of GetMetricData: `100 * m1 / SUM(METRICS())`, `FILL(m1, 0)`, `RATE(m1)`, `IF(m1 > 5, m1, 0)`.

The functions are those of docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html that dashboards use most;
SEARCH is the face's, which knows the metrics.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.engines.columns import column

FloatArray = column.FloatArray
MAX_CHARACTERS = 2_048
MAX_DEPTH = 30
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<quoted>'[^']*'|"[^"]*")|(?P<mark>==|!=|>=|<=|&&|\|\||[-+*/^(),<>\[\]]))""",
    re.ASCII,
)
_BARE = ("REPEAT", "LINEAR", "MIN", "MAX", "ASC", "DESC", "AVG", "SUM")
_BINDING = {
    **dict.fromkeys(("||", "OR"), 1),
    **dict.fromkeys(("&&", "AND"), 2),
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/"), 5),
    "^": 6,
}


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One time series on the request's grid; NaN where it has no point."""

    label: str
    values: FloatArray


Value = float | str | Line | list[Line]
Search = Callable[[str, str, int], list[Line]]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """What an expression can see: other queries by id, the grid, and how to search for metrics."""

    known: Mapping[str, list[Line]]
    metrics: Mapping[str, list[Line]]
    count: int
    period_s: int
    search: Search


def evaluate(text: str, scope: Scope) -> list[Line]:
    """The lines of an expression.

    Raises:
        errors.QuerySyntaxError: not in the language, or a name that is not known.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.QueryTooLarge(f"The expression is longer than {MAX_CHARACTERS} characters")
    reader = _Reader(text, scope)
    value = reader.expression(0, 0)
    reader.end()
    if isinstance(value, str):
        raise wrong(text)
    if isinstance(value, float):
        return [Line(text.strip(), np.full(scope.count, value))]
    return [value] if isinstance(value, Line) else value


def wrong(text: str) -> errors.QuerySyntaxError:
    return errors.QuerySyntaxError(f"Error in expression '{text[:200]}': Syntax Error")


class _Reader:
    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise wrong(text)
            at = found.end()
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        self._at = 0

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise wrong(self._text)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, mark: str) -> None:
        if self._peek() != ("mark", mark):
            raise wrong(self._text)
        self._at += 1

    def expression(self, least: int, depth: int) -> Value:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge("The expression is nested too deeply")
        left = self._unary(depth)
        while (op := self._peek()[1]) in _BINDING and _BINDING[op] > least and self._peek()[0] in ("mark", "name"):
            self._at += 1
            left = binary(op, left, self.expression(_BINDING[op], depth + 1), self._text)
        return left

    def _unary(self, depth: int) -> Value:
        kind, text = self._peek()
        self._at += 1
        if (kind, text) == ("mark", "-"):
            if depth > MAX_DEPTH:
                raise errors.QueryTooLarge("The expression is nested too deeply")
            return binary("*", -1.0, self._unary(depth + 1), self._text)
        if (kind, text) == ("mark", "("):
            value = self.expression(0, depth + 1)
            self._take(")")
            return value
        if (kind, text) == ("mark", "["):
            return self._array(depth)
        if kind == "number":
            return float(text)
        if kind == "quoted":
            return text[1:-1]
        if kind != "name":
            raise wrong(self._text)
        if self._peek() == ("mark", "("):
            return self._call(text.upper(), depth)
        found = self._scope.known.get(text)
        if found is None:
            raise errors.QuerySyntaxError(f"Error in expression '{self._text[:200]}': {text} is not defined")
        return found[0] if len(found) == 1 else found

    def _array(self, depth: int) -> list[Line]:
        out: list[Line] = []
        while self._peek() != ("mark", "]"):
            value = self.expression(0, depth + 1)
            out += _lines(value, self._scope.count, self._text)
            if self._peek() == ("mark", ","):
                self._at += 1
        self._take("]")
        return out

    def _call(self, name: str, depth: int) -> Value:
        self._take("(")
        arguments: list[Value] = []
        while self._peek() != ("mark", ")"):
            arguments.append(
                self._bare_word() or self.expression(0, depth + 1) if arguments else self.expression(0, depth + 1)
            )
            if self._peek() == ("mark", ","):
                self._at += 1
            elif self._peek() != ("mark", ")"):
                raise wrong(self._text)
        self._take(")")
        return apply(name, arguments, self._scope, self._text)

    def _bare_word(self) -> str:
        """A word that stands for itself as an argument, as in FILL(m1, REPEAT); "" if there is none."""
        kind, text = self._peek()
        following = self._tokens[self._at + 1 : self._at + 2]
        if kind != "name" or text not in _BARE or not following or following[0][1] not in (",", ")"):
            return ""
        self._at += 1
        return text


def _lines(value: Value, count: int, text: str) -> list[Line]:
    if isinstance(value, str):
        raise wrong(text)
    if isinstance(value, float):
        return [Line(str(value), np.full(count, value))]
    return [value] if isinstance(value, Line) else value


def binary(op: str, left: Value, right: Value, text: str) -> Value:
    """Numbers, lines and arrays of lines with each other; a point needs both sides."""
    if isinstance(left, str) or isinstance(right, str):
        raise wrong(text)
    operation = _OPERATIONS[op]
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise errors.QuerySyntaxError(
                f"Error in expression '{text[:200]}': arrays must have the same number of time series"
            )
        return [_joined(operation, a, b) for a, b in zip(left, right, strict=True)]
    if isinstance(left, list):
        return [_joined(operation, one, right) for one in left if not isinstance(right, list)]
    if isinstance(right, list):
        return [_joined(operation, left, one) for one in right]
    if isinstance(left, float) and isinstance(right, float):
        with np.errstate(all="ignore"):
            found = float(operation(np.float64(left), np.float64(right)))
        return found if np.isfinite(found) else 0.0
    return _joined(operation, left, right)


def _joined(operation: Callable[[Any, Any], Any], left: float | Line, right: float | Line) -> Line:
    a = left.values if isinstance(left, Line) else left
    b = right.values if isinstance(right, Line) else right
    with np.errstate(all="ignore"):
        found = np.asarray(operation(a, b), dtype=np.float64)
    missing = np.isnan(np.asarray(a + b))
    named = left if isinstance(left, Line) else right
    assert isinstance(named, Line), "one side is a line"
    return Line(named.label, np.where(missing | ~np.isfinite(found), np.nan, found))


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
    **dict.fromkeys(("&&", "AND"), np.logical_and),
    **dict.fromkeys(("||", "OR"), np.logical_or),
}


def apply(name: str, arguments: list[Value], scope: Scope, text: str) -> Value:
    """A function of metric math."""
    if name == "METRICS":
        wanted = arguments[0] if arguments else ""
        return [line for key, lines in scope.metrics.items() if not wanted or str(wanted) in key for line in lines]
    if name == "SEARCH":
        if len(arguments) < 2 or not isinstance(arguments[0], str) or not isinstance(arguments[1], str):
            raise wrong(text)
        period = arguments[2] if len(arguments) > 2 else float(scope.period_s)
        return scope.search(arguments[0], arguments[1], int(period) if isinstance(period, float) else scope.period_s)
    if not arguments:
        raise wrong(text)
    if name in _ACROSS:
        return _across(name, arguments[0], scope, text)
    if name == "IF":
        return _chosen(arguments, scope, text)
    if name in (
        "FILL",
        "RATE",
        "DIFF",
        "DIFF_TIME",
        "RUNNING_SUM",
        "ABS",
        "CEIL",
        "FLOOR",
        "LOG",
        "LOG10",
        "PERIOD",
        "TIME_SERIES",
        "SLICE",
        "SORT",
        "REMOVE_EMPTY",
    ):
        return _shaped(name, arguments, scope, text)
    raise errors.QuerySyntaxError(f"Error in expression '{text[:200]}': The function {name[:40]} is not supported")


_ACROSS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "AVG": lambda rows: np.nanmean(rows, axis=0),
    "MIN": lambda rows: np.nanmin(rows, axis=0),
    "MAX": lambda rows: np.nanmax(rows, axis=0),
    "STDDEV": lambda rows: np.nanstd(rows, axis=0),
    "METRIC_COUNT": lambda rows: np.full(rows.shape[1], float(len(rows))),
}


def _across(name: str, value: Value, scope: Scope, text: str) -> Value:
    """Of one line a number, of an array a line."""
    if isinstance(value, Line):
        known = value.values[~np.isnan(value.values)]
        return float(_ACROSS[name](known[:, None])[0]) if len(known) else 0.0
    lines = _lines(value, scope.count, text)
    if not lines:
        return []
    rows = np.array([line.values for line in lines])
    held = ~np.isnan(rows).all(axis=0)
    out = np.full(scope.count, np.nan)
    if held.any():
        out[held] = _ACROSS[name](rows[:, held])
    return Line(name, out)


def _chosen(arguments: list[Value], scope: Scope, text: str) -> Value:
    if len(arguments) not in (2, 3) or any(isinstance(one, str | list) for one in arguments):
        raise wrong(text)
    test, *branches = (
        one.values if isinstance(one, Line) else np.full(scope.count, float(one))  # type: ignore[arg-type]
        for one in arguments
    )
    other = branches[1] if len(branches) > 1 else np.full(scope.count, np.nan)
    label = next((one.label for one in arguments if isinstance(one, Line)), "IF")
    return Line(label, np.where(np.isnan(test), np.nan, np.where(test != 0, branches[0], other)))


def _shaped(name: str, arguments: list[Value], scope: Scope, text: str) -> Value:
    value = arguments[0]
    if isinstance(value, float):
        plain = {"ABS": abs(value), "CEIL": float(np.ceil(value)), "FLOOR": float(np.floor(value))}
        if name not in plain:
            raise wrong(text)
        return plain[name]
    lines = _lines(value, scope.count, text)
    if name == "REMOVE_EMPTY":
        return [line for line in lines if not np.isnan(line.values).all()]
    if name == "SLICE":
        bounds = [int(one) for one in arguments[1:3] if isinstance(one, float)]
        return lines[slice(*bounds)] if len(bounds) == 2 else lines[bounds[0] :] if bounds else lines
    if name == "SORT":
        return _sorted(lines, arguments[1:])
    if name == "PERIOD":
        return float(scope.period_s)
    done = [Line(line.label, _shape(name, line.values, arguments[1:], scope)) for line in lines]
    return done if isinstance(value, list) else done[0]


def _sorted(lines: list[Line], arguments: list[Value]) -> list[Line]:
    """SORT(array, AVG, DESC, 10)."""
    by = str(arguments[0]) if arguments else "AVG"
    down = len(arguments) > 1 and str(arguments[1]) == "DESC"
    limit = int(arguments[2]) if len(arguments) > 2 and isinstance(arguments[2], float) else len(lines)
    known = [line for line in lines if not np.isnan(line.values).all()]
    reduce = _ACROSS.get(by, _ACROSS["AVG"])
    worth = {id(line): float(reduce(line.values[~np.isnan(line.values)][:, None])[0]) for line in known}
    return sorted(known, key=lambda line: worth[id(line)], reverse=down)[:limit]


def _shape(name: str, values: FloatArray, arguments: list[Value], scope: Scope) -> FloatArray:
    if name == "FILL":
        return _filled(values, arguments[0] if arguments else 0.0)
    if name in ("RATE", "DIFF"):
        change = np.concatenate([[np.nan], np.diff(values)])
        return change / scope.period_s if name == "RATE" else change
    if name == "DIFF_TIME":
        return np.where(np.isnan(values), np.nan, float(scope.period_s))
    if name == "RUNNING_SUM":
        return np.where(np.isnan(values), np.nan, np.nancumsum(values))
    simple: dict[str, Callable[[FloatArray], FloatArray]] = {
        "ABS": np.abs,
        "CEIL": np.ceil,
        "FLOOR": np.floor,
        "LOG": np.log,
        "LOG10": np.log10,
    }
    with np.errstate(all="ignore"):
        found = simple[name](values) if name in simple else values
    return np.where(np.isfinite(found), found, np.nan)


def _filled(values: FloatArray, filler: Value) -> FloatArray:
    missing = np.isnan(values)
    if isinstance(filler, float):
        return np.where(missing, filler, values)
    at = np.arange(len(values))
    if missing.all():
        return values
    if filler == "LINEAR":
        inner = (at >= at[~missing][0]) & (at <= at[~missing][-1])
        return np.where(inner, np.interp(at, at[~missing], values[~missing]), np.nan)
    last = np.maximum.accumulate(np.where(missing, -1, at))
    return np.where(last >= 0, values[np.maximum(last, 0)], np.nan)
