"""Datadog's search syntax for logs, spans and events: `service:web status:error @http.status_code:>=500 "timed out" -host:x`.

Names with `@` are attributes, without are reserved fields and tags; bare words are looked for in the message. Clauses side by side
are all required; AND binds tighter than OR. The grammar is that of docs.datadoghq.com/logs/explorer/search_syntax.
"""

import re

import numpy as np

from rootward import errors
from rootward.dojo.engines.columns import column, table, tokens

MAX_CHARACTERS = 10_000
MAX_CLAUSES = 1_000
MAX_DEPTH = 30
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[-!](?=[^\s]))
          | (?P<key>\*|@?(?:[\w./@-]|\\.)*(?:[\w./*]|\\.)):(?=\S)
          | (?P<quoted>"(?:[^"\\]|\\.)*")
          | (?P<range>[\[{]\s*(?P<low>[^\s\]}]+)\s+TO\s+(?P<high>[^\s\]}]+)\s*(?P<close>[\]}]))
          | (?P<compare>(?:>=|<=|>|<)\s*[^\s()]+)
          | (?P<open>\()
          | (?P<shut>\))
          | (?P<word>(?:[^\s()"\[\]{}\\]|\\.)+)
        )""",
    re.VERBOSE,
)
_WILD = re.compile(r"(?<!\\)[*?]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def matching(text: str, records: table.Table) -> column.BoolArray:
    """Rows that a search finds; an empty one finds all.

    Raises:
        errors.QuerySyntaxError: not in the language.
        errors.QueryTooLarge: longer or deeper than the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.QueryTooLarge(f"query is longer than {MAX_CHARACTERS} characters")
    reader = _Reader(text, records)
    if reader.done():
        return records.every()
    found = reader.either(0)
    if not reader.done():
        raise reader.wrong()
    return found


class _Reader:
    def __init__(self, text: str, records: table.Table) -> None:
        self._text = text
        self._records = records
        self._tokens: list[re.Match[str]] = []
        end = len(text.rstrip())
        at = 0
        while at < end:
            found = _TOKEN.match(text, at)
            if found is None or found.end() == at:
                raise self.wrong()
            at = found.end()
            self._tokens.append(found)
        if len(self._tokens) > 2 * MAX_CLAUSES:
            raise errors.QueryTooLarge(f"query has more than {MAX_CLAUSES} clauses")
        self._at = 0

    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def wrong(self) -> errors.QuerySyntaxError:
        return errors.QuerySyntaxError(f"Failed to parse query: {self._text[:200]}")

    def _next(self, kind: str) -> re.Match[str] | None:
        if self.done() or self._tokens[self._at][kind] is None:
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, *words: str) -> bool:
        """Takes one of these operators."""
        if self.done() or self._tokens[self._at]["word"] not in words:
            return False
        self._at += 1
        return True

    def either(self, depth: int) -> column.BoolArray:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"query is nested more than {MAX_DEPTH} deep")
        mask = self._every(depth)
        while self._word("OR", "||"):
            mask = mask | self._every(depth)
        return mask

    def _every(self, depth: int) -> column.BoolArray:
        mask = self._one(depth)
        while not self.done():
            token = self._tokens[self._at]
            if token["shut"] is not None or token["word"] in ("OR", "||"):
                break
            self._word("AND", "&&")
            mask = mask & self._one(depth)
        return mask

    def _one(self, depth: int) -> column.BoolArray:
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"query is nested more than {MAX_DEPTH} deep")
        if self._next("sign") or self._word("NOT"):
            return ~self._one(depth + 1)
        if self._next("open"):
            mask = self.either(depth + 1)
            if self._next("shut") is None:
                raise self.wrong()
            return mask
        key = self._next("key")
        if key is not None:
            return self._values(_plain(key["key"]), depth)
        quoted = self._next("quoted")
        if quoted is not None:
            return phrase(self._records, "message", _plain(quoted["quoted"][1:-1]))
        word = self._next("word")
        if word is None or word["word"] in ("AND", "OR", "&&", "||"):
            raise self.wrong()
        return text_word(self._records, "message", word["word"])

    def _values(self, field: str, depth: int) -> column.BoolArray:
        """What follows `field:`; in parentheses, several values joined by OR, AND, NOT."""
        if depth > MAX_DEPTH:
            raise errors.QueryTooLarge(f"query is nested more than {MAX_DEPTH} deep")
        if self._next("sign") or self._word("NOT"):
            return ~self._values(field, depth + 1)
        if self._next("open"):
            mask = self._values(field, depth + 1)
            while self._next("shut") is None:
                if self.done():
                    raise self.wrong()
                both = self._word("AND", "&&")  # values side by side are alternatives, as with OR
                self._word("OR", "||")
                other = self._values(field, depth + 1)
                mask = mask & other if both else mask | other
            return mask
        if self.done():
            raise self.wrong()
        if self._tokens[self._at]["key"] is not None:
            return self._with_colons(field)
        token = self._tokens[self._at]
        self._at += 1
        return value_of(self._records, field, token)

    def _with_colons(self, field: str) -> column.BoolArray:
        """A value that has colons in it, as `image_tag:repo:1.2`."""
        text = ""
        while key := self._next("key"):
            text += f"{key['key']}:"
        word = self._next("word")
        return named(self._records, field, text + (word["word"] if word else ""))


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def value_of(records: table.Table, field: str, token: re.Match[str]) -> column.BoolArray:
    """Rows whose field has the value of one token."""
    if token["quoted"] is not None:
        text = _plain(token["quoted"][1:-1])
        return anywhere(records, text) if field == "*" else exact(records, field, text)
    if token["range"] is not None:
        low, high = token["low"], token["high"]
        return between(
            records,
            field,
            None if low == "*" else low,
            None if high == "*" else high,
            open_low=token["range"].lstrip()[0] == "{",
            open_high=token["close"] == "}",
        )
    if token["compare"] is not None:
        found = re.match(r"(>=|<=|>|<)\s*(.*)", token["compare"], re.DOTALL)
        assert found is not None, "the token's own pattern"
        if found[1][0] == ">":
            return between(records, field, found[2], None, open_low=found[1] == ">")
        return between(records, field, None, found[2], open_high=found[1] == "<")
    if token["word"] is None:
        raise errors.QuerySyntaxError(f"Failed to parse query: unexpected {token[0].strip()[:40]} after {field}:")
    return named(records, field, token["word"])


def named(records: table.Table, field: str, text: str) -> column.BoolArray:
    """Rows whose field has a value as it was written: escaped, with `*` and `?` or without."""
    if field == "*":
        return anywhere(records, text)
    return wild(records, field, text) if _WILD.search(text) else exact(records, field, _plain(text))


def phrase(records: table.Table, field: str, text: str) -> column.BoolArray:
    """Rows whose text has the words one after another."""
    mask = records.none()
    found = records.columns.get(field)
    if found is None or found.is_numeric:
        return mask
    words = records.words_of(field)
    numbers = [words.number(word) for word in tokens.words(text)]
    if not numbers:
        return records.every()
    if None not in numbers:
        mask[words.phrase([[number] for number in numbers if number is not None])] = True
    return mask


def text_word(records: table.Table, field: str, text: str) -> column.BoolArray:
    """Rows whose text has a word, possibly with `*` and `?`."""
    if text == "*":
        return records.every()
    if not _WILD.search(text):
        return phrase(records, field, _plain(text))
    mask = records.none()
    if field not in records.columns:
        return mask
    words = records.words_of(field)
    for number in np.flatnonzero(column.full_matches(words.vocabulary, column.glob(text.lower()))).tolist():
        mask[words.rows(number)] = True
    return mask


def exact(records: table.Table, field: str, text: str) -> column.BoolArray:
    found = records.columns.get(field)
    if found is None:
        return records.none()
    if found.kind == "text":
        return phrase(records, field, text)
    if found.is_numeric:
        try:
            return np.asarray(found.numbers == float(text), dtype=np.bool_)
        except ValueError:
            return records.none()
    return found.equal(text.lower() if not field.startswith("@") and text not in found.code_of else text)


def wild(records: table.Table, field: str, text: str) -> column.BoolArray:
    """`@field:*` is every record that has it."""
    found = records.columns.get(field)
    if found is None:
        return records.none()
    if text == "*":
        return found.present.copy()
    if found.kind == "text":
        return text_word(records, field, text)
    if found.is_numeric:
        return records.none()
    try:
        return found.matching(column.glob(text))
    except column.PatternError as error:
        raise errors.QuerySyntaxError(f"Failed to parse query: {error}") from error


def between(
    records: table.Table,
    field: str,
    low: str | None,
    high: str | None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> column.BoolArray:
    found = records.columns.get(field)
    if found is None:
        return records.none()
    mask = found.present.copy()
    if found.numbers is None:
        order = np.array(found.values, dtype=np.str_)
        if low is not None:
            mask &= found.where(np.asarray(order > low if open_low else order >= low))
        if high is not None:
            mask &= found.where(np.asarray(order < high if open_high else order <= high))
        return mask
    try:
        if low is not None:
            mask &= found.numbers > float(low) if open_low else found.numbers >= float(low)
        if high is not None:
            mask &= found.numbers < float(high) if open_high else found.numbers <= float(high)
    except ValueError as error:
        raise errors.QuerySyntaxError(f"Failed to parse query: {field} is a number") from error
    return mask


def anywhere(records: table.Table, text: str) -> column.BoolArray:
    """`*:text`: the words in the message, or the value in any field."""
    mask = phrase(records, "message", text) if not _WILD.search(text) else text_word(records, "message", text)
    for field, found in records.columns.items():
        if not found.is_numeric and found.kind != "text":
            mask |= wild(records, field, text) if _WILD.search(text) else exact(records, field, text)
    return mask
