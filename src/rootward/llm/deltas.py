"""A reply while it comes: typed pieces, and the builder that makes the whole of them, the same for every wire format."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rootward import errors
from rootward.llm import messages


@dataclasses.dataclass(frozen=True, slots=True)
class TextDelta:
    """More words."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of what the model thinks; a signature or a sealed block comes as a piece of its own."""

    text: str
    signature: str = ""
    sealed: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class CallStarted:
    """The model begins to ask for a tool; `index` tells calls apart that come interleaved."""

    index: int
    id: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class CallDelta:
    """More of the JSON text of a call's arguments."""

    index: int
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Restarted:
    """What came so far is void: the reply begins anew (another attempt, another model, an answer sent back)."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """The last one, always: the whole reply."""

    reply: messages.Reply


Delta = TextDelta | ReasoningDelta | CallStarted | CallDelta | Restarted | Finished
CALLS_MAX = 128  # of one reply


class Builder:
    """Puts pieces together in the order in which they began. Not used again after `parts`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._order: list[str | int] = []
        self._texts: dict[str, list[str]] = {}
        self._reasoning: dict[str, dict[str, str]] = {}
        self._calls: dict[int, tuple[str, str, list[str]]] = {}

    def add(self, delta: Delta) -> None:
        """Take in one piece.

        Raises:
            errors.ModelMalformed: arguments for a call that never began, or more than CALLS_MAX calls.
        """
        if isinstance(delta, TextDelta):
            self._texts[self._running("text", self._texts)].append(delta.text)
        elif isinstance(delta, ReasoningDelta):
            self._add_reasoning(delta)
        elif isinstance(delta, CallStarted):
            if len(self._calls) >= CALLS_MAX:
                raise errors.ModelMalformed(
                    f"{self._model} asks for more than {CALLS_MAX} tools at once", model=self._model
                )
            self._calls[delta.index] = (delta.id, delta.name, [])
            self._order.append(delta.index)
        elif isinstance(delta, CallDelta):
            if delta.index not in self._calls:
                raise errors.ModelMalformed(
                    f"{self._model} sent arguments of a call that never began (index {delta.index})", model=self._model
                )
            self._calls[delta.index][2].append(delta.text)

    def parts(self) -> tuple[messages.Part, ...]:
        return tuple(part for key in self._order if (part := self._part(key)) is not None)

    @property
    def chars(self) -> int:
        """How much was said, for estimates."""
        said = sum(len(piece) for pieces in self._texts.values() for piece in pieces)
        thought = sum(len(one["text"]) for one in self._reasoning.values())
        return said + thought + sum(len(piece) for _, _, pieces in self._calls.values() for piece in pieces)

    def _running(self, kind: str, store: dict[str, Any]) -> str:
        """The key of the part that pieces of `kind` go to: the last part, if it is of that kind, or a new one."""
        last = self._order[-1] if self._order else None
        if isinstance(last, str) and last.startswith(kind):
            return last
        key = f"{kind}{len(self._order)}"
        self._order.append(key)
        store[key] = [] if kind == "text" else {"text": "", "signature": "", "sealed": ""}
        return key

    def _add_reasoning(self, delta: ReasoningDelta) -> None:
        last = self._order[-1] if self._order else None
        complete = (
            isinstance(last, str)
            and last in self._reasoning
            and (self._reasoning[last]["signature"] or self._reasoning[last]["sealed"] or delta.sealed)
        )
        if complete:  # a signed or sealed block is whole: what follows is another one
            key = f"reasoning{len(self._order)}"
            self._order.append(key)
            self._reasoning[key] = {"text": "", "signature": "", "sealed": ""}
        else:
            key = self._running("reasoning", self._reasoning)
        block = self._reasoning[key]
        block["text"] += delta.text
        block["signature"] += delta.signature
        block["sealed"] += delta.sealed

    def _part(self, key: str | int) -> messages.Part | None:
        if isinstance(key, int):
            identity, name, pieces = self._calls[key]
            return call(identity, name, "".join(pieces))
        if key in self._texts:
            text = "".join(self._texts[key])
            return messages.Text(text) if text else None
        return messages.Reasoning(**self._reasoning[key])


def call(identity: str, name: str, arguments: str | Mapping[str, Any] | None) -> messages.ToolCall:
    """A call from its arguments as a provider gives them: JSON text (empty means none) or an object already."""
    if isinstance(arguments, Mapping):
        return messages.ToolCall(identity, name, dict(arguments))
    text = (arguments or "").strip()
    if not text:
        return messages.ToolCall(identity, name, {})
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return messages.ToolCall(identity, name, {}, malformed=text)
    if not isinstance(decoded, dict):
        return messages.ToolCall(identity, name, {}, malformed=text)
    return messages.ToolCall(identity, name, decoded)
