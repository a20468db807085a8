"""The log half of LogQL: stream selectors and the pipeline of filters, parsers and formatters after them."""

import dataclasses

from rootward.dojo.engines.logql import cursors, extract, lexer, regex, templates, tree

_LINE_FILTERS = ("|=", "!=", "|~", "!~", "|>", "!>")
_PARSERS = ("json", "logfmt", "pattern", "regexp", "unpack")
_STAGES = (*_PARSERS, "line_format", "label_format", "drop", "keep", "decolorize", "unwrap")  # words, never names
_CONVERSIONS = ("bytes", "duration", "duration_seconds")
_EMPTY_MATCHERS = (
    "queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance,"
    ' app=~".*" does not meet this requirement, but app=~".+" will'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Ranged:
    """A log query with its window: `{…} | … [5m] offset 1h`."""

    query: tree.LogQuery
    range_ns: int
    offset_ns: int
    unwrap: tree.Unwrap | None


def log_query(cursor: cursors.Cursor) -> tree.LogQuery:
    """A selector and its stages; brackets around either are allowed."""
    if cursor.accept("("):
        inner = log_query(cursor)
        cursor.expect(")")
    else:
        inner = tree.LogQuery(_selector(cursor))
    return tree.LogQuery(inner.matchers, inner.stages + _stages(cursor))


def ranged_query(cursor: cursors.Cursor) -> Ranged:
    """The argument of a range aggregation; the range may stand after the selector or at the end."""
    if cursor.accept("("):
        inner = ranged_query(cursor)
        cursor.expect(")")
        if inner.range_ns or not cursor.is_symbol("["):
            return inner
        range_ns, offset_ns = _window(cursor)
        return dataclasses.replace(inner, range_ns=range_ns, offset_ns=offset_ns)
    matchers = _selector(cursor)
    range_ns, offset_ns = _window(cursor) if cursor.is_symbol("[") else (0, 0)
    stages = _stages(cursor)
    unwrap = _unwrap(cursor)
    if not range_ns and cursor.is_symbol("["):
        range_ns, offset_ns = _window(cursor)
    if not range_ns and not cursor.is_symbol(")"):
        raise cursor.unexpected("[")
    if not range_ns and cursor.look(1).text != "[":
        raise cursor.unexpected("RANGE")
    return Ranged(tree.LogQuery(matchers, stages), range_ns, offset_ns, unwrap)


def _selector(cursor: cursors.Cursor) -> tuple[tree.Matcher, ...]:
    start = cursor.now
    cursor.expect("{")
    matchers: list[tree.Matcher] = []
    while not cursor.is_symbol("}"):
        if matchers:
            cursor.expect(",")
            if cursor.is_symbol("}"):
                break
        matchers.append(_matcher(cursor))
    cursor.expect("}")
    if not any(_needs_value(matcher) for matcher in matchers):
        raise lexer.error_at(cursor.text, start.at, _EMPTY_MATCHERS)
    return tuple(matchers)


def _needs_value(matcher: tree.Matcher) -> bool:
    if matcher.op == "=":
        return matcher.value != ""
    if matcher.op == "!=":
        return matcher.value == ""
    matches_empty = regex.is_match(matcher.value, "", anchored=True)
    return matches_empty == (matcher.op == "!~")


def _matcher(cursor: cursors.Cursor) -> tree.Matcher:
    label = cursor.name()
    if not cursor.is_symbol("=", "!=", "=~", "!~"):
        raise cursor.unexpected("= or != or =~ or !~")
    op = cursor.take().text
    value = cursor.string()
    if op.endswith("~"):
        regex.check(value)
    return tree.Matcher(label, op, value)


def _window(cursor: cursors.Cursor) -> tuple[int, int]:
    cursor.expect("[")
    if cursor.now.kind != "duration":
        raise cursor.error("missing duration") if cursor.is_symbol("]") else cursor.unexpected("DURATION")
    range_ns = lexer.duration_at(cursor.text, cursor.take())
    cursor.expect("]")
    if range_ns <= 0:
        raise cursor.error("duration must be greater than 0")
    offset_ns = 0
    if cursor.accept("offset"):
        negative = cursor.accept("-")
        if cursor.now.kind != "duration":
            raise cursor.unexpected("DURATION")
        offset_ns = lexer.duration_at(cursor.text, cursor.take()) * (-1 if negative else 1)
    return range_ns, offset_ns


def _stages(cursor: cursors.Cursor) -> tuple[tree.Stage, ...]:
    stages: list[tree.Stage] = []
    while True:
        if cursor.is_symbol(*_LINE_FILTERS):
            stages.append(_line_filter(cursor))
        elif cursor.is_symbol("|") and cursor.look(1).text != "unwrap":
            cursor.take()
            stages.append(_stage(cursor))
        else:
            return tuple(stages)


def _line_filter(cursor: cursors.Cursor) -> tree.LineFilter:
    op = cursor.take().text
    if cursor.is_name("ip") and op in ("|=", "!="):
        cursor.take()
        cursor.expect("(")
        value = cursor.string()
        cursor.expect(")")
        _check(cursor, extract.address_range, value)
        return tree.LineFilter(op, (value,), ip=True)
    values = [cursor.string()]
    while cursor.is_name("or") and cursor.look(1).kind == "string":
        cursor.take()
        values.append(cursor.string())
    if op.endswith("~"):
        for value in values:
            regex.check(value)
    return tree.LineFilter(op, tuple(values))


def _stage(cursor: cursors.Cursor) -> tree.Stage:
    word = cursor.now.text if cursor.now.kind == "name" else ""
    follows_comparison = cursor.look(1).kind == "symbol" and cursor.look(1).text in (
        "=",
        "==",
        "!=",
        "=~",
        "!~",
        ">",
        "<",
        ">=",
        "<=",
    )
    if follows_comparison or cursor.is_symbol("("):
        return tree.LabelFilter(_label_test(cursor, 0))
    if word in _PARSERS:
        return _parser(cursor)
    if word == "line_format":
        cursor.take()
        template = cursor.string()
        templates.compile_template(template)
        return tree.LineFormat(template)
    if word == "label_format":
        return _label_format(cursor)
    if word in ("drop", "keep"):
        return _retain(cursor)
    if word == "decolorize":
        cursor.take()
        return tree.Decolorize()
    raise cursor.unexpected()


def _parser(cursor: cursors.Cursor) -> tree.Parse:
    kind = cursor.take().text
    if kind in ("pattern", "regexp"):
        text = cursor.string()
        _check(cursor, extract.pattern_parts if kind == "pattern" else extract.named_groups, text)
        return tree.Parse(kind, text)
    flags: list[str] = []
    while kind == "logfmt" and cursor.now.kind == "flag":
        flags.append(cursor.take().text)
    if unknown := [flag for flag in flags if flag not in ("--keep-empty", "--strict")]:
        raise cursor.error(f"syntax error: unexpected {unknown[0]}")
    fields: list[tuple[str, str]] = []
    while kind in ("json", "logfmt") and (cursor.now.kind == "name" or fields):
        name = cursor.name()
        if name in _STAGES:
            raise cursor.error(f"syntax error: unexpected {name}, expecting IDENTIFIER")
        fields.append((name, cursor.string() if cursor.accept("=") else name))
        if not cursor.accept(","):
            break
    for _, path in fields:
        _check(cursor, extract.json_path, path)
    return tree.Parse(kind, "", tuple(fields), "--keep-empty" in flags, "--strict" in flags)


def _check(cursor: cursors.Cursor, reader: object, text: str) -> None:
    assert callable(reader)
    try:
        reader(text)
    except ValueError as error:
        raise cursor.error(str(error)) from error


def _label_format(cursor: cursors.Cursor) -> tree.LabelFormat:
    cursor.take()
    assignments: list[tuple[str, str, bool]] = []
    while True:
        target = cursor.name()
        cursor.expect("=")
        is_template = cursor.now.kind == "string"
        source = cursor.string() if is_template else cursor.name()
        if is_template:
            templates.compile_template(source)
        assignments.append((target, source, is_template))
        if not cursor.accept(","):
            break
    targets = [target for target, _, _ in assignments]
    if len(set(targets)) != len(targets):
        raise cursor.error("multiple label name in label_format is not allowed")
    return tree.LabelFormat(tuple(assignments))


def _retain(cursor: cursors.Cursor) -> tree.Retain:
    keep = cursor.take().text == "keep"
    names: list[str] = []
    matchers: list[tree.Matcher] = []
    while True:
        if cursor.look(1).kind == "symbol" and cursor.look(1).text in ("=", "!=", "=~", "!~"):
            matchers.append(_matcher(cursor))
        else:
            names.append(cursor.name())
        if not cursor.accept(","):
            return tree.Retain(keep, tuple(names), tuple(matchers))


def _unwrap(cursor: cursors.Cursor) -> tree.Unwrap | None:
    if not (cursor.is_symbol("|") and cursor.look(1).text == "unwrap"):
        return None
    cursor.take()
    cursor.take()
    word = cursor.name()
    conversion = ""
    if word in _CONVERSIONS and cursor.accept("("):
        conversion, word = word, cursor.name()
        cursor.expect(")")
    filters: list[tree.LabelFilter] = []
    while cursor.accept("|"):
        filters.append(tree.LabelFilter(_label_test(cursor, 0)))
    return tree.Unwrap(word, conversion, tuple(filters))


def _label_test(cursor: cursors.Cursor, depth: int) -> tree.LabelTest:
    """`and` binds tighter than `or`; a comma or nothing at all between conditions means `and`."""
    if depth > 32:
        raise cursor.error("the label filter is nested too deeply")
    left = _conjunction(cursor, depth)
    while cursor.accept("or"):
        left = tree.Junction("or", left, _conjunction(cursor, depth))
    return left


def _conjunction(cursor: cursors.Cursor, depth: int) -> tree.LabelTest:
    left = _condition(cursor, depth)
    while cursor.accept("and") or cursor.accept(",") or (cursor.now.kind == "name" and not cursor.is_name("or")):
        left = tree.Junction("and", left, _condition(cursor, depth))
    return left


def _condition(cursor: cursors.Cursor, depth: int) -> tree.LabelTest:
    if cursor.accept("("):
        inner = _label_test(cursor, depth + 1)
        cursor.expect(")")
        return inner
    label = cursor.name()
    if not cursor.is_symbol("=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="):
        raise cursor.unexpected("a comparison")
    op = cursor.take().text
    if cursor.now.kind == "string" and op in ("=", "!=", "=~", "!~"):
        if op.endswith("~"):
            regex.check(cursor.now.text)
        return tree.Condition(label, op, cursor.string(), "string")
    if cursor.is_name("ip") and op in ("=", "!="):
        cursor.take()
        cursor.expect("(")
        value = cursor.string()
        cursor.expect(")")
        _check(cursor, extract.address_range, value)
        return tree.Condition(label, op, value, "ip")
    if op.endswith("~"):
        raise cursor.unexpected("STRING")
    op = "==" if op == "=" else op
    if cursor.now.kind == "duration":
        return tree.Condition(label, op, lexer.duration_at(cursor.text, cursor.take()) / 1e9, "duration")
    if cursor.now.kind == "bytes":
        return tree.Condition(label, op, lexer.bytes_count(cursor.take().text), "bytes")
    return tree.Condition(label, op, cursor.number(), "number")
