"""One conversation with a server, whatever carries it: greeted once, its tools looked up once, and nothing called that writes."""

import abc
import asyncio
from collections.abc import Mapping
from typing import Any

from rootward import errors
from rootward.connectors import _http
from rootward.connectors.mcp import wire
from rootward.signals import redaction

_NAMED = 20  # of a server's tools, where it lacks the one that is meant


class Talk(abc.ABC):
    """Fulfils `wire.Session`. `allowed`: the tools that may be called; any other is refused before a byte leaves."""

    def __init__(self, source: str, allowed: frozenset[str]) -> None:
        self._source = source
        self._allowed = allowed
        self._gate = asyncio.Lock()
        self._known: wire.Server | None = None
        self._numbers = 0

    @abc.abstractmethod
    async def _ask(self, method: str, params: Mapping[str, Any], budget: _http.Budget) -> Mapping[str, Any]:
        """The response to one request, as JSON-RPC has it; raises BackendError."""

    @abc.abstractmethod
    async def _tell(self, method: str, budget: _http.Budget) -> None:
        """Send a notification; raises BackendError."""

    @abc.abstractmethod
    async def aclose(self) -> None:
        """See `wire.Session.aclose`."""

    def _agreed(self, version: str) -> None:
        """The version of the protocol that both speak, for those that must repeat it."""
        del version

    def _forget(self) -> None:
        """The connection was broken, or the server says that its tools changed: ask anew before the next call."""
        self._known = None

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    async def server(self, budget: _http.Budget) -> wire.Server:
        """See `wire.Session.server`."""
        try:
            async with asyncio.timeout(max(budget.remaining_s(), 0.0)), self._gate:
                known = self._known
                if known is None:
                    known = self._known = await self._meet(budget)
                return known
        except TimeoutError as error:
            raise self._late("its greeting", budget) from error

    async def call(self, tool: str, arguments: Mapping[str, Any], budget: _http.Budget) -> wire.Result:
        """See `wire.Session.call`.

        Raises:
            errors.QueryRejected: the tool is not allowed, does not exist, or says of itself that it writes; it was not called.
        """
        if tool not in self._allowed:
            raise errors.QueryRejected(
                f"{self._source}: the tool {tool!r} is not listed in settings, so it was not called",
                source=self._source,
            )
        tools = (await self.server(budget)).tools
        if tool not in tools:
            there = redaction.redact(", ".join(sorted(name[:60] for name in tools)[:_NAMED]))
            raise errors.QueryRejected(
                f"{self._source}: the server has no tool {tool!r}; it has {there or 'none'}", source=self._source
            )
        if tools[tool]:
            message = f"{self._source}: the server says of its tool {tool!r} that it writes, so it was not called; name one that reads"
            raise errors.QueryRejected(message, source=self._source)
        answer = await self._ask("tools/call", {"name": tool, "arguments": dict(arguments)}, budget)
        return wire.result(wire.outcome(answer, self._source, tool), self._source, tool)

    async def _meet(self, budget: _http.Budget) -> wire.Server:
        greeting = await self._ask("initialize", wire.greeting(), budget)
        version, name = wire.greeted(wire.outcome(greeting, self._source, "the greeting"))
        self._agreed(version)
        await self._tell("notifications/initialized", budget)
        tools: dict[str, bool] = {}
        cursor = ""
        for _ in range(wire.PAGES_MAX):
            answer = await self._ask("tools/list", {"cursor": cursor} if cursor else {}, budget)
            found, cursor = wire.listed(wire.outcome(answer, self._source, "tools/list"))
            tools |= found
            if not cursor or len(tools) > wire.TOOLS_MAX:
                break
        return wire.Server(f"{name} over MCP {version}", tools)

    def _late(self, what: str, budget: _http.Budget) -> errors.BackendTimeout:
        message = f"{self._source}: {what} did not come within {budget.limits.seconds:g} s; ask for less or allow more seconds"
        return errors.BackendTimeout(message, source=self._source)

    def _too_long(self, what: str) -> errors.BackendError:
        message = (
            f"{self._source}: {what} answered with more bytes than limits.bytes allows; narrow the question or raise it"
        )
        return errors.BackendError(message, source=self._source)
