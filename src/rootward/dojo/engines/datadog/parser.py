"""Metric queries and formulas: text in, a tree out; a Pratt parser over a handful of tokens."""

import re
from typing import Any

from rootward import errors
from rootward.dojo.engines.datadog import scopes, tree

MAX_CHARACTERS = 20_000
MAX_DEPTH = 60
MAX_NODES = 500
AGGREGATORS = ("avg", "sum", "min", "max", "count", "p50", "p75", "p90", "p95", "p99")
ROLLUPS = ("avg", "sum", "min", "max", "count")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)
_SPACE = re.compile(r"\s*")
_SCOPE = re.compile(r"\{([^{}]*)\}")
_BY = re.compile(r"\s*by\s*\{([^{}]*)\}")
_MODIFIER = re.compile(r"\s*\.\s*([a-z_]+)\s*\(([^()]*)\)")
_BINDING = {"+": 10, "-": 10, "*": 20, "/": 20}


def parse(text: str) -> tree.Node:
    """One expression.

    Raises:
        errors.QuerySyntaxError: not in the language.
        errors.QueryTooLarge: longer or deeper than the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.QueryTooLarge(f"query is longer than {MAX_CHARACTERS} characters")
    reader = _Reader(text)
    found = reader.expression(0, 0)
    reader.end()
    return found


def split(text: str) -> list[str]:
    """Queries of one text, parted by commas outside braces and parentheses."""
    out, depth, last = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "({") - (letter in ")}")
        if letter == "," and depth == 0:
            out.append(text[last:at])
            last = at + 1
    return [*out, text[last:]]


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._nodes = 0

    def _skip(self) -> str:
        found = _SPACE.match(self._text, self._at)
        assert found is not None, "matches the empty text"
        self._at = found.end()
        return self._text[self._at : self._at + 1]

    def _wrong(self, rule: str) -> errors.QuerySyntaxError:
        rest = self._text[self._at : self._at + 40]
        shown = self._text if len(self._text) <= 300 else self._text[:300] + "…"
        return errors.QuerySyntaxError(
            f"unable to parse {shown}: Rule '{rule}' didn't match at '{rest}' (line 1, column {self._at + 1})."
        )

    def end(self) -> None:
        if self._skip():
            raise self._wrong("query")

    def expression(self, least: int, depth: int) -> tree.Node:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"query is nested more than {MAX_DEPTH} deep")
        left = self._unary(depth)
        while (op := self._skip()) in _BINDING and _BINDING[op] > least:
            self._at += 1
            left = tree.Binary(op, left, self.expression(_BINDING[op], depth + 1))
        return left

    def _unary(self, depth: int) -> tree.Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise errors.QueryTooLarge(f"query has more than {MAX_NODES} parts")
        letter = self._skip()
        if letter == "-":
            self._at += 1
            if depth > MAX_DEPTH:
                raise errors.QueryTooLarge(f"query is nested more than {MAX_DEPTH} deep")
            return tree.Negated(self._unary(depth + 1))
        if letter == "(":
            self._at += 1
            inner = self.expression(0, depth + 1)
            if self._skip() != ")":
                raise self._wrong("parenthesised_expr")
            self._at += 1
            return inner
        number = _NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            return tree.Number(float(number[0]))
        return self._named(depth)

    def _named(self, depth: int) -> tree.Node:
        start = self._at
        name = _NAME.match(self._text, self._at)
        if name is None:
            raise self._wrong("metric_query")
        self._at = name.end()
        following = self._skip()
        if following == "(":
            return self._call(name[0], depth)
        if following == ":":
            self._at += 1
            self._skip()
            metric = _NAME.match(self._text, self._at)
            if metric is None or name[0] not in AGGREGATORS:
                raise self._wrong("aggregator" if metric else "metric_name")
            self._at = metric.end()
            return self._query(start, name[0], metric[0])
        if following == "{":
            return self._query(start, "avg", name[0])
        if "." in name[0]:
            raise self._wrong("scope_expr")
        return tree.Variable(name[0])

    def _query(self, start: int, aggregator: str, metric: str) -> tree.Query:
        self._skip()
        braces = _SCOPE.match(self._text, self._at)
        if braces is None:
            raise self._wrong("scope_expr")
        self._at = braces.end()
        found: dict[str, Any] = {"by": (), "rollup": "", "rollup_s": 0, "as_": "", "fill": ""}
        by = _BY.match(self._text, self._at)
        if by:
            self._at = by.end()
            found["by"] = tuple(key.strip().lower() for key in by[1].split(",") if key.strip() not in ("", "*"))
        while modifier := _MODIFIER.match(self._text, self._at):
            arguments = [part.strip().strip("'\"") for part in modifier[2].split(",") if part.strip()]
            self._modify(found, modifier[1], arguments)
            self._at = modifier.end()
        scope = scopes.parse(braces[1])
        return tree.Query(
            self._text[start : self._at].strip(), aggregator, metric, scope, braces[1].strip() or "*", **found
        )

    def _modify(self, found: dict[str, Any], name: str, arguments: list[str]) -> None:
        if name in ("as_count", "as_rate") and not arguments:
            found["as_"] = name.removeprefix("as_")
        elif name == "rollup" and 1 <= len(arguments) <= 2:
            if arguments[0].isdigit():
                arguments = ["", *arguments]
            seconds = arguments[1] if len(arguments) > 1 else "0"
            if arguments[0] not in ("", *ROLLUPS) or not (
                seconds.isascii() and seconds.isdigit() and len(seconds) < 10
            ):
                raise self._wrong("rollup")
            found["rollup"], found["rollup_s"] = arguments[0], int(seconds)
        elif name == "fill" and arguments and arguments[0] in ("null", "zero", "linear", "last"):
            found["fill"] = arguments[0]
        elif name != "weighted":
            raise self._wrong("modifier")

    def _call(self, name: str, depth: int) -> tree.Node:
        self._at += 1
        of = self.expression(0, depth + 1)
        arguments: list[float | str] = []
        while self._skip() == ",":
            self._at += 1
            arguments.append(self._constant())
        if self._skip() != ")":
            raise self._wrong("function_args")
        self._at += 1
        return tree.Apply(name, of, tuple(arguments))

    def _constant(self) -> float | str:
        letter = self._skip()
        if letter in ("'", '"'):
            end = self._text.find(letter, self._at + 1)
            if end < 0:
                raise self._wrong("string")
            text = self._text[self._at + 1 : end]
            self._at = end + 1
            return text
        sign = -1.0 if letter == "-" else 1.0
        self._at += letter == "-"
        number = _NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            return sign * float(number[0])
        name = _NAME.match(self._text, self._at)
        if name is None:
            raise self._wrong("function_args")
        self._at = name.end()
        return name[0]
