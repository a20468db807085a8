"""Tokens to a syntax tree, by the grammar of promql/parser/generated_parser.y, with its words for what it does not understand.

Operators are parsed by precedence climbing: a chain of any length nests no calls, only parentheses and arguments do, and their
depth has a limit with a name. Types are checked afterwards by `checking`.
"""

import math
import re

from rootward import errors
from rootward.dojo.engines.promql import budget, options, patterns, quoting, selectors, signatures, tokens, tree

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_UNARY = 5  # as tight as a product: -1 ^ 2 is -(1 ^ 2)
_METRIC_WORDS = frozenset({"and", "or", "unless", "by", "offset", "without"})
_NAMES = frozenset({"identifier", "metric identifier", "aggregation", "edge"})
_BEGINNINGS = _NAMES | {"number", "duration", "string", "(", "{"}
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse(query: str, settings: options.Options) -> tree.Expr:
    """The tree, types unchecked.

    Raises:
        errors.QuerySyntaxError: not PromQL.
        errors.QueryTooLarge: deeper or longer than the limits.
        errors.QueryTimedOut: its regular expressions cost too much.
    """
    return _Parser(query, settings, budget.Budget(settings.limits.work)).whole()


def parse_selector(text: str, settings: options.Options, purse: budget.Budget) -> tree.Selector:
    """A series selector alone; raises as `parse`."""
    return _Parser(text, settings, purse).only_selector()


class _Parser:
    def __init__(self, query: str, settings: options.Options, purse: budget.Budget) -> None:
        self._query = query
        self._settings = settings
        self._budget = purse
        self._lexer = tokens.Lexer(query)
        self._next: tokens.Token | None = None
        self._last_end = 0
        self._depth = 0
        self._operators = 0
        self._aggregations = 0

    # Tokens

    @property
    def _token(self) -> tokens.Token:
        """The token that comes next. Read as late as can be: what is wrong earlier in the text must be found first."""
        if self._next is None:
            self._next = self._lexer.next()
        return self._next

    def _advance(self) -> tokens.Token:
        token = self._token
        self._next = None
        self._last_end = token.end
        return token

    def _is(self, kind: str, *words: str) -> bool:
        token = self._next or self._token
        return token.kind == kind and (not words or token.word in words)

    def _unexpected(self, context: str = "", expected: str = "") -> errors.QuerySyntaxError:
        """`context` "" is the innermost aggregation, if any: the grammar recovers there."""
        message = f"unexpected {self._token.described()}"
        context = context or ("aggregation" if self._aggregations else "")
        message += f" in {context}" if context else ""
        message += f", expected {expected}" if expected else ""
        return self._wrong(self._token.start, message)

    def _wrong(self, at: int, message: str) -> errors.QuerySyntaxError:
        return tokens.wrong(self._query, at, message)

    # Expressions

    def whole(self) -> tree.Expr:
        if self._is("end of input"):
            raise self._wrong(0, "no expression found in input")
        node = self._expression(0)
        if not self._is("end of input"):
            raise self._unexpected()
        return node

    def only_selector(self) -> tree.Selector:
        if self._is("end of input"):
            raise self._wrong(0, "no expression found in input")
        token = self._token
        if not (self._is("{") or token.kind in _NAMES or token.word in _METRIC_WORDS):
            raise self._unexpected()
        node = self._selector("", 0) if self._is("{") else self._selector(self._advance().text, token.start)
        if not self._is("end of input"):
            raise self._unexpected()
        return node

    def _expression(self, least: int) -> tree.Expr:
        self._depth += 1
        if self._depth > self._settings.limits.depth:
            raise errors.QueryTooLarge(f"query is nested more than {self._settings.limits.depth} levels deep")
        left = self._operand()
        while self._is("operator"):
            operator = self._token.word
            strength = _PRECEDENCE[operator]
            if strength < least:
                break
            self._count_operator()
            self._advance()
            as_bool, matching = self._modifiers()
            right = self._expression(strength if operator == "^" else strength + 1)
            left = tree.Binary(left.start, right.end, operator, left, right, matching, as_bool)
        self._depth -= 1
        return left

    def _count_operator(self) -> None:
        self._operators += 1
        if self._operators > self._settings.limits.operators:
            raise errors.QueryTooLarge(f"query has more than {self._settings.limits.operators} operators")

    def _operand(self) -> tree.Expr:
        """One operand with its own sign or brackets."""
        if self._is("operator", "+", "-"):
            sign = self._advance()
            self._count_operator()
            inner = self._expression(_UNARY + 1)
            if isinstance(inner, tree.Number):
                return tree.Number(sign.start, inner.end, -inner.value if sign.text == "-" else inner.value)
            return tree.Unary(sign.start, inner.end, sign.text, inner)
        node = self._primary()
        while True:
            if self._is("["):
                node = self._bracketed(node)
            elif self._is("keyword", "offset"):
                node = self._moved(node)
            elif self._is("@"):
                node = self._pinned(node)
            else:
                return node

    def _begins(self) -> bool:
        """Whether an expression can begin with the next token."""
        token = self._token
        return token.kind in _BEGINNINGS or token.word in _METRIC_WORDS or token.text in ("+", "-")

    def _primary(self) -> tree.Expr:
        token = self._token
        if token.kind in ("number", "duration"):
            self._advance()
            if token.kind == "number":
                return tree.Number(token.start, token.end, self._value(token))
            return tree.Number(token.start, token.end, self._duration_ms(token) / 1000, token.text)
        if token.kind == "string":
            self._advance()
            return tree.String(token.start, token.end, token.value)
        if token.kind == "(":
            self._advance()
            inner = self._expression(0)
            if not self._is(")"):
                raise self._unexpected()
            end = self._advance().end
            return tree.Paren(token.start, end, inner)
        if token.kind == "{":
            return self._selector("", token.start)
        if token.kind in _NAMES or token.word in _METRIC_WORDS:
            return self._named(self._advance())
        raise self._unexpected()

    def _named(self, token: tokens.Token) -> tree.Expr:
        """A function call, an aggregation or a metric."""
        if token.kind == "identifier" and self._is("("):
            return self._call(token)
        if token.kind == "aggregation" and (self._is("(") or self._is("keyword", "by", "without")):
            return self._aggregation(token)
        if self._is("("):
            raise self._unexpected()
        return self._selector(token.text, token.start)

    # Calls

    def _arguments(self) -> tuple[tree.Expr, ...]:
        found: list[tree.Expr] = []
        self._advance()
        while not self._is(")"):
            found.append(self._expression(0))
            if self._is(","):
                comma = self._advance()
                if not self._begins():
                    raise self._wrong(comma.start, "trailing commas not allowed in function call args")
            elif not self._is(")"):
                raise self._unexpected()
        self._advance()
        return tuple(found)

    def _call(self, token: tokens.Token) -> tree.Expr:
        arguments = self._arguments()
        found = signatures.find(token.text, self._settings.dialect)
        if found is None:
            raise self._wrong(token.start, f"unknown function with name {quoting.quoted(token.text)}")
        if found.experimental and not self._settings.experimental:
            raise self._wrong(token.start, f"function {quoting.quoted(token.text)} is not enabled")
        return tree.Call(token.start, self._last_end, token.text, arguments)

    def _aggregation(self, token: tokens.Token) -> tree.Expr:
        operator, without, modified = token.word, False, False
        grouping: tuple[str, ...] = ()
        arguments: tuple[tree.Expr, ...] | None = None
        self._aggregations += 1
        for _ in range(2):
            if arguments is None and self._is("("):
                arguments = self._arguments()
            elif not modified and self._is("keyword", "by", "without"):
                without, modified = self._advance().word == "without", True
                grouping = self._labels()
        if arguments is None:
            raise self._unexpected()
        self._aggregations -= 1
        count, wanted = len(arguments), 2 if operator in signatures.PARAMETERS else 1
        if not count:
            raise self._wrong(token.start, "no arguments for aggregate expression provided")
        if operator in signatures.EXPERIMENTAL_AGGREGATIONS and not self._settings.experimental:
            flag = "must be enabled with --enable-feature=promql-experimental-functions"
            raise self._wrong(token.start, f"{operator}() is experimental and {flag}")
        if count != wanted:
            words = f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {count}"
            raise self._wrong(token.start, words)
        parameter = arguments[0] if wanted == 2 else None
        return tree.Aggregate(token.start, self._last_end, operator, arguments[-1], parameter, grouping, without)

    def _labels(self) -> tuple[str, ...]:
        """The labels of by, without, on, ignoring and the rest, in parentheses."""
        if not self._is("("):
            raise self._unexpected("grouping opts", '"("')
        self._advance()
        found: list[str] = []
        while not self._is(")"):
            found.append(self._label())
            if self._is(","):
                self._advance()
            elif not self._is(")"):
                raise self._unexpected("grouping opts", '"," or ")"')
        self._advance()
        return tuple(found)

    def _label(self) -> str:
        token = self._token
        modern = self._settings.dialect is options.Dialect.V3
        if token.kind == "string" and modern and token.value:
            return self._advance().value
        if token.kind not in ("string", "number", "duration") and _LABEL.fullmatch(token.text):
            return self._advance().text
        raise self._unexpected("grouping opts", "label")

    # Binary modifiers

    def _modifiers(self) -> tuple[bool, tree.Matching]:
        as_bool = self._is("keyword", "bool")
        if as_bool:
            self._advance()
        if not self._is("keyword", "on", "ignoring"):
            return as_bool, tree.Matching()
        on = self._advance().word == "on"
        names = self._labels()
        many, include = "", tuple[str, ...]()
        if self._is("keyword", "group_left", "group_right"):
            many = self._advance().word.removeprefix("group_")
            include = self._labels() if self._is("(") else ()
        return as_bool, tree.Matching(on, names, many, include)

    # Selectors and what follows them

    def _selector(self, name: str, start: int) -> tree.Selector:
        matchers: list[tree.Matcher] = []
        if self._is("{"):
            self._advance()
            while not self._is("}"):
                matchers.append(self._matcher())
                if self._is(","):
                    self._advance()
                elif not self._is("}"):
                    raise self._unexpected("label matching", '"," or "}"')
            self._advance()
        return tree.Selector(start, self._last_end, name, tuple(matchers))

    def _matcher(self) -> tree.Matcher:
        modern = self._settings.dialect is options.Dialect.V3
        if not (self._is("identifier") or (self._is("string") and modern)):
            raise self._unexpected("label matching", 'identifier or "}"')
        label = self._advance()
        name = label.value if label.kind == "string" else label.text
        if label.kind == "string" and (self._is(",") or self._is("}")):
            return tree.Matcher(selectors.NAME, "=", name)
        if not self._is("matcher"):
            raise self._unexpected("label matching", "label matching operator")
        operator = self._advance().text
        if not self._is("string"):
            raise self._unexpected("label matching", "string")
        value = self._token.value
        if operator in ("=~", "!~"):
            try:
                self._budget.spend(budget.pattern(value))
                patterns.check(value, self._settings.dialect)
            except errors.QuerySyntaxError as error:
                raise self._wrong(label.start, str(error)) from error
        self._advance()
        return tree.Matcher(name, operator, value)

    def _bracketed(self, node: tree.Expr) -> tree.Expr:
        """A range or a subquery."""
        bracket = self._advance()
        range_ms = self._span("subquery or range selector")
        if self._is("]"):
            end = self._advance().end
            return self._ranged(node, range_ms, bracket.start, end)
        if not self._is(":"):
            raise self._unexpected("subquery or range", '":" or "]"')
        self._advance()
        step_ms = None
        if not self._is("]"):
            step_ms = self._span("subquery selector", 'duration or "]"')
            if not self._is("]"):
                raise self._unexpected("subquery selector", '"]"')
        end = self._advance().end
        return tree.Subquery(node.start, end, node, range_ms, step_ms)

    def _span(self, context: str, expected: str = "number or duration") -> int:
        if not (self._is("number") or self._is("duration")):
            self._refuse_calculation()
            raise self._unexpected(context, expected)
        found = self._duration_ms(self._token)
        if found <= 0:
            raise self._wrong(self._token.start, "duration must be greater than 0")
        self._advance()
        self._refuse_calculation()
        return found

    def _refuse_calculation(self) -> None:
        """Durations that are calculated need a feature flag that is off."""
        if self._is("operator") or self._is("(") or self._is("identifier", "step", "range"):
            if self._settings.dialect is options.Dialect.V3:
                raise self._wrong(self._token.start, "experimental duration expression is not enabled")
            raise self._unexpected("subquery or range", '":" or "]"')

    def _ranged(self, node: tree.Expr, range_ms: int, at: int, end: int) -> tree.Expr:
        if not isinstance(node, tree.Selector):
            raise self._wrong(at, "ranges only allowed for vector selectors")
        if node.offset_ms is not None:
            raise self._wrong(at, "no offset modifiers allowed before range")
        if node.at is not None:
            raise self._wrong(at, "no @ modifiers allowed before range")
        return tree.Matrix(node.start, end, node, range_ms)

    def _moved(self, node: tree.Expr) -> tree.Expr:
        self._advance()
        negative = self._is("operator", "-")
        if self._is("operator", "-", "+"):
            self._advance()
        if not (self._is("number") or self._is("duration")):
            self._refuse_calculation()
            raise self._unexpected("offset", "number or duration")
        offset_ms = self._duration_ms(self._token) * (-1 if negative else 1)
        moved = selectors.with_offset(node, offset_ms, self._token.end)
        if isinstance(moved, str):
            raise self._wrong(node.start, moved)
        self._advance()
        return moved

    def _pinned(self, node: tree.Expr) -> tree.Expr:
        self._advance()
        at: tree.Edge | int
        if self._is("edge"):
            at = tree.Edge(self._advance().word)
            if not self._is("("):
                raise self._unexpected("@", "timestamp")
            self._advance()
        else:
            at = self._moment_ms()
        pinned = selectors.with_at(node, at, self._token.end)
        if isinstance(pinned, str):
            raise self._wrong(node.start, pinned)
        if isinstance(at, tree.Edge) and not self._is(")"):
            raise self._unexpected("@", "timestamp")
        self._advance()
        return pinned

    def _moment_ms(self) -> int:
        sign = -1 if self._is("operator", "-") else 1
        if self._is("operator", "-", "+"):
            self._advance()
        if not (self._is("number") or self._is("duration")):
            raise self._unexpected("@", "timestamp")
        token = self._token
        seconds = sign * (self._value(token) if token.kind == "number" else self._duration_ms(token) / 1000)
        if not math.isfinite(seconds) or abs(seconds) > selectors.FURTHEST_S:
            raise self._wrong(token.start, f"timestamp out of bounds for @ modifier: {seconds:f}")
        return round(seconds * 1000)

    def _value(self, token: tokens.Token) -> float:
        try:
            return selectors.number(token.text)
        except ValueError as error:
            words = f"strconv.ParseFloat: parsing {quoting.quoted(token.text)}: invalid syntax"
            raise self._wrong(token.start, f"error parsing number: {words}") from error

    def _duration_ms(self, token: tokens.Token) -> int:
        try:
            return selectors.duration_ms(token.text, plain=token.kind == "number")
        except ValueError as error:
            raise self._wrong(token.start, str(error)) from error
