"""What the grammar cannot say: the types of a tree (checkAST of promql/parser/parse.go)."""

from rootward import errors
from rootward.dojo.engines.promql import options, patterns, quoting, selectors, signatures, tokens, tree

_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_SETS = frozenset({"and", "or", "unless"})
_OPERANDS = (tree.Kind.SCALAR, tree.Kind.VECTOR)


def kind(node: tree.Expr, dialect: options.Dialect) -> tree.Kind:
    """What an expression is, whether or not its parts fit."""
    match node:
        case tree.Number():
            return tree.Kind.SCALAR
        case tree.String():
            return tree.Kind.STRING
        case tree.Selector() | tree.Aggregate():
            return tree.Kind.VECTOR
        case tree.Matrix() | tree.Subquery():
            return tree.Kind.MATRIX
        case tree.Paren() | tree.Unary():
            return kind(node.expr, dialect)
        case tree.Call():
            found = signatures.find(node.name, dialect)
            return found.gives if found else tree.Kind.VECTOR
        case tree.Binary():
            first, chain = tree.spine(node)
            operands = [first, *(one.right for one in chain)]
            scalar = all(kind(one, dialect) is tree.Kind.SCALAR for one in operands)
            return tree.Kind.SCALAR if scalar else tree.Kind.VECTOR
    raise AssertionError(f"{node} is no expression")


class Checker:
    """Checks one query; raises errors.QuerySyntaxError at the first thing that does not fit."""

    def __init__(self, query: str, settings: options.Options) -> None:
        self._query = query
        self._settings = settings

    def check(self, node: tree.Expr) -> tree.Kind:
        match node:
            case tree.Aggregate():
                self._expect(node.expr, tree.Kind.VECTOR, "aggregation expression")
                if node.parameter is not None:
                    self._expect(node.parameter, signatures.PARAMETERS[node.operator], "aggregation parameter")
            case tree.Binary():
                first, chain = tree.spine(node)
                left = self.check(first)
                for one in chain:
                    left = self._binary(one, left, self.check(one.right))
                return left
            case tree.Call():
                self._call(node)
            case tree.Paren():
                return self.check(node.expr)
            case tree.Unary():
                found = self.check(node.expr)
                if found not in _OPERANDS:
                    words = "unary expression only allowed on expressions of type scalar or instant vector"
                    raise self._wrong(node.start, f'{words}, got "{found.value}"')
                return found
            case tree.Subquery():
                found = self.check(node.expr)
                if found is not tree.Kind.VECTOR:
                    words = "subquery is only allowed on instant vector"
                    raise self._wrong(node.start, f"{words}, got {_INTERNAL[found]} instead")
            case tree.Matrix():
                self.check(node.selector)
            case tree.Selector():
                self._selector(node)
        return kind(node, self._settings.dialect)

    def _wrong(self, at: int, message: str) -> errors.QuerySyntaxError:
        return tokens.wrong(self._query, at, message)

    def _expect(self, node: tree.Expr, wanted: tree.Kind, context: str) -> None:
        found = self.check(node)
        if found is not wanted:
            words = f"expected type {wanted.value} in {context}, got {found.value}"
            raise self._wrong(node.start, words)

    def _operator_at(self, node: tree.Binary) -> int:
        return self._query.lower().find(node.operator, node.left.end, node.right.start)

    def _binary(self, node: tree.Binary, left: tree.Kind, right: tree.Kind) -> tree.Kind:
        operator, matching = node.operator, node.matching
        if node.as_bool and operator not in _COMPARISONS:
            raise self._wrong(self._operator_at(node), "bool modifier can only be used on comparison operators")
        both = {left, right}
        if operator in _COMPARISONS and not node.as_bool and both == {tree.Kind.SCALAR}:
            raise self._wrong(self._operator_at(node), "comparisons between scalars must use BOOL modifier")
        for name in matching.names if matching.on else ():
            if name in matching.include:
                words = f"label {quoting.quoted(name)} must not occur in ON and GROUP clause at once"
                raise self._wrong(self._operator_at(node), words)
        for side, found in ((node.left, left), (node.right, right)):
            if found not in _OPERANDS:
                words = "binary expression must contain only scalar and instant vector types"
                raise self._wrong(side.start, words)
        if tree.Kind.SCALAR in both:
            if matching.names:
                raise self._wrong(node.start, "vector matching only allowed between instant vectors")
            if operator in _SETS:
                raise self._wrong(node.start, f'set operator "{operator}" not allowed in binary scalar expression')
        elif operator in _SETS and matching.many:
            raise self._wrong(node.start, f'no grouping allowed for "{operator}" operation')
        return tree.Kind.SCALAR if both == {tree.Kind.SCALAR} else tree.Kind.VECTOR

    def _call(self, node: tree.Call) -> None:
        found = signatures.find(node.name, self._settings.dialect)
        assert found is not None, "the parser knows the name"
        given, name = len(node.args), quoting.quoted(node.name)
        if not found.variadic and given != len(found.arguments):
            words = f"expected {len(found.arguments)} argument(s) in call to {name}, got {given}"
            raise self._wrong(node.start, words)
        if given < found.least:
            raise self._wrong(node.start, f"expected at least {found.least} argument(s) in call to {name}, got {given}")
        if given > found.most:
            raise self._wrong(
                node.start, f"expected at most {found.most:.0f} argument(s) in call to {name}, got {given}"
            )
        for position, argument in enumerate(node.args):
            if node.name == "info" and position == 1:
                self._info_selector(argument)
                continue
            wanted = found.arguments[min(position, len(found.arguments) - 1)]
            self._expect(argument, wanted, f"call to function {name}")

    def _info_selector(self, node: tree.Expr) -> None:
        """info()'s second argument chooses labels, so it has no metric name and may be empty."""
        if not isinstance(node, tree.Selector):
            found = kind(node, self._settings.dialect)
            words = f'expected type instant vector in call to function "info", got {found.value}'
            raise self._wrong(node.start, words)
        if node.name:
            raise self._wrong(node.start, "expected label selectors only, got vector selector instead")

    def _selector(self, node: tree.Selector) -> None:
        named = [one.value for one in node.matchers if one.name == selectors.NAME]
        if node.name and named:
            words = f"metric name must not be set twice: {quoting.quoted(node.name)} or {quoting.quoted(named[0])}"
            raise self._wrong(node.start, words)
        if not node.name and takes_nothing(node, self._settings.dialect):
            raise self._wrong(node.start, "vector selector must contain at least one non-empty matcher")


def takes_nothing(node: tree.Selector, dialect: options.Dialect) -> bool:
    """Whether a series without any label would be meant."""
    return all(_takes_nothing(one, dialect) for one in node.matchers)


def _takes_nothing(matcher: tree.Matcher, dialect: options.Dialect) -> bool:
    """Whether a matcher is fulfilled by a series without the label."""
    if matcher.operator in ("=", "!="):
        return (matcher.value == "") == (matcher.operator == "=")
    return bool(patterns.matches(matcher.value, [""], dialect)[0]) == (matcher.operator == "=~")


_INTERNAL = {
    tree.Kind.SCALAR: "scalar",
    tree.Kind.STRING: "string",
    tree.Kind.VECTOR: "vector",
    tree.Kind.MATRIX: "matrix",
}
