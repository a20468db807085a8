"""The record of everything that leaves this process over the network: when, by which door, where to, how many bytes.

There is no telemetry of our own; this record, on the operator's own disk, is how anybody can check that. It holds no query, no header
and no body, so it has no secrets to lose.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from rootward import _clock, errors

FILE_BYTES_MAX = 32 * 1024 * 1024
"""At this size the file becomes `….1`, replacing an older one, and a new one is begun."""
LINE_CHARS_MAX = 4_000


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """One request. `door`: connector or model; `name`: as in the settings; `host` with port; `path` without query.
    `bytes_out`: request line, headers and body; `bytes_in`: the body that came back; `status` 0: no answer came."""

    at_s: float
    door: str
    name: str
    method: str
    host: str
    path: str
    bytes_out: int
    bytes_in: int
    status: int


class Log(Protocol):
    """Where requests are noted. A note is made when the answer is in, or will not come; it must not raise."""

    def note(self, sent: Sent) -> None: ...


class FileLog:
    """JSON lines appended to a file that only its owner may read. Several processes may share it: a line is one write.

    `lost` counts notes that could not be written (a full disk): an investigation does not fail for it, but says so.
    """

    def __init__(self, path: Path, *, bytes_max: int = FILE_BYTES_MAX) -> None:
        self.path = path
        self.lost = 0
        self._bytes_max = bytes_max

    def note(self, sent: Sent) -> None:
        """Append one line."""
        line = json.dumps({**dataclasses.asdict(sent), "path": sent.path[:LINE_CHARS_MAX]}, ensure_ascii=True)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileNotFoundError):
                if self.path.stat().st_size > self._bytes_max:
                    self.path.replace(self.path.with_name(self.path.name + ".1"))
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line.encode() + b"\n")
            finally:
                os.close(handle)
        except OSError:
            self.lost += 1


def read(path: Path, *, since_s: float = float("-inf")) -> Iterator[Sent]:
    """What was noted, oldest first, the older file included. A half-written last line is passed over.

    Raises:
        errors.InputError: a file cannot be read, or a line in the middle is not one of ours.
    """
    for file in (path.with_name(path.name + ".1"), path):
        if not file.exists():
            continue
        try:
            lines = file.read_text(encoding="ascii").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise errors.InputError(f"cannot read the record {file}: {error}") from error
        for number, line in enumerate(lines[:-1], 1):
            try:
                sent = Sent(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise errors.InputError(f"{file}:{number} is not a line of the record of what left: {error}") from error
            if sent.at_s >= since_s:
                yield sent


@dataclasses.dataclass(frozen=True, slots=True)
class Total:
    """All requests of one door and name to one host."""

    door: str
    name: str
    host: str
    requests: int
    failed: int
    bytes_out: int
    bytes_in: int
    first_s: float
    last_s: float

    def as_json(self) -> dict[str, object]:
        """The fields, times as ISO 8601."""
        found = {key: value for key, value in dataclasses.asdict(self).items() if key not in ("first_s", "last_s")}
        return {**found, "first": _clock.to_iso(self.first_s), "last": _clock.to_iso(self.last_s)}


def totals(sent: Iterable[Sent]) -> list[Total]:
    """By destination, most bytes first."""
    grouped: dict[tuple[str, str, str], list[Sent]] = {}
    for one in sent:
        grouped.setdefault((one.door, one.name, one.host), []).append(one)
    found = [
        Total(
            *key,
            requests=len(group),
            failed=sum(not 200 <= one.status < 400 for one in group),
            bytes_out=sum(one.bytes_out for one in group),
            bytes_in=sum(one.bytes_in for one in group),
            first_s=min(one.at_s for one in group),
            last_s=max(one.at_s for one in group),
        )
        for key, group in grouped.items()
    ]
    return sorted(found, key=lambda total: (-total.bytes_out, total.door, total.name, total.host))
