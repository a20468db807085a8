"""Names of indices: patterns, aliases, exclusions and date math resolved to what exists; and what is said about each."""

import datetime as dt
import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import dates
from rootward.dojo.wire import _elasticsearch_documents as documents
from rootward.dojo.wire import _elasticsearch_replies as replies

ALIASES = {"logs": "logs-", "traces-apm": "traces-apm-"}
_DATED = re.compile(r"<([^{}<>]*)\{([^{}]+)(?:\{([^{}|]+)(?:\|([^{}]+))?\})?\}([^{}<>]*)>")
MAX_NAMES = 500
BYTES_PER_DOCUMENT = 430


class Catalogue:
    """The indices that exist at a moment: those with a document that can be found then."""

    def __init__(self, found: documents.Documents, now_ms: float) -> None:
        self.documents = found
        self.now_ms = now_ms
        self.visible: column.BoolArray = np.asarray(found.known_ms <= now_ms)
        codes = found.table.columns["_index"].codes
        assert codes is not None
        counts = np.bincount(codes[self.visible], minlength=len(found.indices)) if len(codes) else np.zeros(0, np.int64)
        self.counts = {name: int(count) for name, count in zip(found.indices, counts.tolist(), strict=True) if count}

    @property
    def names(self) -> list[str]:
        return list(self.counts)

    def aliases_of(self, name: str) -> list[str]:
        return [alias for alias, prefix in ALIASES.items() if name.startswith(prefix)]

    def resolve(self, expression: str, *, lenient: bool = False, allow_none: bool = True) -> list[str]:
        """Existing indices that an expression means, in order; raises Refusal for a name that does not exist."""
        chosen: list[str] = []
        parts = [part for part in expression.split(",") if part] or ["_all"]
        if len(parts) > MAX_NAMES:
            raise replies.Refusal(
                400, replies.plain("illegal_argument_exception", "too many index names in the expression")
            )
        for part in parts:
            name = self._dated(part)
            if name.startswith("-") and chosen:
                chosen = [one for one in chosen if not fnmatch.fnmatchcase(one, name[1:])]
                continue
            found = self._matching(name)
            if not found and "*" not in name and name != "_all" and not lenient:
                raise replies.no_such_index(name)
            chosen += [one for one in found if one not in chosen]
        if not chosen and not allow_none:
            raise replies.no_such_index(expression)
        return chosen

    def _matching(self, name: str) -> list[str]:
        if name in ("_all", "*"):
            return self.names
        if "*" in name or "?" in name:
            pattern = name.replace("[", "[[]")
            aliased = [prefix for alias, prefix in ALIASES.items() if fnmatch.fnmatchcase(alias, pattern)]
            return [
                one for one in self.names if fnmatch.fnmatchcase(one, pattern) or one.startswith(tuple(aliased) or "\0")
            ]
        if name in ALIASES:
            return [one for one in self.names if one.startswith(ALIASES[name])]
        return [name] if name in self.counts else []

    def _dated(self, name: str) -> str:
        """`<logs-shop-{now/d}>` as the name it means today."""
        found = _DATED.fullmatch(name)
        if not found:
            return name
        before, math, pattern, zone, after = found.groups()
        tz = dates.zone(zone or "")
        at_ms = dates.parse(math, int(self.now_ms), time_zone=zone or "")
        return f"{before}{dates.text(at_ms, pattern or 'yyyy.MM.dd', tz)}{after}"

    def rows_of(self, names: Sequence[str]) -> column.BoolArray:
        """Visible rows of these indices."""
        if len(names) == len(self.counts):
            return self.visible
        index = self.documents.table.columns["_index"]
        codes = [index.code_of[name] for name in names]
        return self.visible & index.among(codes)

    def fields_of(self, names: Sequence[str]) -> dict[str, str]:
        """Field → type of the fields that documents of these indices have, by name."""
        rows = np.flatnonzero(self.rows_of(names))
        return {
            name: one.kind
            for name, one in sorted(self.documents.table.columns.items())
            if name != "_index" and bool(one.present[rows].any())
        }

    def created_ms(self, name: str) -> int:
        """An index of a day is made when the day's first document arrives."""
        index = self.documents.table.columns["_index"]
        rows = np.flatnonzero(index.equal(name))
        first = self.documents.table.columns["@timestamp"].numbers
        assert first is not None
        return int(first[rows[0]]) if len(rows) else 0


_TYPES: Mapping[str, dict[str, Any]] = {
    "keyword": {"type": "keyword", "ignore_above": 1024},
    "text": {"type": "text"},
    "long": {"type": "long"},
    "double": {"type": "double"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
}


def mapping(fields: Mapping[str, str]) -> dict[str, Any]:
    """Fields as a mapping's nested `properties`."""
    out: dict[str, Any] = {}
    for name, kind in fields.items():
        at = out
        *parents, last = name.split(".")
        for parent in parents:
            at = at.setdefault(parent, {}).setdefault("properties", {})
        at[last] = {**at.get(last, {}), **_TYPES[kind]}
    return {"properties": out}


def settings(catalogue: Catalogue, name: str) -> dict[str, Any]:
    created = catalogue.created_ms(name)
    return {
        "index": {
            "routing": {"allocation": {"include": {"_tier_preference": "data_content"}}},
            "number_of_shards": "1",
            "provided_name": name,
            "creation_date": str(created),
            "number_of_replicas": "1",
            "uuid": replies.index_uuid(name),
            "version": {"created": "9033000"},
        }
    }


def size_text(count: int) -> str:
    """Bytes as `_cat` writes them."""
    size = float(count)
    for unit in ("b", "kb", "mb", "gb"):
        if size < 1024 or unit == "gb":
            return f"{size:.1f}{unit}".replace(".0b", "b")
        size /= 1024
    return f"{size:.1f}gb"


def day_text(ms: float) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).strftime("%H:%M:%S")
