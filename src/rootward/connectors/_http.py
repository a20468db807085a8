"""One small HTTP client for every connector: bounded in time, bytes and attempts, with failures that say what to do.

Only this module knows the HTTP library. A request either returns a body or raises one of `errors.BackendError`'s
subclasses, so that connectors never look at status codes. It only reads: GET, and POST where a vendor's query API wants it.
"""

import asyncio
import dataclasses
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib import parse

import httpx2
import numpy as np

from rootward import _clock, errors
from rootward.connectors import _endpoint, _in_process, _json, _reads, _replies
from rootward.signals import outgoing, protocols

ASGIApp = _in_process.ASGIApp
Params = Mapping[str, str | int | float | bool] | list[tuple[str, str | int | float | bool]]

decode = _replies.decode
Reply = _replies.Reply
USER_AGENT = "rootward"
IN_PROCESS_TOKEN = "in-process"  # noqa: S105 -- back ends in this process want a token, any token
_LONG_URL_CHARS = 4_000  # proxies refuse longer ones; the query APIs accept the same as a form


@dataclasses.dataclass(slots=True)
class Budget:
    """What one question may still spend, over all its requests: seconds and bytes."""

    limits: protocols.Limits
    ends_at_s: float  # on the event loop's clock
    waited_s: float = 0.0  # virtual waiting that the event loop's clock did not see
    bytes_read: int = 0

    @classmethod
    def start(cls, limits: protocols.Limits) -> "Budget":
        return cls(limits, asyncio.get_running_loop().time() + limits.seconds)

    def remaining_s(self) -> float:
        return self.ends_at_s - asyncio.get_running_loop().time() - self.waited_s


@dataclasses.dataclass(slots=True)
class _Exchange:
    """One request and what came back of it so far."""

    request: httpx2.Request | None = None
    status: int = 0
    bytes_in: int = 0


class HttpClient:
    """Asks one back end. `source` names the connector in errors; `transport` replaces the network (in-process faces); `record` notes what
    leaves. `reads` are the requests that may be made, all until a connector says which."""

    def __init__(
        self,
        source: str,
        endpoint: _endpoint.Endpoint,
        *,
        clock: _clock.Clock,
        rng: np.random.Generator,
        transport: httpx2.AsyncBaseTransport | None = None,
        record: outgoing.Log | None = None,
    ) -> None:
        self.source = source
        self.clock = clock
        self.endpoint = endpoint
        self.base_url = endpoint.base_url.rstrip("/")
        self._rng = rng
        self._transport = transport
        self._record = record
        self.reads: _reads.Reads | None = None
        self._client: httpx2.AsyncClient | None = None
        self._app: ASGIApp | None = None
        self._token = endpoint.token

    @classmethod
    def in_process(cls, source: str, app: ASGIApp, *, clock: _clock.Clock, rng: np.random.Generator) -> "HttpClient":
        """A client whose back end is an ASGI application in this process; an exception in it is answered as a 500."""
        http = cls(source, _endpoint.Endpoint(f"http://{source}", token=IN_PROCESS_TOKEN), clock=clock, rng=rng)
        http._app = app
        return http

    async def get_json(self, path: str, params: Params | None = None, *, budget: Budget, **more: Any) -> Any:
        """The decoded JSON body. `more`: as `request`."""
        return _replies.decode(await self.request("GET", path, params, budget=budget, **more))

    async def query_json(
        self, path: str, params: Params, *, budget: Budget, read: Callable[[bytes], object] = _json.loads
    ) -> Any:
        """As `get_json`, as a form by POST when the query is too long for an address; `read` as in `_replies.decode`."""
        long = sum(len(str(value)) for value in dict(params).values()) > _LONG_URL_CHARS
        return _replies.decode(await self.request("POST" if long else "GET", path, params, budget=budget), read)

    def refusal(self, reply: _replies.Reply) -> errors.BackendError:
        """The error that a reply with an accepted status would have been."""
        return _replies.refusal(reply, now_s=self.clock.now_s())

    async def request(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        budget: Budget,
        accept: frozenset[int] = frozenset(),
        headers: Mapping[str, str] | None = None,
        bytes_max: int | None = None,
        document: bytes = b"",
    ) -> _replies.Reply:
        """Ask, again if it is worth it, until an answer or the budget's end. Statuses in `accept` are returned, not raised. `document`: the
        JSON that a POST carries, instead of a form of `params`.

        Raises:
            errors.BackendError: a subclass for each way of not answering.
            errors.QueryRejected: this is no request that the connector may make; nothing was sent.
        """
        asked = f"{method} {self.base_url}{path}"
        if self.reads is not None and not self.reads.allow(method, path):
            message = f"{self.source}: {asked} is not among the requests that this connector makes, so it was not sent"
            raise errors.QueryRejected(message, source=self.source)
        for attempt in range(1, self.endpoint.attempts + 1):
            try:
                reply = await self._once(method, path, params, document, budget, headers, bytes_max, asked)
                if 200 <= reply.status < 300 or reply.status in accept:
                    return reply
                error = self.refusal(reply)
                retry = _replies.worth_asking_again(reply)
                if reply.status == 401 and self._token_renewed() and attempt == 1:
                    continue
            except errors.BackendUnreachable as unreachable:
                error, retry = unreachable, True
            if not retry or attempt == self.endpoint.attempts:
                raise error
            await self._wait(attempt, error, budget)
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _once(
        self,
        method: str,
        path: str,
        params: Params | None,
        document: bytes,
        budget: Budget,
        headers: Mapping[str, str] | None,
        bytes_max: int | None,
        asked: str,
    ) -> _replies.Reply:
        encoded = parse.urlencode(
            [(k, _text(v)) for k, v in (params.items() if isinstance(params, Mapping) else params or [])]
        )
        url = f"{self.base_url}{path}" + (f"?{encoded}" if encoded and method == "GET" else "")
        sent = {**self._authorization(), **(headers or {})}
        content = (document or encoded.encode()) if method == "POST" else b""
        if method == "POST":
            sent["content-type"] = "application/json" if document else "application/x-www-form-urlencoded"
        left, exchange = budget.limits.bytes - budget.bytes_read, _Exchange()
        left = min(left, bytes_max or left)
        try:
            async with asyncio.timeout(max(budget.remaining_s(), 0.0)):
                if self._app is not None:
                    query = "" if method == "POST" else encoded
                    return await self._ask_here(self._app, method, path, query, content, sent, left, exchange, asked)
                client = self._client = self._client or self._make_client()
                exchange.request = client.build_request(method, url, headers=sent, content=content or None)
                response = await client.send(exchange.request, stream=True)
                try:
                    exchange.status = response.status_code
                    body = await self._read(response, left, exchange, asked)
                    return _replies.Reply(self.source, asked, response.status_code, dict(response.headers), body)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx2.TimeoutException) as error:
            message = f"{self.source}: {asked} gave no answer within {budget.limits.seconds:g} s; ask for less or allow more seconds"
            raise errors.BackendTimeout(message, source=self.source) from error
        except (httpx2.NetworkError, httpx2.ProxyError, ssl.SSLError, OSError) as error:
            message = f"{self.source}: cannot reach {self.base_url} ({str(error) or type(error).__name__}); check url, name, port, proxy and TLS settings"
            raise errors.BackendUnreachable(message, source=self.source) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            message = f"{self.source}: {asked} did not answer in proper HTTP ({str(error) or type(error).__name__})"
            raise errors.BackendMalformed(message, source=self.source) from error
        finally:
            budget.bytes_read += exchange.bytes_in
            self._note(exchange, len(content))

    async def _ask_here(
        self,
        app: ASGIApp,
        method: str,
        path: str,
        query: str,
        content: bytes,
        headers: Mapping[str, str],
        bytes_max: int,
        exchange: _Exchange,
        asked: str,
    ) -> _replies.Reply:
        standing = {
            "host": parse.urlsplit(self.base_url).netloc,
            "accept": "application/json",
            "user-agent": USER_AGENT,
        }
        came = await _in_process.ask(app, method, path, query, {**standing, **headers}, content, bytes_max=bytes_max)
        body = came.body
        exchange.status, exchange.bytes_in = came.status, len(body)
        if len(body) > bytes_max:
            raise self._too_long(asked, bytes_max)
        return _replies.Reply(self.source, asked, came.status, came.headers, body)

    def _too_long(self, asked: str, bytes_max: int) -> errors.BackendError:
        message = (
            f"{self.source}: {asked} answered more than {bytes_max} bytes; narrow the question or raise limits.bytes"
        )
        return errors.BackendError(message, source=self.source)

    def _note(self, exchange: _Exchange, body_bytes: int) -> None:
        request = exchange.request
        if self._record is None or request is None:
            return
        url = request.url
        lines = [len(request.method) + len(url.raw_path) + len("  HTTP/1.1\r\n\r\n")]
        lines += [len(name) + len(value) + len(": \r\n") for name, value in request.headers.raw]
        self._record.note(
            outgoing.Sent(
                at_s=self.clock.now_s(),
                door="connector",
                name=self.source,
                method=request.method,
                host=url.netloc.decode("ascii"),
                path=url.path,
                bytes_out=sum(lines) + body_bytes,
                bytes_in=exchange.bytes_in,
                status=exchange.status,
            )
        )

    async def _read(self, response: httpx2.Response, bytes_max: int, exchange: _Exchange, asked: str) -> bytes:
        chunks: list[bytes] = []
        async for chunk in response.aiter_bytes():
            exchange.bytes_in += len(chunk)
            if exchange.bytes_in > bytes_max:
                raise self._too_long(asked, bytes_max)
            chunks.append(chunk)
        return b"".join(chunks)

    async def _wait(self, attempt: int, error: errors.BackendError, budget: Budget) -> None:
        """Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015), or what the back end asked for."""
        ceiling_s = min(self.endpoint.backoff_s * 2 ** (attempt - 1), self.endpoint.backoff_s_max)
        wait_s = float(self._rng.uniform(0.0, ceiling_s))
        if isinstance(error, errors.BackendRateLimited) and error.retry_after_s is not None:
            wait_s = max(wait_s, error.retry_after_s)
        if wait_s >= budget.remaining_s():
            raise error
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        await self.clock.sleep(wait_s)
        budget.waited_s += max(0.0, wait_s - (loop.time() - before_s))

    def _authorization(self) -> dict[str, str]:
        endpoint = self.endpoint
        if endpoint.token_file and not self._token:
            self._token = _endpoint.read_credentials(endpoint.token_file, self.source).strip()
        if self._token:
            return {"authorization": f"{endpoint.token_prefix}{self._token}"}
        return {}

    def _token_renewed(self) -> bool:
        """Whether the token's file holds another token than the one we sent."""
        if not self.endpoint.token_file:
            return False
        before, self._token = self._token, ""
        self._authorization()
        return self._token != before

    def _make_client(self) -> httpx2.AsyncClient:
        endpoint = self.endpoint
        auth = httpx2.BasicAuth(endpoint.username, endpoint.password) if endpoint.username else None
        secure = self._transport is None and self.base_url.startswith("https")
        return httpx2.AsyncClient(
            auth=auth,
            headers={"user-agent": USER_AGENT, "accept": "application/json", **endpoint.headers},
            verify=_endpoint.ssl_context(endpoint, self.source) if secure else False,
            transport=self._transport,
            timeout=None,  # the budget bounds every request
            trust_env=False,
            proxy=endpoint.proxy or None,
        )


def _text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
