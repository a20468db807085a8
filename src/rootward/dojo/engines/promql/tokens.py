"""Query text to tokens, one at a time, complaining in the words of Prometheus's own lexer (promql/parser/lex.go)."""

import json
import re
from typing import NamedTuple

from rootward import errors
from rootward.dojo.engines.promql import quoting

AGGREGATIONS = frozenset(
    [
        "sum",
        "avg",
        "count",
        "min",
        "max",
        "group",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "count_values",
        "quantile",
        "limitk",
        "limit_ratio",
    ]
)
WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
KEYWORDS = frozenset(["offset", "by", "without", "on", "ignoring", "group_left", "group_right", "bool"])
EDGES = frozenset({"start", "end"})
_SPACE = re.compile(r"(?:[ \t\n\r]+|#[^\n]*)+")
_SPACE_IN_BRACES = re.compile(r"[ \t\n\r]+")
_WORD = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(
    r"0[xX]_?[0-9a-fA-F]*(?:_[0-9a-fA-F]+)*|(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?"
)
_DURATION = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+")
_GOES_ON = re.compile(r"[A-Za-z0-9_.]")
_MISREAD = re.compile(r"[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]*|[smhdwy]s?(?:[0-9]+[smhdw]s?)*(?:[0-9]+|[A-Za-z_])?)?")
_OPERATORS = (
    "==",
    "!=",
    "<=",
    ">=",
    "=~",
    "=",
    "<",
    ">",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    ",",
    "(",
    ")",
    "{",
    "[",
    "]",
    "@",
)
_ALONE = frozenset(",(){[]+-*/%^@")  # signs that begin no longer one


class Token(NamedTuple):
    """`kind`: number, duration, string, identifier, metric identifier, keyword, aggregation, operator (words too), edge,
    a punctuation sign itself, or "end of input". `text` as written, `value` what a string means."""

    kind: str
    text: str
    start: int
    end: int
    value: str = ""

    @property
    def word(self) -> str:
        return self.text.lower()

    def described(self) -> str:
        """As Prometheus names it in "unexpected …"."""
        if self.kind == "end of input":
            return self.kind
        if self.kind in ("keyword", "edge"):
            return f"<{self.text}>"
        if self.kind == "operator":
            return f"<op:{self.text}>"
        if self.kind == "@":  # the one sign that Prometheus's parser has no name for
            return '"<Item 57406>" <op:@>'
        if self.kind == "aggregation":
            return f"<aggr:{self.text}>"
        cut = self.kind not in ("identifier", "metric identifier") and len(self.text) > 10
        shown = json.dumps(self.text[:10] if cut else self.text, ensure_ascii=False) + ("..." if cut else "")
        return shown if len(self.kind) == 1 else f"{self.kind} {shown}"


def wrong(query: str, at: int, message: str) -> errors.QuerySyntaxError:
    """A parse error at an offset, as line:column in bytes."""
    if not query:
        return errors.QuerySyntaxError(f"unknown position: parse error: {message}")
    line = query.count("\n", 0, at) + 1
    column = len(query[query.rfind("\n", 0, at) + 1 : at].encode(errors="replace")) + 1
    return errors.QuerySyntaxError(f"{line}:{column}: parse error: {message}")


class Lexer:
    """The tokens of one query, read when asked for."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._at = 0
        self._parentheses = 0
        self._brace = self._bracket = False

    def next(self) -> Token:
        """The next token, "end of input" for ever at the end; raises errors.QuerySyntaxError."""
        query = self._query
        if space := (_SPACE_IN_BRACES if self._brace else _SPACE).match(query, self._at):
            self._at = space.end()
        if self._at >= len(query):
            return self._finished()
        character = query[self._at]
        if character in "\"'`":
            return self._string(character)
        if self._brace:
            return self._in_braces(character)
        if "0" <= character <= "9" or (character == "." and query[self._at + 1 : self._at + 2].isdecimal()):
            return self._number()
        if character == ":" and self._bracket:
            return self._sign(":")
        if character in _ALONE:
            return self._sign(character)
        if word := _WORD.match(query, self._at):
            return self._word(word[0])
        for sign in _OPERATORS:
            if query.startswith(sign, self._at) and not (
                sign == "=~" or (sign == "=" and query[self._at + 1 : self._at + 2] == "~")
            ):
                return self._sign(sign)
        if character in "!=":
            after = query[self._at + 1 : self._at + 2]
            raise self._wrong(self._at, f"unexpected character after {character!r}: {quoting.rune(after)}")
        raise self._wrong(self._at, f"unexpected character: {quoting.rune(character)}")

    def _wrong(self, at: int, message: str) -> errors.QuerySyntaxError:
        return wrong(self._query, at, message)

    def _token(self, kind: str, size: int, value: str = "") -> Token:
        start = self._at
        self._at += size
        return Token(kind, self._query[start : self._at], start, self._at, value)

    def _finished(self) -> Token:
        end = len(self._query)
        if self._brace:
            raise self._wrong(end, "unexpected end of input inside braces")
        if self._parentheses:
            raise self._wrong(end, "unclosed left parenthesis")
        if self._bracket:
            raise self._wrong(end, "unclosed left bracket")
        return Token("end of input", "", end, end)

    def _sign(self, sign: str) -> Token:
        if sign == "(":
            self._parentheses += 1
        elif sign == ")":
            self._parentheses -= 1
            if self._parentheses < 0:
                raise self._wrong(self._at + 1, "unexpected right parenthesis ')'")
        elif sign == "{":
            self._brace = True
        elif sign == "[":
            if self._bracket:
                raise self._wrong(self._at, "unexpected left bracket '['")
            self._bracket = True
        elif sign == "]":
            if not self._bracket:
                raise self._wrong(self._at, "unexpected right bracket ']'")
            self._bracket = False
        kind = "operator" if sign in ("==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "^") else sign
        return self._token(kind, len(sign))

    def _in_braces(self, character: str) -> Token:
        query = self._query
        if label := _LABEL.match(query, self._at):
            return self._token("identifier", len(label[0]))
        two = query[self._at : self._at + 2]
        if two in ("=~", "!~", "!="):
            return self._token("matcher", 2)
        if character == "=":
            return self._token("matcher", 1)
        if character == "}":
            self._brace = False
        if character in ",}":
            return self._token(character, 1)
        if character == "!":
            raise self._wrong(self._at, f"unexpected character after '!' inside braces: {quoting.rune(two[1:])}")
        if character == "{":
            raise self._wrong(self._at, "unexpected left brace '{'")
        raise self._wrong(self._at, f"unexpected character inside braces: {quoting.rune(character)}")

    def _word(self, text: str) -> Token:
        word = text.lower()
        if word in ("inf", "nan"):
            kind = "number"
        elif word in WORD_OPERATORS:
            kind = "operator"
        elif word in AGGREGATIONS:
            kind = "aggregation"
        elif word in KEYWORDS:
            kind = "keyword"
        elif word in EDGES:
            kind = "edge"
        else:
            kind = "metric identifier" if ":" in text else "identifier"
        return self._token(kind, len(text))

    def _number(self) -> Token:
        for kind, pattern in (("duration", _DURATION), ("number", _NUMBER)):
            found = pattern.match(self._query, self._at)
            if found and not _GOES_ON.match(self._query, found.end()):
                return self._token(kind, len(found[0]))
        misread = _MISREAD.match(self._query, self._at)
        assert misread is not None, "it matches anything"
        raise self._wrong(self._at, f"bad number or duration syntax: {json.dumps(misread[0])}")

    def _string(self, quote: str) -> Token:
        end = quoting.closing(self._query, self._at)
        if end < 0:
            kind = "raw" if quote == "`" else "quoted"
            raise self._wrong(self._at, f"unterminated {kind} string")
        text = self._query[self._at : end + 1]
        try:
            value = quoting.unquoted(text)
        except ValueError as error:
            raise self._wrong(self._at, str(error)) from error
        return self._token("string", len(text), value)
