"""Batch jobs that contend for a database: everything there gets slower while a job's own long statement runs.

Told from a statement that became slow by the other's length and name: the database's log quotes a statement that takes long and that names
a job of the cluster, or that reads a whole table. Sources: PostgreSQL's log_min_duration_statement; COPY, pg_dump; sqlcommenter.
"""

import re
from collections.abc import Iterator

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import loglines, picture
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities
from rootward.signals.roles import role as roles

FAMILY = "signature.batch"
CONTENDS, OF_A_JOB = 4.5, 1.0
LONG_S = 10.0  # no request waits for a statement that long
SLOWER_FACTOR = 2.0
_TOOK = re.compile(r"duration: ([\d.]+) ms|Query_time: ([\d.]+)")
_BULK = reading.compiled(
    r"\bCOPY\b.{0,200}\bTO\b|SELECT /\*!40001 SQL_NO_CACHE \*/|REFRESH MATERIALIZED VIEW|CREATE TABLE \S+ AS\b|INTO OUTFILE"
    r"|INSERT INTO .{0,200}\bSELECT\b"
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    slower = {
        home: shift
        for home, shift in reading.risen(seen, roles.Role.DB_STATEMENT_TIME).items()
        if shift.after >= SLOWER_FACTOR * max(shift.before, 1e-9)
    }
    found: list[cases.Clue] = []
    for home, line, took_s, evidence in _long(seen):
        if home not in slower or any(clue.entity == home for clue in found):
            continue
        job = _job(seen, line)
        if not job and not _BULK.search(line):
            continue
        whose = f"of the job {job} " if job else ""
        sentence = (
            f"a statement {whose}takes {took_s:.0f} s on {home.name} while all others wait: {reading.quoted(line)}"
        )
        weight = CONTENDS + (OF_A_JOB if job else 0.0)
        found.append(
            cases.Clue(
                home, "batch_contention", weight, sentence, (evidence, slower[home].signal.evidence), FAMILY,
                slower[home].onset_s,
            )
        )  # fmt: skip
    return found


def _long(seen: picture.Picture) -> Iterator[tuple[entities.Entity, str, float, str]]:
    """(database, line, seconds, evidence) of statements that took long since shortly before the onset."""
    known = loglines.kinds(seen.case)
    telling = np.array([_TOOK.search(example) is not None for example in known.example], dtype=bool)
    for logs, kinds in zip(seen.case.logs, known.of, strict=True):
        rows = (
            np.flatnonzero(telling[kinds] & (logs.lines.times_s >= seen.onset_s - reading.NOW_S)) if kinds.size else ()
        )
        for row in rows:
            line = logs.lines.lines[int(row)]
            match = _TOOK.search(line)
            if match is not None:
                took_s = float(match[1]) / 1e3 if match[1] else float(match[2])
                if took_s >= LONG_S:
                    yield seen.homes.of(logs.entity), line, took_s, logs.evidence


def _job(seen: picture.Picture, line: str) -> str:
    """The scheduled job that the line names."""
    names = {one.name for kind in ("CronJob", "Job") for one in seen.case.objects.get(kind, ())}
    return next((name for name in sorted(names) if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w])", line)), "")
