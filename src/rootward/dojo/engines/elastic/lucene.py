"""Lucene's query string syntax (`status:[500 TO *] AND NOT "timed out"`), and the simple one, turned into query DSL.

The grammar is that of elastic.co/docs/reference/query-languages/query-dsl/query-dsl-query-string-query; a recursive descent over
tokens, so that time is linear in the text and depth is bounded.
"""

import dataclasses
import enum
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rootward.dojo.engines.elastic import rejection

MAX_CHARACTERS = 32_768
MAX_DEPTH = 20
MAX_LEAVES = 4_096
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<field>(?:[\w@.*-]|\\.)+):(?!\s*$)
      | (?P<range>[\[{]\s*(?P<low>"[^"]*"|[^\s\]}]+)\s+TO\s+(?P<high>"[^"]*"|[^\s\]}]+)\s*(?P<close>[\]}]))
      | (?P<compare>(?:>=|<=|>|<)\s*(?:"[^"]*"|[^\s()]+))
      | (?P<phrase>"(?:[^"\\]|\\.)*")(?:~(?P<slop>\d{1,4}))?(?:\^(?P<weight>\d{1,4}(?:\.\d{1,4})?))?
      | (?P<regex>/(?:[^/\\]|\\.)*/)
      | (?P<and>AND(?=[\s(])|&&)
      | (?P<or>OR(?=[\s(])|\|\|)
      | (?P<not>NOT(?=[\s(])|!)
      | (?P<sign>[+-](?=\S))
      | (?P<open>\()
      | (?P<shut>\))(?:\^(?P<boost>\d{1,4}(?:\.\d{1,4})?))?
      | (?P<term>(?:[^\s()\[\]{}"^~\\:!/<>&|]|\\.|[!/<>&|:](?=\S))+)(?:~(?P<fuzzy>[0-2]?))?(?:\^(?P<lift>\d{1,4}(?:\.\d{1,4})?))?
    """,
    re.VERBOSE | re.ASCII,
)
_SPECIAL = re.compile(r"(?<!\\)[*?]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Leaf(enum.Enum):
    """Names of leaves that only a query string can have: no JSON key can be one of these."""

    PHRASE = 1
    PATTERN = 2
    MATCH = 3
    RANGE = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Defaults:
    """What a query string does not say: the fields (with weights) to search, and what joins two bare clauses."""

    fields: Sequence[str]
    every: bool = False  # default_operator and
    lenient: bool = False


def parse(text: str, defaults: Defaults) -> dict[Any, Any]:
    """The query string as query DSL.

    Raises:
        rejection.Rejection: not in the language, or past MAX_CHARACTERS or MAX_DEPTH.
    """
    if len(text) > MAX_CHARACTERS:
        raise rejection.shard(
            f"failed to create query: Query string length exceeds max allowed length {MAX_CHARACTERS}"
        )
    if text.strip() in ("", "*"):
        return {"match_all": {}} if text.strip() else {"match_none": {}}
    reader = _Reader(text, defaults)
    found = reader.clauses(None, 0)
    if not reader.done():
        raise _wrong(text)
    return found


def _wrong(text: str) -> rejection.Rejection:
    shown = text if len(text) <= 200 else text[:200] + "…"
    reason = f"Failed to parse query [{shown}]"
    return rejection.Rejection(
        "query_shard_exception", reason, phase=True, caused_by=("parse_exception", f"Cannot parse '{shown}'")
    )


class _Reader:
    def __init__(self, text: str, defaults: Defaults) -> None:
        self._text = text
        self._defaults = defaults
        self._tokens: list[re.Match[str]] = []
        self._at = 0
        self._leaves = 0
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None or found.end() == position:
                raise _wrong(text)
            position = found.end()
            if found.lastgroup != "space" and not found["space"]:
                self._tokens.append(found)

    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def _next(self, *kinds: str) -> re.Match[str] | None:
        """The next token if it is one of these kinds."""
        if self.done():
            return None
        token = self._tokens[self._at]
        if any(token[kind] is not None for kind in kinds):
            self._at += 1
            return token
        return None

    def clauses(self, field: str | None, depth: int) -> dict[Any, Any]:
        """Clauses up to `)`: Lucene's classic precedence, where AND marks both its sides as required."""
        if depth > MAX_DEPTH:
            raise _wrong(self._text)
        found: list[tuple[str, dict[Any, Any]]] = []  # (must | should | must_not, query)
        while not self.done() and self._tokens[self._at]["shut"] is None:
            joined = "and" if self._next("and") else "or" if self._next("or") else ""
            if joined and not found:
                raise _wrong(self._text)
            role = ""
            while token := self._next("not", "sign"):
                role = "must" if token["sign"] == "+" else "must_not"
            query = self._clause(field, depth)
            if joined == "and" and found[-1][0] == "should":
                found[-1] = ("must", found[-1][1])
            if joined == "or" and self._defaults.every and found[-1][0] == "must":
                found[-1] = ("should", found[-1][1])
            plain = "must" if joined == "and" or (self._defaults.every and joined != "or") else "should"
            found.append((role or plain, query))
        if not found:
            raise _wrong(self._text)
        return combined(found)

    def _clause(self, field: str | None, depth: int) -> dict[Any, Any]:
        named = self._next("field")
        if named:
            field = _plain(named["field"])
        if self._next("open"):
            inner = self.clauses(field, depth + 1)
            shut = self._next("shut")
            if shut is None:
                raise _wrong(self._text)
            return boosted(inner, shut["boost"])
        token = self._next("phrase", "range", "compare", "regex", "term")
        if token is None:
            raise _wrong(self._text)
        return self._leaf(field, token)

    def _leaf(self, field: str | None, token: re.Match[str]) -> dict[Any, Any]:
        fields = [field] if field is not None else list(self._defaults.fields)
        self._leaves += len(fields)
        if self._leaves > MAX_LEAVES:
            reason = f"Query contains too many nested clauses; maxClauseCount is set to {MAX_LEAVES}"
            raise rejection.shard(f"failed to create query: {reason}", reason)
        if field == "_exists_":
            return {"exists": {"field": _plain(token["term"] or token["phrase"] or "").strip('"')}}
        lenient = self._defaults.lenient or (field is None and len(fields) > 1)
        parts = [_forgiving(self._query(name, token)) if lenient else self._query(name, token) for name in fields]
        weight = token["weight"] or token["lift"]
        query = parts[0] if len(parts) == 1 else {"dis_max": {"queries": parts}} if parts else {"match_none": {}}
        return boosted(query, weight)

    def _query(self, name: str, token: re.Match[str]) -> dict[Any, Any]:
        if token["phrase"] is not None:
            options = {"query": _plain(token["phrase"][1:-1]), "slop": int(token["slop"] or 0)}
            return {Leaf.PHRASE: {"field": name, **options}}
        if token["range"] is not None:
            return {Leaf.RANGE: {"field": name, **_bounds(token)}}
        if token["compare"] is not None:
            found = re.match(r"(>=|<=|>|<)\s*(.*)", token["compare"], re.DOTALL)
            assert found is not None, "the token's own pattern"
            op = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}[found[1]]
            return {Leaf.RANGE: {"field": name, op: found[2].strip('"')}}
        if token["regex"] is not None:
            return {Leaf.PATTERN: {"field": name, "regexp": token["regex"][1:-1].replace("\\/", "/")}}
        text = token["term"]
        if text == "*":
            return {"exists": {"field": name}}
        if _SPECIAL.search(text):
            return {Leaf.PATTERN: {"field": name, "wildcard": text}}
        wanted: dict[str, Any] = {"query": _plain(text)}
        if token["fuzzy"] is not None:
            wanted["fuzziness"] = token["fuzzy"] or "AUTO"
        return {Leaf.MATCH: {"field": name, **wanted}}


def _forgiving(leaf: dict[Any, Any]) -> dict[Any, Any]:
    """The leaf, matching nothing where its field cannot hold the value."""
    return {name: {**options, "lenient": True} for name, options in leaf.items()}


def _bounds(token: re.Match[str]) -> dict[Any, Any]:
    out = {}
    low, high = (_plain(token[side]).strip('"') for side in ("low", "high"))
    if low != "*":
        out["gte" if token["range"][0] == "[" else "gt"] = low
    if high != "*":
        out["lte" if token["close"] == "]" else "lt"] = high
    return out


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def boosted(query: dict[Any, Any], weight: str | None) -> dict[Any, Any]:
    """The query with its score multiplied."""
    if not weight:
        return query
    return {"bool": {"must": [query], "boost": float(weight)}}


def combined(found: Sequence[tuple[str, dict[Any, Any]]]) -> dict[Any, Any]:
    """(role, query) pairs as one query."""
    if len(found) == 1 and found[0][0] != "must_not":
        return found[0][1]
    body: dict[str, list[Mapping[Any, Any]]] = {}
    for role, query in found:
        body.setdefault(role, []).append(query)
    return {"bool": body}


_SIMPLE = re.compile(r'\s+|"(?:[^"\\]|\\.)*"?(?:~\d{1,4})?|[()|+-]|[^\s()"|]+')


def parse_simple(text: str, defaults: Defaults) -> dict[Any, Any]:
    """simple_query_string: `+` and, `|` or, `-` not, `"…"`, `*` at the end, `( )`; never an error, whatever the text."""
    pieces = [piece for piece in _SIMPLE.findall(text[:MAX_CHARACTERS]) if not piece.isspace()]
    pieces = pieces[: MAX_LEAVES // max(len(defaults.fields), 1) + 1]
    query, _ = _simple(pieces, 0, defaults, 0)
    return query


def _simple(pieces: Sequence[str], at: int, defaults: Defaults, depth: int) -> tuple[dict[Any, Any], int]:
    found: list[tuple[str, dict[Any, Any]]] = []
    joined, negated = "", False
    while at < len(pieces):
        piece = pieces[at]
        at += 1
        if piece == ")":
            break
        if piece in ("+", "|"):
            joined = piece
            continue
        if piece == "-":
            negated = True
            continue
        if piece == "(":
            if depth >= MAX_DEPTH:
                continue
            query, at = _simple(pieces, at, defaults, depth + 1)
        else:
            query = _simple_leaf(piece, defaults)
        if joined == "+" and found and found[-1][0] == "should":
            found[-1] = ("must", found[-1][1])
        role = "must" if joined == "+" or (defaults.every and joined != "|") else "should"
        if negated:
            query = {"bool": {"must_not": [query]}}
        found.append((role, query))
        joined, negated = "", False
    return (combined(found) if found else {"match_none": {}}), at


def _simple_leaf(piece: str, defaults: Defaults) -> dict[Any, Any]:
    parts: list[dict[Any, Any]] = []
    for name in defaults.fields[:MAX_LEAVES]:
        if piece.startswith('"'):
            body, _, slop = piece[1:].rpartition('"') if piece.count('"') > 1 else (piece[1:], "", "")
            options = {"query": _plain(body), "slop": int(slop[1:]) if slop[1:].isdigit() else 0}
            parts.append({Leaf.PHRASE: {"field": name, **options}})
        elif piece.endswith("*") and len(piece) > 1:
            escaped = re.sub(r"([*?\\])", r"\\\1", piece[:-1])
            parts.append({Leaf.PATTERN: {"field": name, "wildcard": f"{escaped}*"}})
        else:
            parts.append({Leaf.MATCH: {"field": name, "query": _plain(piece)}})
    parts = [_forgiving(one) for one in parts]
    return parts[0] if len(parts) == 1 else {"dis_max": {"queries": parts}} if parts else {"match_none": {}}
