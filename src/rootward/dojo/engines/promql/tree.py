"""The syntax tree of a query: plain records, each knowing where in the text it stands.

Named after promql/parser/ast.go of prometheus/prometheus. `start` and `end` are offsets into the query; durations are in
milliseconds. Trees are shared between evaluations and never change.
"""

import dataclasses
import enum
from collections.abc import Iterator


class Kind(enum.Enum):
    """What an expression evaluates to, in the words of Prometheus's messages."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "instant vector"
    MATRIX = "range vector"


class Edge(enum.Enum):
    """`@ start()` and `@ end()`."""

    START = "start"
    END = "end"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Expr:
    start: int
    end: int


@dataclasses.dataclass(frozen=True, slots=True)
class Matcher:
    """`operator`: =, !=, =~ or !~."""

    name: str
    operator: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Number(Expr):
    """`text` is a duration as written ("5m"), where it was one."""

    value: float
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class String(Expr):
    value: str


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Selector(Expr):
    """`name` is the metric's name before (or alone in) the braces, "" for none; `at` None, an edge or a time in ms."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    offset_ms: int | None = None
    at: Edge | int | None = None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Matrix(Expr):
    selector: Selector
    range_ms: int


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Subquery(Expr):
    """`step_ms` None: the server's evaluation interval."""

    expr: Expr
    range_ms: int
    step_ms: int | None
    offset_ms: int | None = None
    at: Edge | int | None = None


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Call(Expr):
    name: str
    args: tuple[Expr, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Matching:
    """`on` decides what `names` means: match only on them, or on all but them. `many` is the side with the higher cardinality
    ("left", "right" or "" for one-to-one); it takes `include` over from the other."""

    on: bool = False
    names: tuple[str, ...] = ()
    many: str = ""
    include: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Binary(Expr):
    operator: str
    left: Expr
    right: Expr
    matching: Matching
    as_bool: bool = False


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Aggregate(Expr):
    operator: str
    expr: Expr
    parameter: Expr | None
    grouping: tuple[str, ...] = ()
    without: bool = False


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Paren(Expr):
    expr: Expr


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Unary(Expr):
    operator: str
    expr: Expr


def children(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Call():
            return node.args
        case Binary():
            return (node.left, node.right)
        case Aggregate():
            return (node.expr,) if node.parameter is None else (node.parameter, node.expr)
        case Paren() | Unary() | Subquery():
            return (node.expr,)
        case Matrix():
            return (node.selector,)
    return ()


def walk(node: Expr) -> Iterator[Expr]:
    """Every node, the root first."""
    todo = [node]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(reversed(children(node)))


def unwrapped(node: Expr) -> Expr:
    """Without the parentheses around it."""
    while isinstance(node, Paren):
        node = node.expr
    return node


def spine(node: Expr) -> tuple[Expr, list[Binary]]:
    """A chain of binary operators (`a + b + c`) as its first operand and the operators in order of evaluation, so that long
    chains are walked in a loop."""
    chain: list[Binary] = []
    while isinstance(node, Binary):
        chain.append(node)
        node = node.left
    return node, chain[::-1]
