"""A model that says what a script has it say, in order, and only to the questions that the script expects."""

import asyncio
import dataclasses
import difflib
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from rootward import errors
from rootward.llm import codec, deltas, messages, model


@dataclasses.dataclass(frozen=True, slots=True)
class Hangs:
    """It never answers: what comes is `ModelTimeout`, when the request's seconds are over."""


@dataclasses.dataclass(frozen=True, slots=True)
class Babbles:
    """It repeats `text`, a live reply piece by piece, until its tokens are used up; the reply is cut off."""

    text: str = "and on "


Answer = str | messages.ToolCall | Sequence[messages.Part] | messages.Reply | errors.ModelError | Hangs | Babbles


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """`expects`: the whole last message as text, a pattern to be found in it, or None for any question. Results of tools count
    as text, a line each. `answer`: words, a call, several parts, a whole reply, an error to raise, or trouble."""

    expects: str | re.Pattern[str] | None
    answer: Answer


class ScriptedModel(model.Model):
    """`asked` collects the requests that came. With `in_any_order`, a question takes the first unused turn that expects it
    (None last): for questions that are asked side by side.

    Raises:
        errors.UnexpectedPrompt: at the question that no turn expects; from `assert_done`, if turns are left.
    """

    def __init__(
        self, turns: Sequence[Turn], *, name: str = "script", in_any_order: bool = False, way: model.Way = "schema"
    ) -> None:
        self.provider, self.name, self.way = "scripted", name, way
        self.asked: list[messages.Request] = []
        self._turns = list(turns)
        self._in_any_order = in_any_order

    def assert_done(self) -> None:
        """That every turn was used."""
        if self._turns:
            left = ", ".join(repr(_expected(one)) for one in self._turns[:3])
            raise errors.UnexpectedPrompt(f"{len(self._turns)} turns of the script were never asked for: {left}")

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        self.asked.append(request)
        answer = self._next(request).answer
        await asyncio.sleep(0)
        if isinstance(answer, errors.ModelError):
            raise answer
        if isinstance(answer, Hangs):
            await asyncio.sleep(request.seconds)
            raise errors.ModelTimeout(
                f"{self.title} gave no whole answer within {request.seconds:g} s", model=self.title
            )
        reply = _reply(answer, request, self.title)
        if live:
            for piece in pieces(reply):
                yield piece
                await asyncio.sleep(0)
        yield deltas.Finished(reply)

    def _next(self, request: messages.Request) -> Turn:
        said = last_text(request)
        if not self._turns:
            raise errors.UnexpectedPrompt(f"{self.title} was asked once more than its script has turns:\n{said}")
        waiting = sorted(self._turns, key=lambda one: one.expects is None) if self._in_any_order else self._turns[:1]
        for turn in waiting:
            if _fits(turn.expects, said):
                self._turns.remove(turn)
                return turn
        raise errors.UnexpectedPrompt(
            f"{self.title} was asked what its script does not expect:\n{_difference(waiting, said)}"
        )


def last_text(request: messages.Request) -> str:
    """What scripts look at: the last message as text."""
    return "\n".join(
        f"{part.name}({dict(part.arguments)})" if isinstance(part, messages.ToolCall) else part.text
        for part in request.messages[-1].parts
    )


def _fits(expects: str | re.Pattern[str] | None, said: str) -> bool:
    if expects is None:
        return True
    return expects == said if isinstance(expects, str) else expects.search(said) is not None


def _expected(turn: Turn) -> str:
    return turn.expects.pattern if isinstance(turn.expects, re.Pattern) else str(turn.expects)


def _difference(waiting: Sequence[Turn], said: str) -> str:
    """Against the nearest of what was expected."""
    near = max(waiting, key=lambda one: difflib.SequenceMatcher(None, _expected(one), said, autojunk=False).ratio())
    if isinstance(near.expects, re.Pattern):
        return f"no match for {near.expects.pattern!r} in:\n{said}"
    lines = difflib.unified_diff(
        _expected(near).splitlines(), said.splitlines(), "the script expects", "it was asked", lineterm=""
    )
    return "\n".join(lines)


def _reply(answer: Any, request: messages.Request, title: str) -> messages.Reply:
    """Usage is estimated from the characters, the same every time."""
    if isinstance(answer, messages.Reply):
        return answer
    stop = messages.Stop.END
    parts: tuple[messages.Part, ...]
    if isinstance(answer, Babbles):
        room = request.tokens_max * messages.CHARS_A_TOKEN
        parts = (messages.Text((answer.text * (room // max(len(answer.text), 1) + 1))[:room]),)
        stop = messages.Stop.LENGTH
    elif isinstance(answer, str):
        parts = (messages.Text(answer),)
    else:
        parts = (answer,) if isinstance(answer, messages.ToolCall) else tuple(answer)
        if any(isinstance(part, messages.ToolCall) for part in parts):
            stop = messages.Stop.TOOLS
    written = sum(len(str(codec.message_to_json(messages.Message("assistant", (part,))))) for part in parts)
    usage = messages.Usage(messages.estimated_tokens(request), written // messages.CHARS_A_TOKEN, estimated=True)
    return messages.Reply(tuple(parts), stop, usage, title)


def pieces(reply: messages.Reply) -> list[deltas.Delta]:
    found: list[deltas.Delta] = []
    for index, part in enumerate(reply.parts):
        match part:
            case messages.Text(text):
                found += [deltas.TextDelta(text[at : at + 16]) for at in range(0, len(text), 16)]
            case messages.Reasoning():
                found.append(deltas.ReasoningDelta(part.text, part.signature, part.sealed))
            case messages.ToolCall():
                found.append(deltas.CallStarted(index, part.id, part.name))
                found.append(deltas.CallDelta(index, part.malformed or _json(part.arguments)))
    return found


def _json(arguments: Mapping[str, Any]) -> str:
    return json.dumps(dict(arguments))
