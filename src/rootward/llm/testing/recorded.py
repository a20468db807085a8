"""A model that answers from a recording of real calls (`policies.records`), byte for byte the same every time, and never asks anybody."""

import difflib
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.llm import codec, deltas, messages, model
from rootward.llm.testing import scripted
from rootward.signals import redaction

LINES_MAX = 100_000


class RecordedModel(model.Model):
    """Stands in for the client of `provider` and `name`: answers and errors are those of the recording. A question that was
    recorded several times gets its answers in order, and then the last one again.

    Raises:
        errors.InputError: the recording cannot be read.
        errors.UnexpectedPrompt: a question that is not in it; says which recorded one is nearest, how they differ, and what to do.
    """

    def __init__(
        self,
        recording: Path,
        *,
        provider: str,
        name: str,
        way: model.Way = "schema",
        redact: Callable[[Any], Any] = redaction.redact_tree,
    ) -> None:
        self.provider, self.name, self.way = provider, name, way
        self._file, self._redact = recording, redact
        self._answers: dict[str, list[dict[str, Any]]] = {}
        for record in _read(recording):
            if (record["provider"], record["name"]) == (provider, name):
                self._answers.setdefault(record["key"], []).append(record)

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        asked = self._redact(codec.request_to_json(request))
        found = self._answers.get(codec.key(asked, provider=self.provider, name=self.name))
        if not found:
            raise errors.UnexpectedPrompt(self._miss(asked))
        record = found.pop(0) if len(found) > 1 else found[0]
        if "reply" not in record:
            raise _error(record, self.title)
        reply = codec.reply_from_json(record["reply"])
        if live:
            for piece in scripted.pieces(reply):
                yield piece
        yield deltas.Finished(reply)

    def _miss(self, asked: Mapping[str, Any]) -> str:
        said = codec.shown(asked)
        told = f"{self._file} has no answer of {self.title} to this question; record it again (`record` under `model` in rootward.yaml), or undo what changed the question."
        known = [codec.shown(records[0]["request"]) for records in self._answers.values()]
        if not known:
            return f"{told} It has no calls to this model at all. The question:\n{said}"
        near = max(known, key=lambda one: difflib.SequenceMatcher(None, one, said, autojunk=False).quick_ratio())
        lines = difflib.unified_diff(
            near.splitlines(), said.splitlines(), "nearest recorded question", "this question", lineterm=""
        )
        return "\n".join([told, *lines])


def _read(recording: Path) -> list[dict[str, Any]]:
    try:
        lines = recording.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InputError(f"cannot read the recording {recording}: {error}") from error
    if len(lines) > LINES_MAX:
        raise errors.InputError(f"{recording} has more than {LINES_MAX} lines; record less into one file")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            record["key"], record["provider"], record["name"], record["request"]["messages"]
            if "reply" in record:
                codec.reply_from_json(record["reply"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise errors.InputError(
                f"{recording}, line {number} is no record of a call ({type(error).__name__}: {error})"
            ) from error
        found.append(record)
    return found


def _error(record: Mapping[str, Any], title: str) -> errors.ModelError:
    kind = getattr(errors, str(record.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.ModelError)):
        kind = errors.ModelFailed  # called off while it was recorded
    wait = record.get("retry_after_s")
    usage = record.get("usage")
    return kind(
        str(record.get("message")),
        model=title,
        retry_after_s=wait if isinstance(wait, int | float) else None,
        usage=usage if isinstance(usage, dict) else None,
    )
