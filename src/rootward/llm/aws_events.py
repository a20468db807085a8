"""Amazon's binary framing of streams (vnd.amazon.eventstream), in which Bedrock wraps each event of the Messages API."""

import base64
import json
import struct
import zlib
from collections.abc import Iterator

from rootward.llm import sse

MESSAGE_BYTES_MAX = 16 * 1024 * 1024  # what Amazon allows
_PRELUDE = struct.Struct(">III")  # length of all, length of the headers, checksum of these two
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # of header values by type
_TEXT, _BYTES = 7, 6


class Broken(ValueError):
    """The bytes are not such a stream, or were damaged on the way."""


class Parser:
    """As `sse.Parser`: feed it bytes cut anywhere, take events. An exception in the stream becomes an event named "error"."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[sse.Event]:
        """The events that `chunk` completes.

        Raises:
            Broken: a checksum is wrong, a length impossible, a message not what Bedrock sends.
        """
        self._rest += chunk
        while len(self._rest) >= _PRELUDE.size:
            length, headers_length, checksum = _PRELUDE.unpack_from(self._rest)
            if zlib.crc32(self._rest[:8]) != checksum or not headers_length + 16 <= length <= MESSAGE_BYTES_MAX:
                raise Broken("a message of the stream has a damaged head")
            if len(self._rest) < length:
                return
            message = bytes(self._rest[:length])
            del self._rest[:length]
            if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
                raise Broken("a message of the stream is damaged")
            event = _event(_headers(message[12 : 12 + headers_length]), message[12 + headers_length : -4])
            if event is not None:
                yield event

    @property
    def tail(self) -> bool:
        """Whether the stream ended inside a message."""
        return bool(self._rest)


def _headers(raw: bytes) -> dict[str, str]:
    """Those that are texts; the others are passed over."""
    found, at = {}, 0
    try:
        while at < len(raw):
            name_end = at + 1 + raw[at]
            name, kind = raw[at + 1 : name_end].decode(), raw[name_end]
            at = name_end + 1
            if kind in _FIXED_BYTES:
                at += _FIXED_BYTES[kind]
            elif kind in (_TEXT, _BYTES):
                (size,) = struct.unpack_from(">H", raw, at)
                at += 2 + size
                if kind == _TEXT:
                    found[name] = raw[at - size : at].decode()
            else:
                raise Broken(f"a header of the unknown type {kind}")
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Broken("a message of the stream has headers that cannot be read") from error
    return found


def _event(headers: dict[str, str], payload: bytes) -> sse.Event | None:
    kind = headers.get(":message-type", "event")
    if kind != "event":
        name = headers.get(":exception-type") or headers.get(":error-code", "")
        said = headers.get(":error-message") or _message(payload)
        return sse.Event("error", json.dumps({"error": {"type": name, "message": said}}))
    if headers.get(":event-type") != "chunk":
        return None
    try:
        data = base64.b64decode(json.loads(payload)["bytes"], validate=True).decode()
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("a chunk of the stream does not hold what it should") from error
    return sse.Event("message", data)


def _message(payload: bytes) -> str:
    try:
        tree = json.loads(payload)
    except ValueError:
        return payload[:200].decode("utf-8", errors="replace")
    return str(tree.get("message", "")) if isinstance(tree, dict) else ""
