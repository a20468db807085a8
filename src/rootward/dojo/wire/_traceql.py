"""The part of TraceQL that searches: `{ resource.service.name = "x" && status = error && duration > 100ms }`.

One span set or several joined by && and ||; comparisons of attributes and intrinsics inside
(grafana.com/docs/tempo/latest/traceql). Aggregates and structural operators are refused by name.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from rootward import errors
from rootward.dojo.engines.logql import lexer, regex
from rootward.dojo.wire import _spans

Row: TypeAlias = int
RowTest = Callable[[Row], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<duration>\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h)(?:\d+(?:ms|s|m))*)
    |(?P<number>-?\d+(?:\.\d+)?)|(?P<op>&&|\|\||=~|!~|!=|>=|<=|=|>|<|[{}()|])
    |(?P<name>(?:(?:resource|span|event|link|trace)\.|\.)?[A-Za-z_][\w.:/-]*|\."(?:[^"\\]|\\.)*"))""",
    re.VERBOSE,
)
MAX_DEPTH = 32


@dataclasses.dataclass(frozen=True, slots=True)
class SpanSet:
    """One `{…}`; `services` are those it demands by equality on the service's name, to search fewer rows (None: any)."""

    test: RowTest
    service: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """`sets` all have to match (op "&&") or any (op "||")."""

    op: str
    sets: tuple[SpanSet, ...]


def parse(text: str, store: _spans.SpanStore) -> Query:
    """The query, ready to test rows of `store`.

    Raises:
        errors.QuerySyntaxError: not this part of TraceQL.
    """
    reader = _Reader(text, store)
    sets = [reader.span_set()]
    op = "&&"
    while (word := reader.peek()) in ("&&", "||"):
        if len(sets) > 1 and word != op:
            raise reader.error("mixing && and || between span sets")
        op = reader.take()
        sets.append(reader.span_set())
    if reader.peek():
        raise reader.error(f"syntax error: unexpected {reader.peek()}")
    return Query(op, tuple(sets))


class _Reader:
    def __init__(self, text: str, store: _spans.SpanStore) -> None:
        self._store = store
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise errors.QuerySyntaxError(
                    f"invalid TraceQL query: parse error at line 1, col {at + 1}: unexpected character"
                )
            self._tokens.append((found.lastgroup or "", found.group().strip()))
            at = found.end()
        self._at = 0
        self._service: str | None = None

    def peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        text = self.peek()
        self._at += 1
        return text

    def error(self, message: str) -> errors.QuerySyntaxError:
        return errors.QuerySyntaxError(f"invalid TraceQL query: parse error at line 1, col {self._at + 1}: {message}")

    def _expect(self, text: str) -> None:
        if self.peek() != text:
            raise self.error(f"syntax error: unexpected {self.peek() or '$end'}, expecting {text}")
        self._at += 1

    def span_set(self) -> SpanSet:
        self._service = None
        self._expect("{")
        if self.peek() == "}":
            self.take()
            return SpanSet(lambda _row: True, None)
        test = self._either(0)
        self._expect("}")
        return SpanSet(test, self._service)

    def _either(self, depth: int) -> RowTest:
        if depth > MAX_DEPTH:
            raise self.error("nested too deeply")
        tests = [self._both(depth)]
        while self.peek() == "||":
            self.take()
            tests.append(self._both(depth))
        if len(tests) == 1:
            return tests[0]
        self._service = None  # an alternative may hold in another service
        return lambda row: any(test(row) for test in tests)

    def _both(self, depth: int) -> RowTest:
        tests = [self._comparison(depth)]
        while self.peek() == "&&":
            self.take()
            tests.append(self._comparison(depth))
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _comparison(self, depth: int) -> RowTest:
        if self.peek() == "(":
            self.take()
            inner = self._either(depth + 1)
            self._expect(")")
            return inner
        kind, name = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind != "name":
            raise self.error(f"syntax error: unexpected {name or '$end'}")
        self.take()
        read = _field(self._store, name)
        if read is None:
            raise self.error(f"unknown identifier: {name}")
        if self.peek() not in ("=", "!=", "=~", "!~", ">", ">=", "<", "<="):
            return lambda row: read(row) is True
        op = self.take()
        value = self._value()
        if name in ("resource.service.name", ".service.name") and op == "=" and isinstance(value, str):
            self._service = value
        return _compare(read, op, value, self)

    def _value(self) -> Any:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        self._at += 1
        if kind == "string":
            return text[1:-1].replace('\\"', '"').replace("\\\\", "\\") if text[0] == '"' else text[1:-1]
        if kind == "duration":
            return lexer.duration_ns(text)
        if kind == "number":
            return float(text)
        words: dict[str, Any] = {"true": True, "false": False, "nil": None}
        if text in words:
            return words[text]
        if text in _spans.STATUSES or text in _spans.KINDS:
            return text
        raise self.error(f"syntax error: unexpected {text or '$end'}")


def _field(store: _spans.SpanStore, name: str) -> Callable[[Row], Any] | None:
    spans = store.spans
    intrinsics: dict[str, Callable[[Row], Any]] = {
        "name": store.name_of,
        "span:name": store.name_of,
        "duration": lambda row: int(spans.duration_ns[row]),
        "span:duration": lambda row: int(spans.duration_ns[row]),
        "status": lambda row: _spans.STATUSES[spans.status[row]],
        "span:status": lambda row: _spans.STATUSES[spans.status[row]],
        "kind": lambda row: _spans.KINDS[spans.kind[row]],
        "span:kind": lambda row: _spans.KINDS[spans.kind[row]],
        "trace:id": lambda row: spans.trace_ids[row],
        "span:id": lambda row: spans.span_ids[row],
    }
    if name in intrinsics:
        return intrinsics[name]
    scope, dot, key = name.partition(".")
    if not dot or scope not in ("resource", "span", ""):
        return None
    key = key.strip('"')

    def resource(row: Row) -> Any:
        process = store.process_of(row)
        return process.service if key == "service.name" else process.attributes.get(key)

    def own(row: Row) -> Any:
        return spans.attributes[row].get(key)

    def any_scope(row: Row) -> Any:
        value = own(row)
        return resource(row) if value is None else value

    readers: Mapping[str, Callable[[Row], Any]] = {"resource": resource, "span": own, "": any_scope}
    return readers[scope]


def _compare(read: Callable[[Row], Any], op: str, value: Any, reader: _Reader) -> RowTest:
    if op in ("=~", "!~"):
        if not isinstance(value, str):
            raise reader.error("binary operations must operate on strings")
        regex.check(value)
        wants = op == "=~"
        return lambda row: isinstance(found := read(row), str) and regex.is_match(value, found, anchored=True) == wants
    if value is None:
        return lambda row: (read(row) is None) == (op == "=")
    if op in ("=", "!="):
        return lambda row: (found := read(row)) is not None and _equal(found, value) == (op == "=")
    if isinstance(value, str | bool):
        raise reader.error("binary operations are not valid on strings")
    ordered: dict[str, Callable[[Any], bool]] = {
        ">": lambda found: found > value,
        ">=": lambda found: found >= value,
        "<": lambda found: found < value,
        "<=": lambda found: found <= value,
    }
    holds = ordered[op]
    return lambda row: isinstance(found := read(row), int | float) and not isinstance(found, bool) and holds(found)


def _equal(found: Any, value: Any) -> bool:
    if isinstance(found, bool) != isinstance(value, bool):
        return False
    return bool(found == value)
