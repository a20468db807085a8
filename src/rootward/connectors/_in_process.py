"""Asks an ASGI application in this process, without the HTTP library.

Between two functions of one process there are no connections, redirects, encodings or addresses to take apart, and what the library does
about them costs more than many a face's own work. What a server would see is the same: method, path, query, headers, body.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib import parse

ASGIApp = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[MutableMapping[str, Any]], Awaitable[None]]],
    Awaitable[None],
]

_UNQUOTED = "/:@!$&'()*+,;=~%"  # of a path (RFC 3986); what is quoted already stays so


class Response:
    """What the application sent: `status`, `headers` (names in lower case, repeated ones joined), `body`.

    Of the body at most the first pieces that go beyond `bytes_max` are kept, so that more than that can be told and costs nothing.
    """

    def __init__(self, bytes_max: int) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.ended = asyncio.Event()
        self._bytes_max = bytes_max
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """ASGI's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for raw, value in message.get("headers") or ():
                name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
                self.headers[name] = f"{self.headers[name]}, {text}" if name in self.headers else text
        elif message["type"] == "http.response.body":
            piece = message.get("body", b"")
            if self._size <= self._bytes_max:
                self._pieces.append(piece)
                self._size += len(piece)
            if not message.get("more_body"):
                self.ended.set()


async def ask(
    app: ASGIApp, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes, *, bytes_max: int
) -> Response:
    """One request. An exception in the application, and an answer that it never begins, are a 500, as behind any server."""
    quoted = parse.quote(path, safe=_UNQUOTED)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        "scheme": "http",
        "path": parse.unquote(quoted),
        "raw_path": quoted.encode("ascii"),
        "query_string": query.encode("ascii"),
        "server": (headers.get("host", ""), None),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }
    response, asked = Response(bytes_max), [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await response.ended.wait()
        return {"type": "http.disconnect"}

    try:
        await app(scope, receive, response.send)
    except Exception:  # noqa: BLE001 -- whatever is wrong with the application, to its client it is a server's error
        response.status = response.status or 500
    response.status = response.status or 500
    return response
