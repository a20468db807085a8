"""The few messages of MCP that we send, and what may come back: JSON-RPC, checked, its errors told apart.

Source: https://modelcontextprotocol.io/specification/2025-11-25
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Protocol

import orjson

from rootward import __version__, errors
from rootward.connectors import _http, _json
from rootward.signals import redaction

VERSION = "2025-11-25"
VERSIONS = frozenset({VERSION, "2025-06-18", "2025-03-26", "2024-11-05"})
"""Those in which what we send means the same."""
METHODS = frozenset({"initialize", "notifications/initialized", "notifications/cancelled", "tools/list", "tools/call"})
"""All that we ever send; a server's own requests are refused, but for its ping."""
PAGES_MAX = 10  # of a list of tools
TOOLS_MAX = 2_000
_SHOWN_CHARS = 300
_REJECTED = frozenset({-32602, -32601, -32600})  # JSON-RPC: invalid parameters, no such method, invalid request
_FORBIDDEN = re.compile(
    r"\b(?:401|403|unauthori[sz]ed|unauthenticated|forbidden|permission denied|access denied|not permitted)\b",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"\b(?:400|404|422|bad.?data|bad request|invalid|validation|parse error|syntax error|unknown tool)\b|not.found",
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave: `document` if it was structured, or was JSON written as text; else None and `text`."""

    text: str
    document: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """Who answers, as it says itself, and its tools: name → whether it says that it writes."""

    name: str
    tools: Mapping[str, bool]


class Session(Protocol):
    """One server, over whatever carries the messages. It may be used concurrently, and begins anew when it was broken."""

    async def server(self, budget: _http.Budget) -> Server:
        """The server and its tools, asked once until it says that they changed; raises BackendError."""

    async def call(self, tool: str, arguments: Mapping[str, Any], budget: _http.Budget) -> Result:
        """One call of a tool; raises BackendError."""

    async def aclose(self) -> None:
        """End it. Calling it twice is fine."""


def request(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    """One line of JSON."""
    assert method in METHODS, "we send nothing else"
    return orjson.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def notification(method: str, params: Mapping[str, Any] | None = None) -> bytes:
    assert method in METHODS, "we send nothing else"
    return orjson.dumps({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})


def greeting() -> dict[str, Any]:
    """The parameters of `initialize`: no capability is offered, so no server may ask us for anything."""
    return {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "rootward", "version": __version__}}


def greeted(result: Mapping[str, Any]) -> tuple[str, str]:
    """(protocol version, name and version of the server).

    Raises:
        errors.BackendMalformed: it is no answer to a greeting, or of a version that we do not speak.
    """
    version = _json.text(result.get("protocolVersion"), "protocolVersion")
    if version not in VERSIONS:
        raise errors.BackendMalformed(f"it speaks MCP {version[:40]!r}; we speak {', '.join(sorted(VERSIONS))}")
    about = _json.inner(result, "serverInfo")
    name = " ".join(_json.optional_text(about.get(key))[:80] for key in ("name", "version")).strip()
    return version, redaction.redact(name) or "a server without a name"


def listed(result: Mapping[str, Any]) -> tuple[dict[str, bool], str]:
    """The tools of one page, and the cursor of the next ("" if it is the last). Descriptions and schemas are not even kept."""
    found = {}
    for one in _json.items(result.get("tools"), "tools"):
        body = _json.mapping(one, "a tool")
        hints = _json.inner(body, "annotations")
        found[_json.text(body.get("name"), "a tool's name")] = hints.get("readOnlyHint") is False or (
            hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True
        )
    return found, _json.optional_text(result.get("nextCursor"))


def outcome(message: Mapping[str, Any], source: str, asked: str) -> Mapping[str, Any]:
    """The result in a response.

    Raises:
        errors.BackendError: it is an error; `QueryRejected` where it is about our asking.
    """
    error = message.get("error")
    if error is None:
        return _json.mapping(message.get("result"), "result")
    body = _json.mapping(error, "error")
    raise _refusal(source, asked, _json.optional_text(body.get("message")), rejected=body.get("code") in _REJECTED)


def result(body: Mapping[str, Any], source: str, asked: str) -> Result:
    """What a tool gave.

    Raises:
        errors.BackendError: the tool itself reports an error; a subclass if its words tell which.
        errors.BackendMalformed: it is not a tool's result.
    """
    parts = [_json.mapping(one, "content") for one in _json.items(body.get("content"), "content")]
    texts = [_json.optional_text(one.get("text")) for one in parts if one.get("type") == "text"]
    inside = [_json.inner(one, "resource").get("text") for one in parts if one.get("type") == "resource"]
    text = "\n".join([*texts, *(one for one in inside if isinstance(one, str))])
    if body.get("isError") is True:
        raise _refusal(source, asked, text, rejected=_WRONG.search(text[:2_000]) is not None)
    structured = body.get("structuredContent")
    if isinstance(structured, dict):
        only = set(structured) == {"result"}  # how servers wrap what is no object
        return (
            _of_text(structured["result"])
            if only and isinstance(structured["result"], str)
            else Result(text, structured["result"] if only else structured)
        )
    if "content" not in body:
        raise errors.BackendMalformed("it is not a tool's result: it has no content")
    return _of_text(text)


def _of_text(text: str) -> Result:
    """JSON in a text is what most servers answer; JSON line by line counts as a list."""
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            return Result(text, _json.loads(text.encode("utf-8", errors="replace")))
        except (ValueError, RecursionError):
            pass
    if start == "{":
        try:
            return Result(text, [orjson.loads(line) for line in text.splitlines() if line.strip()])
        except ValueError as error:
            raise errors.BackendMalformed(
                "its text begins like JSON and is none: cut short? ask for fewer records"
            ) from error
    if text.lstrip().startswith(("[{", "[[", '["')):
        raise errors.BackendMalformed("its text begins like JSON and is none: cut short? ask for fewer records")
    return Result(text)


def _refusal(source: str, asked: str, said: str, *, rejected: bool) -> errors.BackendError:
    told = " ".join(redaction.redact(said[:4_000]).split())[:_SHOWN_CHARS]
    message = f"{source}: {asked} was refused" + (f" ({told})" if told else "")
    if _FORBIDDEN.search(said[:2_000]):
        return errors.NotPermitted(message, source=source)
    return errors.QueryRejected(message, source=source) if rejected else errors.BackendError(message, source=source)
