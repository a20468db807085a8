"""Changing memory. Only `rootward.feedback` may import this module (the import linter holds it); all others read.

Every function is one transaction: it happens whole or not at all.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from rootward import errors
from rootward.memory import indexing, schema, store, texts
from rootward.memory.graph import model
from rootward.memory.records import LETTERS, Kept, Kind, kind_of, kind_of_id

RECORDS_MAX = 100_000  # of one environment: past this, export and delete
SIGHTINGS_MAX = 200_000  # of one scan that are kept
OnConflict = Literal["refuse", "replace", "keep"]


@dataclasses.dataclass(frozen=True, slots=True)
class Sighted:
    """How many sightings a scan added, how many it confirmed, and how many were too old to keep."""

    new: int
    confirmed: int
    forgotten: int


class Writer:
    """One environment's part of the file at `path`, which is made when it is missing; use it in `with`."""

    def __init__(self, path: Path, environment: str) -> None:
        """Raises:
        InputError: the environment has no name.
        MemoryFileError: see `schema.connect`.
        """
        if not environment.strip():
            raise errors.InputError("memory needs the name of an environment (setting memory.environment)")
        self._path = path
        self._environment = environment
        self._connection = schema.connect(path, writing=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def add(self, record: Kept) -> Kept:
        """Keep `record` under the next id of its kind, and return it with that id."""
        kind = kind_of(record)
        with schema.transaction(self._connection, self._path):
            return self._insert(kind, record)

    def change(self, key: str, fields: dict[str, object]) -> Kept:
        """Set fields of an existing record.

        Raises:
            InputError: there is none of this id.
        """
        kind, number = _kind_and_number(key)
        with schema.transaction(self._connection, self._path):
            row = self._connection.execute(
                "SELECT body FROM records WHERE environment = ? AND kind = ? AND number = ?",
                (self._environment, kind, number),
            ).fetchone()
            if row is None:
                raise errors.InputError(f"memory holds nothing named {key!r} in environment {self._environment!r}")
            changed = store.read(kind, row[0], self._path, key).model_copy(update=fields)
            self._put(kind, number, changed)
            return changed

    def forget(self, keys: Sequence[str] = (), kinds: Sequence[Kind] = ()) -> int:
        """Delete records by id, and all of some kinds, for good; how many.

        Raises:
            InputError: one of the ids does not exist; then nothing is deleted.
        """
        with schema.transaction(self._connection, self._path):
            for key in dict.fromkeys(keys):
                where = (self._environment, *_kind_and_number(key))
                gone = self._connection.execute(
                    "DELETE FROM records WHERE environment = ? AND kind = ? AND number = ?", where
                )
                if not gone.rowcount:
                    raise errors.InputError(f"memory holds nothing named {key!r} in environment {self._environment!r}")
            cleared = [
                self._connection.execute(
                    "DELETE FROM records WHERE environment = ? AND kind = ?", (self._environment, kind)
                )
                for kind in kinds
            ]
            return len(set(keys)) + sum(one.rowcount for one in cleared)

    def sight(self, sightings: Sequence[model.Sighting], *, now_s: float, keep_s: float) -> Sighted:
        """Keep what a scan saw: known edges get younger, new ones are added, what no scan has seen for `keep_s` is forgotten."""
        with schema.transaction(self._connection, self._path):
            before = self._count_sightings()
            for said in sightings[:SIGHTINGS_MAX]:
                self._connection.execute(
                    "INSERT INTO sightings (environment, subject, relation, object, source, certainty, detail, first_s, last_s) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (environment, subject, relation, object, source) DO UPDATE "
                    "SET certainty = excluded.certainty, detail = excluded.detail, last_s = max(last_s, excluded.last_s)",
                    (
                        self._environment, said.subject.key, said.relation, said.object.key, said.source, said.certainty,
                        said.detail, now_s, now_s,
                    ),
                )  # fmt: skip
            new = self._count_sightings() - before
            gone = self._connection.execute(
                "DELETE FROM sightings WHERE environment = ? AND last_s < ?", (self._environment, now_s - keep_s)
            ).rowcount
        return Sighted(new, len(sightings[:SIGHTINGS_MAX]) - new, gone)

    def unsight(self) -> int:
        """Forget the whole graph that scans made; how many sightings it was made of."""
        with schema.transaction(self._connection, self._path):
            gone = self._connection.execute("DELETE FROM sightings WHERE environment = ?", (self._environment,))
            return gone.rowcount

    def _count_sightings(self) -> int:
        found = self._connection.execute("SELECT count(*) FROM sightings WHERE environment = ?", (self._environment,))
        return int(found.fetchone()[0])

    def take(self, records: Sequence[Kept], on_conflict: OnConflict) -> tuple[int, int]:
        """Bring in records under the ids that they have: (written, left as they were). Equal records are left.

        Raises:
            InputError: an id is taken by something else and `on_conflict` refuses; then nothing is written.
        """
        written = 0
        with schema.transaction(self._connection, self._path):
            for record in records:
                kind, number = _kind_and_number(record.id)
                mine = self._connection.execute(
                    "SELECT body FROM records WHERE environment = ? AND kind = ? AND number = ?",
                    (self._environment, kind, number),
                ).fetchone()
                if mine is not None and (mine[0] == body_of(record) or on_conflict == "keep"):
                    continue
                if mine is not None and on_conflict == "refuse":
                    raise errors.InputError(
                        f"{record.id} exists already and differs; choose what holds with --on-conflict keep or replace "
                        "(nothing was imported)"
                    )
                self._put(kind, number, record)
                self._advance(kind, number)
                written += 1
            self._room()
        return written, len(records) - written

    def _insert(self, kind: Kind, record: Kept) -> Kept:
        last = self._connection.execute(
            "SELECT last FROM counters WHERE environment = ? AND kind = ?", (self._environment, kind)
        ).fetchone()
        number = (last[0] if last else 0) + 1
        kept = record.model_copy(update={"id": f"{LETTERS[kind]}{number}"})
        self._put(kind, number, kept)
        self._advance(kind, number)
        self._room()
        return kept

    def _put(self, kind: Kind, number: int, record: Kept) -> None:
        texts.checked(type(record), json.loads(body_of(record)), what=record.id)  # what is written can be read again
        self._connection.execute(
            "INSERT INTO records (environment, kind, number, body) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (environment, kind, number) DO UPDATE SET body = excluded.body",
            (self._environment, kind, number, body_of(record)),
        )
        indexing.put(self._connection, self._environment, number, kind, record)

    def _advance(self, kind: Kind, number: int) -> None:
        self._connection.execute(
            "INSERT INTO counters (environment, kind, last) VALUES (?, ?, ?) "
            "ON CONFLICT (environment, kind) DO UPDATE SET last = max(last, excluded.last)",
            (self._environment, kind, number),
        )

    def _room(self) -> None:
        count = self._connection.execute(
            "SELECT count(*) FROM records WHERE environment = ?", (self._environment,)
        ).fetchone()[0]
        if count > RECORDS_MAX:
            raise errors.InputError(
                f"memory holds at most {RECORDS_MAX} records of one environment; export and delete old ones first"
            )


def body_of(record: Kept) -> str:
    """A record as it is stored and exported: one line of JSON."""
    return record.model_dump_json(by_alias=True, exclude_defaults=True, ensure_ascii=True)


def _kind_and_number(key: str) -> tuple[Kind, int]:
    kind = kind_of_id(key)
    if kind is None:
        raise errors.InputError(f"{key!r} is no id of memory; they look like G3 (guidance), F12 (fact), I7 (incident)")
    return kind, int(key[1:])
