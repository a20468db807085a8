"""Answers in a form: whatever a model can do (a schema, a tool, only words), the answer is checked, and sent back when it does not fit."""

import contextlib
import dataclasses
import functools
import importlib
import json
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from rootward import errors
from rootward.llm import deltas, messages, model

WAYS: tuple[model.Way, ...] = ("schema", "guided", "tool", "prompt")
REPAIRS_MAX = 2
PROBLEMS_MAX = 8  # told at once
SHOWN_CHARS = 400


class Formed(model.Around):
    """Around one model. Requests without `output` pass through as they are.

    - *schema*: the provider holds the model to it; where the model may use tools besides, by tool instead.
    - *guided*: the same, and the schema stands in the system text too: the model itself does not see what guides it.
    - *tool*: one more tool, whose arguments are the answer; with no other tools the model must call it, else some tool.
    - *prompt*: the schema stands in the system text, and the JSON is looked for in the words.

    A provider that refuses the question in one of these ways is asked in the next, and so from then on; `refused` remembers it
    for all that share it.

    Raises:
        errors.OutputInvalid: it does not fit, also after REPAIRS_MAX times of being told so; or it was cut off.
    """

    def __init__(self, inner: model.Model, *, refused: set[tuple[str, model.Way]] | None = None) -> None:
        super().__init__(inner)
        self._refused = refused if refused is not None else set()

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        form = request.output
        if form is None:
            async with contextlib.aclosing(self._inner.exchange(request, live=live)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        ways = self._ways()
        for way in ways:
            try:
                async with contextlib.aclosing(self._checked(request, form, way, live=live)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except errors.ContextTooLong:
                raise
            except errors.ModelRejected:
                if way == ways[-1]:
                    raise
                self._refused.add((self.title, way))

    def _ways(self) -> list[model.Way]:
        """The model's own and those after it, without what it refused before; the last resort is always there."""
        after = WAYS[WAYS.index(self.way) + 1 :] if self.way != "schema" else WAYS[2:]
        return [one for one in (self.way, *after) if (self.title, one) not in self._refused] or ["prompt"]

    async def _checked(
        self, request: messages.Request, form: messages.Output, way: model.Way, *, live: bool
    ) -> AsyncGenerator[deltas.Delta]:
        """The exchange in one of the ways, with repairs."""
        asked = _asked(request, form, way)
        spent = messages.Usage()
        for attempt in range(REPAIRS_MAX + 1):
            reply: messages.Reply | None = None
            async with contextlib.aclosing(self._inner.exchange(asked, live=live)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, deltas.Finished):
                        reply = piece.reply
                    else:
                        yield piece
            assert reply is not None
            spent += reply.usage
            if _waits_for_tools(reply, form):
                yield deltas.Finished(dataclasses.replace(reply, usage=spent))
                return
            value, problems = _read(reply, form)
            if not problems:
                yield deltas.Finished(_final(reply, value, spent))
                return
            if reply.stop is messages.Stop.LENGTH or attempt == REPAIRS_MAX:
                raise _invalid(self.title, reply, problems, spent, request)
            yield deltas.Restarted(f"the answer does not fit its form: {problems[0]}")
            asked = asked.saying(reply.message, _complaint(reply, form, problems))


def _asked(request: messages.Request, form: messages.Output, way: model.Way) -> messages.Request:
    told = f"{request.system}\n\n{_instruction(form)}".strip()
    if way == "prompt":
        return dataclasses.replace(request, output=None, system=told)
    if (
        way in ("schema", "guided") and not request.tools
    ):  # several servers that hold a model to a schema let it call no tools then
        return request if way == "schema" else dataclasses.replace(request, system=told)
    tool = messages.Tool(
        form.name, form.description or "Give the answer. Call this once, when you are done.", form.schema
    )
    choice = "required" if request.tools else form.name
    return dataclasses.replace(request, output=None, tools=(*request.tools, tool), tool_choice=choice)


def _instruction(form: messages.Output) -> str:
    about = f" ({form.description})" if form.description else ""
    schema = json.dumps(form.schema, ensure_ascii=False)
    return f"Answer with one JSON object and nothing else{about}. It must fit this JSON Schema:\n{schema}"


def _waits_for_tools(reply: messages.Reply, form: messages.Output) -> bool:
    return bool(reply.calls) and all(call.name != form.name for call in reply.calls)


def _read(reply: messages.Reply, form: messages.Output) -> tuple[Any, list[str]]:
    """The answer, and what is wrong with it."""
    if reply.stop is messages.Stop.LENGTH:
        return None, ["it was cut off by tokens_max"]
    call = next((one for one in reply.calls if one.name == form.name), None)
    if call is not None:
        value: Any = dict(call.arguments)
        if call.malformed:
            return None, [f"the arguments are not a JSON object but {call.malformed[:80]!r}"]
    else:
        value = found_json(reply.text)
        if value is None:
            return None, ["there is no JSON object in it"]
    return value, problems_of(value, form.schema)


def found_json(text: str) -> Any:
    """The last JSON object in `text` that is not inside another one: alone, in a fence, or among words. None where there is none."""
    decoder, found, at = json.JSONDecoder(), None, 0
    while (at := text.find("{", at)) >= 0:
        try:
            found, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
    return found


def problems_of(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What in `value` does not fit, as sentences with the place, at most PROBLEMS_MAX; [] when it fits.

    Raises:
        errors.ModelRejected: the schema itself is none.
    """
    validator = _validator(json.dumps(schema, sort_keys=True, default=str))
    unresolvable = importlib.import_module("referencing.exceptions").Unresolvable
    try:
        found = sorted(validator.iter_errors(value), key=lambda one: list(map(str, one.absolute_path)))
    except (unresolvable, re.error, RecursionError) as error:
        raise errors.ModelRejected(f"the form cannot be checked: {str(error)[:SHOWN_CHARS]}") from error
    return [f"{_place(one.absolute_path)}: {one.message[:SHOWN_CHARS]}" for one in found[:PROBLEMS_MAX]]


@functools.lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    """The validator library is slow to import, so it is fetched when the first answer in a form comes."""
    jsonschema, referencing = importlib.import_module("jsonschema"), importlib.import_module("referencing")
    tree = json.loads(schema)
    kind = jsonschema.validators.validator_for(tree, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(tree)
    except jsonschema.SchemaError as error:
        raise errors.ModelRejected(f"the form is no JSON Schema: {error.message[:SHOWN_CHARS]}") from error
    return kind(tree, registry=referencing.Registry())  # an empty one: nothing is fetched from anywhere


def _place(path: Any) -> str:
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path).lstrip(".") or "the answer"


def _complaint(reply: messages.Reply, form: messages.Output, problems: list[str]) -> messages.Message:
    """In the form in which the answer came: a call gets its result, words get words."""
    told = f"That does not fit: {'; '.join(problems)}. Give the whole answer again, corrected."
    if not reply.calls:
        return messages.user(told)
    others = "Not looked at: the answer was given in the same turn."
    return messages.user(
        *(messages.ToolResult(one.id, told if one.name == form.name else others, failed=True) for one in reply.calls)
    )


def _final(reply: messages.Reply, value: Any, spent: messages.Usage) -> messages.Reply:
    """The call that was the answer is none any more: nobody is to answer it."""
    parts = tuple(one for one in reply.parts if not isinstance(one, messages.ToolCall))
    if len(parts) < len(reply.parts):
        parts = (*parts, messages.Text(json.dumps(value, ensure_ascii=False)))
    return dataclasses.replace(reply, parts=parts, stop=messages.Stop.END, usage=spent, output=value)


def _invalid(
    title: str, reply: messages.Reply, problems: list[str], spent: messages.Usage, request: messages.Request
) -> errors.OutputInvalid:
    hint = (
        f"raise tokens_max (it was {request.tokens_max})"
        if reply.stop is messages.Stop.LENGTH
        else "use a stronger model or a simpler form"
    )
    return errors.OutputInvalid(
        f"{title} gave no answer in the form asked for: {'; '.join(problems)}; {hint}",
        model=title,
        usage=messages.spent(spent),
    )
