"""LogQL text to a typed tree: recursive descent for log queries, precedence climbing (Pratt) for metric queries."""

from rootward import errors
from rootward.dojo.engines.logql import cursors, lexer, regex, stage_parser, tree, vectors

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    "==": 3,
    "!=": 3,
    ">": 3,
    ">=": 3,
    "<": 3,
    "<=": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "^": 6,
}
_COMPARISONS = frozenset({"==", "!=", ">", ">=", "<", "<="})
_AGGREGATIONS = frozenset(
    {"sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "approx_topk", "sort", "sort_desc"}
)
_COUNTING = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"})
_UNWRAPPED = frozenset(
    f"{name}_over_time" for name in ("sum", "avg", "max", "min", "first", "last", "stdvar", "stddev", "quantile")
) | {"rate_counter"}
_WITH_GROUPING = frozenset(
    f"{name}_over_time" for name in ("avg", "max", "min", "first", "last", "stdvar", "stddev", "quantile")
)
MAX_DEPTH = 64
MAX_OPERATORS = 128
MAX_LENGTH = 131_072  # Loki's own limit


def parse(text: str) -> tree.Query:
    """The query's tree.

    Raises:
        errors.QuerySyntaxError: it is not LogQL; the message has line and column as Loki writes them.
    """
    if len(text) > MAX_LENGTH:
        raise errors.QuerySyntaxError(f"parse error : input size too long ({len(text)} > {MAX_LENGTH})")
    cursor = cursors.Cursor(text)
    query: tree.Query
    query = stage_parser.log_query(cursor) if _starts_log_query(cursor) else _expression(cursor, 0, 0)
    cursor.finish()
    return query


def parse_selector(text: str) -> tuple[tree.Matcher, ...]:
    """Matchers of a bare stream selector such as `{app="x"}` (series and stats requests).

    Raises:
        errors.QuerySyntaxError: anything else.
    """
    query = parse(text)
    if not isinstance(query, tree.LogQuery) or query.stages:
        raise errors.QuerySyntaxError("only label matchers are supported")
    return query.matchers


def _starts_log_query(cursor: cursors.Cursor) -> bool:
    ahead = 0
    while ahead < MAX_DEPTH and cursor.look(ahead).text == "(" and cursor.look(ahead).kind == "symbol":
        ahead += 1
    first = cursor.look(ahead)
    return first.kind == "symbol" and first.text == "{"


def _expression(cursor: cursors.Cursor, least: int, depth: int) -> tree.Metric:
    if depth > MAX_DEPTH:
        raise cursor.error("the query is nested too deeply")
    left = _operand(cursor, depth)
    operators = 0
    while (precedence := _PRECEDENCE.get(cursor.now.text, 0)) > least and cursor.now.kind in ("symbol", "name"):
        op = cursor.take().text
        operators += 1
        if operators > MAX_OPERATORS:
            raise cursor.error("too many operators in one expression")
        as_bool = op in _COMPARISONS and cursor.accept("bool")
        matching = _matching(cursor)
        # The power operator binds to the right: 2 ^ 3 ^ 2 is 2 ^ 9.
        right = _expression(cursor, precedence - 1 if op == "^" else precedence, depth + 1)
        if op in ("and", "or", "unless") and (isinstance(left, tree.Number) or isinstance(right, tree.Number)):
            raise cursor.error(f"unexpected literal for logical operation ({op})")
        left = _folded(tree.Binary(op, left, right, as_bool, matching))
    return left


def _folded(query: tree.Binary) -> tree.Metric:
    """Two literals are one literal already, as in Loki: `4 / 8` answers a scalar."""
    if isinstance(query.left, tree.Number) and isinstance(query.right, tree.Number):
        value = vectors.binary(query, query.left.value, query.right.value, 1)
        assert isinstance(value, float), "scalars make a scalar"
        return tree.Number(value)
    return query


def _matching(cursor: cursors.Cursor) -> tree.Matching:
    if cursor.now.text not in ("on", "ignoring") or cursor.now.kind != "name":
        return tree.Matching()
    on = cursor.take().text == "on"
    labels = cursor.names_in_brackets()
    if cursor.now.text not in ("group_left", "group_right"):
        return tree.Matching(on, labels)
    group = cursor.take().text.removeprefix("group_")
    include = cursor.names_in_brackets() if cursor.now.text == "(" else ()
    return tree.Matching(on, labels, group, include)


def _operand(cursor: cursors.Cursor, depth: int) -> tree.Metric:
    token = cursor.now
    if token.kind == "symbol" and token.text in "+-" and cursor.look(1).kind == "number":
        cursor.take()
        value = float(cursor.take().text)
        return tree.Number(-value if token.text == "-" else value)
    if token.kind == "number":
        return tree.Number(float(cursor.take().text))
    if token.kind == "symbol" and token.text == "(":
        cursor.take()
        inner = _expression(cursor, 0, depth + 1)
        cursor.expect(")")
        return inner
    if token.kind == "name" and token.text in _AGGREGATIONS:
        return _vector_aggregation(cursor, depth)
    if token.kind == "name" and token.text in _COUNTING | _UNWRAPPED:
        return _range_aggregation(cursor)
    if token.kind == "name" and token.text == "vector":
        cursor.take()
        cursor.expect("(")
        value = cursor.number()
        cursor.expect(")")
        return tree.Vector(value)
    if token.kind == "name" and token.text == "label_replace":
        return _label_replace(cursor, depth)
    raise cursor.unexpected()


def _vector_aggregation(cursor: cursors.Cursor, depth: int) -> tree.Metric:
    op = cursor.take().text
    grouping = _grouping(cursor)
    cursor.expect("(")
    parameter = None
    if op == "approx_topk" and grouping is not None:
        raise cursor.error("grouping not allowed for approx_topk aggregation")
    if op in ("topk", "bottomk", "approx_topk"):
        parameter = cursor.number()
        if parameter < 1 or parameter != int(parameter):
            raise cursor.error(f"invalid parameter (must be greater than 0) in {op}")
        cursor.expect(",")
    inner = _expression(cursor, 0, depth + 1)
    cursor.expect(")")
    grouping = grouping or _grouping(cursor)
    if op == "approx_topk" and grouping is not None:
        raise cursor.error("grouping not allowed for approx_topk aggregation")
    return tree.VectorAggregation("topk" if op == "approx_topk" else op, inner, parameter, grouping)


def _grouping(cursor: cursors.Cursor) -> tree.Grouping | None:
    if cursor.now.kind != "name" or cursor.now.text not in ("by", "without"):
        return None
    without = cursor.take().text == "without"
    return tree.Grouping(without, cursor.names_in_brackets())


def _range_aggregation(cursor: cursors.Cursor) -> tree.Metric:
    op = cursor.take().text
    cursor.expect("(")
    parameter = None
    if op == "quantile_over_time":
        parameter = cursor.number()
        cursor.expect(",")
    ranged = stage_parser.ranged_query(cursor)
    cursor.expect(")")
    grouping = _grouping(cursor)
    if op in _UNWRAPPED and ranged.unwrap is None:
        raise cursor.error(f"invalid aggregation {op} without unwrap")
    if ranged.unwrap is not None and op in _COUNTING - {"rate", "absent_over_time"}:
        raise cursor.error(f"invalid aggregation {op} with unwrap")
    if grouping is not None and op not in _WITH_GROUPING:
        raise cursor.error(f"grouping not allowed for {op} aggregation")
    return tree.RangeAggregation(
        op, ranged.query, ranged.range_ns, ranged.offset_ns, ranged.unwrap, parameter, grouping
    )


def _label_replace(cursor: cursors.Cursor, depth: int) -> tree.Metric:
    cursor.take()
    cursor.expect("(")
    inner = _expression(cursor, 0, depth + 1)
    texts = []
    for _ in range(4):
        cursor.expect(",")
        texts.append(cursor.string())
    cursor.expect(")")
    regex.check(texts[3])
    return tree.LabelReplace(inner, *texts)


def duration_s(text: str) -> float:
    """Seconds of a step or range as requests carry it: `15s`, `1m`, or a number of seconds.

    Raises:
        ValueError: neither.
    """
    try:
        return float(text)
    except ValueError:
        return lexer.duration_ns(text) / 1e9
