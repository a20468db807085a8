"""Loki's `tail` over WebSocket: first what was written lately, then lines as the clock brings them into view."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette import websockets

from rootward import errors
from rootward.dojo.engines.logql import evaluate, parser, store, tree
from rootward.dojo.wire import _http, _loki_parameters

POLL_S = 0.2
MAX_POLLS = 18_000  # an hour, Loki's own limit
_MAX_SENT = 5_000
_POLICY = 1008


async def tail(socket: websockets.WebSocket, visible: Callable[[], store.LogStore], now_ns: Callable[[], int]) -> None:
    """One session: parameters query, start, limit as in Loki; ends when the client goes or after an hour."""
    call = _http.Call("GET", socket, {}, _fields(socket), socket.headers)
    await socket.accept()
    try:
        query, limit, start_ns = _asked(call, now_ns())
    except (errors.EngineError, _http.Refused) as error:
        await socket.close(_POLICY, str(error)[:120])
        return
    upto_ns = now_ns() + 1
    found = evaluate.lines(visible(), query, start_ns, upto_ns, limit=limit, newest_first=True)[::-1]
    try:
        await _send(socket, found)
        for _ in range(MAX_POLLS):
            if await _gone(socket):
                return
            now = now_ns() + 1
            if now <= upto_ns:
                continue
            found = evaluate.lines(visible(), query, upto_ns, now, limit=_MAX_SENT, newest_first=False)
            upto_ns = now
            await _send(socket, found)
        await socket.close(1000, "reached tail max duration limit")
    except websockets.WebSocketDisconnect:
        return


def _asked(call: _http.Call, now_ns: int) -> tuple[tree.LogQuery, int, int]:
    """Query, lines at most, and from when (ns); raises Refused and EngineError."""
    query = parser.parse(call.get("query"))
    if not isinstance(query, tree.LogQuery):
        raise _http.Refused(400, "only log selectors are supported")
    return query, _loki_parameters.limit(call), _loki_parameters.window(call, now_ns)[0]


def _fields(socket: websockets.WebSocket) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in socket.query_params.multi_items():
        fields.setdefault(name, []).append(value)
    return fields


async def _gone(socket: websockets.WebSocket) -> bool:
    """Waits a moment for the client to leave; what it says otherwise is nothing to Loki."""
    try:
        message = await asyncio.wait_for(socket.receive(), POLL_S)
    except TimeoutError:
        return False
    return bool(message["type"] == "websocket.disconnect")


async def _send(socket: websockets.WebSocket, lines: list[evaluate.Line]) -> None:
    if not lines:
        return
    streams: dict[str, dict[str, Any]] = {}
    for line in lines:
        labels = line.labels
        one = streams.setdefault(json.dumps(labels, sort_keys=True), {"stream": labels, "values": []})
        one["values"].append([str(line.time_ns), line.text])
    await socket.send_text(_http.encode({"streams": list(streams.values()), "dropped_entries": None}).decode())
