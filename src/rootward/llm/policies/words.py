"""Tools for models that know none: told in words, asked for as a reply in a form, so that any model that can keep to a schema can use them.

Many small models' chat templates have no place for tools, and their servers pass over them in silence or refuse them.
"""

import contextlib
import dataclasses
import json
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from rootward import errors
from rootward.llm import deltas, messages, model

STEP = "step"
SAY = "say"
_REFUSED = re.compile(
    r"not support tool|tools?\b.{0,60}(?:not supported|unsupported|not available)|enable-auto-tool-choice|tool-call-parser|requires --jinja",
    re.IGNORECASE | re.DOTALL,
)


class Spoken(model.Around):
    """Around a model that keeps to forms (`forms.Formed`). Requests without tools pass through as they are.

    Tools are left to the model itself until it is seen not to know them: it is refused, or no tool is called where one must be. From
    then on they are told in words, one call a turn. `deaf` remembers the models for all that share it.
    """

    def __init__(self, inner: model.Model, *, deaf: set[str] | None = None) -> None:
        super().__init__(inner)
        self._deaf = deaf if deaf is not None else set()

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        spent, cut_off = messages.Usage(), False
        if self.title not in self._deaf or not _offered(request):
            try:
                async with contextlib.aclosing(self._inner.exchange(request, live=live)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, deltas.Finished) and _ignored(request, piece.reply):
                            spent, cut_off = piece.reply.usage, piece.reply.stop is messages.Stop.LENGTH
                            break
                        yield piece
                        if isinstance(piece, deltas.Finished):
                            return
            except errors.ModelRejected as error:
                if not (_offered(request) and _REFUSED.search(str(error))):
                    raise
            if not cut_off:  # it might have come to it
                self._deaf.add(self.title)
            yield deltas.Restarted("it knows no tools: they are told in words")
        reply = await self._in_words(request)
        reply = dataclasses.replace(reply, usage=reply.usage + spent)
        if live:
            for piece in _pieces(reply):
                yield piece
        yield deltas.Finished(reply)

    async def _in_words(self, request: messages.Request) -> messages.Reply:
        async with contextlib.aclosing(self._inner.exchange(told(request), live=False)) as pieces:
            async for piece in pieces:
                if isinstance(piece, deltas.Finished):
                    return _heard(piece.reply, request)
        raise AssertionError("an exchange ends with Finished or raises")


def told(request: messages.Request) -> messages.Request:
    """The same question with its tools, and what was called before, in words."""
    offered = _offered(request)
    lines = [f"- {tool.name}: {tool.description}" for tool in offered]
    if request.tool_choice == "auto" and request.output is None:
        lines.append(f"- {SAY}: answer in words, when no tool is needed.")
    head = "You may use these tools. Choose one for the next step; its result comes as the next message."
    system = "\n".join([*([request.system, ""] if request.system else []), head, *lines])
    names = {
        part.id: part.name for one in request.messages for part in one.parts if isinstance(part, messages.ToolCall)
    }
    turns = tuple(
        dataclasses.replace(one, parts=tuple(_said(part, names) for part in one.parts)) for one in request.messages
    )
    form = messages.Output(STEP, _schema(request, offered), "the next step")
    return dataclasses.replace(request, system=system, messages=turns, tools=(), tool_choice="auto", output=form)


def _offered(request: messages.Request) -> list[messages.Tool]:
    """What may be called now; an answer in a form counts as a tool of its own where there are tools."""
    if request.tool_choice == "none" or not request.tools:
        return []
    tools = [one for one in request.tools if request.tool_choice in ("auto", "required", one.name)]
    if request.output is not None and request.tool_choice in ("auto", "required"):
        about = request.output.description or "give the answer, when you are done."
        tools.append(messages.Tool(request.output.name, about, request.output.schema))
    return tools


def _ignored(request: messages.Request, reply: messages.Reply) -> bool:
    must = request.tool_choice not in ("auto", "none")
    only_thought = reply.stop is messages.Stop.LENGTH and not reply.text.strip()
    return bool(_offered(request)) and must and reply.output is None and not reply.calls and not only_thought


def _schema(request: messages.Request, offered: list[messages.Tool]) -> dict[str, Any]:
    steps = [_step(tool.name, "arguments", tool.schema) for tool in offered]
    if request.tool_choice == "auto" and request.output is None:
        steps.append(_step(SAY, "text", {"type": "string"}))
    one = steps[0] if len(steps) == 1 else {"anyOf": steps}
    return {"type": "object", "properties": {STEP: one}, "required": [STEP], "additionalProperties": False}


def _step(name: str, key: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {"tool": {"type": "string", "enum": [name]}, key: schema}
    return {"type": "object", "properties": properties, "required": ["tool", key], "additionalProperties": False}


def _said(part: messages.Part, names: Mapping[str, str]) -> messages.Part:
    match part:
        case messages.ToolCall():
            return messages.Text(
                json.dumps({STEP: {"tool": part.name, "arguments": part.arguments}}, ensure_ascii=False)
            )
        case messages.ToolResult():
            what = "went wrong" if part.failed else "gave"
            return messages.Text(f"{names.get(part.call_id, 'The tool')} {what}:\n{part.text}\n")
        case _:
            return part


def _heard(reply: messages.Reply, request: messages.Request) -> messages.Reply:
    """The step as what a model that knows tools would have said."""
    step = reply.output[STEP]
    kept = tuple(part for part in reply.parts if isinstance(part, messages.Reasoning))
    if "text" in step and step["tool"] == SAY:
        return dataclasses.replace(reply, parts=(*kept, messages.Text(step["text"])), output=None)
    arguments = dict(step["arguments"])
    if request.output is not None and step["tool"] == request.output.name:
        return dataclasses.replace(
            reply, parts=(*kept, messages.Text(json.dumps(arguments, ensure_ascii=False))), output=arguments
        )
    call = messages.ToolCall(f"call_{len(request.messages)}", step["tool"], arguments)
    return dataclasses.replace(reply, parts=(*kept, call), stop=messages.Stop.TOOLS, output=None)


def _pieces(reply: messages.Reply) -> list[deltas.Delta]:
    found: list[deltas.Delta] = [deltas.TextDelta(reply.text)] if reply.text else []
    for index, call in enumerate(reply.calls):
        arguments = json.dumps(dict(call.arguments), ensure_ascii=False)
        found += [deltas.CallStarted(index, call.id, call.name), deltas.CallDelta(index, arguments)]
    return found
