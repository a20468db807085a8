"""Memory's file: one SQLite database with a version, opened so that nothing in it is lost whatever state it is in.

A file is changed only when it is certain that it is ours, whole and of a version that we know. It is written in WAL mode, so that
investigations read while somebody adds guidance, and a crash in between leaves what was committed.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rootward import errors
from rootward.memory import indexing

APPLICATION_ID = 0x52574D31  # "RWM1": tells our files from other programs' databases
BUSY_MS = 5_000  # how long another process's write is waited for

# Step n brings a file of version n to version n + 1; files keep what they hold. Steps are only ever appended.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE records (
            environment TEXT NOT NULL,
            kind TEXT NOT NULL,
            number INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (environment, kind, number)
        ) STRICT""",
        # Numbers are never given twice, so that an old finding's G3 stays what it was, even after it is removed.
        """CREATE TABLE counters (
            environment TEXT NOT NULL, kind TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (environment, kind)
        ) STRICT""",
    ),
    (
        # What can be recalled: the words of facts and past incidents that were not struck, and their vectors.
        """CREATE TABLE recallable (
            id INTEGER PRIMARY KEY,
            environment TEXT NOT NULL,
            kind TEXT NOT NULL,
            number INTEGER NOT NULL,
            text TEXT NOT NULL,
            vector BLOB NOT NULL,
            UNIQUE (environment, kind, number)
        ) STRICT""",
        "CREATE VIRTUAL TABLE recallable_words USING fts5(text, content='recallable', content_rowid='id')",
        """CREATE TRIGGER recallable_added AFTER INSERT ON recallable BEGIN
            INSERT INTO recallable_words (rowid, text) VALUES (new.id, new.text);
        END""",
        """CREATE TRIGGER recallable_gone AFTER DELETE ON recallable BEGIN
            INSERT INTO recallable_words (recallable_words, rowid, text) VALUES ('delete', old.id, old.text);
        END""",
        # A record that goes, goes from here too, whoever deletes it.
        """CREATE TRIGGER record_gone AFTER DELETE ON records BEGIN
            DELETE FROM recallable WHERE environment = old.environment AND kind = old.kind AND number = old.number;
        END""",
    ),
    (
        # The graph: what each source says of each edge, since when and until when. Nodes are kind/namespace/name.
        """CREATE TABLE sightings (
            environment TEXT NOT NULL,
            subject TEXT NOT NULL,
            relation TEXT NOT NULL,
            object TEXT NOT NULL,
            source TEXT NOT NULL,
            certainty REAL NOT NULL,
            detail TEXT NOT NULL,
            first_s REAL NOT NULL,
            last_s REAL NOT NULL,
            PRIMARY KEY (environment, subject, relation, object, source)
        ) STRICT""",
    ),
)
VERSION = len(MIGRATIONS)
INDEXED_VERSION = 2  # the first whose records can be recalled


def connect(path: Path, *, writing: bool) -> sqlite3.Connection:
    """An open connection in autocommit mode; `writing` makes the file where there is none. Readers cannot write through theirs.

    Raises:
        MemoryFileError: the file is not memory's, damaged, locked, of a newer version, or cannot be opened.
    """
    if not writing and not path.exists():
        return empty()
    with _explained(path):
        if writing:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
        try:
            _prepare(connection, path)
            connection.execute(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
        except BaseException:
            connection.close()
            raise
        return connection


def empty() -> sqlite3.Connection:
    """A memory that holds nothing and is kept nowhere."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for step in MIGRATIONS:
        for statement in step:
            connection.execute(statement)
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing; waits for other writers.

    Raises:
        MemoryFileError: the file cannot be written (locked for long, read-only, disk full).
    """
    with _explained(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise errors.MemoryFileError(_what_is_wrong(path, error)) from error
    except ValueError as error:  # SQLite hands out damaged text as it stands, and an old record may not be one
        raise errors.MemoryFileError(_what_is_wrong(path, sqlite3.DatabaseError(f"malformed text: {error}"))) from error
    except OSError as error:
        raise errors.MemoryFileError(f"memory {path} cannot be opened: {error.strerror or error}") from error


def explained(path: Path) -> contextlib.AbstractContextManager[None]:
    """Turns what SQLite raises inside into MemoryFileError."""
    return _explained(path)


def _what_is_wrong(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"memory {path} is being written by another process for more than {BUSY_MS // 1000} s; try again"
    if "not a database" in text:
        return f"{path} is no memory file of rootward (not an SQLite database); it was left as it is"
    if "malformed" in text or "corrupt" in text:
        return (
            f"memory {path} is damaged or half-written ({text}); it was left as it is: restore a copy, or move it away and "
            "read an export back with `rootward memory import`"
        )
    return f"memory {path} cannot be used: {text}"


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check whose file this is and that it is whole; bring an older one to our version."""
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (application or tables):
        raise errors.MemoryFileError(
            f"{path} is another program's database, no memory file of rootward; it was left as it is"
        )
    if version > VERSION:
        raise errors.MemoryFileError(
            f"memory {path} was written by a newer rootward (version {version} of the file, this one reads up to {VERSION}); "
            "it was left as it is: use the newer rootward"
        )
    if tables:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"malformed: {found}")
    if version == VERSION:
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        before = _pragma(connection, "user_version")  # another process may have been faster
        for step in MIGRATIONS[before:]:
            for statement in step:
                connection.execute(statement)
        if before < INDEXED_VERSION <= VERSION:
            indexing.every(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
