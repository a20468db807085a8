"""Reading memory: guidance, facts and past incidents of one environment."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rootward import errors
from rootward.memory import schema, texts
from rootward.memory.graph import model, reading
from rootward.memory.guidance import Guidance
from rootward.memory.records import KINDS, LETTERS, MODELS, Fact, Incident, Kept, Kind, kind_of_id


class Memory:
    """One environment's part of the file at `path`; close it, or use it in `with`. A file that is not there is an empty memory."""

    def __init__(self, path: Path, environment: str) -> None:
        """Raises:
        MemoryFileError: see `schema.connect`.
        """
        self.path = path
        self.environment = environment
        self._connection = schema.connect(path, writing=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def guidance(self) -> list[Guidance]:
        """All of it, in order of id, in force or not."""
        return [one for one in self._every("guidance") if isinstance(one, Guidance)]

    def facts(self, *, struck: bool = False) -> list[Fact]:
        """Those that hold; with `struck`, the struck ones too."""
        return [one for one in self._every("fact") if isinstance(one, Fact) and (struck or one.struck_s is None)]

    def incidents(self, *, struck: bool = False) -> list[Incident]:
        """Past incidents, oldest first; with `struck`, the struck ones too."""
        return [
            one for one in self._every("incident") if isinstance(one, Incident) and (struck or one.struck_s is None)
        ]

    def get(self, key: str) -> Kept:
        """What has the id `key`.

        Raises:
            InputError: nothing in this environment has.
        """
        kind = kind_of_id(key)
        row = None
        if kind is not None:
            with schema.explained(self.path):
                row = self._connection.execute(
                    "SELECT body FROM records WHERE environment = ? AND kind = ? AND number = ?",
                    (self.environment, kind, int(key[1:])),
                ).fetchone()
        if kind is None or row is None:
            raise errors.InputError(f"memory holds nothing named {key!r} in environment {self.environment!r}")
        return read(kind, row[0], self.path, key)

    def recallable(self, words: Sequence[str], *, most: int) -> tuple[list[str], list[str], list[bytes]]:
        """(ids that share words with `words`, best by BM25 first; all ids that can be recalled; their vectors in that order)."""
        asked = " OR ".join(f'"{word}"' for word in words if '"' not in word)
        with schema.explained(self.path):
            ranked = (
                self._connection.execute(
                    "SELECT r.kind, r.number FROM recallable_words w JOIN recallable r ON r.id = w.rowid "
                    "WHERE recallable_words MATCH ? AND r.environment = ? ORDER BY bm25(recallable_words), r.id LIMIT ?",
                    (asked, self.environment, most),
                ).fetchall()
                if asked
                else []
            )
            every = self._connection.execute(
                "SELECT kind, number, vector FROM recallable WHERE environment = ? ORDER BY id", (self.environment,)
            ).fetchall()
        return (
            [_key(kind, number) for kind, number in ranked],
            [_key(kind, number) for kind, number, _ in every],
            [vector for _, _, vector in every],
        )

    def graph(self, *, incidents: bool = True) -> model.Graph:
        """What scans have sighted, and past incidents that were not struck (reading them all takes a while where there are many)."""
        with schema.explained(self.path):
            rows = self._connection.execute(
                "SELECT subject, relation, object, source, certainty, detail, first_s, last_s FROM sightings "
                "WHERE environment = ? ORDER BY subject, relation, object, source",
                (self.environment,),
            ).fetchall()
        sighted = [
            (
                model.Sighting(model.node_of_key(a), relation, model.node_of_key(b), source, certainty, detail),
                first_s,
                last_s,
            )
            for a, relation, b, source, certainty, detail, first_s, last_s in rows
        ]
        known = {(one.kind, one.name): one for said, _, _ in sighted for one in (said.subject, said.object)}
        for said, when_s in reading.happened(self.incidents() if incidents else ()):
            where = known.get((said.object.kind, said.object.name), said.object)
            sighted.append((dataclasses.replace(said, object=where), when_s, when_s))
        return model.put_together(sighted)

    def counts(self) -> dict[Kind, int]:
        """How many records of each kind there are, struck ones included."""
        with schema.explained(self.path):
            rows = self._connection.execute(
                "SELECT kind, count(*) FROM records WHERE environment = ? GROUP BY kind", (self.environment,)
            ).fetchall()
        found = dict(rows)
        return {kind: found.get(kind, 0) for kind in KINDS}

    def environments(self) -> list[str]:
        """Every environment that has records."""
        with schema.explained(self.path):
            rows = self._connection.execute("SELECT DISTINCT environment FROM records ORDER BY environment")
            return [row[0] for row in rows]

    def every(self) -> Iterator[Kept]:
        """All records, by kind and id."""
        for kind in KINDS:
            yield from self._every(kind)

    def _every(self, kind: Kind) -> list[Kept]:
        with schema.explained(self.path):
            rows = self._connection.execute(
                "SELECT number, body FROM records WHERE environment = ? AND kind = ? ORDER BY number",
                (self.environment, kind),
            ).fetchall()
        return [read(kind, body, self.path, f"{LETTERS[kind]}{number}") for number, body in rows]


def _key(kind: str, number: int) -> str:
    return f"{next(letter for known, letter in LETTERS.items() if known == kind)}{number}"


def read(kind: Kind, body: str, path: Path, key: str) -> Kept:
    """A stored record.

    Raises:
        MemoryFileError: it is not what this version writes; the others are untouched.
    """
    try:
        return texts.checked(MODELS[kind], json.loads(body), what=key)
    except (errors.InputError, ValueError, RecursionError) as error:
        raise errors.MemoryFileError(
            f"memory {path}: {key} cannot be read ({error}); remove it, or restore a copy"
        ) from error
