"""Memory as a command meets it: which file and environment, what people type as guidance, an export written whole or not at all."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from rootward import errors
from rootward.apps import settings as settings_module
from rootward.memory import conflicts as disagreements
from rootward.memory import store, texts
from rootward.memory.guidance import Guidance

SIGNALS = ("metrics", "logs", "traces", "messages")
_LEANING = re.compile(r"(?P<entity>[^:]+)(?::(?P<fault>\w*))?(?::(?P<strength>small|medium|large))?")


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where memory is kept and which environment's part of it is meant."""

    path: Path
    environment: str

    def open(self) -> store.Memory:
        """For reading; close it.

        Raises:
            MemoryFileError: the file cannot be used.
        """
        return store.Memory(self.path, self.environment)


def place(settings: settings_module.Settings, environment: str = "") -> Place:
    """As settings say, with another environment when one is named."""
    return Place(Path(settings.memory.path).expanduser(), environment or settings.memory.environment)


def conflicts(place: Place) -> list[disagreements.Conflict]:
    """Where pieces of guidance disagree."""
    with place.open() as memory:
        return disagreements.among(memory.guidance())


def guidance_of(
    text: str,
    *,
    match: Sequence[str] = (),
    probes: Sequence[str] = (),
    raised: Sequence[str] = (),
    lowered: Sequence[str] = (),
    look_at: Sequence[str] = (),
    **fields: object,
) -> Guidance:
    """Guidance from the words of a command line.

    Raises:
        InputError: one of them cannot be read; the message names it.
    """
    leanings = [_leaning(one, "raise") for one in raised] + [_leaning(one, "lower") for one in lowered]
    data = {
        "text": text,
        "matchers": list(match),
        "probes": [_probe(one) for one in probes],
        "priors": leanings,
        "look_at": list(look_at),
        **{name: value for name, value in fields.items() if value not in ("", None)},
    }
    return texts.checked(Guidance, data, what="guidance")


def guidance_file(path: Path) -> list[Guidance]:
    """Guidance from a YAML or JSON file: one mapping, or a list of them.

    Raises:
        InputError: it cannot be read, or one of them is not guidance.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise errors.InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise errors.InputError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    every = data if isinstance(data, list) else [data]
    found = [texts.checked(Guidance, one, what=f"{path}, guidance {i}") for i, one in enumerate(every, start=1)]
    if any(one.id for one in found):
        raise errors.InputError(f"{path}: new guidance has no id (exports are read by `rootward memory import`)")
    return found


def _probe(text: str) -> dict[str, Any]:
    """`metrics: QUERY`, or a YAML mapping with that key and source, entity, role, why."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        data = None
    signal = [name for name in SIGNALS if isinstance(data, Mapping) and name in data]
    if not isinstance(data, dict) or len(signal) != 1:
        # A query may hold what YAML reads otherwise: then all after the first colon is the query.
        name, colon, query = text.partition(":")
        if not colon or name.strip() not in SIGNALS:
            raise errors.InputError(
                f"--probe {text!r}: write a signal ({', '.join(SIGNALS)}) and what to ask: 'logs: connection refused', or "
                '\'{metrics: "up{job=\\"x\\"}", entity: external/stripe, role: availability}\''
            )
        return {"signal": name.strip(), "query": query.strip()}
    query = data.pop(signal[0])
    return {"signal": signal[0], "query": query if isinstance(query, str) else text.partition(":")[2].strip(), **data}


def _leaning(text: str, direction: str) -> dict[str, str]:
    found = _LEANING.fullmatch(text.strip())
    if found is None:
        raise errors.InputError(
            f"--{direction} {text!r}: write ENTITY, ENTITY:FAULT or ENTITY:FAULT:STRENGTH, as external/stripe:third_party_slow:large"
        )
    said = {name: value for name, value in found.groupdict().items() if value}
    return {"direction": direction, **said}


def write_whole(path: Path, lines: Sequence[str]) -> None:
    """Write a file so that it is the old one or the whole new one at every moment.

    Raises:
        InputError: it cannot be written there.
    """
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise errors.InputError(f"cannot write {path}: {error.strerror or error}") from error
