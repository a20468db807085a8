"""The syntax tree of metric queries and formulas."""

import dataclasses
from collections.abc import Callable, Mapping

Scope = Callable[[Mapping[str, str]], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Variable:
    """The name of another query, in a formula."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """`avg:system.cpu.user{env:prod} by {host}.rollup(max, 60)`; `text` as it was written, `scope_text` between the braces.

    `rollup_s` 0 and `rollup` "" when not stated; `as_` is "count", "rate" or "".
    """

    text: str
    aggregator: str
    metric: str
    scope: Scope
    scope_text: str
    by: tuple[str, ...] = ()
    rollup: str = ""
    rollup_s: int = 0
    as_: str = ""
    fill: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Negated:
    of: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: "Node"
    right: "Node"


@dataclasses.dataclass(frozen=True, slots=True)
class Apply:
    """A function of one expression and constants."""

    name: str
    of: "Node"
    arguments: tuple[float | str, ...] = ()


Node = Number | Variable | Query | Negated | Binary | Apply
