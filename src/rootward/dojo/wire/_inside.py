"""Asks a face from inside the same process, byte for byte as its own clients do: for faces that stand before other faces."""

import asyncio
import dataclasses
import json
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from starlette import types

STREAM_S = 2.0
_HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body decoded; None where it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


async def ask(
    app: types.ASGIApp,
    path: str,
    fields: Sequence[tuple[str, str]] | Mapping[str, Any] = (),
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Reply:
    """One request of `app`; `fields` become the query, lists of a mapping repeat their name, None leaves it out."""
    pairs = _pairs(fields) if isinstance(fields, Mapping) else list(fields)
    scope: types.Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": urllib.parse.unquote(path),
        "raw_path": path.encode(),
        "query_string": urllib.parse.urlencode(pairs).encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": (_HOST, 0),
        "server": (_HOST, 80),
    }
    status, got, chunks = 0, {}, []
    sent = False

    async def receive() -> types.Message:
        nonlocal sent
        if sent:
            await asyncio.sleep(STREAM_S)  # an answer that goes on is left after a moment
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: types.Message) -> None:
        nonlocal status, got
        if message["type"] == "http.response.start":
            status = message["status"]
            got = {name.decode().lower(): value.decode() for name, value in message.get("headers", ())}
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    await app(scope, receive, send)
    return Reply(status, got, b"".join(chunks))


def _pairs(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for name, value in fields.items():
        values = value if isinstance(value, list | tuple) else [value]
        out += [(name, str(one)) for one in values if one is not None and one != ""]
    return out
