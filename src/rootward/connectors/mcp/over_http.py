"""MCP over streamable HTTP: each message is one POST, its answer a document or a short stream of events.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rootward import errors
from rootward.connectors import _http, _json, _reads
from rootward.connectors.mcp import talking, wire

_ACCEPT = "application/json, text/event-stream"
_SESSION_CHARS_MAX = 1_000


class HttpSession(talking.Talk):
    """Over one address, with the client that all connectors share: its time, bytes, attempts, credentials and record of what left.
    `path` is what follows the client's address."""

    def __init__(self, source: str, allowed: frozenset[str], http: _http.HttpClient, *, path: str = "") -> None:
        super().__init__(source, allowed)
        http.reads = _reads.Reads((f"POST {path}",))
        self._http = http
        self._path = path
        self._session = ""
        self._version = ""

    async def aclose(self) -> None:
        """End connections."""
        await self._http.aclose()

    def _agreed(self, version: str) -> None:
        self._version = version

    async def _ask(self, method: str, params: Mapping[str, Any], budget: _http.Budget) -> Mapping[str, Any]:
        number = self._next()
        reply = await self._post(wire.request(number, method, params), budget, ends=method != "initialize")
        if method == "initialize":
            self._session = _visible(reply.headers.get("mcp-session-id", ""))
        for message in _messages(reply):
            if message.get("method") == "notifications/tools/list_changed":
                self._forget()
            if message.get("id") == number and "method" not in message:
                return message
        raise errors.BackendMalformed(f"the answer to {method} holds no response to it")

    async def _tell(self, method: str, budget: _http.Budget) -> None:
        await self._post(wire.notification(method), budget, ends=True)

    async def _post(self, document: bytes, budget: _http.Budget, *, ends: bool) -> _http.Reply:
        headers = {"accept": _ACCEPT}
        if ends and self._session:
            headers["mcp-session-id"] = self._session
        if ends and self._version:
            headers["mcp-protocol-version"] = self._version
        accept = frozenset({404}) if ends and self._session else frozenset()
        reply = await self._http.request(
            "POST", self._path, budget=budget, headers=headers, document=document, accept=accept
        )
        if reply.status == 404:  # what a server says of a session that it has ended; the next question begins a new one
            self._session = ""
            self._forget()
            raise errors.BackendError(
                f"{self._source}: the server has ended the session; ask again", source=self._source
            )
        return reply


def _messages(reply: _http.Reply) -> Iterator[Mapping[str, Any]]:
    """Every message in a reply, whichever of its forms it has.

    Raises:
        errors.BackendMalformed: it is neither JSON nor events.
    """
    if reply.headers.get("content-type", "").startswith("text/event-stream"):
        for event in reply.text().replace("\r\n", "\n").replace("\r", "\n").split("\n\n"):
            data = "\n".join(line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:"))
            if data:
                yield from _each(_decoded(data))
        return
    yield from _each(_http.decode(reply))


def _decoded(data: str) -> Any:
    try:
        return _json.loads(data.encode("utf-8", errors="replace"))
    except (ValueError, RecursionError) as error:
        raise errors.BackendMalformed("an event of the answer is not JSON") from error


def _each(decoded: Any) -> Iterator[Mapping[str, Any]]:
    for one in decoded if isinstance(decoded, list) else [decoded]:
        yield _json.mapping(one, "a message")


def _visible(session: str) -> str:
    """A session's id, which goes into a header: visible ASCII only, as the protocol wants it."""
    return session if len(session) <= _SESSION_CHARS_MAX and all(33 <= ord(one) <= 126 for one in session) else ""
