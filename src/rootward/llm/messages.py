"""What is said to a model and what it says back, whatever the provider: plain values that can be compared, stored and replayed."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Literal

Role = Literal["user", "assistant"]


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reasoning:
    """What a model thought before it answered. Providers that sign it want it back untouched in the next request."""

    text: str
    signature: str = ""
    sealed: str = ""  # encrypted by the provider, in place of the text


@dataclasses.dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants to use. Where the arguments were not a JSON object, `malformed` holds what came instead:
    small models do that, and are to be told so, not to bring down the run."""

    id: str
    name: str
    arguments: Mapping[str, Any]
    malformed: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call, for the model to read. `failed`: it is an account of what went wrong."""

    call_id: str
    text: str
    failed: bool = False


Part = Text | Reasoning | ToolCall | ToolResult


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One turn. `cached` marks that the conversation up to here will be sent again: providers that can, keep it."""

    role: Role
    parts: tuple[Part, ...]
    cached: bool = False

    @property
    def text(self) -> str:
        """Its words, without reasoning, calls and results."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))


def user(*parts: str | Part, cached: bool = False) -> Message:
    """What we say: words, or results of tools."""
    return Message("user", tuple(Text(one) if isinstance(one, str) else one for one in parts), cached)


@dataclasses.dataclass(frozen=True, slots=True)
class Tool:
    """A question that the model may ask. `schema`: JSON Schema of its arguments, an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """The form that an answer must have. `name`: letters, digits, `_` and `-`; `schema`: JSON Schema of an object."""

    name: str
    schema: Mapping[str, Any]
    description: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a model. Everything that the answer depends on is in here, so that it can be replayed."""

    messages: tuple[Message, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"  # "auto", "required", "none", or the name of the one that must be used
    output: Output | None = None
    tokens_max: int = 4096  # of the answer, thinking included
    temperature: float | None = None  # None: the provider's own; many reasoning models refuse any other
    seed: int | None = None  # same words for the same question, where the provider can
    stop: tuple[str, ...] = ()
    cached_system: bool = False  # as Message.cached, for the tools and the system text
    seconds: float = 120.0  # the longest that this one question may take
    purpose: str = ""  # what it is for, in records and in what things cost

    def saying(self, *messages: Message) -> "Request":
        """The same with more turns at the end."""
        return dataclasses.replace(self, messages=(*self.messages, *messages))


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. The four first are disjoint and add up to what is charged; `reasoning_tokens` are a part of the output.
    `estimated`: the provider did not say, so characters were counted."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total(self) -> int:
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.estimated or other.estimated,
        )


def spent(usage: Usage) -> dict[str, int]:
    """Usage as an error carries it (`errors.ModelError.usage`)."""
    return {key: int(value) for key, value in dataclasses.asdict(usage).items() if key != "estimated"}


def paid(by_name: Mapping[str, int]) -> Usage:
    """The usage that an error carries."""
    known = {field.name for field in dataclasses.fields(Usage)} - {"estimated"}
    return Usage(**{key: value for key, value in by_name.items() if key in known})  # type: ignore[arg-type]


class Stop(enum.StrEnum):
    """Why the model stopped."""

    END = "end"  # it had said what it wanted
    TOOLS = "tools"  # it waits for results
    LENGTH = "length"  # `tokens_max` or the model's own context was full: the answer is cut off
    SEQUENCE = "sequence"  # one of `Request.stop` came up


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `output` is the decoded answer where the request asked for a form, checked against its schema."""

    parts: tuple[Part, ...]
    stop: Stop
    usage: Usage
    model: str  # as the provider names what answered
    id: str = ""  # the provider's own, for its support
    output: Any = None

    @property
    def text(self) -> str:
        return self.message.text

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def message(self) -> Message:
        """The answer as a turn, to go on from."""
        return Message("assistant", self.parts)


CHARS_A_TOKEN = 4
"""Of English prose; JSON and code have fewer. Used where only an estimate is possible (before a call, or when nobody counts)."""


def estimated_tokens(request: Request) -> int:
    """About how many tokens the question is, for limits that must be checked before it is asked."""
    chars = len(request.system) + sum(len(str(tool)) for tool in request.tools)
    for message in request.messages:
        for part in message.parts:
            chars += len(str(part.arguments)) if isinstance(part, ToolCall) else len(part.text)
    return chars // CHARS_A_TOKEN + 1
