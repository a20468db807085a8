"""What a query is evaluated in: the table, the present, whether scores are wanted, and the limits that a query may spend."""

import dataclasses
import fnmatch
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column, table
from rootward.dojo.engines.elastic import rejection

MAX_CLAUSES = 4_096  # indices.query.bool.max_clause_count, as sized for a small heap
MAX_DEPTH = 30  # indices.query.bool.max_nested_depth
MAX_TERMS = 65_536  # index.max_terms_count
HIDDEN = ("_index",)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Match:
    """`mask` [N] rows that match; `score` [N], None when scores are not wanted."""

    mask: column.BoolArray
    score: column.FloatArray | None


Evaluate = Callable[["Context", Mapping[Any, Any], int], Match]


@dataclasses.dataclass(slots=True, eq=False)
class Context:
    """One request over one table. `within` [N] are the rows of the indices asked: rarity is measured among them. `row_of` finds a document's row by its id, None if there is none."""

    table: table.Table
    now_ms: int
    evaluate: Evaluate
    row_of: Callable[[str], int | None]
    within: column.BoolArray
    scoring: bool = True
    clauses: int = 0

    def spend(self, clauses: int = 1) -> None:
        self.clauses += clauses
        if self.clauses > MAX_CLAUSES:
            raise rejection.shard(
                "failed to create query: Query contains too many nested clauses; maxClauseCount is set to "
                f"{MAX_CLAUSES}",
                f"Query contains too many nested clauses; maxClauseCount is set to {MAX_CLAUSES}",
            )

    def without_scores(self) -> "Without":
        return Without(self)

    def constant(self, mask: column.BoolArray, boost: float = 1.0) -> Match:
        """Every match scores the same."""
        return Match(mask, np.where(mask, boost, 0.0) if self.scoring else None)

    def nothing(self) -> Match:
        return self.constant(self.table.none())

    def fields(self, pattern: str) -> list[str]:
        """Fields that a name or a pattern with `*` means."""
        if "*" not in pattern:
            return [pattern] if pattern in self.table.columns else []
        return list(_expanded(tuple(self.table.columns), pattern))


@functools.lru_cache(maxsize=512)
def _expanded(names: Sequence[str], pattern: str) -> tuple[str, ...]:
    return tuple(name for name in names if name not in HIDDEN and fnmatch.fnmatchcase(name, pattern))


class Without:
    """While open, the context wants no scores (filter context)."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._before = context.scoring

    def __enter__(self) -> None:
        self._before = self._context.scoring
        self._context.scoring = False

    def __exit__(self, *_: object) -> None:
        self._context.scoring = self._before


def single(kind: str, body: Any) -> tuple[str, Any]:
    """The one field of `{"term": {FIELD: …}}`; raises Rejection."""
    if not isinstance(body, Mapping):
        raise rejection.parsing(f"[{kind}] query malformed, no start_object after query name")
    named = {key: value for key, value in body.items() if key not in ("boost", "_name")}
    if len(named) != 1:
        names = list(named)
        raise (
            rejection.parsing(f"[{kind}] query doesn't support multiple fields, found [{names[0]}] and [{names[1]}]")
            if named
            else rejection.argument("fieldName must not be null or empty")
        )
    return next(iter(named.items()))


def known(kind: str, options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuses an option that the query does not have."""
    for name in options:
        if name not in names:
            raise rejection.parsing(f"[{kind}] query does not support [{name}]")


def number(value: Any, name: str, default: float = 1.0) -> float:
    """A finite number of a body; raises Rejection."""
    if value is None:
        return default
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise rejection.argument(f"Failed to parse value [{value}] as a number for [{name}]") from error
    if not np.isfinite(found) or isinstance(value, bool):
        raise rejection.argument(f"[{name}] must be a finite value, but was [{value}]")
    return found


def whole(value: Any, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    """A whole number of a body; raises Rejection."""
    if value is None:
        return default
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise rejection.argument(f"Failed to parse int parameter [{name}] with value [{str(value)[:60]}]") from error
    if isinstance(value, bool):
        raise rejection.argument(f"Failed to parse int parameter [{name}] with value [{value}]")
    if not least <= found <= most:
        raise rejection.argument(
            f"[{name}] parameter cannot be negative, found [{found}]" if found < 0 else f"invalid [{name}] [{found}]"
        )
    return found
