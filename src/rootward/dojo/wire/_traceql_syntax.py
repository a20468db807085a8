"""TraceQL's text to a tree: span sets, how they relate, and the pipeline after them (grafana.com/docs/tempo/latest/traceql)."""

import dataclasses
import re
from typing import Any, TypeAlias

from rootward import errors
from rootward.dojo.engines.logql import lexer, regex

MAX_LENGTH = 16_384
MAX_DEPTH = 32
MAX_PARTS = 64
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)
    |(?P<duration>\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)(?:\d+(?:ms|s|m))*(?![\w.]))
    |(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?![\w.]))
    |(?P<op>&>>|&<<|&>|&<|&~|!>>|!<<|!>|!<|>>|<<|&&|\|\||=~|!~|!=|>=|<=|[=><~!{}()|,+*/^%-])
    |(?P<name>(?:(?:resource|span|event|link|trace|parent|instrumentation)[.:]|\.)?(?:[A-Za-z_](?:[\w.:/]|-(?=\w))*|"(?:[^"\\]|\\.)*")))""",
    re.VERBOSE,
)
COMPARISONS = ("=", "!=", "=~", "!~", ">", ">=", "<", "<=")
STRUCTURAL = (">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<", "&<<", "&~")
AGGREGATES = ("count", "min", "max", "avg", "sum")
METRICS = (
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "nil": None}
_NAMED = ("unset", "ok", "error", "unspecified", "internal", "server", "client", "producer", "consumer")


@dataclasses.dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Binary:
    """Comparison, arithmetic, && or || inside a span set."""

    op: str
    left: "Expression"
    right: "Expression"


@dataclasses.dataclass(frozen=True, slots=True)
class Not:
    inner: "Expression"


Expression: TypeAlias = Literal | Field | Binary | Not


@dataclasses.dataclass(frozen=True, slots=True)
class SpanSet:
    """`{…}`; None: every span."""

    test: Expression | None


@dataclasses.dataclass(frozen=True, slots=True)
class Related:
    """Two span sets and how they stand to each other: && || or a structural operator."""

    op: str
    left: "Spans"
    right: "Spans"


Spans: TypeAlias = SpanSet | Related


@dataclasses.dataclass(frozen=True, slots=True)
class Aggregate:
    """`count() > 3`, `avg(duration) >= 1s`: which span sets go on."""

    op: str
    field: Expression | None
    comparison: str
    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class By:
    field: Expression


@dataclasses.dataclass(frozen=True, slots=True)
class Select:
    fields: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Coalesce:
    """All span sets of a trace become one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """`rate() by (resource.service.name)`: numbers along time instead of traces."""

    op: str
    field: Expression | None = None
    quantiles: tuple[float, ...] = ()
    by: tuple[str, ...] = ()


Stage: TypeAlias = SpanSet | Aggregate | By | Select | Coalesce | Metric


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    spans: Spans
    stages: tuple[Stage, ...] = ()


def parse(text: str) -> Query:
    """The query's tree.

    Raises:
        errors.QuerySyntaxError: not TraceQL, in Tempo's words.
    """
    if len(text) > MAX_LENGTH:
        raise errors.QuerySyntaxError(f"invalid TraceQL query: longer than {MAX_LENGTH} characters")
    reader = _Reader(text)
    spans = reader.spans(0)
    stages: list[Stage] = []
    while reader.accept("|"):
        stages.append(reader.stage())
        if len(stages) > MAX_PARTS:
            raise reader.error("too many pipeline stages")
    if reader.peek():
        raise reader.error(f"syntax error: unexpected {reader.peek()}")
    return Query(spans, tuple(stages))


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise errors.QuerySyntaxError(
                    f"invalid TraceQL query: parse error at line 1, col {at + 1}: unexpected character"
                )
            self._tokens.append((found.lastgroup or "", found.group().strip(), found.start()))
            at = found.end()
        self._at = 0
        self._parts = 0

    def _now(self) -> tuple[str, str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("", "", -1)

    def peek(self) -> str:
        return self._now()[1]

    def take(self) -> str:
        text = self.peek()
        self._at += 1
        self._parts += 1
        return text

    def accept(self, text: str) -> bool:
        if self.peek() == text and self._now()[0] != "string":
            self._at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self.error(f"syntax error: unexpected {self.peek() or '$end'}, expecting {text}")

    def error(self, message: str) -> errors.QuerySyntaxError:
        column = max(self._now()[2], 0) + 1
        return errors.QuerySyntaxError(f"invalid TraceQL query: parse error at line 1, col {column}: {message}")

    # ---- span sets

    def spans(self, depth: int) -> Spans:
        """`||` binds least, then `&&`, then what is structural."""
        return self._related(("||",), ("&&",), depth)

    def _related(self, ops: tuple[str, ...], tighter: tuple[str, ...], depth: int) -> Spans:
        if depth > MAX_DEPTH:
            raise self.error("nested too deeply")

        def operand() -> Spans:
            if tighter == ("&&",):
                return self._related(tighter, STRUCTURAL, depth)
            if tighter == STRUCTURAL:
                return self._related(STRUCTURAL, (), depth)
            return self._one(depth)

        left = operand()
        count = 0
        while self.peek() in ops and self._now()[0] == "op":
            op = self.take()
            left = Related(op, left, operand())
            count += 1
            if count > MAX_PARTS:
                raise self.error("too many span sets")
        return left

    def _one(self, depth: int) -> Spans:
        if self.accept("("):
            inner = self.spans(depth + 1)
            self.expect(")")
            return inner
        return self.span_set()

    def span_set(self) -> SpanSet:
        self.expect("{")
        if self.accept("}"):
            return SpanSet(None)
        test = self._either(0)
        self.expect("}")
        return SpanSet(test)

    # ---- expressions

    def _either(self, depth: int) -> Expression:
        if depth > MAX_DEPTH or self._parts > 2_000:
            raise self.error("nested too deeply")
        left = self._both(depth)
        while self.accept("||"):
            left = Binary("||", left, self._both(depth))
        return left

    def _both(self, depth: int) -> Expression:
        left = self._compared(depth)
        while self.accept("&&"):
            left = Binary("&&", left, self._compared(depth))
        return left

    def _compared(self, depth: int) -> Expression:
        left = self._sum(depth)
        if self.peek() not in COMPARISONS or self._now()[0] != "op":
            return left
        op = self.take()
        right = self._sum(depth)
        if op in ("=~", "!~"):
            if not isinstance(right, Literal) or not isinstance(right.value, str):
                raise self.error("binary operations must operate on strings")
            regex.check(right.value)
        if op in (">", ">=", "<", "<=") and isinstance(right, Literal) and isinstance(right.value, str | bool):
            raise self.error("binary operations are not valid on strings")
        return Binary(op, left, right)

    def _sum(self, depth: int) -> Expression:
        left = self._product(depth)
        while self.peek() in ("+", "-") and self._now()[0] == "op":
            op = self.take()
            left = Binary(op, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Expression:
        left = self._atom(depth)
        while self.peek() in ("*", "/", "%") and self._now()[0] == "op":
            op = self.take()
            left = Binary(op, left, self._atom(depth))
        return left

    def _atom(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise self.error("nested too deeply")
        if self.accept("("):
            inner = self._either(depth + 1)
            self.expect(")")
            return inner
        if self.accept("!"):
            return Not(self._atom(depth + 1))
        kind, text, _ = self._now()
        if kind == "name" and text not in _WORDS and text not in _NAMED:
            self.take()
            return Field(_checked(text, self))
        return Literal(self.value())

    def value(self) -> Any:
        """A literal, with a sign where it is a number."""
        sign = -1 if self.accept("-") else 1
        kind, text, _ = self._now()
        if kind in ("duration", "number"):
            self.take()
            return sign * (_duration(text, self) if kind == "duration" else float(text))
        if kind == "string" and sign == 1:
            self.take()
            return text[1:-1].replace('\\"', '"').replace("\\\\", "\\") if text[0] == '"' else text[1:-1]
        if kind == "name" and text in _WORDS and sign == 1:
            self.take()
            return _WORDS[text]
        if kind == "name" and text in _NAMED and sign == 1:
            return self.take()
        raise self.error(f"syntax error: unexpected {text or '$end'}")

    # ---- the pipeline

    def stage(self) -> Stage:
        word = self.peek()
        if word == "{":
            return self.span_set()
        self.take()
        if word == "coalesce":
            self.expect("(")
            self.expect(")")
            return Coalesce()
        if word == "by":
            return By(self._bracketed())
        if word == "select":
            return Select(self._names())
        if word in AGGREGATES:
            return self._aggregate(word)
        if word in METRICS:
            return self._metric(word)
        raise self.error(f"syntax error: unexpected {word or '$end'}")

    def _bracketed(self) -> Expression:
        self.expect("(")
        inner = self._sum(0)
        self.expect(")")
        return inner

    def _names(self) -> tuple[str, ...]:
        self.expect("(")
        names = [_checked(self.take(), self)]
        while self.accept(","):
            names.append(_checked(self.take(), self))
        self.expect(")")
        return tuple(names)

    def _aggregate(self, op: str) -> Aggregate:
        field = None
        if op == "count":
            self.expect("(")
            self.expect(")")
        else:
            field = self._bracketed()
        if self.peek() not in COMPARISONS or self.peek() in ("=~", "!~"):
            raise self.error(f"syntax error: unexpected {self.peek() or '$end'}")
        comparison = self.take()
        value = self.value()
        if isinstance(value, str | bool) or value is None:
            raise self.error("aggregates are compared with numbers")
        return Aggregate(op, field, comparison, value)

    def _metric(self, op: str) -> Metric:
        self.expect("(")
        field: Expression | None = None
        quantiles: list[float] = []
        if op not in ("rate", "count_over_time"):
            field = self._sum(0)
        while op == "quantile_over_time" and self.accept(","):
            value = self.value()
            if not isinstance(value, float) or not 0 <= value <= 1:
                raise self.error("quantiles lie between 0 and 1")
            quantiles.append(value)
        if op == "quantile_over_time" and not quantiles:
            raise self.error("quantile_over_time needs a quantile")
        self.expect(")")
        names = self._names() if self.accept("by") else ()
        return Metric(op, field, tuple(quantiles[:10]), names)


_INTRINSICS = frozenset(
    {
        *("name", "duration", "status", "kind", "rootName", "rootServiceName", "traceDuration", "nestedSetParent"),
        *("nestedSetLeft", "nestedSetRight", "statusMessage", "span:name", "span:duration", "span:status", "span:kind"),
        *("span:id", "span:statusMessage", "trace:id", "trace:duration", "trace:rootName", "trace:rootService"),
        *("span:parentID", "parent"),
    }
)
_SCOPES = ("resource.", "span.", "parent.", "event.", "link.", "instrumentation.", ".")


def _checked(name: str, reader: _Reader) -> str:
    if name in _INTRINSICS or (name.startswith(_SCOPES) and not name.endswith(".")):
        return name.replace('"', "")
    raise reader.error(f"unknown identifier: {name or '$end'}")


def _duration(text: str, reader: _Reader) -> float:
    try:
        return float(lexer.duration_ns(text))
    except ValueError as error:
        raise reader.error(str(error)) from error
