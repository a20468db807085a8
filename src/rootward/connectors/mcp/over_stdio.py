"""MCP over standard input and output: a command of the operator's is started once, and ends with the investigation.

Lines are read as they come and bounded before they are whole, so that a server which never ends its line costs no memory.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import Mapping
from typing import Any

import orjson

from rootward import errors
from rootward.connectors import _http
from rootward.connectors.mcp import talking, wire
from rootward.signals import redaction

STARTS_MAX = 3  # of one command in one investigation: one that ends again and again is not asked again and again
_SAID_BYTES = 2_000  # of what it last said on standard error
_SHOWN_CHARS = 300
_END_S = 2.0  # to end by itself once its input is closed
_WORDS_S = 0.1  # for its last words on standard error to arrive
_METHOD_NOT_FOUND = -32601


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments; `environment` is all that it gets to see of ours."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)


class StdioSession(talking.Talk):
    """Over the pipes of a process of its own."""

    def __init__(self, source: str, allowed: frozenset[str], command: Command) -> None:
        super().__init__(source, allowed)
        self._command = command
        self._pipes: _Pipes | None = None
        self._starting = asyncio.Lock()
        self._starts = 0

    async def aclose(self) -> None:
        """Close its input, and end it if it does not end."""
        pipes, self._pipes = self._pipes, None
        if pipes is not None:
            await pipes.end()

    async def _ask(self, method: str, params: Mapping[str, Any], budget: _http.Budget) -> Mapping[str, Any]:
        number = self._next()
        left = budget.limits.bytes - budget.bytes_read
        try:
            async with asyncio.timeout(max(budget.remaining_s(), 0.0)):
                pipes = await self._running(fresh=method == "initialize")
                waiting = pipes.expect(number, left)
                try:
                    pipes.write(wire.request(number, method, params))
                    message, size = await waiting
                finally:
                    pipes.give_up(number)
        except TimeoutError as error:
            if method == "tools/call" and self._pipes is not None and not self._pipes.ended:
                self._pipes.write(wire.notification("notifications/cancelled", {"requestId": number}))
            raise self._late(method, budget) from error
        budget.bytes_read += size
        if size > left:
            raise self._too_long(method)
        return message

    async def _tell(self, method: str, budget: _http.Budget) -> None:
        del budget
        (await self._running(fresh=False)).write(wire.notification(method))

    async def _running(self, *, fresh: bool) -> "_Pipes":
        """The process; started only to be greeted, so that one that has ended is greeted anew."""
        async with self._starting:
            if self._pipes is not None and not self._pipes.ended:
                return self._pipes
            self._forget()
            if not fresh and self._pipes is not None:
                raise self._pipes.failure()
            if self._starts >= STARTS_MAX:
                raise (
                    self._pipes.failure()
                    if self._pipes
                    else errors.BackendUnreachable(f"{self._source}: not started", source=self._source)
                )
            if self._pipes is not None:
                await self._pipes.end()
            self._starts += 1
            command = self._command
            try:
                _, self._pipes = await asyncio.get_running_loop().subprocess_exec(
                    lambda: _Pipes(self._source, command.words[0], self._forget),
                    *command.words,
                    env=dict(command.environment),
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                message = f"{self._source}: cannot start {command.words[0]} ({error}); check command and args"
                raise errors.BackendUnreachable(message, source=self._source) from error
            return self._pipes


Arrival = asyncio.Future[tuple[Mapping[str, Any], int]]


class _Pipes(asyncio.SubprocessProtocol):
    """What comes out of the process, line by line, given to whoever waits for it."""

    def __init__(self, source: str, program: str, changed: Any) -> None:
        self._source, self._program, self._changed = source, program, changed
        self._waiting: dict[int, tuple[Arrival, int]] = {}
        self._line = bytearray()
        self._said = b""
        self._gone = asyncio.Event()
        self._problem = ""
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self._said = (self._said + data)[-_SAID_BYTES:]
            return
        if self.ended:
            return
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._line += piece
            line, self._line = bytes(self._line), bytearray()
            self._arrived(line)
        self._line += rest
        allowed = max((most for _, most in self._waiting.values()), default=1_000_000)
        if len(self._line) > allowed:
            self._break(
                f"{self._program} answered with more bytes than limits.bytes allows; narrow the question or raise it"
            )

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        if fd == 1:  # mostly it has ended, which tells more
            asyncio.get_running_loop().call_later(_WORDS_S, self._break, f"{self._program} closed its output")

    def process_exited(self) -> None:
        self._gone.set()
        problem = f"{self._program} ended with status {self._transport.get_returncode()}"
        asyncio.get_running_loop().call_later(
            _WORDS_S / 2, self._break, problem
        )  # its last words are still in the pipe

    def expect(self, number: int, bytes_max: int) -> Arrival:
        """What will hold the response of this number, and its size in bytes."""
        if self.ended:
            raise self.failure()
        arrival: Arrival = asyncio.get_running_loop().create_future()
        self._waiting[number] = arrival, bytes_max
        return arrival

    def give_up(self, number: int) -> None:
        self._waiting.pop(number, None)

    def write(self, message: bytes) -> None:
        pipe = self._transport.get_pipe_transport(0)
        if self.ended or not isinstance(pipe, asyncio.WriteTransport):
            raise self.failure()
        pipe.write(message + b"\n")

    def failure(self) -> errors.BackendUnreachable:
        """Why there is nobody to talk to, with what the program last said."""
        said = " ".join(redaction.redact(self._said.decode("utf-8", errors="replace")).split())[-_SHOWN_CHARS:]
        return errors.BackendUnreachable(
            f"{self._source}: {self._problem}" + (f" ({said})" if said else ""), source=self._source
        )

    async def end(self) -> None:
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None:
            pipe.close()
        for _ in range(2):
            try:
                async with asyncio.timeout(_END_S):
                    await self._gone.wait()
                break
            except TimeoutError:
                self._kill()
        self.ended = True
        self._transport.close()

    def _arrived(self, line: bytes) -> None:
        try:
            message = orjson.loads(line) if line.strip() else None
        except ValueError:
            return  # not every program keeps its chatter out of its answers
        if not isinstance(message, dict):
            return
        if "method" in message:
            self._asked(message)
            return
        number = message.get("id")
        arrival, _ = self._waiting.get(number, (None, 0)) if isinstance(number, int) else (None, 0)
        if arrival is not None and not arrival.done():
            arrival.set_result((message, len(line)))

    def _asked(self, message: Mapping[str, Any]) -> None:
        """A server's own word: it may ask whether we live, and nothing else."""
        if message["method"] == "notifications/tools/list_changed":
            self._changed()
        if "id" not in message or self.ended:
            return
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        reply |= (
            {"result": {}}
            if message["method"] == "ping"
            else {"error": {"code": _METHOD_NOT_FOUND, "message": "not offered"}}
        )
        self.write(orjson.dumps(reply))

    def _break(self, problem: str) -> None:
        if self.ended:
            return
        self._problem, self.ended = problem, True
        self._line.clear()
        self._changed()  # whoever is started next is greeted anew
        for arrival, _ in self._waiting.values():
            if not arrival.done():
                arrival.set_exception(self.failure())
        self._kill()

    def _kill(self) -> None:
        """With its children: what starts a server is often a shell or a package manager."""
        if self._transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)
