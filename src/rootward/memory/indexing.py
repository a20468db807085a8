"""What can be recalled of a record: its words and their vector, kept in step with the record."""

import json
import sqlite3

from rootward.memory import vectors
from rootward.memory.records import MODELS, Fact, Incident, Kept


def put(connection: sqlite3.Connection, environment: str, number: int, kind: str, record: Kept) -> None:
    """Make `record` recallable as it now is, or unrecallable when it is struck; guidance is applied, never recalled."""
    connection.execute(
        "DELETE FROM recallable WHERE environment = ? AND kind = ? AND number = ?", (environment, kind, number)
    )
    if isinstance(record, Fact | Incident) and record.struck_s is None:
        connection.execute(
            "INSERT INTO recallable (environment, kind, number, text, vector) VALUES (?, ?, ?, ?, ?)",
            (environment, kind, number, record.words, vectors.vector(record.words).tobytes()),
        )


def every(connection: sqlite3.Connection) -> None:
    """Make all records of the file recallable: after a migration, or when vectors are made in another way.

    Raises:
        ValueError: a record cannot be read.
    """
    rows = connection.execute("SELECT environment, kind, number, body FROM records ORDER BY kind, number").fetchall()
    models = {str(kind): model for kind, model in MODELS.items()}
    for environment, kind, number, body in rows:
        put(connection, environment, number, kind, models[kind].model_validate(json.loads(body)))
