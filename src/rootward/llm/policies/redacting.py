"""Takes out of everything that goes to a model what must not leave the process, and puts back what may be read at home."""

import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from rootward.llm import deltas, messages, model

Change = Callable[[str], str]
HELD_CHARS_MAX = 24
"""Of a live reply; the longest placeholder of a veil is shorter."""


class Redacting(model.Around):
    """Around everything else, so that records, retries and other models see the redacted question only.

    `hide` is applied to every text of a question (`signals.redaction.redact`, or a veil's `hide`); `restore`, if there is one, to
    every text of the reply, so that placeholders become readable. A live reply is held back where a placeholder (`<…>`) may just
    be beginning, for HELD_CHARS_MAX characters at most.
    """

    def __init__(self, inner: model.Model, *, hide: Change, restore: Change | None = None) -> None:
        super().__init__(inner)
        self._hide, self._restore = hide, restore

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        asked = hidden(request, self._hide)
        held = _Held(self._restore or str)
        async with contextlib.aclosing(self._inner.exchange(asked, live=live)) as pieces:
            async for piece in pieces:
                if isinstance(piece, deltas.TextDelta):
                    if text := held.more(piece.text):
                        yield deltas.TextDelta(text)
                    continue
                if isinstance(piece, deltas.Restarted):
                    held.drop()
                elif text := held.rest():
                    yield deltas.TextDelta(text)
                yield self._readable(piece)

    def _readable(self, piece: deltas.Delta) -> deltas.Delta:
        if self._restore is None or not isinstance(piece, deltas.Finished):
            return piece
        reply = piece.reply
        parts = tuple(_part(one, self._restore) for one in reply.parts)
        return deltas.Finished(dataclasses.replace(reply, parts=parts, output=tree(reply.output, self._restore)))


class _Held:
    """Words on their way out, restored, with nothing cut inside a placeholder."""

    def __init__(self, restore: Change) -> None:
        self._restore = restore
        self._text = ""

    def more(self, text: str) -> str:
        self._text += text
        begins = self._text.rfind("<")
        ends_inside = begins >= 0 and ">" not in self._text[begins:] and len(self._text) - begins <= HELD_CHARS_MAX
        cut = begins if ends_inside else len(self._text)
        ready, self._text = self._text[:cut], self._text[cut:]
        return self._restore(ready)

    def rest(self) -> str:
        ready, self._text = self._text, ""
        return self._restore(ready)

    def drop(self) -> None:
        self._text = ""


def hidden(request: messages.Request, change: Change) -> messages.Request:
    """The request with every text that comes from outside changed; schemas and names of tools are ours, and stay."""
    turns = tuple(
        dataclasses.replace(one, parts=tuple(_part(part, change) for part in one.parts)) for one in request.messages
    )
    tools = tuple(dataclasses.replace(one, description=change(one.description)) for one in request.tools)
    return dataclasses.replace(request, messages=turns, system=change(request.system), tools=tools)


def tree(value: Any, change: Change) -> Any:
    """A JSON value with every text changed, keys not."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: tree(one, change) for key, one in value.items()}
    return [tree(one, change) for one in value] if isinstance(value, list | tuple) else value


def _part(part: messages.Part, change: Change) -> messages.Part:
    match part:
        case messages.ToolCall():
            return dataclasses.replace(part, arguments=tree(part.arguments, change), malformed=change(part.malformed))
        case messages.Reasoning():
            return (
                part if part.signature else dataclasses.replace(part, text=change(part.text))
            )  # a signature covers the text
        case _:
            return dataclasses.replace(part, text=change(part.text))
