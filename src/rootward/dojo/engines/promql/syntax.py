"""Query text to syntax tree: the parser library, guarded against what would crash it, with the checks that it leaves out."""

import datetime as dt
import re

import promql_parser as library

from rootward import errors
from rootward.dojo.engines.promql import options

Expr = library.Expr

_TEXT = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`""", re.DOTALL)
_OPERATORS = re.compile(r"[(+\-*/%^<>]|[=!]=|\b(?:and|or|unless|atan2)\b")
_BRACES = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")
_LEGACY_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RENAMED = re.compile(r"\bholt_winters(?=\s*\()")
_MOMENT = re.compile(r"@ (-?[0-9.]+)")
_QUOTED = re.compile(r"'([^']*)'")
_NAMED = re.compile(r'(?:function(?: with name)?|call to|character:?) "([^"]+)"')
_VECTOR = re.compile(r"\bvector\b")
_LONGEST_MS = 200 * 365 * 86_400_000  # far from overflow of the int64 arithmetic that follows


def parse(query: str, settings: options.Options) -> Expr:
    """The syntax tree.

    Raises:
        errors.QuerySyntaxError: not PromQL, or (without `settings.experimental`) a function behind a feature flag.
        errors.QueryTooLarge: longer or deeper than the limits.
    """
    limits = settings.limits
    if len(query) > limits.query_chars:
        raise errors.QueryTooLarge(f"query is longer than {limits.query_chars} characters")
    bare = _TEXT.sub(" ", query)
    if len(_OPERATORS.findall(_BRACES.sub(" ", bare))) > limits.operators:
        raise errors.QueryTooLarge(f"query has more than {limits.operators} operators and parentheses")
    if settings.dialect is options.Dialect.V2 and _RENAMED.search(bare):
        query = _renamed(query)
    try:
        return library.parse(query)
    except ValueError as error:
        raise errors.QuerySyntaxError(_in_prometheus_words(str(error), query)) from error


def _in_prometheus_words(message: str, query: str) -> str:
    """The library's complaint as the server phrases it, at the place where it most likely is."""
    if message == "no expression found in input":
        return f"unknown position: parse error: {message}"
    message = _QUOTED.sub(r'"\1"', message).replace("invalid promql query", "syntax error")
    if message.startswith(("expected type", "unary expression")):
        message = _VECTOR.sub("instant vector", message).replace("matrix", "range vector")
    named = _NAMED.search(message)
    at = query.find(named[1]) if named else -1
    if "unclosed" in message or "unexpected end" in message:
        at = len(query)
    at = max(at, 0)
    line, column = query.count("\n", 0, at) + 1, at - query.rfind("\n", 0, at)
    return f"{line}:{column}: parse error: {message}"


def _renamed(query: str) -> str:
    """holt_winters is double_exponential_smoothing's name before 3.0; texts are left alone."""
    parts, last = [], 0
    for text in _TEXT.finditer(query):
        parts += [_RENAMED.sub("double_exponential_smoothing", query[last : text.start()]), text[0]]
        last = text.end()
    return "".join([*parts, _RENAMED.sub("double_exponential_smoothing", query[last:])])


def children(node: Expr) -> list[Expr]:
    if isinstance(node, library.Call):
        return list(node.args)
    if isinstance(node, library.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, library.AggregateExpr):
        return [node.expr] if node.param is None else [node.param, node.expr]
    if isinstance(node, library.ParenExpr | library.UnaryExpr | library.SubqueryExpr):
        return [node.expr]
    if isinstance(node, library.MatrixSelector):
        return [node.vector_selector]
    return []


def check(node: Expr, settings: options.Options) -> None:
    """What the grammar cannot say.

    Raises:
        errors.QuerySyntaxError: experimental without leave, a bad label name, `or` between matchers.
    """
    todo = [node]
    while todo:
        node = todo.pop()
        todo.extend(children(node))
        if isinstance(node, library.Call):
            if node.func.experimental and not settings.experimental:
                old_name = settings.dialect is options.Dialect.V2 and node.func.name == "double_exponential_smoothing"
                if not old_name:
                    raise errors.QuerySyntaxError(f'1:1: parse error: function "{node.func.name}" is not enabled')
        elif isinstance(node, library.AggregateExpr):
            _check_aggregation(node, settings)
        elif isinstance(node, library.VectorSelector) and node.matchers.or_matchers:
            raise errors.QuerySyntaxError('1:1: parse error: unexpected identifier "or" in label matching')


def _check_aggregation(node: library.AggregateExpr, settings: options.Options) -> None:
    name = str(node.op)
    if name in ("limitk", "limit_ratio") and not settings.experimental:
        raise errors.QuerySyntaxError(
            f"1:1: parse error: {name}() is experimental and must be enabled with --enable-feature=promql-experimental-functions"
        )
    label = unwrapped(node.param) if node.param is not None else None
    if isinstance(label, library.StringLiteral) and not valid_label(label.val, settings.dialect):
        raise errors.QuerySyntaxError(f'1:1: parse error: invalid label name "{label.val}"')


def valid_label(name: str, dialect: options.Dialect) -> bool:
    return bool(name) if dialect is options.Dialect.V3 else bool(_LEGACY_LABEL.fullmatch(name))


def unwrapped(node: Expr) -> Expr:
    while isinstance(node, library.ParenExpr):
        node = node.expr
    return node


def milliseconds(span: dt.timedelta | None) -> int:
    """Raises errors.QuerySyntaxError beyond 200 years."""
    if span is None:
        return 0
    whole = span // dt.timedelta(milliseconds=1)
    if abs(whole) > _LONGEST_MS:
        raise errors.QuerySyntaxError("1:1: parse error: duration out of range")
    return whole


def moment_ms(at: object) -> int:
    """The time of an `@ <number>` modifier. Read from its text: the library panics on times before 1970."""
    found = _MOMENT.fullmatch(str(at))
    assert found is not None, "start() and end() have no number"
    value = round(float(found[1]) * 1000)
    if abs(value) > _LONGEST_MS:
        raise errors.QuerySyntaxError("1:1: parse error: timestamp out of bounds for @ modifier")
    return value
