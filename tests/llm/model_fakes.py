"""The vendors' APIs in this process, for tests: they check a question as the vendor does, and answer in the vendor's own bytes.

A fake is given turns, and answers each question with the next: what the model would say, or a way of not saying it.
"""

import asyncio
import base64
import dataclasses
import itertools
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

DISCONNECTED = "Server disconnected without sending a response."
KEY = "key-of-the-tests-0123456789"


@dataclasses.dataclass(frozen=True)
class Says:
    """The model answers. `calls`: (id, name, arguments), arguments an object, or text where it writes no JSON."""

    text: str = ""
    calls: tuple[tuple[str, str, Any], ...] = ()
    thinks: str = ""
    cut: bool = False  # by tokens_max
    refuses: str = ""  # why it will not answer
    usage: tuple[int, int, int] = (11, 7, 3)  # asked, answered, of the asked from the cache


@dataclasses.dataclass(frozen=True)
class Answers:
    """A status and a body as they stand."""

    status: int
    body: Any
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


@dataclasses.dataclass(frozen=True)
class Breaks:
    """It begins to answer, and then: "hangs", "babbles", "ends", "resets", or an error in the vendor's own form."""

    how: str
    text: str = "It begins"


class Api:
    """What both formats share; subclasses know the bytes."""

    paths: tuple[str, ...] = ()

    def __init__(self, *turns: Any, pause_s: float = 0.0) -> None:
        self.turns = list(turns)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.addresses: list[str] = []
        self.pause_s = pause_s

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = json.loads((await receive())["body"])
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.asked.append(body)
        self.headers.append(headers)
        query = scope["query_string"].decode()
        self.addresses.append(scope["path"] + (f"?{query}" if query else ""))
        complaint = self.complaint(scope["path"], headers, body)
        turn = complaint or (self.turns.pop(0) if len(self.turns) > 1 else self.turns[0])
        if self.pause_s:
            await asyncio.sleep(self.pause_s)
        if isinstance(turn, Answers):
            await self._whole(send, turn.status, turn.body, turn.headers)
        elif isinstance(turn, Breaks):
            await self._breaks(send, turn, live=self.is_live(scope["path"], body))
        elif self.is_live(scope["path"], body):
            await self._head(send, 200, self.stream_type)
            for event in self.events(turn):
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._whole(send, 200, self.whole(turn), (("content-type", "application/json"),))

    stream_type = "text/event-stream; charset=utf-8"
    keep_alive = b": keep\n\n"

    def is_live(self, path: str, body: Mapping[str, Any]) -> bool:
        del path
        return bool(body.get("stream"))

    def complaint(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answers | None:
        raise NotImplementedError

    def events(self, turn: Says) -> list[bytes]:
        raise NotImplementedError

    def whole(self, turn: Says) -> dict[str, Any]:
        raise NotImplementedError

    def error_event(self, kind: str) -> bytes:
        raise NotImplementedError

    def word_event(self, text: str) -> bytes:
        raise NotImplementedError

    async def _head(self, send: Any, status: int, kind: str) -> None:
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind.encode())]})

    async def _whole(self, send: Any, status: int, body: Any, headers: Any) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        encoded = [(key.encode(), value.encode()) for key, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        await send({"type": "http.response.body", "body": raw})

    async def _breaks(self, send: Any, turn: Breaks, *, live: bool) -> None:
        if turn.how == "silent":
            await asyncio.sleep(1e9)
        if turn.how == "drops the kept connection":
            raise ConnectionError(DISCONNECTED)
        if turn.how == "refuses the connection":
            raise ConnectionError("nobody there")
        await self._head(send, 200, self.stream_type if live else "application/json")
        first = [self.word_event(turn.text)] if live else [b'{"id": "x", ']
        for event in [*self.opening(), *first] if live else first:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        if turn.how == "hangs":
            while True:
                await asyncio.sleep(5.0)
                if live:  # as vendors keep a connection alive
                    await send({"type": "http.response.body", "body": self.keep_alive, "more_body": True})
        elif turn.how == "hangs still":
            await asyncio.sleep(1e9)
        elif turn.how == "babbles":
            while True:
                await asyncio.sleep(0.01)
                await send({"type": "http.response.body", "body": self.word_event("and on " * 100), "more_body": True})
        elif turn.how == "resets":
            raise ConnectionError("reset by peer")
        elif turn.how != "ends":
            await send({"type": "http.response.body", "body": self.error_event(turn.how), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def opening(self) -> list[bytes]:
        return []


class OpenAiApi(Api):
    """Chat Completions."""

    KNOWN = frozenset({"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "seed", "stop", "tools",
      "tool_choice", "response_format", "stream", "stream_options"})  # fmt: skip
    strict_calls = True  # arguments are texts; tool calls carry an index

    def complaint(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answers | None:
        if not path.endswith("/chat/completions"):
            return Answers(
                404, {"error": {"message": f"Invalid URL (POST {path})", "type": "invalid_request_error", "code": None}}
            )
        if headers.get("authorization") not in (None, f"Bearer {KEY}") or headers.get("api-key") not in (None, KEY):
            return Answers(
                401,
                {
                    "error": {
                        "message": f"Incorrect API key provided: {headers.get('authorization')}",
                        "type": "invalid_request_error",
                        "code": "invalid_api_key",
                    }
                },
            )
        if unknown := set(body) - self.KNOWN:
            return self.invalid(f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
        waiting: list[str] = []
        for message in body["messages"]:
            if message["role"] == "tool":
                if message["tool_call_id"] not in waiting:
                    return self.invalid(
                        "messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
                    )
                waiting.remove(message["tool_call_id"])
                continue
            if waiting:
                return self.invalid("An assistant message with 'tool_calls' must be followed by tool messages")
            waiting = [call["id"] for call in message.get("tool_calls", ())]
            if message["content"] is None and not waiting:
                return self.invalid("content is null")
        form = body.get("response_format", {}).get("json_schema", {})
        if form.get("strict") and '"minimum"' in json.dumps(form):
            return self.invalid("Invalid schema for response_format: 'minimum' is not permitted")
        return None

    def invalid(self, text: str) -> Answers:
        return Answers(400, {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": None}})

    def whole(self, turn: Says) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": turn.refuses or None}
        if turn.thinks:
            message["reasoning_content"] = turn.thinks
        if turn.calls:
            message["tool_calls"] = [self._call(one) for one in turn.calls]
        choice = {"index": 0, "message": message, "finish_reason": self._reason(turn), "logprobs": None}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "served",
            "choices": [choice],
            "usage": self._usage(turn),
        }

    def events(self, turn: Says) -> list[bytes]:
        sent: list[bytes] = [self._chunk({"role": "assistant", "content": ""})]
        sent += [self._chunk({"reasoning_content": word}) for word in _words(turn.thinks)]
        sent += [self._chunk({"content": word}) for word in _words(turn.text)]
        sent += [self._chunk({"refusal": word}) for word in _words(turn.refuses)]
        for index, one in enumerate(turn.calls):
            call = self._call(one)
            arguments = call["function"]["arguments"]
            opening = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
            sent.append(self._chunk({"tool_calls": [opening]}))
            for word in _words(arguments):
                sent.append(self._chunk({"tool_calls": [{"index": index, "function": {"arguments": word}}]}))
        sent.append(self._chunk({}, self._reason(turn)))
        usage = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "model": "served",
            "choices": [],
            "usage": self._usage(turn),
        }
        return [*sent, _event(usage), b"data: [DONE]\n\n"]

    def word_event(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def error_event(self, kind: str) -> bytes:
        return _event({"error": {"message": f"It went wrong: {kind}", "type": "server_error", "code": kind}})

    def _chunk(self, delta: Any, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "served", "choices": [choice]})

    def _call(self, call: tuple[str, str, Any]) -> dict[str, Any]:
        identity, name, arguments = call
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        return {"id": identity, "type": "function", "function": {"name": name, "arguments": text}}

    def _reason(self, turn: Says) -> str:
        return "length" if turn.cut else "tool_calls" if turn.calls else "stop"

    def _usage(self, turn: Says) -> dict[str, Any]:
        asked, answered, cached = turn.usage
        return {
            "prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered,
            "prompt_tokens_details": {"cached_tokens": cached},
        }  # fmt: skip


class AnthropicApi(Api):
    """Messages."""

    KNOWN = frozenset({"model", "messages", "max_tokens", "temperature", "stop_sequences", "tools", "tool_choice", "system",
      "stream", "output_config"})  # fmt: skip
    NEEDED = frozenset({"model", "max_tokens", "messages"})

    def complaint(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answers | None:
        if path != "/v1/messages":
            return Answers(404, {"type": "error", "error": {"type": "not_found_error", "message": "Not found"}})
        if KEY not in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer ")):
            return Answers(
                401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}
            )
        if "anthropic-version" not in headers:
            return self.invalid("anthropic-version: header is required")
        if headers["anthropic-version"] >= "2026-10-21" and "temperature" in body:
            return self.invalid("temperature: Extra inputs are not permitted")
        return self.body_complaint(body)

    def body_complaint(self, body: Mapping[str, Any]) -> Answers | None:
        if missing := self.NEEDED - set(body):
            return self.invalid(f"{min(missing)}: Field required")
        if unknown := set(body) - self.KNOWN:
            return self.invalid(f"{min(unknown)}: Extra inputs are not permitted")
        if json.dumps(body).count("cache_control") > 4:
            return self.invalid("A maximum of 4 blocks with cache_control may be provided")
        roles = [message["role"] for message in body["messages"]]
        if not roles or roles[0] != "user" or any(a == b for a, b in itertools.pairwise(roles)):
            return self.invalid("messages: roles must alternate between user and assistant")
        waiting: set[str] = set()
        for message in body["messages"]:
            results = {block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"}
            if results != waiting:
                return self.invalid("tool_use ids were found without tool_result blocks immediately after")
            if any(block["type"] == "text" and not block["text"].strip() for block in message["content"]):
                return self.invalid("text content blocks must contain non-whitespace text")
            waiting = {block["id"] for block in message["content"] if block["type"] == "tool_use"}
        return None

    def invalid(self, text: str) -> Answers:
        return Answers(
            400, {"type": "error", "error": {"type": "invalid_request_error", "message": text}, "request_id": "req_1"}
        )

    def whole(self, turn: Says) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if turn.thinks:
            content.append({"type": "thinking", "thinking": turn.thinks, "signature": "c2lnbmVk"})
        if turn.text:
            content.append({"type": "text", "text": turn.text})
        content += [
            {"type": "tool_use", "id": i, "name": name, "input": arguments} for i, name, arguments in turn.calls
        ]
        return {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "served", "content": content,
            "stop_reason": self._reason(turn), "stop_sequence": None, "stop_details": self._details(turn), "usage": self._usage(turn),
        }  # fmt: skip

    def opening(self) -> list[bytes]:
        head = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "served",
            "content": [],
            "stop_reason": None,
        }
        return [
            _named(
                "message_start",
                {
                    "message": {
                        **head,
                        "usage": {
                            "input_tokens": 8,
                            "output_tokens": 1,
                            "cache_read_input_tokens": 3,
                            "cache_creation_input_tokens": 0,
                        },
                    }
                },
            ),
            _named("ping", {}),
        ]

    def events(self, turn: Says) -> list[bytes]:
        sent = self.opening()
        for index, block in enumerate(self.whole(turn)["content"]):
            if block["type"] == "text":
                start, deltas = (
                    {"type": "text", "text": ""},
                    [{"type": "text_delta", "text": word} for word in _words(block["text"])],
                )
            elif block["type"] == "thinking":
                start = {"type": "thinking", "thinking": "", "signature": ""}
                deltas = [{"type": "thinking_delta", "thinking": word} for word in _words(block["thinking"])]
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
            else:
                start = {**block, "input": {}}
                text = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
                deltas = [{"type": "input_json_delta", "partial_json": word} for word in ["", *_words(text)]]
            sent.append(_named("content_block_start", {"index": index, "content_block": start}))
            sent += [_named("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
            sent.append(_named("content_block_stop", {"index": index}))
        ending = {
            "delta": {"stop_reason": self._reason(turn), "stop_sequence": None, "stop_details": self._details(turn)},
            "usage": {"output_tokens": turn.usage[1]},
        }
        return [*sent, _named("message_delta", ending), _named("message_stop", {})]

    def word_event(self, text: str) -> bytes:
        return _named("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}})

    def error_event(self, kind: str) -> bytes:
        return _named("error", {"error": {"type": kind, "message": f"It went wrong: {kind}"}})

    def _details(self, turn: Says) -> Any:
        return {"type": "refusal", "category": "cyber", "explanation": turn.refuses} if turn.refuses else None

    def _reason(self, turn: Says) -> str:
        if turn.refuses:
            return "refusal"
        return "max_tokens" if turn.cut else "tool_use" if turn.calls else "end_turn"

    def _usage(self, turn: Says) -> dict[str, int]:
        asked, answered, cached = turn.usage
        return {
            "input_tokens": asked - cached,
            "output_tokens": answered,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
        }


class VertexApi(AnthropicApi):
    """Messages behind rawPredict: the address names the model, the body the version."""

    KNOWN = AnthropicApi.KNOWN - {"model"} | {"anthropic_version"}
    NEEDED = frozenset({"max_tokens", "messages", "anthropic_version"})

    def complaint(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answers | None:
        method = "streamRawPredict" if body.get("stream") else "rawPredict"
        if path != f"/v1/projects/shop/locations/europe-west1/publishers/anthropic/models/small:{method}":
            return Answers(404, b"<html>404</html>", (("content-type", "text/html"),))
        if headers.get("authorization") != f"Bearer {KEY}":
            return Answers(
                401, [{"error": {"code": 401, "message": "invalid credentials", "status": "UNAUTHENTICATED"}}]
            )
        return self.body_complaint(body)


class BedrockApi(AnthropicApi):
    """Messages inside InvokeModel: nothing of the body says whether to stream, and streams are framed in binary."""

    KNOWN = AnthropicApi.KNOWN - {"model", "stream"} | {"anthropic_version"}
    NEEDED = frozenset({"max_tokens", "messages", "anthropic_version"})
    stream_type = "application/vnd.amazon.eventstream"

    def complaint(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answers | None:
        if path not in ("/model/small/invoke", "/model/small/invoke-with-response-stream"):
            return Answers(404, {"message": "no such operation"}, (("x-amzn-errortype", "UnknownOperationException"),))
        if headers.get("authorization") != f"Bearer {KEY}":
            return Answers(
                403,
                {"message": "The security token is invalid."},
                (("x-amzn-errortype", "UnrecognizedClientException"),),
            )
        return self.body_complaint(body)

    def invalid(self, text: str) -> Answers:
        return Answers(400, {"message": text}, (("x-amzn-errortype", "ValidationException:http://x"),))

    def is_live(self, path: str, body: Mapping[str, Any]) -> bool:
        return path.endswith("-stream")

    def opening(self) -> list[bytes]:
        return [_framed(one) for one in super().opening()]

    def events(self, turn: Says) -> list[bytes]:
        begun = len(super().opening())
        return [one if at < begun else _framed(one) for at, one in enumerate(super().events(turn))]

    def word_event(self, text: str) -> bytes:
        return _framed(super().word_event(text))

    def error_event(self, kind: str) -> bytes:
        return aws_message(
            {":message-type": "exception", ":exception-type": kind},
            json.dumps({"message": f"It went wrong: {kind}"}).encode(),
        )

    @property
    def keep_alive(self) -> bytes:  # type: ignore[override]
        return _framed(_named("ping", {}))


def _framed(event: bytes) -> bytes:
    data = event.split(b"data: ", 1)[1].strip()
    payload = json.dumps({"bytes": base64.b64encode(data).decode(), "p": "abcdefgh"}).encode()
    return aws_message({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, payload)


def aws_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of Amazon's framing, with texts for headers."""
    encoded = b"".join(
        bytes([len(name.encode())]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    head = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    message = head + struct.pack(">I", zlib.crc32(head)) + encoded + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _words(text: str) -> list[str]:
    """Cut in the middle of words, as tokens are."""
    return [text[at : at + 5] for at in range(0, len(text), 5)]


def _event(body: Any) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def _named(name: str, body: Any) -> bytes:
    return f"event: {name}\n".encode() + _event({"type": name, **body})
