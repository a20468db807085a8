"""Requests and replies as JSON and back, for records and recordings; and the key under which a recording finds its answer."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rootward.llm import messages

_KINDS: dict[str, type[messages.Part]] = {"text": messages.Text, "reasoning": messages.Reasoning, "call": messages.ToolCall,
  "result": messages.ToolResult}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}
_NOT_ASKED = frozenset({"seconds", "tokens_max", "purpose", "cached_system"})
"""Fields of a request that do not change what is asked: budgets cut the first two from run to run."""


def request_to_json(request: messages.Request) -> dict[str, Any]:
    """Every field; those at their defaults are left out."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(request):
        value = getattr(request, field.name)
        if field.name == "messages":
            found["messages"] = [message_to_json(one) for one in value]
        elif value != field.default:
            found[field.name] = _plain(value)
    return found


def message_to_json(message: messages.Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "parts": [_part_to_json(part) for part in message.parts]}
    return {**body, "cached": True} if message.cached else body


def reply_to_json(reply: messages.Reply) -> dict[str, Any]:
    """Every field."""
    return {
        "parts": [_part_to_json(part) for part in reply.parts],
        "stop": str(reply.stop),
        "usage": dataclasses.asdict(reply.usage),
        "model": reply.model,
        "id": reply.id,
        **({"output": reply.output} if reply.output is not None else {}),
    }


def reply_from_json(body: Mapping[str, Any]) -> messages.Reply:
    """The reply.

    Raises:
        ValueError, KeyError, TypeError: it is not what `reply_to_json` writes.
    """
    return messages.Reply(
        tuple(_part_from_json(part) for part in body["parts"]),
        messages.Stop(body["stop"]),
        messages.Usage(**body["usage"]),
        str(body["model"]),
        str(body["id"]),
        body.get("output"),
    )


def key(request: Mapping[str, Any], *, provider: str, name: str) -> str:
    """What a recording finds its answer by: the question in canonical JSON and whom it was put to."""
    turns = [{part: value for part, value in one.items() if part != "cached"} for one in request["messages"]]
    asked = {field: value for field, value in request.items() if field not in _NOT_ASKED} | {"messages": turns}
    text = json.dumps([provider, name, asked], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def shown(request: Mapping[str, Any]) -> str:
    """A request in lines that people can read and compare."""
    lines = [f"system: {line}" for line in str(request.get("system", "")).splitlines()]
    lines += [f"tool: {one['name']}" for one in request.get("tools", ())]
    if request.get("output"):
        lines.append(f"form: {request['output']['name']}")
    for message in request["messages"]:
        for part in message["parts"]:
            rest = {name: value for name, value in part.items() if name not in ("kind", "text")}
            text = str(part.get("text", "")) or json.dumps(rest, ensure_ascii=False, sort_keys=True)
            head = message["role"] if part["kind"] == "text" else f"{message['role']} {part['kind']}"
            lines += [f"{head}: {line}" for line in text.splitlines() or [""]]
    return "\n".join(lines)


def _part_to_json(part: messages.Part) -> dict[str, Any]:
    values = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    return {
        "kind": _NAMES[type(part)],
        **{name: _plain(value) for name, value in values.items() if value not in ("", False)},
    }


def _part_from_json(body: Mapping[str, Any]) -> messages.Part:
    values = {name: value for name, value in body.items() if name != "kind"}
    kind = _KINDS[body["kind"]]
    missing = {
        field.name: ""
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.name != "arguments"
    }
    return kind(**{**missing, **values})


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
