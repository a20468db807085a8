"""How questions and answers are written on the wire: two formats that nearly every provider speaks, as pure functions."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol

from rootward.llm import deltas, messages, sse


@dataclasses.dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider's version of a format differs."""

    tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    seed: bool = True  # whether it knows `seed`
    temperature: bool = True  # whether it knows `temperature`
    strict: bool = False  # whether it can be held to a schema to the letter (`strict`)
    stream_usage: bool = True  # whether usage must be asked for in a stream


class Decoder(Protocol):
    """Reads one streamed reply."""

    def feed(self, event: sse.Event) -> Iterator[deltas.Delta]:
        """The pieces in one event.

        Raises:
            errors.ModelError: the event reports one.
            checked.Wrong: it is not what this format sends.
        """

    def finish(self) -> messages.Reply:
        """The whole reply, when the stream has ended.

        Raises:
            errors.ModelFailed: it ended in the middle.
            errors.ModelRefused: the model, or a filter, would not answer.
        """


class Wire(Protocol):
    """One format. The modules of this package fulfil it."""

    def encode(self, request: messages.Request, model: str, dialect: Dialect, *, live: bool) -> dict[str, Any]:
        """The body of the question."""

    def decode(self, body: Mapping[str, Any], title: str, request: messages.Request) -> messages.Reply:
        """A whole reply.

        Raises:
            errors.ModelRefused: the model, or a filter, would not answer.
            checked.Wrong: it is not what this format sends.
        """

    def decoder(self, title: str, request: messages.Request) -> Decoder:
        """For one streamed reply to `request`; `title` names the model in errors."""
