"""What tests of policies share: a script's shorthand, and running on virtual time."""

import contextlib
from typing import Any

import virtual_time as virtual

from rootward import _rng, llm
from rootward.llm import testing

RNG = _rng.stream(7, "tests", "llm")
ASK = llm.Request(messages=(llm.user("What broke?"),), tokens_max=100)


def script(*answers: Any, **more: Any) -> testing.ScriptedModel:
    return testing.ScriptedModel([testing.Turn(None, answer) for answer in answers], **more)


def now_s() -> float:
    return virtual.CLOCK.monotonic_s()


async def pieces(model: llm.Model, request: llm.Request = ASK) -> list[llm.Delta]:
    async with contextlib.aclosing(model.stream(request)) as found:
        return [piece async for piece in found]


def said(found: list[llm.Delta]) -> str:
    """What a reader who follows a live reply has before them in the end."""
    text = ""
    for piece in found:
        if isinstance(piece, llm.Restarted):
            text = ""
        elif isinstance(piece, llm.TextDelta):
            text += piece.text
    return text
