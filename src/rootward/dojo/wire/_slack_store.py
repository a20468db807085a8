"""Slack's channels, messages and people: what people wrote, and what clients wrote since, bounded."""

import bisect
import dataclasses
from collections.abc import Iterator

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids, _organisation

MAX_WRITTEN = 2_000
MAX_TEXT = 40_000


@dataclasses.dataclass(slots=True, eq=False)
class Message:
    """One message with its stamp in microseconds; stamps are unique in a channel, as they are Slack's message ids."""

    channel: str
    micros: int
    user: str
    text: str
    bot: bool = False
    parent: "Message | None" = None
    written: bool = False  # by a client, through this face: seen from then on, whatever the clock says
    edited: int = 0
    replies: list["Message"] = dataclasses.field(default_factory=list)
    reactions: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def author(self) -> str:
        return _ids.opaque("B" if self.bot and not self.written else "U", self.user)


class Store:
    """All channels; nothing after the clock's now, but what clients wrote."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self.names: dict[str, str] = {}
        self.people: dict[str, tuple[str, float]] = {}
        self._channels: dict[str, list[Message]] = {}
        self._written = 0
        for record in sorted(telemetry.messages, key=lambda one: one.time_s):
            channel = _ids.opaque("C", record.channel)
            self.names[channel] = record.channel
            messages = self._channels.setdefault(channel, [])
            micros = round(record.time_s * 1e6)
            if messages and micros <= messages[-1].micros:
                micros = messages[-1].micros + 1
            parent = _near(messages, record.thread_s)
            self._put(Message(channel, micros, record.user, record.text, record.bot, parent))
        for name, first_s in _organisation.people(telemetry):
            self.people[_ids.opaque("U", name)] = (name, first_s)

    def _put(self, message: Message) -> None:
        bisect.insort(self._channels[message.channel], message, key=lambda one: one.micros)
        if message.parent is not None:
            bisect.insort(message.parent.replies, message, key=lambda one: one.micros)

    def channels(self) -> list[str]:
        """Ids of channels in which something was written by now."""
        return sorted(channel for channel in self._channels if next(self._seen(channel), None) is not None)

    def _seen(self, channel: str) -> Iterator[Message]:
        horizon = round(self._clock.now_s() * 1e6)
        return (one for one in self._channels.get(channel, ()) if one.written or one.micros <= horizon)

    def messages(self, channel: str) -> list[Message]:
        """Oldest first; raises Refused (channel_not_found)."""
        seen = list(self._seen(channel))
        if not seen:
            raise _http.Refused(200, "no such channel", reason="channel_not_found")
        return seen

    def replies(self, root: Message) -> list[Message]:
        horizon = round(self._clock.now_s() * 1e6)
        return [one for one in root.replies if one.written or one.micros <= horizon]

    def message(self, channel: str, micros: int, missing: str) -> Message:
        """One message; raises Refused with the word `missing`."""
        found = next((one for one in self.messages(channel) if one.micros == micros), None)
        if found is None:
            raise _http.Refused(200, "no such message", reason=missing)
        return found

    def count_write(self) -> None:
        """Called for everything that is written; raises Refused (429, ratelimited) when MAX_WRITTEN is reached."""
        if self._written >= MAX_WRITTEN:
            raise _http.Refused(429, "too many writes", reason="ratelimited")
        self._written += 1

    def post(self, channel: str, text: str, parent: Message | None) -> Message:
        """Write as the agent, now."""
        self.count_write()
        taken = {one.micros for one in self._channels[channel]}
        micros = round(self._clock.now_s() * 1e6)
        while micros in taken:
            micros += 1
        message = Message(channel, micros, _organisation.AGENT, text, bot=True, parent=parent, written=True)
        self._put(message)
        return message

    def remove(self, message: Message) -> None:
        """Only what was written through this face is ever removed; replies to it go with it."""
        gone = {id(message), *(id(one) for one in message.replies)}
        self._channels[message.channel] = [one for one in self._channels[message.channel] if id(one) not in gone]
        if message.parent is not None:
            message.parent.replies.remove(message)


def _near(messages: list[Message], thread_s: float | None) -> Message | None:
    if thread_s is None:
        return None
    wanted = round(thread_s * 1e6)
    return next((one for one in messages if one.parent is None and abs(one.micros - wanted) < 1000), None)
