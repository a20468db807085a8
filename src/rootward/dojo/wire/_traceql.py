"""Runs TraceQL over spans, trace by trace: which span sets match, and numbers along time for its metrics queries."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.engines.logql import regex
from rootward.dojo.wire import _spans
from rootward.dojo.wire import _traceql_syntax as syntax

MAX_SERIES = 1_000
MAX_POINTS = 11_000
Row = int
Read = Callable[[Row], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """One span set of a trace: its rows, and what `by` said of it."""

    rows: tuple[int, ...]
    by: tuple[tuple[str, Any], ...] = ()


class Searcher:
    """One query over one store. `selected` are the fields that its answer shows of each span."""

    def __init__(self, text: str, store: _spans.SpanStore) -> None:
        self._store = store
        self.query = syntax.parse(text)
        self.selected = tuple(
            name for one in self.query.stages if isinstance(one, syntax.Select) for name in one.fields
        )
        self.metric = next((one for one in self.query.stages if isinstance(one, syntax.Metric)), None)
        self._tests = {id(one): _test(one, store) for one in _sets(self.query)}
        self._expressions: dict[int, Read] = {}

    def read(self, name: str) -> Read:
        """A reader of one field."""
        return _field(self._store, name)

    def search(self, base: _spans.Search, now_ns: int) -> Iterator[tuple[int, list[Found]]]:
        """(trace, its span sets), newest trace first, of traces with a span in the window."""
        if isinstance(self.query.spans, syntax.SpanSet):
            service = _service(self.query.spans.test)
            test = self._tests[id(self.query.spans)]
            wanted = dataclasses.replace(base, service=service, test=test)
            candidates = ((number, [Found(tuple(rows))]) for number, rows in self._store.search(wanted, now_ns))
        else:
            candidates = (
                (number, [Found(tuple(sorted(rows)))])
                for number, _ in self._store.search(base, now_ns)
                if (rows := self._related(self.query.spans, self._store.rows_of(number, now_ns)))
            )
        for number, found in candidates:
            if sets := self._piped(found):
                yield number, sets

    def _piped(self, sets: list[Found]) -> list[Found]:
        """What the pipeline leaves of a trace's span sets."""
        for stage in self.query.stages:
            sets = self._staged(stage, sets)
            if not sets:
                break
        return sets

    # ---- how span sets relate

    def _related(self, spans: syntax.Spans, rows: list[int]) -> set[int]:
        if isinstance(spans, syntax.SpanSet):
            test = self._tests[id(spans)]
            return {row for row in rows if test(row)}
        left, right = self._related(spans.left, rows), self._related(spans.right, rows)
        if spans.op == "&&":
            return left | right if left and right else set()
        if spans.op == "||":
            return left | right
        relation = spans.op.lstrip("&!")
        there = {row for row in right if self._stands(relation, left, row)}
        if spans.op.startswith("!"):
            return right - there
        if spans.op.startswith("&") and there:
            return there | {row for row in left if self._stands(_MIRROR[relation], there, row)}
        return there

    def _stands(self, relation: str, left: set[int], row: int) -> bool:
        """Whether `row` stands in the relation to any row of `left`: its child, its descendant, its parent …"""
        parents = self._store.parents()
        if relation == ">":
            return int(parents[row]) in left
        if relation == ">>":
            return any(one in left for one in self._above(row))
        if relation == "<":
            return any(int(parents[one]) == row for one in left)
        if relation == "<<":
            return any(row in self._above(one) for one in left)
        parent = int(parents[row])
        return parent >= 0 and any(one != row and int(parents[one]) == parent for one in left)

    def _above(self, row: int) -> list[int]:
        parents = self._store.parents()
        out: list[int] = []
        while (row := int(parents[row])) >= 0 and len(out) < 10_000:
            out.append(row)
        return out

    # ---- the pipeline

    def _staged(self, stage: syntax.Stage, sets: list[Found]) -> list[Found]:
        match stage:
            case syntax.SpanSet():
                test = self._tests[id(stage)]
                kept = (dataclasses.replace(one, rows=tuple(row for row in one.rows if test(row))) for one in sets)
                return [one for one in kept if one.rows]
            case syntax.Aggregate():
                return [one for one in sets if self._holds(stage, one)]
            case syntax.By():
                return [group for one in sets for group in self._grouped(stage, one)]
            case syntax.Coalesce():
                return [Found(tuple(sorted({row for one in sets for row in one.rows})))]
        return sets

    def _reader(self, expression: syntax.Expression) -> Read:
        known = self._expressions.get(id(expression))
        if known is None:
            known = self._expressions[id(expression)] = _value(expression, self._store)
        return known

    def _holds(self, stage: syntax.Aggregate, one: Found) -> bool:
        if stage.field is None:
            found = float(len(one.rows))
        else:
            read = self._reader(stage.field)
            numbers = [float(value) for row in one.rows if _is_number(value := read(row))]
            if not numbers:
                return False
            found = _AGGREGATES[stage.op](numbers)
        return _ordered(stage.comparison, found, float(stage.value))

    def _grouped(self, stage: syntax.By, one: Found) -> list[Found]:
        read = self._reader(stage.field)
        groups: dict[Any, list[int]] = {}
        for row in one.rows:
            groups.setdefault(_key(read(row)), []).append(row)
        name = stage.field.name if isinstance(stage.field, syntax.Field) else "expression"
        return [
            Found(tuple(rows), (*one.by, (f"by({name})", value)))
            for value, rows in sorted(groups.items(), key=lambda pair: str(pair[0]))
        ]

    # ---- metrics

    def numbers(
        self, start_ns: int, end_ns: int, step_ns: int, now_ns: int
    ) -> list[tuple[dict[str, Any], list[tuple[int, float]]]]:
        """Series of a metrics query: labels, then (ms, value) at the end of each step.

        Raises:
            errors.QuerySyntaxError: the query asks for traces.
            errors.QueryTooLarge: too many points or series.
        """
        metric = self.metric
        if metric is None:
            raise errors.QuerySyntaxError("not a metrics query")
        if step_ns <= 0 or (end_ns - start_ns) // step_ns > MAX_POINTS:
            raise errors.QueryTooLarge(f"exceeded maximum resolution of {MAX_POINTS} points per series")
        readers = [self.read(name) for name in metric.by]
        value_of = self._reader(metric.field) if metric.field is not None else None
        groups: dict[tuple[Any, ...], tuple[list[int], list[float]]] = {}
        for _, sets in self.search(_spans.Search(start_ns, end_ns), now_ns):
            for row in (row for one in sets for row in one.rows):
                number = value_of(row) if value_of is not None else 1.0
                if not _is_number(number):
                    continue
                key = tuple(_key(read(row)) for read in readers)
                times, values = groups.setdefault(key, ([], []))
                if len(groups) > MAX_SERIES:
                    raise errors.QueryTooLarge(f"more than {MAX_SERIES} series")
                times.append(int(self._store.start_ns[row]))
                values.append(float(number) / (1e9 if _is_duration(metric.field) else 1.0))
        out = []
        for key, (times, values) in sorted(groups.items(), key=lambda pair: str(pair[0])):
            labels = dict(zip(metric.by, key, strict=True))
            for quantile in metric.quantiles or (math.nan,):
                points = _along(metric.op, quantile, np.array(times), np.array(values), start_ns, end_ns, step_ns)
                out.append((labels if math.isnan(quantile) else {**labels, "p": quantile}, points))
        return out


_MIRROR = {">": "<", ">>": "<<", "<": ">", "<<": ">>", "~": "~"}
_AGGREGATES: Mapping[str, Callable[[list[float]], float]] = {
    "min": min,
    "max": max,
    "sum": math.fsum,
    "avg": lambda numbers: math.fsum(numbers) / len(numbers),
}


def _along(
    op: str,
    quantile: float,
    times: "np.ndarray[Any, np.dtype[np.int64]]",
    values: "np.ndarray[Any, np.dtype[np.float64]]",
    start_ns: int,
    end_ns: int,
    step_ns: int,
) -> list[tuple[int, float]]:
    steps = (times - start_ns) // step_ns
    out = []
    for i in range((end_ns - start_ns) // step_ns + 1):
        inside = values[steps == i]
        at_ms = (start_ns + (i + 1) * step_ns) // 10**6
        if op in ("rate", "count_over_time"):
            out.append((at_ms, len(inside) / (step_ns / 1e9 if op == "rate" else 1.0)))
        elif len(inside) and op == "quantile_over_time":
            out.append((at_ms, float(np.quantile(inside, quantile))))
        elif len(inside):
            out.append((at_ms, _AGGREGATES[op.removesuffix("_over_time")](inside.tolist())))
    return out


def _is_duration(field: syntax.Expression | None) -> bool:
    return isinstance(field, syntax.Field) and field.name.lower().endswith("duration")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _sets(query: syntax.Query) -> Iterator[syntax.SpanSet]:
    waiting: list[syntax.Spans | syntax.Stage] = [query.spans, *query.stages]
    while waiting:
        one = waiting.pop()
        if isinstance(one, syntax.SpanSet):
            yield one
        elif isinstance(one, syntax.Related):
            waiting += [one.left, one.right]


def _service(test: syntax.Expression | None) -> str | None:
    """The service that a test demands by equality, so that fewer rows are looked at."""
    if isinstance(test, syntax.Binary) and test.op == "&&":
        return _service(test.left) or _service(test.right)
    if isinstance(test, syntax.Binary) and test.op == "=" and isinstance(test.left, syntax.Field):
        named = test.left.name in ("resource.service.name", ".service.name") and isinstance(test.right, syntax.Literal)
        return (
            test.right.value
            if named and isinstance(test.right, syntax.Literal) and isinstance(test.right.value, str)
            else None
        )
    return None


def _test(spans: syntax.SpanSet, store: _spans.SpanStore) -> Callable[[Row], bool]:
    if spans.test is None:
        return lambda _row: True
    read = _value(spans.test, store)
    return lambda row: read(row) is True


def _value(expression: syntax.Expression, store: _spans.SpanStore) -> Read:
    match expression:
        case syntax.Literal():
            constant = expression.value
            return lambda _row: constant
        case syntax.Field():
            return _field(store, expression.name)
        case syntax.Not():
            inner = _value(expression.inner, store)
            return lambda row: not inner(row) if isinstance(inner(row), bool) else None
    left, right = _value(expression.left, store), _value(expression.right, store)
    op = expression.op
    if op == "&&":
        return lambda row: left(row) is True and right(row) is True
    if op == "||":
        return lambda row: left(row) is True or right(row) is True
    if op in ("+", "-", "*", "/", "%"):
        return lambda row: _arithmetic(op, left(row), right(row))
    if op in ("=~", "!~"):
        pattern = str(right(0))
        wants = op == "=~"
        return lambda row: isinstance(text := left(row), str) and regex.is_match(pattern, text, anchored=True) == wants
    return lambda row: _compared(op, left(row), right(row))


def _arithmetic(op: str, a: Any, b: Any) -> float | None:
    if not _is_number(a) or not _is_number(b) or (op in "/%" and b == 0):
        return None
    with_zero: Mapping[str, float] = {"+": a + b, "-": a - b, "*": a * b}
    if op in with_zero:
        return with_zero[op]
    return float(a / b) if op == "/" else math.fmod(a, b)


def _compared(op: str, a: Any, b: Any) -> bool:
    if b is None:
        return (a is None) == (op == "=") if op in ("=", "!=") else False
    if a is None:
        return False
    if op in ("=", "!="):
        equal = isinstance(a, bool) == isinstance(b, bool) and a == b
        return bool(equal) == (op == "=")
    return _is_number(a) and _is_number(b) and _ordered(op, a, b)


def _ordered(op: str, a: float, b: float) -> bool:
    return {">": a > b, ">=": a >= b, "<": a < b, "<=": a <= b, "=": a == b, "!=": a != b}[op]


def _field(store: _spans.SpanStore, name: str) -> Read:
    spans = store.spans
    found = _intrinsic(store, name)
    if found is not None:
        return found
    scope, _, key = name.partition(".")
    if scope == "parent":
        inner = _field(store, key if _intrinsic(store, key) else f".{key}")
        return lambda row: inner(parent) if (parent := int(store.parents()[row])) >= 0 else None

    def resource(row: Row) -> Any:
        process = store.process_of(row)
        return process.service if key == "service.name" else process.attributes.get(key)

    def own(row: Row) -> Any:
        return spans.attributes[row].get(key)

    def any_scope(row: Row) -> Any:
        value = own(row)
        return resource(row) if value is None else value

    readers: Mapping[str, Read] = {"resource": resource, "span": own, "": any_scope}
    return readers.get(scope, lambda _row: None)  # events, links: this system's spans have none


def _intrinsic(store: _spans.SpanStore, name: str) -> Read | None:
    spans = store.spans

    def root(row: Row) -> Row:
        parents = store.parents()
        while (parent := int(parents[row])) >= 0:
            row = parent
        return row

    def trace_ns(row: Row) -> int:
        number = int(store.trace[row])
        return int(store.trace_end_ns[number] - store.trace_start_ns[number])

    readers: Mapping[str, Read] = {
        "name": store.name_of,
        "duration": lambda row: int(spans.duration_ns[row]),
        "status": lambda row: _spans.STATUSES[spans.status[row]],
        "kind": lambda row: _spans.KINDS[spans.kind[row]],
        "id": lambda row: spans.span_ids[row],
        "parentID": lambda row: spans.parent_ids[row],
        "statusMessage": lambda _row: "",
        "trace:id": lambda row: spans.trace_ids[row],
        "trace:duration": trace_ns,
        "trace:rootName": lambda row: store.name_of(root(row)),
        "trace:rootService": lambda row: store.service_of(root(row)),
        "nestedSetParent": lambda row: -1 if not spans.parent_ids[row] else 1,
    }
    older = {"rootName": "trace:rootName", "rootServiceName": "trace:rootService", "traceDuration": "trace:duration"}
    return readers.get(older.get(name, name.removeprefix("span:")))
