"""Logs Insights: `fields @timestamp, @message | filter … | stats count(*) by bin(5m) | sort … | limit …` over columns.

The commands are fields, display, filter, parse, stats, sort, limit, head and dedup, as
docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html describes them.
"""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rootward import errors
from rootward.dojo.engines.cloudwatch import conditions, reductions
from rootward.dojo.engines.columns import column, table

MAX_CHARACTERS = 10_000
MAX_COMMANDS = 50
MAX_ROWS = 10_000
DEFAULT_ROWS = 10_000
MAX_GROUPS = 10_000
MAX_STATS = 2
_COMMAND = re.compile(r"\s*([a-z]+)\b\s*(.*)", re.DOTALL | re.IGNORECASE)
_CALL = re.compile(r"([a-z_]+)\s*\(\s*(.*?)\s*\)", re.DOTALL | re.IGNORECASE)
_ALIAS = re.compile(r"(.*?)\s+as\s+([\w.@]+)\s*", re.DOTALL | re.IGNORECASE)
_BIN = re.compile(
    r"bin\s*\(\s*(\d{1,6})\s*(ms|s|m|h|d|w|second|seconds|minute|minutes|hour|hours|day|days|week|weeks)\s*\)",
    re.IGNORECASE,
)
_ABSENT = -1e300  # sorts before any value
_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
Row = list[tuple[str, str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """`rows` of (field, text); `pointers` the events that they are of, empty for statistics; `matched` events after filters."""

    rows: list[Row]
    pointers: list[int]
    matched: int


@dataclasses.dataclass(slots=True)
class _State:
    records: table.Table
    rows: column.IntArray
    shown: list[str] = dataclasses.field(default_factory=list)
    limit: int = DEFAULT_ROWS
    stats: int = 0
    """How often it was summed up: from the first time on rows are statistics, no events."""
    matched: int = 0


def wrong(reason: str) -> errors.QuerySyntaxError:
    return errors.QuerySyntaxError(reason)


def run(text: str, records: table.Table, mask: column.BoolArray) -> Result:
    """The query over the rows of `mask`, newest first.

    Raises:
        errors.QuerySyntaxError: not in the language.
        errors.QueryTooLarge: longer than the limits, or too many groups.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.QueryTooLarge(f"Member must have length less than or equal to {MAX_CHARACTERS}")
    rows = np.flatnonzero(mask).astype(np.int64)[::-1]
    state = _State(table.Table(records.count, records.columns), rows, matched=len(rows))
    commands = [part for part in parted(text, "|") if part.strip()]
    if len(commands) > MAX_COMMANDS:
        raise errors.QueryTooLarge(f"at most {MAX_COMMANDS} commands")
    for command in commands:
        _command(state, command)
    return _result(state)


def parted(text: str, mark: str) -> list[str]:
    """The text cut at `mark`, but not within quotes, regular expressions or brackets; comments left out."""
    out, start, depth, quote = [], 0, 0, ""
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    at = 0
    while at < len(text):
        letter = text[at]
        if quote:
            at += letter == "\\"
            quote = "" if letter == quote and at < len(text) and text[at] == letter else quote
        elif letter in "\"'`" or (letter == "/" and _opens_regex(text, at)):
            quote = letter
        else:
            depth += (letter in "([") - (letter in ")]")
            if letter == mark and depth <= 0:
                out.append(text[start:at])
                start = at + 1
        at += 1
    return [*out, text[start:]]


def _opens_regex(text: str, at: int) -> bool:
    before = text[:at].rstrip()[-12:]
    return bool(re.search(r"(like|=~|@message|parse\s+\S+)$", before, re.IGNORECASE))


def _command(state: _State, text: str) -> None:
    found = _COMMAND.fullmatch(text)
    if found is None:
        raise wrong(f"unexpected symbol found {text.strip()[:40]}")
    name, rest = found[1].lower(), found[2].strip()
    command = _COMMANDS.get(name)
    if command is None:
        raise wrong(f"unexpected symbol found {found[1][:40]} at line 1 and position 0")
    command(state, rest)


def _fields(state: _State, text: str) -> None:
    for part in parted(text, ","):
        alias = _ALIAS.fullmatch(part.strip())
        expression, name = (alias[1], alias[2]) if alias else (part.strip(), part.strip().strip("`"))
        if not expression:
            raise wrong("fields needs at least one field")
        _ensure(state, expression, name)
        if name not in state.shown:
            state.shown.append(name)


def _ensure(state: _State, expression: str, name: str) -> None:
    """Makes a column of an expression that is not simply a field."""
    plain = expression.strip().strip("`")
    if plain in state.records.columns and name != plain:
        state.records.columns[name] = state.records.columns[plain]
    elif plain not in state.records.columns and not re.fullmatch(r"[\w.@/-]+", plain):
        state.records.columns[name] = _computed(state, plain)


def _computed(state: _State, text: str) -> column.Column:
    found = _BIN.fullmatch(text)
    if found:
        return column.Column("date", numbers=_binned(state, found))
    return conditions.computed(text, state.records)


def _binned(state: _State, found: re.Match[str]) -> column.FloatArray:
    unit = found[2].lower()
    size = int(found[1]) * _UNIT_MS["ms" if unit == "ms" else unit[0]]
    stamps = state.records.columns.get("@timestamp")
    times = stamps.numbers if stamps is not None else None
    if times is None:
        raise wrong("bin needs @timestamp, which is not among the statistics")
    if size == 0:
        raise wrong("bin needs a positive period")
    return np.asarray(np.floor(times / size) * size)


def _display(state: _State, text: str) -> None:
    state.shown = []
    _fields(state, text)


def _filter(state: _State, text: str) -> None:
    mask = conditions.matching(text, state.records)
    state.rows = state.rows[mask[state.rows]]
    if not state.stats:
        state.matched = len(state.rows)


_PARSE = re.compile(
    r"(?:(?P<field>[\w.@`-]+)\s+)?(?P<pattern>/(?:[^/\\]|\\.)*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')(?:\s+as\s+(?P<names>.+))?",
    re.DOTALL | re.IGNORECASE,
)


def _parse(state: _State, text: str) -> None:
    """`parse @message "took * ms" as ms`, or a regular expression with named groups."""
    found = _PARSE.fullmatch(text)
    if found is None:
        raise wrong("parse needs a field and a pattern")
    pattern = found["pattern"][1:-1]
    names = [name.strip().strip("`") for name in (found["names"] or "").split(",") if name.strip()]
    if found["pattern"].startswith("/"):
        regex = pattern.replace("(?<", "(?P<").replace("\\/", "/")
        names = re.findall(r"\(\?P<(\w+)>", regex)
    else:
        pieces = pattern.split("*")
        if len(pieces) - 1 != len(names) or not names:
            raise wrong("parse needs as many names as the pattern has *")
        regex = re.escape(pieces[0])
        for i, piece in enumerate(pieces[1:]):
            regex += f"(?P<g{i}>.*{'?' if piece else ''})" + re.escape(piece)
    if not names or len(names) > 50:
        raise wrong("parse needs named groups")
    source = state.records.columns.get((found["field"] or "@message").strip("`"))
    if source is None or source.codes is None:
        for name in names:
            state.records.columns[name] = column.texts([None] * state.records.count)
        return
    _extract(state, source, regex, names)


def _extract(state: _State, source: column.Column, regex: str, names: Sequence[str]) -> None:
    assert source.codes is not None, "only texts are parsed"
    groups = iter(range(len(names) + 50))
    numbered = re.sub(r"\(\?P<\w+>", lambda _found: f"(?P<g{next(groups)}>", regex)
    try:
        parts = pc.extract_regex(source.arrow, pattern=f"(?s){numbered}")
    except (pa.ArrowInvalid, ValueError) as error:
        raise wrong("Invalid regular expression in parse") from error
    for i, name in enumerate(names):
        values = parts.field(i).to_pylist() if len(source.values) else []
        valid = parts.is_valid().to_pylist() if len(source.values) else []
        kept = [value if ok else None for value, ok in zip(values, valid, strict=True)]
        state.records.columns[name] = conditions.typed(column.coded(source.codes, [*kept, None]))


def _sort(state: _State, text: str) -> None:
    for part in reversed(parted(text, ",")):
        words = part.split()
        if not words or (len(words) > 1 and words[-1].lower() not in ("asc", "desc")):
            raise wrong("sort needs fields with asc or desc")
        down = len(words) < 2 or words[-1].lower() == "desc"
        name = " ".join(words[:-1] if len(words) > 1 else words).strip("`")
        if name not in state.records.columns and re.search(r"[()+*/]", name):
            state.records.columns[name] = _computed(state, name)
        found = state.records.columns.get(name)
        if found is not None:
            ranks = np.nan_to_num(found.ranks[state.rows], nan=_ABSENT)
            state.rows = state.rows[np.argsort(-ranks if down else ranks, kind="stable")]


def _limit(state: _State, text: str) -> None:
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:9]) <= MAX_ROWS:
        raise wrong(f"limit must be between 1 and {MAX_ROWS}")
    state.limit = int(text)


def _dedup(state: _State, text: str) -> None:
    names = [part.strip().strip("`") for part in parted(text, ",")]
    seen: set[tuple[Any, ...]] = set()
    kept = []
    columns = [state.records.columns.get(name) for name in names]
    for row in state.rows.tolist():
        key = tuple(one.at(row) if one is not None else None for one in columns)
        if key not in seen:
            seen.add(key)
            kept.append(row)
    state.rows = np.array(kept, dtype=np.int64)


def _stats(state: _State, text: str) -> None:
    state.stats += 1
    if state.stats > MAX_STATS:
        raise wrong(f"at most {MAX_STATS} stats commands are allowed in a query")
    head, _, tail = _by(text)
    aggregates = [_aggregate(part) for part in parted(head, ",")]
    keys = []
    for part in parted(tail, ",") if tail else []:
        alias = _ALIAS.fullmatch(part.strip())
        expression, name = (alias[1], alias[2]) if alias else (part.strip(), part.strip().strip("`"))
        _ensure(state, expression, name)
        keys.append(name)
    out: list[dict[str, Any]] = []
    for values, rows in _groups(state, keys):
        row: dict[str, Any] = dict(zip(keys, values, strict=True))
        for name, function, field in aggregates:
            row[name] = _of(state, function, field, rows)
        out.append(row)
    state.shown = list(dict.fromkeys((*keys, *(name for name, _, _ in aggregates))))
    state.records = table.Table(len(out), {name: _summed(name, [row[name] for row in out]) for name in state.shown})
    state.rows = np.arange(len(out), dtype=np.int64)


def _summed(name: str, cells: Sequence[Any]) -> column.Column:
    """A column of statistics, which later commands filter, sort and compute with as with any other."""
    if all(one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in cells):
        numbers = np.array([np.nan if one is None else float(one) for one in cells], dtype=np.float64)
        return column.Column("date" if _is_time(name) else "double", numbers=numbers)
    texts = [None if one is None else text_of(one, name) for one in cells]
    distinct = tuple(sorted({one for one in texts if one is not None}))
    places = {one: place for place, one in enumerate(distinct)}
    codes = np.array([-1 if one is None else places[one] for one in texts], dtype=np.int32)
    return column.Column("keyword", codes, distinct)


def _by(text: str) -> tuple[str, str, str]:
    found = re.search(r"\sby\s", text, re.IGNORECASE)
    return (text, "", "") if found is None else (text[: found.start()], "by", text[found.end() :])


def _aggregate(part: str) -> tuple[str, str, str]:
    """(name, function, argument)."""
    alias = _ALIAS.fullmatch(part.strip())
    expression, name = (alias[1].strip(), alias[2]) if alias else (part.strip(), part.strip())
    found = _CALL.fullmatch(expression)
    if found is None or found[1].lower() not in reductions.FUNCTIONS:
        raise wrong(f"Invalid aggregation {expression[:60]}")
    return name, found[1].lower(), found[2]


def _groups(state: _State, keys: Sequence[str]) -> list[tuple[tuple[Any, ...], column.IntArray]]:
    parts: list[tuple[tuple[Any, ...], column.IntArray]] = [((), np.sort(state.rows))]
    for name in keys:
        found = state.records.columns.get(name)
        following = []
        for values, rows in parts:
            if found is None:
                following.append(((*values, None), rows))
                continue
            ranks = np.nan_to_num(found.ranks[rows], nan=_ABSENT)
            following += [((*values, found.at(int(some[0]))), some) for _, some in column.rows_by(ranks, rows)]
        parts = following
        if len(parts) > MAX_GROUPS:
            raise errors.QueryTooLarge(f"stats makes more than {MAX_GROUPS} groups")
    return [part for part in parts if len(part[1]) or not keys]


def _of(state: _State, function: str, argument: str, rows: column.IntArray) -> Any:
    if function == "count" and argument in ("*", ""):
        return len(rows)
    name, _, rest = argument.partition(",")
    name = name.strip().strip("`")
    if name not in state.records.columns and re.search(r"[()+*/=<>]", name):
        state.records.columns[name] = _computed(state, name)
    found = state.records.columns.get(name)
    if found is None:
        return 0 if function in ("count", "count_distinct") else None
    have = rows[found.present[rows]]
    if function == "count":
        return len(have)
    if function == "count_distinct":
        return len(np.unique(found.ranks[have]))
    if function in ("earliest", "latest", "sortsfirst", "sortslast"):
        if not len(have):
            return None
        by_value = have[np.argsort(found.ranks[have], kind="stable")]
        return found.at(
            int(
                {"earliest": have[0], "latest": have[-1], "sortsfirst": by_value[0], "sortslast": by_value[-1]}[
                    function
                ]
            )
        )
    if found.numbers is None or not len(have):
        return None
    return reductions.reduced(function, found.numbers[have], rest)


def _result(state: _State) -> Result:
    shown = state.shown or ["@timestamp", "@message"]
    pointers = state.rows[: state.limit].tolist()
    columns = [(name, state.records.columns[name]) for name in shown if name in state.records.columns]
    out = []
    for row in pointers:
        values = [(name, one, one.at(row)) for name, one in columns]
        out.append(
            [
                (name, stamp(value) if one.kind == "date" else text_of(value, name))
                for name, one, value in values
                if value is not None
            ]
        )
    return Result(out, [] if state.stats else pointers, state.matched)


def stamp(ms: float) -> str:
    """`2026-05-19 10:00:00.123`."""
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{int(ms) % 1000:03d}"


def _is_time(name: str) -> bool:
    return name.lower().startswith("bin(") or name == "@timestamp"


def text_of(value: Any, name: str = "") -> str:
    """A value as Insights writes it: whole numbers plain, others with four decimals."""
    if _is_time(name):
        return stamp(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.4f}".rstrip("0")
    return str(value)


_COMMANDS: dict[str, Callable[[_State, str], None]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "parse": _parse,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
    "head": _limit,
    "dedup": _dedup,
}
