"""Writes down every call to a model, one JSON line each: what was asked, what came back or went wrong, what it cost, how long it took.

Records are for people, and for `rootward.llm.testing.RecordedModel`, which answers from them. Secrets are taken out first, whoever
else has done so already.
"""

import contextlib
import json
import os
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Protocol

from rootward import _clock, errors
from rootward.llm import codec, deltas, messages, model
from rootward.llm import prices as price_table
from rootward.signals import redaction

VERSION = 1
FILE_BYTES_MAX = 64 * 1024 * 1024
"""Of one journal; then it goes on in a new file, and the full one is kept as `NAME.1` in place of the one before."""


class Journal(Protocol):
    """Where records go."""

    def write(self, record: dict[str, Any]) -> None:
        """Keep one record. Raises nothing that would bring down the call."""


class FileJournal:
    """A file of JSON lines that only its owner can read. Whether something could not be written stands in `trouble`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.trouble = ""

    def write(self, record: dict[str, Any]) -> None:
        """See `Journal.write`."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > FILE_BYTES_MAX:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8", errors="replace") as file:
                file.write(line)
        except OSError as error:
            self.trouble = f"calls to models are not recorded: {self._path}: {error.strerror or error}"


class Recorded(model.Around):
    """Around a client, below everything else: each attempt is a record of its own."""

    def __init__(
        self,
        inner: model.Model,
        journal: Journal,
        *,
        clock: _clock.Clock,
        price: price_table.Price | None = None,
        redact: Callable[[Any], Any] = redaction.redact_tree,
    ) -> None:
        super().__init__(inner)
        self._journal, self._clock, self._price, self._redact = journal, clock, price, redact

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        began_s, first_s = self._clock.monotonic_s(), None
        asked = self._redact(codec.request_to_json(request))
        record = {
            "version": VERSION,
            "key": codec.key(asked, provider=self.provider, name=self.name),
            "at": _clock.to_iso(self._clock.now_s()),
            "provider": self.provider,
            "name": self.name,
            "live": live,
            "request": asked,
        }

        def write(told: dict[str, Any]) -> None:
            took_s = round(self._clock.monotonic_s() - began_s, 6)
            self._journal.write({**record, "seconds": took_s, "first_s": first_s, **told})

        written = False
        try:
            async with contextlib.aclosing(self._inner.exchange(request, live=live)) as pieces:
                async for piece in pieces:
                    if first_s is None:
                        first_s = round(self._clock.monotonic_s() - began_s, 6)
                    if isinstance(piece, deltas.Finished):
                        written = True
                        write(self._answered(piece.reply))
                    yield piece
        except errors.ModelError as error:
            written = True
            write(_failed(error))
            raise
        finally:
            if not written:
                write({"error": "CalledOff", "message": "nobody waited for the end"})

    def _answered(self, reply: messages.Reply) -> dict[str, Any]:
        dollars = None if self._price is None else round(self._price.of(reply.usage), 9)
        return {"reply": self._redact(codec.reply_to_json(reply)), "dollars": dollars}


def _failed(error: errors.ModelError) -> dict[str, Any]:
    told: dict[str, Any] = {
        "error": type(error).__name__,
        "message": redaction.redact(str(error)),
        "usage": error.usage,
    }
    return told if error.retry_after_s is None else {**told, "retry_after_s": error.retry_after_s}
