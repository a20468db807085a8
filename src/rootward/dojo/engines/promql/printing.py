"""Syntax trees as text again: one line each, or laid out as format_query does (promql/parser/printer.go, prettier.go)."""

import re

from rootward.dojo.engines.promql import numbers, quoting, selectors, tree

_LINE_CHARS = 100
_LEGACY_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LEGACY_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def line(node: tree.Expr) -> str:
    """On one line."""
    match node:
        case tree.Number():
            return node.text or numbers.plain(node.value)
        case tree.String():
            return quoting.quoted(node.value)
        case tree.Selector():
            return _bare(node) + _place(node)
        case tree.Matrix():
            return f"{_bare(node.selector)}[{selectors.duration_text(node.range_ms)}]{_place(node.selector)}"
        case tree.Subquery():
            return line(node.expr) + _subquery(node)
        case tree.Call():
            return f"{node.name}({', '.join(map(line, node.args))})"
        case tree.Paren():
            return f"({line(node.expr)})"
        case tree.Unary():
            return node.operator + line(node.expr)
        case tree.Aggregate():
            inside = [line(one) for one in tree.children(node)]
            return f"{_aggregation(node)}({', '.join(inside)})"
        case tree.Binary():
            first, chain = tree.spine(node)
            return line(first) + "".join(f" {_operator(one)} {line(one.right)}" for one in chain)
    raise AssertionError(f"{node} is no expression")


def pretty(node: tree.Expr, level: int = 0) -> str:
    """Split over lines where one would be longer than 100 characters."""
    indent, whole = "  " * level, line(node)
    if len(whole) <= _LINE_CHARS:
        return indent + whole
    match node:
        case tree.Call():
            inside = ",\n".join(pretty(one, level + 1) for one in node.args)
            return f"{indent}{node.name}(\n{inside}\n{indent})"
        case tree.Aggregate():
            inside = ",\n".join(pretty(one, level + 1) for one in tree.children(node))
            return f"{indent}{_aggregation(node)}(\n{inside}\n{indent})"
        case tree.Binary():
            return _pretty_chain(node, level)
        case tree.Paren():
            return f"{indent}(\n{pretty(node.expr, level + 1)}\n{indent})"
        case tree.Subquery():
            return pretty(node.expr, level) + _subquery(node)
        case tree.Unary():
            return indent + node.operator + pretty(node.expr, level).strip()
    return indent + whole


def _pretty_chain(node: tree.Expr, level: int) -> str:
    """A chain of operators, each a level deeper than the one that follows it."""
    later: list[tree.Binary] = []
    while isinstance(node, tree.Binary) and len(line(node)) > _LINE_CHARS:
        later.append(node)
        node = node.left
    out = pretty(node, level + len(later))
    for depth, one in zip(range(level + len(later) - 1, level - 1, -1), reversed(later), strict=True):
        out += f"\n{'  ' * depth}{_operator(one)}\n{pretty(one.right, depth + 1)}"
    return out


def label(name: str) -> str:
    return name if _LEGACY_LABEL.fullmatch(name) else quoting.quoted(name)


def _bare(node: tree.Selector) -> str:
    """Without offset and @."""
    shown = [f"{label(one.name)}{one.operator}{quoting.quoted(one.value)}" for one in node.matchers]
    if node.name and not _LEGACY_NAME.fullmatch(node.name):
        return f"{{{','.join([quoting.quoted(node.name), *shown])}}}"
    if not shown:
        return node.name or "{}"
    return f"{node.name}{{{','.join(shown)}}}"


def _place(node: tree.Selector | tree.Subquery) -> str:
    at = ""
    if isinstance(node.at, tree.Edge):
        at = f" @ {node.at.value}()"
    elif node.at is not None:
        at = f" @ {node.at / 1000:.3f}"
    return at + (f" offset {selectors.duration_text(node.offset_ms)}" if node.offset_ms else "")


def _subquery(node: tree.Subquery) -> str:
    step = selectors.duration_text(node.step_ms) if node.step_ms else ""
    return f"[{selectors.duration_text(node.range_ms)}:{step}]{_place(node)}"


def _aggregation(node: tree.Aggregate) -> str:
    names = ", ".join(map(label, node.grouping))
    if node.without:
        return f"{node.operator} without ({names}) "
    return f"{node.operator} by ({names}) " if names else node.operator


def _operator(node: tree.Binary) -> str:
    matching, out = node.matching, node.operator + (" bool" if node.as_bool else "")
    if not matching.names and not matching.on:
        return out
    out += f" {'on' if matching.on else 'ignoring'} ({', '.join(map(label, matching.names))})"
    if matching.many:
        out += f" group_{matching.many} ({', '.join(map(label, matching.include))})"
    return out
