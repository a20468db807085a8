"""How MCP tools ask the faces: one bounded request, times as agents write them, and refusals in the vendor's own words."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml
from starlette import types

from rootward import _clock, errors
from rootward.dojo.wire import _http, _inside, _organisation

MAX_TEXT = 60_000
_RELATIVE = re.compile(r"(?:now)?(?:-(\d{1,9})([smhd]))?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TOKEN = {"authorization": "Bearer viewer", "from": f"{_organisation.AGENT}@localhost.local"}


class Refusal(errors.RootwardError):
    """A back end said no, or a tool's argument cannot be read; the message is for the agent."""


class Asking:
    """Asks the faces that are there, with a viewer's token."""

    def __init__(self, faces: Mapping[str, types.ASGIApp], clock: _clock.Clock) -> None:
        self.faces = faces
        self.clock = clock

    async def reply(
        self,
        vendor: str,
        path: str,
        fields: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        method: str = "GET",
    ) -> _inside.Reply:
        """The reply to one request; a `body` is sent as JSON.

        Raises:
            Refusal: an answer of status 400 or more, or no such vendor here.
        """
        if vendor not in self.faces:
            raise Refusal(f"there is no {vendor} here; there are {', '.join(self.faces)}")
        sent = {**_TOKEN, **(headers or {})}
        raw = b""
        if body is not None:
            raw = json.dumps(body).encode()
            sent["content-type"] = "application/json"
        found = await _inside.ask(self.faces[vendor], path, fields or {}, method=method, headers=sent, body=raw)
        if found.status >= 400:
            raise Refusal(f"{vendor} answered {found.status}: {cut(found.text().strip(), 2_000)}")
        return found

    async def json(self, vendor: str, path: str, fields: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer; raises Refusal."""
        return (await self.reply(vendor, path, fields)).json()

    def time_s(self, text: str, default: str = "now") -> float:
        """Seconds since the epoch from `now`, `-30m`, RFC 3339 or a number; raises Refusal."""
        text = text.strip() or default
        if found := _RELATIVE.fullmatch(text):
            return self.clock.now_s() - int(found[1] or 0) * _UNIT_S[found[2] or "s"]
        try:
            value = float(text)
        except ValueError:
            try:
                return _clock.from_iso(text)
            except ValueError as error:
                raise Refusal(
                    f"{json.dumps(text)} is no time; write now, -30m, 2026-05-19T10:00:00Z or seconds since 1970"
                ) from error
        if not 0 <= value <= 1e10:
            raise Refusal(f"{text} is no time in seconds since 1970")
        return value

    def iso(self, text: str, default: str = "now") -> str:
        """The same as RFC 3339."""
        return _http.iso_seconds(self.time_s(text, default))


def cut(text: str, limit: int = MAX_TEXT) -> str:
    """At most `limit` characters, and how much was left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}\n… {len(text) - limit} more characters: narrow the question"


def compact(data: Any) -> str:
    """JSON for an agent to read, bounded."""
    return cut(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def as_yaml(data: Any) -> str:
    return cut(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=200))


def table(rows: list[list[str]]) -> str:
    """Columns padded as kubectl pads them."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return cut("\n".join(lines))
