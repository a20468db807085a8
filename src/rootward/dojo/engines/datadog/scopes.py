"""Scopes of metric queries: `env:prod,service:web-*`, `env IN (a, b) AND NOT host:x`, turned into a test of a series' tags."""

import re

from rootward import errors
from rootward.dojo.engines.datadog import tree

MAX_CHARACTERS = 10_000
MAX_DEPTH = 30
_TOKEN = re.compile(
    r"\s*(?:(?P<word>[^\s(),:!{}]+)|(?P<mark>[(),:!]))", re.ASCII
)  # a word may hold * ? / . - and anything else that tags may


def parse(text: str) -> tree.Scope:
    """The test; `*` and nothing test nothing.

    Raises:
        errors.QuerySyntaxError: not a scope.
    """
    if len(text) > MAX_CHARACTERS:
        raise errors.QueryTooLarge(f"scope is longer than {MAX_CHARACTERS} characters")
    if text.strip() in ("", "*"):
        return lambda _tags: True
    reader = _Reader(text)
    found = reader.either(0)
    if not reader.done():
        raise reader.wrong()
    return found


def pattern(text: str) -> re.Pattern[str]:
    """A tag's value with `*`; pieces are found in order, each once, so that time is linear."""
    first, *rest = (re.escape(piece) for piece in re.sub(r"\*+", "*", text.lower()).split("*"))
    if not rest:
        return re.compile(first)
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._wrong_at(at)
            at = found.end()
            self._tokens.append(("word", found["word"]) if found["word"] is not None else ("mark", found["mark"]))
        self._at = 0

    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def wrong(self) -> errors.QuerySyntaxError:
        return self._wrong_at(self._at)

    def _wrong_at(self, at: int) -> errors.QuerySyntaxError:
        return errors.QuerySyntaxError(f"Rule 'scope_expr' didn't match at '{self._text[:100]}' (position {at})")

    def _peek(self, offset: int = 0) -> tuple[str, str]:
        at = self._at + offset
        return self._tokens[at] if at < len(self._tokens) else ("end", "")

    def _take(self, kind: str, text: str = "") -> str:
        found = self._peek()
        if found[0] != kind or (text and found[1].upper() != text):
            raise self.wrong()
        self._at += 1
        return found[1]

    def _is(self, word: str) -> bool:
        kind, text = self._peek()
        return kind == "word" and text.upper() == word and self._peek(1) != ("mark", ":")

    def either(self, depth: int) -> tree.Scope:
        if depth > MAX_DEPTH:
            raise self.wrong()
        parts = [self._both(depth)]
        while self._is("OR"):
            self._at += 1
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else lambda tags: any(part(tags) for part in parts)

    def _both(self, depth: int) -> tree.Scope:
        parts = [self._one(depth)]
        while self._is("AND") or self._peek() == ("mark", ","):
            self._at += 1
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda tags: all(part(tags) for part in parts)

    def _one(self, depth: int) -> tree.Scope:
        if depth > MAX_DEPTH:
            raise self.wrong()
        if self._is("NOT") or self._peek() == ("mark", "!"):
            self._at += 1
            inner = self._one(depth + 1)
            return lambda tags: not inner(tags)
        if self._peek() == ("mark", "("):
            self._at += 1
            inner = self.either(depth + 1)
            self._take("mark", ")")
            return inner
        key = self._take("word").lower()
        if self._is("IN") or self._is("NOT"):
            return self._among(key)
        if key == "*":
            return lambda _tags: True
        if self._peek() != ("mark", ":"):
            return lambda tags: key in tags
        return _equals(key, self._value())

    def _value(self) -> str:
        """What follows the first colon; values may hold colons themselves."""
        out = ""
        while self._peek() == ("mark", ":"):
            self._at += 1
            out += ":" if out else ""
            if self._peek()[0] == "word":
                out += self._take("word")
        if not out:
            raise self.wrong()
        return out

    def _among(self, key: str) -> tree.Scope:
        negated = self._is("NOT")
        if negated:
            self._at += 1
        self._take("word", "IN")
        self._take("mark", "(")
        tests = [_equals(key, self._take("word"))]
        while self._peek() == ("mark", ","):
            self._at += 1
            tests.append(_equals(key, self._take("word")))
        self._take("mark", ")")
        return lambda tags: any(test(tags) for test in tests) != negated


def _equals(key: str, value: str) -> tree.Scope:
    wanted = value.lower()
    if "*" not in wanted:
        return lambda tags: tags.get(key) == wanted
    compiled = pattern(wanted)
    return lambda tags: key in tags and compiled.fullmatch(tags[key]) is not None
