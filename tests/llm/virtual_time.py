"""A world without waiting: an event loop whose clock jumps to the next timer, and a network that streams in this process."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx2

from rootward import _clock


class _Jumping(selectors.SelectSelector):
    """Never waits: the time that it would have waited is added to the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everything waits, and nothing will ever happen")
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class LoopClock:
    """The running loop's own time, as a `_clock.Clock`; it begins at a moment in 2026."""

    START_S = 1_780_000_000.0

    def now_s(self) -> float:
        return self.START_S + asyncio.get_running_loop().time()

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


CLOCK: _clock.Clock = LoopClock()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run` on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


class _Body(httpx2.AsyncByteStream):
    def __init__(self, pieces: "asyncio.Queue[bytes | BaseException | None]", task: "asyncio.Task[None]") -> None:
        self._pieces, self._task = pieces, task

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


class StreamingTransport(httpx2.AsyncBaseTransport):
    """An ASGI application as the network, each piece of whose body arrives when it is sent (the library's own collects them).

    `closed` counts the responses that were let go of; an application that raises looks like a broken connection.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self.opened = 0
        self.closed = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        url = request.url
        scope = {
            "type": "http", "method": request.method, "path": url.path, "raw_path": url.raw_path, "query_string": url.query,
            "headers": [(key.lower(), value) for key, value in request.headers.raw], "scheme": url.scheme,
            "server": (url.host, url.port),
        }  # fmt: skip
        started: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        pieces: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                started.set_result(message)
            else:
                if message.get("body"):
                    pieces.put_nowait(message["body"])
                if not message.get("more_body"):
                    pieces.put_nowait(None)

        async def serve() -> None:
            try:
                await self._app(scope, receive, send)
            except ConnectionError as error:
                kind = httpx2.RemoteProtocolError if "disconnected" in str(error) else httpx2.ReadError
                broken = kind(str(error))
                pieces.put_nowait(broken) if started.done() else started.set_exception(broken)
            finally:
                self.closed += 1

        self.opened += 1
        task = asyncio.ensure_future(serve())
        try:
            head = await started
        except BaseException:
            task.cancel()
            raise
        return httpx2.Response(head["status"], headers=head["headers"], stream=_Body(pieces, task))
