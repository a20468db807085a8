"""Filter patterns of log events: words, phrases, `?any`, `-not`, `%regex%`, and `{ $.field = value && … }` for JSON events.

The grammar is that of docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
"""

import re

import numpy as np

from rootward import errors
from rootward.dojo.engines.columns import column, table

MAX_CHARACTERS = 1_024
MAX_DEPTH = 20
MESSAGE = "@message"
_WORDS = re.compile(r'\s*([?-]?)("(?:[^"\\]|\\.)*"|%[^%]*%|[^\s"]+)')
_JSON = re.compile(
    r"""\s*(?:(?P<field>\$(?:\.[\w@/-]+|\[\d{1,6}\]|\['[^']*'\])+)
          | (?P<op>!=|>=|<=|=|>|<)
          | (?P<join>&&|\|\|)
          | (?P<mark>[()])
          | (?P<is>IS\s+(?:NULL|TRUE|FALSE)|NOT\s+EXISTS|EXISTS)
          | (?P<regex>%[^%]*%)
          | (?P<quoted>"(?:[^"\\]|\\.)*")
          | (?P<word>[^\s()&|=<>!]+)
        )""",
    re.VERBOSE,
)


def matching(text: str, records: table.Table) -> column.BoolArray:
    """Rows that a pattern lets through; an empty one lets all.

    Raises:
        errors.QuerySyntaxError: not a pattern.
        errors.QueryTooLarge: longer or deeper than the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.QueryTooLarge(
            f"1 validation error detected: Value at 'filterPattern' failed to satisfy constraint: Member must have length less than or equal to {MAX_CHARACTERS}"
        )
    stripped = text.strip()
    if not stripped:
        return records.every()
    if stripped.startswith("{"):
        if not stripped.endswith("}"):
            raise errors.QuerySyntaxError("Invalid filter pattern")
        return _Json(stripped[1:-1], records).whole()
    if stripped.startswith("["):
        raise errors.QuerySyntaxError("Invalid filter pattern")
    return _words(stripped, records)


def contains(records: table.Table, field: str, text: str) -> column.BoolArray:
    """Rows whose text contains `text`, case and all."""
    return _searched(records, field, re.escape(text))


def _searched(records: table.Table, field: str, pattern: str) -> column.BoolArray:
    found = records.columns.get(field)
    if found is None or found.is_numeric:
        return records.none()
    try:
        return found.matching(f".*(?:{pattern}).*")
    except column.PatternError as error:
        raise errors.QuerySyntaxError("Invalid character(s) in term") from error


def _words(text: str, records: table.Table) -> column.BoolArray:
    mask, any_of, at = records.every(), None, 0
    while at < len(text):
        found = _WORDS.match(text, at)
        if found is None:
            raise errors.QuerySyntaxError("Invalid filter pattern")
        at = found.end()
        sign, word = found[1], found[2]
        if word.startswith("%") and len(word) > 1:
            here = _searched(records, MESSAGE, word[1:-1])
        else:
            plain = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
            here = contains(records, MESSAGE, plain)
        if sign == "?":
            any_of = here if any_of is None else any_of | here
        else:
            mask = mask & (~here if sign == "-" else here)
    return mask if any_of is None else mask & any_of


class _Json:
    def __init__(self, text: str, records: table.Table) -> None:
        self._records = records
        self._tokens: list[re.Match[str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _JSON.match(text, at)
            if found is None:
                raise errors.QuerySyntaxError("Invalid filter pattern")
            at = found.end()
            self._tokens.append(found)
        self._at = 0

    def _next(self, kind: str, *texts: str) -> str | None:
        if self._at >= len(self._tokens):
            return None
        found = self._tokens[self._at][kind]
        if found is None or (texts and found not in texts):
            return None
        self._at += 1
        return found

    def whole(self) -> column.BoolArray:
        mask = self._either(0)
        if self._at != len(self._tokens):
            raise errors.QuerySyntaxError("Invalid filter pattern")
        return mask

    def _either(self, depth: int) -> column.BoolArray:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge("Invalid filter pattern: too deeply nested")
        mask = self._both(depth)
        while self._next("join", "||"):
            mask = mask | self._both(depth)
        return mask

    def _both(self, depth: int) -> column.BoolArray:
        mask = self._one(depth)
        while self._next("join", "&&"):
            mask = mask & self._one(depth)
        return mask

    def _one(self, depth: int) -> column.BoolArray:
        if self._next("mark", "("):
            mask = self._either(depth + 1)
            if self._next("mark", ")") is None:
                raise errors.QuerySyntaxError("Invalid filter pattern")
            return mask
        name = self._next("field")
        if name is None:
            raise errors.QuerySyntaxError("Invalid filter pattern")
        field = name[2:] if name.startswith("$.") else name[1:]
        stated = self._next("is")
        if stated is not None:
            return self._stated(field, " ".join(stated.split()))
        op = self._next("op")
        if op is None:
            raise errors.QuerySyntaxError("Invalid filter pattern")
        regex = self._next("regex")
        if regex is not None:
            mask = _searched(self._records, field, regex[1:-1])
            return self._present(field) & ~mask if op == "!=" else mask
        quoted = self._next("quoted")
        value = re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted is not None else self._next("word")
        if value is None:
            raise errors.QuerySyntaxError("Invalid filter pattern")
        return compared(self._records, field, op, value)

    def _present(self, field: str) -> column.BoolArray:
        found = self._records.columns.get(field)
        return self._records.none() if found is None else found.present.copy()

    def _stated(self, field: str, stated: str) -> column.BoolArray:
        if stated == "EXISTS":
            return self._present(field)
        if stated == "NOT EXISTS":
            return ~self._present(field)
        if stated == "IS NULL":
            return self._records.none()
        return compared(self._records, field, "=", stated.removeprefix("IS ").lower())


def compared(records: table.Table, field: str, op: str, value: str) -> column.BoolArray:
    """Rows whose field compares so with a value; `*` in a text stands for anything."""
    found = records.columns.get(field)
    if found is None:
        return records.none()
    if found.numbers is not None:
        try:
            number = float(value)
        except ValueError:
            return found.present.copy() if op == "!=" else records.none()
        return np.asarray(_COMPARE[op](found.numbers, number) & found.present, dtype=np.bool_)
    if op not in ("=", "!="):
        return records.none()
    same = found.matching(".*".join(map(re.escape, value.split("*")))) if "*" in value else found.equal(value)
    return found.present & ~same if op == "!=" else same


_COMPARE = {
    "=": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}
