"""The way out to a provider: one POST at a time, bounded in time and bytes, with failures that say what to do.

Only this module knows the HTTP library. What stands behind a door need not be a network: `local.py` has one to a model in this process.
"""

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from typing import Protocol

import httpx2

from rootward import errors
from rootward.llm import access as accesses

USER_AGENT = "rootward"
# A kept connection that the other side has just closed is a broken line too, and worth another try.
_BROKEN_LINE = (
    httpx2.NetworkError, httpx2.ProxyError, httpx2.TimeoutException, httpx2.RemoteProtocolError, ssl.SSLError, OSError,
)  # fmt: skip
REPLY_BYTES_MAX = 16 * 1024 * 1024
"""Of one reply; the longest that models write are some hundred KiB."""


@dataclasses.dataclass(frozen=True, slots=True)
class Deadline:
    """When a reply must be whole, on the event loop's clock, and how long its stream may be silent."""

    title: str
    seconds: float
    ends_at_s: float
    quiet_s: float

    @classmethod
    def start(cls, title: str, seconds: float, quiet_s: float) -> "Deadline":
        return cls(title, seconds, asyncio.get_running_loop().time() + seconds, quiet_s)

    @contextlib.asynccontextmanager
    async def waiting(self, *, stream: bool = False) -> AsyncGenerator[None]:
        """For one wait; never around a `yield` to others, whose time it would take.

        Raises:
            errors.ModelTimeout: it took too long.
        """
        now_s = asyncio.get_running_loop().time()
        quiet = stream and now_s + self.quiet_s < self.ends_at_s
        try:
            async with asyncio.timeout_at(now_s + self.quiet_s if quiet else self.ends_at_s):
                yield
        except TimeoutError as error:
            said = (
                f"said nothing for {self.quiet_s:g} s" if quiet else f"gave no whole answer within {self.seconds:g} s"
            )
            message = f"{self.title} {said}; allow more seconds, ask for less, or use a quicker model"
            raise errors.ModelTimeout(message, model=self.title) from error


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """What came back: header names in lower case; the body still to be read, once."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks])


class Door(Protocol):
    """Where questions go."""

    def opened(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> contextlib.AbstractAsyncContextManager[Response]:
        """Ask, and read the answer inside.

        Raises:
            errors.ModelUnreachable, errors.ModelTimeout, errors.ModelMalformed: also while the body is read.
        """

    async def aclose(self) -> None:
        """Close connections."""


@dataclasses.dataclass(slots=True)
class _Came:
    """What came back of one request so far, for the record; status 0: no answer."""

    status: int = 0
    size: int = 0


class HttpDoor:
    """Over HTTP; `transport` replaces the network (providers' APIs in this process)."""

    def __init__(self, access: accesses.Access, title: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._access, self._title, self._transport = access, title, transport
        self._client: httpx2.AsyncClient | None = None

    @contextlib.asynccontextmanager
    async def opened(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> AsyncGenerator[Response]:
        """See `Door.opened`."""
        if self._client is None:
            self._client = self._make_client(url)
        came = _Came()
        out = len(body)
        try:
            with self._explained(url):
                request = self._client.build_request("POST", url, headers=dict(headers), content=body)
                out += accesses.head_bytes("POST", url, request.headers.raw)
                async with deadline.waiting():
                    response = await self._client.send(request, stream=True)
            came.status = response.status_code
            try:
                names = {key.lower(): value for key, value in response.headers.items()}
                yield Response(came.status, names, self._chunks(response, url, deadline, came))
            finally:
                await response.aclose()
        finally:
            if self._access.note is not None:
                self._access.note("POST", url, out, came.size, came.status)

    async def aclose(self) -> None:
        """See `Door.aclose`."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _chunks(
        self, response: httpx2.Response, url: str, deadline: Deadline, came: "_Came"
    ) -> AsyncIterator[bytes]:
        rest = response.aiter_bytes()
        while True:
            with self._explained(url):
                async with deadline.waiting(stream=True):
                    chunk = await anext(rest, None)
            if chunk is None:
                return
            came.size += len(chunk)
            if came.size > REPLY_BYTES_MAX:
                message = f"{self._title} answered more than {REPLY_BYTES_MAX} bytes"
                raise errors.ModelMalformed(message, model=self._title)
            yield chunk

    @contextlib.contextmanager
    def _explained(self, url: str) -> Iterator[None]:
        """The library's errors as ours."""
        try:
            yield
        except _BROKEN_LINE as error:
            why = str(error) or type(error).__name__
            message = f"{self._title}: cannot reach {accesses.shown(url)} ({why}); check base_url, name, port, proxy and TLS settings"
            raise errors.ModelUnreachable(message, model=self._title) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            why = str(error) or type(error).__name__
            raise errors.ModelMalformed(
                f"{self._title}: {accesses.shown(url)} did not answer in proper HTTP ({why})", model=self._title
            ) from error

    def _make_client(self, url: str) -> httpx2.AsyncClient:
        secure = self._transport is None and url.startswith("https")
        return httpx2.AsyncClient(
            headers={"user-agent": USER_AGENT},
            verify=accesses.ssl_context(self._access, self._title) if secure else False,
            transport=self._transport,
            timeout=None,  # deadlines bound every request
            trust_env=False,
            proxy=self._access.proxy or None,
        )
