"""Server-sent events (WHATWG HTML, section 9.2) out of bytes that arrive cut anywhere."""

import dataclasses
from collections.abc import Iterator

EVENT_BYTES_MAX = 8 * 1024 * 1024  # of one event; the largest seen are whole tool calls of some hundred KiB


class EventTooLarge(ValueError):
    """One event is larger than EVENT_BYTES_MAX."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """`name` is "message" where the stream gives none; `data` has its lines joined by newlines."""

    name: str
    data: str


class Parser:
    """Feed it bytes, take events. Lines may end in CR, LF or CRLF, also cut between the two; comments and ids are passed over.

    An event that no empty line has ended is not one (so says the standard); `tail` tells whether something was left.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []  # of a line that has not ended
        self._after_cr = False
        self._first = True
        self._name = ""
        self._data: list[str] = []
        self._size = 0  # bytes of the event so far

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that `chunk` completes.

        Raises:
            EventTooLarge: an event does not end.
        """
        if not chunk:
            return
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines(keepends=True)  # of bytes: CR, LF and CRLF, nothing else
        for raw in lines:
            self._size += len(raw)
            if self._size > EVENT_BYTES_MAX:
                raise EventTooLarge(f"an event of more than {EVENT_BYTES_MAX} bytes")
            self._pieces.append(raw)
            if raw.endswith((b"\r", b"\n")):
                line, self._pieces = b"".join(self._pieces).rstrip(b"\r\n"), []
                event = self._line(line)
                if event is not None:
                    yield event

    @property
    def tail(self) -> bool:
        """Whether the stream ended inside an event."""
        return bool(self._pieces or self._data)

    def _line(self, raw: bytes) -> Event | None:
        line = raw.decode("utf-8", errors="replace")
        if self._first:
            line, self._first = line.removeprefix("\ufeff"), False
        if not line:
            return self._ended()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        return None

    def _ended(self) -> Event | None:
        name, data = self._name, self._data
        self._name, self._data, self._size = "", [], 0
        return Event(name or "message", "\n".join(data)) if data else None
