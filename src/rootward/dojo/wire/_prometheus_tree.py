"""A query's syntax tree as /api/v1/parse_query shows it (web/api/v1/translate_ast.go)."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from rootward.dojo.engines.promql import numbers, options, selectors, signatures, tree

_KINDS = {
    tree.Kind.SCALAR: "scalar",
    tree.Kind.STRING: "string",
    tree.Kind.VECTOR: "vector",
    tree.Kind.MATRIX: "matrix",
}
_CARDINALITIES = {"": "one-to-one", "left": "many-to-one", "right": "one-to-many"}
_SETS = ("and", "or", "unless")
_V3 = options.Dialect.V3


def text(node: tree.Expr) -> str:
    """The tree as JSON."""
    if not isinstance(node, tree.Binary):
        return _object(node)
    first, chain = tree.spine(node)
    left, left_is_scalar = text(first), _is_scalar(first)
    for one in chain:
        right_is_scalar = _is_scalar(one.right)
        matching = None if left_is_scalar or right_is_scalar else _matching(one)
        left = _encoded(
            {
                "type": "binaryExpr",
                "op": one.operator,
                "lhs": None,
                "rhs": None,
                "matching": matching,
                "bool": one.as_bool,
            },
            lhs=left,
            rhs=text(one.right),
        )
        left_is_scalar = left_is_scalar and right_is_scalar
    return left


def _encoded(shown: dict[str, Any], **parts: str) -> str:
    """An object some of whose members are JSON already, in the object's order."""
    members = (f'"{key}":{parts.get(key) or json.dumps(value, ensure_ascii=False)}' for key, value in shown.items())
    return f"{{{','.join(members)}}}"


def _is_scalar(node: tree.Expr) -> bool:
    match node:
        case tree.Number():
            return True
        case tree.Paren() | tree.Unary():
            return _is_scalar(node.expr)
        case tree.Call():
            found = signatures.find(node.name, _V3)
            return found is not None and found.gives is tree.Kind.SCALAR
        case tree.Binary():
            first, chain = tree.spine(node)
            return all(_is_scalar(one) for one in (first, *(one.right for one in chain)))
    return False


def _object(node: tree.Expr) -> str:
    match node:
        case tree.Number():
            return _encoded({"type": "numberLiteral", "val": numbers.plain(node.value)})
        case tree.String():
            return _encoded({"type": "stringLiteral", "val": node.value})
        case tree.Paren():
            return _encoded({"type": "parenExpr", "expr": None}, expr=text(node.expr))
        case tree.Unary():
            return _encoded({"type": "unaryExpr", "op": node.operator, "expr": None}, expr=text(node.expr))
        case tree.Selector():
            return _encoded(
                {"type": "vectorSelector", "name": node.name} | _place(node) | {"matchers": _matchers(node)}
            )
        case tree.Matrix():
            inner = node.selector
            shown = {"type": "matrixSelector", "name": inner.name, "range": node.range_ms} | _place(inner)
            return _encoded(shown | {"matchers": _matchers(inner)})
        case tree.Subquery():
            shown = {"type": "subquery", "expr": None, "range": node.range_ms, "step": node.step_ms or 0} | _place(node)
            return _encoded(shown, expr=text(node.expr))
        case tree.Call():
            return _call(node)
        case tree.Aggregate():
            return _aggregation(node)
    raise AssertionError(f"{node} is no expression")


def _call(node: tree.Call) -> str:
    found = signatures.find(node.name, _V3)
    assert found is not None, "the parser knows the name"
    function = {
        "name": node.name,
        "argTypes": [_KINDS[one] for one in found.arguments],
        "variadic": found.variadic,
        "returnType": _KINDS[found.gives],
    }
    return _encoded({"type": "call", "func": function, "args": None}, args=_list(node.args))


def _aggregation(node: tree.Aggregate) -> str:
    shown = {
        "type": "aggregation",
        "op": node.operator,
        "expr": None,
        "param": None,
        "grouping": list(node.grouping),
        "without": node.without,
    }
    parameter = {} if node.parameter is None else {"param": text(node.parameter)}
    return _encoded(shown, expr=text(node.expr), **parameter)


def _list(nodes: Sequence[tree.Expr], each: Callable[[tree.Expr], str] = text) -> str:
    return f"[{','.join(map(each, nodes))}]"


def _matching(node: tree.Binary) -> dict[str, Any]:
    given = node.matching
    card = "many-to-many" if node.operator in _SETS else _CARDINALITIES[given.many]
    return {"card": card, "labels": list(given.names), "on": given.on, "include": list(given.include)}


def _place(node: tree.Selector | tree.Subquery) -> dict[str, Any]:
    edge = node.at.value if isinstance(node.at, tree.Edge) else None
    moment = node.at if isinstance(node.at, int) else None
    return {"offset": node.offset_ms or 0, "timestamp": moment, "startOrEnd": edge}


def _matchers(node: tree.Selector) -> list[dict[str, str]]:
    found = [*node.matchers, *([tree.Matcher(selectors.NAME, "=", node.name)] if node.name else [])]
    return [{"name": one.name, "value": one.value, "type": one.operator} for one in found]
