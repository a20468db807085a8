"""Faces on a socket: the clock that they show, a server in a thread of its own, and a door by which time is moved from outside.

The door is never part of what is served to an agent: it listens apart, on loopback, and only the operator is told where.
"""

import contextlib
import email.utils
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette import applications, requests, responses, routing, types

from rootward import _clock, errors

START_LIMIT_S = 20.0
ADVANCE_MAX_S = 30 * 86400.0
SPEED_MAX = 1000.0


class ServedClock:
    """The production's time: it stands at `start_s`, or runs at `speed` seconds a second, and can be moved forward.

    It never passes `end_s`: there is nothing to be told of the time after it. Safe to use from several threads.
    """

    def __init__(self, start_s: float, end_s: float, *, speed: float = 0.0, base: _clock.Clock) -> None:
        assert 0.0 <= speed <= SPEED_MAX
        self.end_s = max(end_s, start_s)
        self._start_s = start_s
        self._speed = speed
        self._base = base
        self._began_s = base.monotonic_s()
        self._moved_s = 0.0
        self._lock = threading.Lock()

    def now_s(self) -> float:
        passed_s = (self._base.monotonic_s() - self._began_s) * self._speed if self._speed else 0.0
        return min(self._start_s + self._moved_s + passed_s, self.end_s)

    def monotonic_s(self) -> float:
        return self.now_s()

    async def sleep(self, seconds: float) -> None:
        """Wait in the production's time; a clock that stands lets the caller look again after a moment of ours."""
        await self._base.sleep(seconds / self._speed if self._speed else min(seconds, 1.0))

    def advance(self, seconds: float) -> float:
        """Move on and return the new now (seconds since the epoch).

        Raises:
            errors.InputError: backwards, or more than ADVANCE_MAX_S at once.
        """
        if not 0.0 <= seconds <= ADVANCE_MAX_S:
            raise errors.InputError(f"cannot advance by {seconds:g} s: between 0 and {ADVANCE_MAX_S:g}")
        with self._lock:
            self._moved_s = min(self._moved_s + seconds, self.end_s - self._start_s)
        return self.now_s()


def speed_of(text: str) -> float:
    """`still` → 0, `running` → 1, `x60` → 60: seconds of the production in one of ours.

    Raises:
        errors.InputError: none of these.
    """
    named = {"still": 0.0, "running": 1.0}
    if text in named:
        return named[text]
    try:
        speed = float(text.removeprefix("x"))
    except ValueError:
        speed = -1.0
    if not text.startswith("x") or not 0.0 < speed <= SPEED_MAX:
        raise errors.InputError(f"clock {text!r}: still, running, or x and a speed up to {SPEED_MAX:g}, such as x60")
    return speed


def control_app(clock: ServedClock) -> applications.Starlette:
    """The operator's door: GET /now tells the time, POST /advance?seconds=60 moves it."""

    def told() -> dict[str, Any]:
        return {"now": _clock.to_iso(clock.now_s()), "end": _clock.to_iso(clock.end_s)}

    async def now(_request: requests.Request) -> responses.Response:
        return responses.JSONResponse(told())

    async def advance(request: requests.Request) -> responses.Response:
        try:
            clock.advance(float(request.query_params.get("seconds", "")))
        except (ValueError, errors.InputError) as error:
            return responses.JSONResponse({"error": str(error) or "seconds is a number"}, 400)
        return responses.JSONResponse(told())

    return applications.Starlette(
        routes=[routing.Route("/now", now), routing.Route("/advance", advance, methods=["POST"])]
    )


def dated(app: types.ASGIApp, clock: _clock.Clock) -> types.ASGIApp:
    """`app` with a Date header that tells the production's time, not this machine's."""

    async def asgi(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        async def stamped(message: types.Message) -> None:
            if message["type"] == "http.response.start":
                text = email.utils.formatdate(clock.now_s(), usegmt=True)
                message = {**message, "headers": [*message.get("headers", ()), (b"date", text.encode())]}
            await send(message)

        await app(scope, receive, stamped if scope["type"] == "http" else send)

    return asgi


def server_of(app: types.ASGIApp, clock: _clock.Clock) -> uvicorn.Server:
    """A server whose own headers give nothing away: no name, and the production's date."""
    config = uvicorn.Config(
        dated(app, clock), log_level="warning", server_header=False, date_header=False, timeout_graceful_shutdown=3
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> tuple[socket.socket, str]:
    """A listening socket and the address that clients use; port 0 picks a free one.

    Raises:
        errors.InputError: the address cannot be had.
    """
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]  # the address is told already
        raise errors.InputError(f"cannot listen on {host}, port {port}: {reason}; --port 0 picks a free one") from error
    name_in_url = f"[{host}]" if ":" in host else host
    return listening, f"http://{name_in_url}:{listening.getsockname()[1]}"


@contextlib.contextmanager
def serving(app: types.ASGIApp, clock: _clock.Clock, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve in a thread while the block runs; yields the base address.

    Raises:
        errors.InputError: the address cannot be had.
        errors.WorldError: the server did not start within START_LIMIT_S.
    """
    listening, base_url = listen(host, port)
    server = server_of(app, clock)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    stopwatch, pause = _clock.SystemClock(), threading.Event()
    try:
        deadline_s = stopwatch.monotonic_s() + START_LIMIT_S
        while not server.started:
            if not thread.is_alive() or stopwatch.monotonic_s() > deadline_s:
                raise errors.WorldError(f"the server at {base_url} did not start in {START_LIMIT_S:g} s")
            pause.wait(0.01)
        yield base_url
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()
