"""OpenAI's Chat Completions, which OpenAI, Azure, vLLM, Ollama, llama.cpp and many more speak."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rootward import errors
from rootward.llm import deltas, messages, refusals, sse
from rootward.llm import wires as wire
from rootward.llm.wires import checked, schemas

_STOPS = {"stop": messages.Stop.END, "length": messages.Stop.LENGTH, "tool_calls": messages.Stop.TOOLS,
  "function_call": messages.Stop.TOOLS}  # fmt: skip
DONE = "[DONE]"


def encode(request: messages.Request, model: str, dialect: wire.Dialect, *, live: bool) -> dict[str, Any]:
    """See `wires.Wire.encode`."""
    body: dict[str, Any] = {"model": model, "messages": _messages(request), dialect.tokens_field: request.tokens_max}
    if request.temperature is not None and dialect.temperature:
        body["temperature"] = request.temperature
    if request.seed is not None and dialect.seed:
        body["seed"] = request.seed
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        body["tool_choice"] = _choice(request.tool_choice)
    if request.output is not None:
        body["response_format"] = _format(request.output, dialect)
    if live:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return body


def decode(body: Mapping[str, Any], title: str, request: messages.Request) -> messages.Reply:
    """See `wires.Wire.decode`."""
    if body.get("error"):
        raise refusals.in_body(title, body)
    choices = checked.items(body.get("choices"), "choices")
    if not choices:
        raise checked.Wrong("choices is empty")
    choice = checked.mapping(choices[0], "choices[0]")
    message = checked.mapping(choice.get("message"), "choices[0].message")
    builder = deltas.Builder(title)
    for delta in _pieces(message):
        builder.add(delta)
    for index, one in enumerate(checked.items(message.get("tool_calls"), "tool_calls")):
        for delta in _call(checked.mapping(one, "a tool call"), index, first=True):
            builder.add(delta)
    usage = _usage(body.get("usage"), builder, request)
    _raise_refusal(title, message.get("refusal"), choice.get("finish_reason"), usage)
    return _reply(builder, choice.get("finish_reason"), usage, body, title)


def decoder(title: str, request: messages.Request) -> wire.Decoder:
    """See `wires.Wire.decoder`."""
    return _Decoder(title, request)


class _Decoder:
    def __init__(self, title: str, request: messages.Request) -> None:
        self._title, self._request = title, request
        self._builder = deltas.Builder(title)
        self._head: dict[str, Any] = {}
        self._usage: Any = None
        self._reason: Any = None
        self._refusal = ""
        self._open: dict[int, str] = {}  # index → id of the calls that began

    def feed(self, event: sse.Event) -> Iterator[deltas.Delta]:
        if event.data.strip() == DONE:
            return
        chunk = _loads(event.data)
        if chunk.get("error") or event.name == "error":
            raise refusals.in_body(self._title, chunk)
        self._head = {
            "id": chunk.get("id") or self._head.get("id"),
            "model": chunk.get("model") or self._head.get("model"),
        }
        self._usage = chunk.get("usage") or self._usage
        choices = checked.items(chunk.get("choices"), "choices")
        if not choices:
            return
        choice = checked.mapping(choices[0], "choices[0]")
        self._reason = choice.get("finish_reason") or self._reason
        body = checked.inner(choice, "delta")
        self._refusal += checked.text(body.get("refusal"), "refusal")
        for piece in (*_pieces(body), *self._calls(body)):
            self._builder.add(piece)
            yield piece

    def finish(self) -> messages.Reply:
        usage = _usage(self._usage, self._builder, self._request)
        if self._reason is None and not self._refusal:
            raise errors.ModelFailed(
                f"{self._title}: the stream ended in the middle of the answer",
                model=self._title,
                usage=messages.spent(usage),
            )
        _raise_refusal(self._title, self._refusal, self._reason, usage)
        return _reply(self._builder, self._reason, usage, self._head, self._title)

    def _calls(self, body: Mapping[str, Any]) -> Iterator[deltas.Delta]:
        """Some servers leave out the index, or send every call whole; a new id is a new call."""
        for one in checked.items(body.get("tool_calls"), "tool_calls"):
            part = checked.mapping(one, "a tool call")
            identity = checked.text(part.get("id"), "id")
            index = part.get("index")
            if not isinstance(index, int):
                known = [key for key, value in self._open.items() if value == identity]
                index = known[0] if known else (len(self._open) if identity or not self._open else max(self._open))
            first = index not in self._open
            if first:
                self._open[index] = identity
            yield from _call(part, index, first=first)


def _messages(request: messages.Request) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        said += _assistant(message) if message.role == "assistant" else _user(message)
    return said


def _assistant(message: messages.Message) -> list[dict[str, Any]]:
    calls = [
        {
            "id": part.id,
            "type": "function",
            "function": {
                "name": part.name,
                "arguments": part.malformed or json.dumps(part.arguments, ensure_ascii=False),
            },
        }
        for part in message.parts
        if isinstance(part, messages.ToolCall)
    ]
    body: dict[str, Any] = {"role": "assistant", "content": message.text or (None if calls else "")}
    return [{**body, "tool_calls": calls} if calls else body]


def _user(message: messages.Message) -> list[dict[str, Any]]:
    """Results come first, each a message of its own: the format wants them right after the calls."""
    results: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": f"Error: {part.text}" if part.failed else part.text}
        for part in message.parts
        if isinstance(part, messages.ToolResult)
    ]
    return [*results, {"role": "user", "content": message.text}] if message.text or not results else results


def _tool(tool: messages.Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
    }


def _choice(choice: str) -> Any:
    return choice if choice in ("auto", "required", "none") else {"type": "function", "function": {"name": choice}}


def _format(output: messages.Output, dialect: wire.Dialect) -> dict[str, Any]:
    form: dict[str, Any] = {"name": output.name, "schema": output.schema}
    if dialect.strict and schemas.is_closed(output.schema):
        form = {"name": output.name, "schema": schemas.without_bounds(output.schema), "strict": True}
    if output.description:
        form["description"] = output.description
    return {"type": "json_schema", "json_schema": form}


def _pieces(body: Mapping[str, Any]) -> Iterator[deltas.Delta]:
    """Thinking (vLLM, DeepSeek and Ollama have each their own name for it), then words."""
    thought = body.get("reasoning_content") or body.get("reasoning")
    if isinstance(thought, str) and thought:
        yield deltas.ReasoningDelta(thought)
    content = body.get("content")
    if isinstance(content, list):
        content = "".join(checked.text(one.get("text"), "text") for one in content if isinstance(one, dict))
    if text := checked.text(content, "content"):
        yield deltas.TextDelta(text)


def _call(part: Mapping[str, Any], index: int, *, first: bool) -> Iterator[deltas.Delta]:
    function = checked.inner(part, "function")
    if first:
        identity = checked.text(part.get("id"), "id") or f"call_{index}"
        yield deltas.CallStarted(index, identity, checked.text(function.get("name"), "function.name"))
    arguments = function.get("arguments")
    text = json.dumps(arguments) if isinstance(arguments, dict) else checked.text(arguments, "function.arguments")
    if text:
        yield deltas.CallDelta(index, text)


def _usage(said: Any, builder: deltas.Builder, request: messages.Request) -> messages.Usage:
    if not isinstance(said, dict) or not said.get("prompt_tokens"):
        written = builder.chars // messages.CHARS_A_TOKEN + 1
        return messages.Usage(messages.estimated_tokens(request), written, estimated=True)
    details = checked.inner(said, "prompt_tokens_details")
    cached, stored = checked.count(details.get("cached_tokens")), checked.count(details.get("cache_write_tokens"))
    return messages.Usage(
        input_tokens=max(checked.count(said.get("prompt_tokens")) - cached - stored, 0),
        output_tokens=checked.count(said.get("completion_tokens")),
        cache_read_tokens=cached,
        cache_write_tokens=stored,
        reasoning_tokens=checked.count(checked.inner(said, "completion_tokens_details").get("reasoning_tokens")),
    )


def _raise_refusal(title: str, refusal: Any, reason: Any, usage: messages.Usage) -> None:
    if reason == "content_filter":
        raise refusals.refused(title, "a content filter stopped the answer", usage)
    if refusal:
        raise refusals.refused(title, checked.text(refusal, "refusal"), usage)


def _reply(
    builder: deltas.Builder, reason: Any, usage: messages.Usage, head: Mapping[str, Any], title: str
) -> messages.Reply:
    parts = builder.parts()
    stop = _STOPS.get(str(reason), messages.Stop.END)
    if stop is messages.Stop.END and any(isinstance(part, messages.ToolCall) for part in parts):
        stop = messages.Stop.TOOLS  # several servers say "stop" there
    model = checked.text(head.get("model"), "model") or title
    return messages.Reply(parts, stop, usage, model, checked.text(head.get("id"), "id"))


def _loads(data: str) -> Mapping[str, Any]:
    try:
        return checked.mapping(json.loads(data), "an event")
    except (json.JSONDecodeError, RecursionError) as error:
        raise checked.Wrong(f"an event is {data[:80]!r}, not JSON") from error
