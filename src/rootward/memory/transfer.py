"""Memory as JSON lines: a header with counts, then one record a line, so that half a file is noticed and people can read and compare it."""

import json
from collections.abc import Iterable, Iterator, Sequence

from rootward import _clock, errors
from rootward.memory import texts
from rootward.memory.records import MODELS, Kept, kind_of, kind_of_id

FORMAT = "rootward-memory"
VERSION = 1
LINES_MAX = 100_000
LINE_LENGTH_MAX = 4_000_000


def lines(records: Sequence[Kept], *, environment: str, now_s: float) -> Iterator[str]:
    """The export, line by line, without line ends."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "environment": environment,
        "exported": _clock.to_iso(now_s),
        "records": len(records),
    }
    yield json.dumps(header)
    for record in records:
        body = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        yield json.dumps({"kind": kind_of(record), **body})


def read(source: Iterable[str], *, name: str) -> list[Kept]:
    """The records of an export, checked before anything is written anywhere. Empty lines are skipped.

    Raises:
        InputError: a line is not what it should be (the message names it).
        MemoryFileError: the file is no export, of a newer version, or holds fewer records than it says (half-written).
    """
    numbered = ((number, line.strip()) for number, line in enumerate(source, start=1))
    filled = ((number, line) for number, line in numbered if line)
    count = _header(next(filled, (1, "")), name)
    found: dict[str, Kept] = {}
    for number, line in filled:
        if len(found) >= LINES_MAX:
            raise errors.InputError(f"{name} holds more than {LINES_MAX} records")
        record = _record(line, f"{name}, line {number}")
        if record.id in found:
            raise errors.InputError(f"{name}, line {number}: {record.id} stands there twice")
        found[record.id] = record
    if len(found) != count:
        raise errors.MemoryFileError(
            f"{name} says that it holds {count} records and holds {len(found)}: it is half-written or was cut; nothing was imported"
        )
    return list(found.values())


def _header(numbered: tuple[int, str], name: str) -> int:
    data = _parsed(numbered[1], f"{name}, line {numbered[0]}") if numbered[1] else None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise errors.MemoryFileError(
            f"{name} is no export of memory: its first line is no header of `rootward memory export`"
        )
    version, count = data.get("version"), data.get("records")
    if not isinstance(version, int) or not isinstance(count, int):
        raise errors.MemoryFileError(f"{name}: the header has no version and number of records")
    if version > VERSION:
        raise errors.MemoryFileError(
            f"{name} was exported by a newer rootward (version {version}; this one reads up to {VERSION}); nothing was imported"
        )
    return count


def _record(line: str, where: str) -> Kept:
    data = _parsed(line, where)
    if not isinstance(data, dict):
        raise errors.InputError(f"{where}: a record is a JSON object")
    kind = data.pop("kind", None)
    model = next((model for known, model in MODELS.items() if known == kind), None)
    if model is None:
        raise errors.InputError(f"{where}: kind is one of {', '.join(MODELS)}, not {str(kind)[:40]!r}")
    record = texts.checked(model, data, what=where)
    if kind_of_id(record.id) != kind:
        raise errors.InputError(f"{where}: {record.id[:40]!r} is no id of a {kind}")
    return record


def _parsed(line: str, where: str) -> object:
    if len(line) > LINE_LENGTH_MAX:
        raise errors.InputError(f"{where} is longer than {LINE_LENGTH_MAX} characters")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise errors.InputError(f"{where} is not JSON: {error}") from error
