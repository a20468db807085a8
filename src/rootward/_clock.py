"""The only door to time, so that tests and simulated worlds decide what time it is.

All times in Rootward are seconds since the Unix epoch (UTC) as floats, unless a name ends in another unit.
"""

import asyncio
import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """What anything that waits or looks at the time receives as an argument."""

    def now_s(self) -> float:
        """Seconds since the epoch, UTC."""

    def monotonic_s(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Wait; at least one turn of the event loop even for zero."""


class SystemClock:
    """The machine's own time."""

    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class VirtualClock:
    """Time that only moves when somebody sleeps or calls `advance`: for simulated worlds and tests."""

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        return self._now_s

    def monotonic_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0.0))
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        assert seconds >= 0, "time never goes back"
        self._now_s += seconds


def processor_s() -> float:
    """Seconds of processor time that this process has spent, for figures of cost; it decides nothing."""
    return time.process_time()


def to_iso(time_s: float) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    moment = dt.datetime.fromtimestamp(round(time_s, 3), tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> float:
    """Seconds since the epoch from RFC 3339 text; up to nanoseconds are accepted, no zone means UTC.

    Raises:
        ValueError: the text is not a time.
    """
    moment = dt.datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return moment.timestamp()
