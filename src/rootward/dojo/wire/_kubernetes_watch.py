"""Streams of an API server: watches of objects and containers' logs that go on, both as the clock moves, both bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from starlette import responses

from rootward.dojo.wire import _http, _kubernetes_store

POLL_S = 0.2
WATCH_MAX_S = 1800.0  # the least that an API server chooses where the client names no time
FOLLOW_MAX_S = 3600.0

Snapshot = Callable[[float], Iterable[_kubernetes_store.State]]
"""Objects that a watch is about, as they are at a moment."""

Written = Callable[[_kubernetes_store.State], dict[str, Any]]


def timeout_s(call: _http.Call) -> float:
    """How long a watch may last; raises Refused (400)."""
    asked = _http.integer(call, "timeoutSeconds", 0)
    return min(float(asked), WATCH_MAX_S) if asked else WATCH_MAX_S


def watching(
    snapshot: Snapshot, written: Written, since_s: float | None, now_s: Callable[[], float], limit_s: float
) -> responses.Response:
    """A stream of ADDED, MODIFIED and DELETED; `since_s` is the moment of the client's list, None: all there is comes first."""

    async def lines() -> AsyncIterator[bytes]:
        before: dict[_kubernetes_store.Key, _kubernetes_store.State] = {}
        if since_s is not None:
            before = {one.key: one for one in snapshot(since_s)}
        for _ in range(max(round(limit_s / POLL_S), 1)):
            after = {one.key: one for one in snapshot(now_s())}
            for kind, state in _changes(before, after):
                yield _http.encode({"type": kind, "object": written(state)}) + b"\n"
            before = after
            await asyncio.sleep(POLL_S)

    return responses.StreamingResponse(lines(), media_type="application/json")


def _changes(
    before: dict[_kubernetes_store.Key, _kubernetes_store.State],
    after: dict[_kubernetes_store.Key, _kubernetes_store.State],
) -> Iterable[tuple[str, _kubernetes_store.State]]:
    for key, state in after.items():
        old = before.get(key)
        if old is None:
            yield "ADDED", state
        elif old is not state and old.body != state.body:
            yield "MODIFIED", state
    for key, state in before.items():
        if key not in after:
            yield "DELETED", state


def following(first: str, more: Callable[[float, float], str], now_s: Callable[[], float]) -> responses.Response:
    """A log that goes on: what there is, then `more(after, until)` (seconds) as the clock moves."""

    async def texts() -> AsyncIterator[str]:
        upto_s = now_s()
        yield first
        for _ in range(round(FOLLOW_MAX_S / POLL_S)):
            await asyncio.sleep(POLL_S)
            now = now_s()
            if now > upto_s:
                text = more(upto_s, now)
                upto_s = now
                if text:
                    yield text

    return responses.StreamingResponse(texts(), media_type="text/plain")
