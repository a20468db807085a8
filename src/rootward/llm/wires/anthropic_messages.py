"""Anthropic's Messages API, also as Amazon Bedrock and Google Vertex pass it on."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rootward import errors
from rootward.llm import deltas, messages, refusals, sse
from rootward.llm import wires as wire
from rootward.llm.wires import checked, schemas

_STOPS = {"end_turn": messages.Stop.END, "max_tokens": messages.Stop.LENGTH, "tool_use": messages.Stop.TOOLS,
  "stop_sequence": messages.Stop.SEQUENCE, "model_context_window_exceeded": messages.Stop.LENGTH}  # fmt: skip
CACHE_MARKS_MAX = 4  # of one request; the API refuses more
_KEEP = {"cache_control": {"type": "ephemeral"}}


def encode(request: messages.Request, model: str, dialect: wire.Dialect, *, live: bool) -> dict[str, Any]:
    """See `wires.Wire.encode`."""
    body: dict[str, Any] = {"model": model, dialect.tokens_field: request.tokens_max, "messages": _messages(request)}
    if request.system:
        block = {"type": "text", "text": request.system}
        body["system"] = [{**block, **_KEEP} if request.cached_system else block]
    if request.tools:
        tools = [
            {"name": one.name, "description": one.description, "input_schema": one.schema} for one in request.tools
        ]
        if request.cached_system and not request.system:
            tools[-1] |= _KEEP
        body["tools"] = tools
        body["tool_choice"] = _choice(request.tool_choice)
    if request.temperature is not None and dialect.temperature:
        body["temperature"] = request.temperature
    if request.stop:
        body["stop_sequences"] = list(request.stop)
    if request.output is not None:
        form = {"type": "json_schema", "schema": schemas.without_bounds(request.output.schema)}
        body["output_config"] = {"format": form}
    if live:
        body["stream"] = True
    return body


def decode(body: Mapping[str, Any], title: str, request: messages.Request) -> messages.Reply:
    """See `wires.Wire.decode`."""
    del request
    if body.get("type") == "error":
        raise refusals.in_body(title, body)
    if "content" not in body:
        raise checked.Wrong(f"the answer has no content but {', '.join(sorted(map(str, body)))[:80]}")
    builder = deltas.Builder(title)
    for index, one in enumerate(checked.items(body["content"], "content")):
        for delta in _block(checked.mapping(one, "a block"), index, whole=True):
            builder.add(delta)
    return _reply(builder, body, body.get("stop_reason"), _usage(checked.inner(body, "usage")), title)


def decoder(title: str, request: messages.Request) -> wire.Decoder:
    """See `wires.Wire.decoder`."""
    del request
    return _Decoder(title)


class _Decoder:
    def __init__(self, title: str) -> None:
        self._title = title
        self._builder = deltas.Builder(title)
        self._head: Mapping[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._reason: Any = None
        self._stopped = False

    def feed(self, event: sse.Event) -> Iterator[deltas.Delta]:
        body = _loads(event.data)
        kind = body.get("type") or event.name
        if kind == "error":
            raise refusals.in_body(self._title, body, usage=_usage(self._usage))
        if kind == "message_start":
            self._head = checked.mapping(body.get("message"), "message")
            self._usage |= checked.inner(self._head, "usage")
        elif kind == "message_delta":
            delta = checked.inner(body, "delta")
            self._reason = delta.get("stop_reason") or self._reason
            self._head = {**self._head, "stop_details": delta.get("stop_details")}
            self._usage |= {key: value for key, value in checked.inner(body, "usage").items() if value is not None}
        elif kind == "message_stop":
            self._stopped = True
        for piece in self._pieces(kind, body):
            self._builder.add(piece)
            yield piece

    def finish(self) -> messages.Reply:
        usage = _usage(self._usage)
        if not self._stopped and self._reason is None:
            raise errors.ModelFailed(
                f"{self._title}: the stream ended in the middle of the answer",
                model=self._title,
                usage=messages.spent(usage),
            )
        return _reply(self._builder, self._head, self._reason, usage, self._title)

    def _pieces(self, kind: object, body: Mapping[str, Any]) -> Iterator[deltas.Delta]:
        """Kinds that we do not know are passed over: the API says that there will be more."""
        if kind == "content_block_start":
            yield from _block(checked.mapping(body.get("content_block"), "content_block"), _index(body), whole=False)
        elif kind == "content_block_delta":
            delta = checked.mapping(body.get("delta"), "delta")
            match delta.get("type"):
                case "text_delta":
                    yield deltas.TextDelta(checked.text(delta.get("text"), "text"))
                case "input_json_delta":
                    yield deltas.CallDelta(_index(body), checked.text(delta.get("partial_json"), "partial_json"))
                case "thinking_delta":
                    yield deltas.ReasoningDelta(checked.text(delta.get("thinking"), "thinking"))
                case "signature_delta":
                    yield deltas.ReasoningDelta("", signature=checked.text(delta.get("signature"), "signature"))


def _messages(request: messages.Request) -> list[dict[str, Any]]:
    """Turns of the same side are joined, as the API wants them to alternate; of too many marks the last ones count."""
    room = CACHE_MARKS_MAX - (1 if request.cached_system and (request.system or request.tools) else 0)
    marked = [index for index, one in enumerate(request.messages) if one.cached][-room:]
    said: list[dict[str, Any]] = []
    for index, message in enumerate(request.messages):
        blocks = [block for part in message.parts if (block := _part(part)) is not None]
        if blocks and index in marked:
            blocks[-1] |= _KEEP
        if said and said[-1]["role"] == message.role:
            said[-1]["content"] += blocks
        elif blocks:
            said.append({"role": message.role, "content": blocks})
    return said


def _part(part: messages.Part) -> dict[str, Any] | None:
    match part:
        case messages.Text(text):
            return {"type": "text", "text": text} if text.strip() else None  # the API refuses empty ones
        case messages.ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": part.arguments}
        case messages.ToolResult():
            result = {"type": "tool_result", "tool_use_id": part.call_id, "content": part.text}
            return {**result, "is_error": True} if part.failed else result
        case messages.Reasoning():
            if part.sealed:
                return {"type": "redacted_thinking", "data": part.sealed}
            # Thinking without a signature is some other provider's, and would be refused.
            return {"type": "thinking", "thinking": part.text, "signature": part.signature} if part.signature else None


def _choice(choice: str) -> dict[str, str]:
    if choice in ("auto", "none"):
        return {"type": choice}
    return {"type": "any"} if choice == "required" else {"type": "tool", "name": choice}


def _block(block: Mapping[str, Any], index: int, *, whole: bool) -> Iterator[deltas.Delta]:
    """A block as it begins (its arguments follow), or all of it."""
    match block.get("type"):
        case "text":
            if text := checked.text(block.get("text"), "text"):
                yield deltas.TextDelta(text)
        case "tool_use":
            yield deltas.CallStarted(
                index, checked.text(block.get("id"), "id"), checked.text(block.get("name"), "name")
            )
            if whole:
                yield deltas.CallDelta(index, json.dumps(block.get("input") or {}))
        case "thinking":
            thought = checked.text(block.get("thinking"), "thinking")
            yield deltas.ReasoningDelta(thought, signature=checked.text(block.get("signature"), "signature"))
        case "redacted_thinking":
            yield deltas.ReasoningDelta("", sealed=checked.text(block.get("data"), "data"))


def _index(body: Mapping[str, Any]) -> int:
    index = body.get("index")
    if not isinstance(index, int):
        raise checked.Wrong(f"index is {index!r}, not a number")
    return index


def _usage(said: Mapping[str, Any]) -> messages.Usage:
    return messages.Usage(
        input_tokens=checked.count(said.get("input_tokens")),
        output_tokens=checked.count(said.get("output_tokens")),
        cache_read_tokens=checked.count(said.get("cache_read_input_tokens")),
        cache_write_tokens=checked.count(said.get("cache_creation_input_tokens")),
        reasoning_tokens=checked.count(checked.inner(said, "output_tokens_details").get("thinking_tokens")),
    )


def _reply(
    builder: deltas.Builder, head: Mapping[str, Any], reason: Any, usage: messages.Usage, title: str
) -> messages.Reply:
    if reason == "refusal":
        details = checked.inner(head, "stop_details")
        said = "".join(part.text for part in builder.parts() if isinstance(part, messages.Text))
        why = [str(details[key]) for key in ("category", "explanation") if details.get(key)]
        raise refusals.refused(title, ": ".join(why) or said or "it will not answer this", usage)
    stop = _STOPS.get(str(reason), messages.Stop.END)
    model = checked.text(head.get("model"), "model") or title
    return messages.Reply(builder.parts(), stop, usage, model, checked.text(head.get("id"), "id"))


def _loads(data: str) -> Mapping[str, Any]:
    try:
        return checked.mapping(json.loads(data), "an event")
    except (json.JSONDecodeError, RecursionError) as error:
        raise checked.Wrong(f"an event is {data[:80]!r}, not JSON") from error
