"""The sealed truth of a scenario: what is wrong, where, since when. `dojo.wire` may not import this module."""

import dataclasses
from collections.abc import Mapping
from typing import Any

TRUTH_VERSION = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """One true root cause. `kind` and `name` of the entity as in findings ("service", "checkout"); `fault` from the catalogue's
    vocabulary (docs/reference/faults.md), "" where the source does not say; `onset_s` seconds since the epoch, None if unknown.
    `aliases` are other entities that count as the same answer (the pod of the service, the database of the pool)."""

    kind: str
    name: str
    fault: str = ""
    onset_s: float | None = None
    change: str = ""  # commit hash, flag or deployment id behind it
    aliases: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Truth:
    """`status`: found (there is a cause to name) | no_fault | outside (not visible in any connected source) | quiet (evidence is
    missing: a confident answer would be luck). `path`: entity names from cause to alert. `decoys`: tempting wrong answers.
    `original`: the source's own label, untouched."""

    status: str
    causes: tuple[Cause, ...] = ()
    path: tuple[str, ...] = ()
    decoys: tuple[str, ...] = ()
    note: str = ""
    original: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"version": TRUTH_VERSION, **dataclasses.asdict(self)}


def from_json(data: Mapping[str, Any]) -> Truth:
    """Read what `Truth.to_json` wrote.

    Raises:
        ValueError: another version, or fields missing or unknown.
    """
    fields = dict(data)
    if fields.pop("version", None) != TRUTH_VERSION:
        raise ValueError(f"truth of version {data.get('version')!r}; this version reads {TRUTH_VERSION}")
    try:
        causes = tuple(
            Cause(**{**cause, "aliases": tuple((kind, name) for kind, name in cause.get("aliases", ()))})
            for cause in fields.pop("causes", ())
        )
        return Truth(
            causes=causes, path=tuple(fields.pop("path", ())), decoys=tuple(fields.pop("decoys", ())), **fields
        )
    except TypeError as error:
        raise ValueError(f"not a truth: {error}") from error
