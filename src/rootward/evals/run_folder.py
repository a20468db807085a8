"""A run on disk: rows appended as they finish, so that whatever stops a run, what was done is kept and the rest can be resumed.

A folder holds `run.jsonl` (header and rows; without a single second in it, so that equal runs are equal bytes), `timing.jsonl` (how
long each took) and `manifest.json` (what was asked for, when it began and ended). docs/guide/evals.md describes them.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.evals import records

RUN, TIMING, MANIFEST = "run.jsonl", "timing.jsonl", "manifest.json"
SAME = ("suite", "digest", "subject", "version", "options")
"""What a run must have in common with the folder that it resumes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """`options` are those that change what is asked (repeats, perturbations, limit …). Times are ISO 8601; `finished` is empty while
    the run is under way or was interrupted. `note` says what looking after every scenario found."""

    suite: str
    digest: str
    subject: str
    version: str
    scenarios: int
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    started: str = ""
    finished: str = ""
    left_out: tuple[str, ...] = ()
    stopped_early: bool = False
    note: str = ""
    processor_s: float = 0.0
    wall_s: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def read_manifest(folder: Path) -> Manifest:
    """Raises:
    RunError: there is no run in that folder, or its manifest is broken.
    """
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**{**data, "left_out": tuple(data.get("left_out", ()))})
    except FileNotFoundError as error:
        raise errors.RunError(f"no run of evals in {folder}: it has no {MANIFEST}") from error
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise errors.RunError(f"{path} is not the manifest of a run: {error}") from error


def runs(root: Path) -> list[tuple[Path, Manifest]]:
    """Every run at or under `root`, the oldest first; folders whose manifest is broken are passed over."""
    found: list[tuple[Path, Manifest]] = []
    for path in sorted(root.rglob(MANIFEST)):
        with contextlib.suppress(errors.RunError):
            found.append((path.parent, read_manifest(path.parent)))
    return sorted(found, key=lambda pair: (pair[1].started, str(pair[0])))


def load(path: Path) -> records.Run:
    """The run in a folder (or in a bare `run.jsonl`), with its seconds where they were kept.

    Raises:
        RunError: there is none, or it cannot be read.
    """
    if not path.is_dir():
        return records.read(_lines(path), source=str(path))
    manifest = read_manifest(path)
    run = records.read(_lines(path / RUN), source=str(path / RUN))
    seconds = dict(_seconds(path))
    timed = tuple(dataclasses.replace(row, seconds=seconds.get(row.key, 0.0)) for row in run.rows)
    return dataclasses.replace(run, started=manifest.started, rows=timed)


def _lines(file: Path) -> list[str]:
    try:
        # Cut at line feeds only: rows may hold other characters that end lines.
        return file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise errors.RunError(f"cannot read {file}: {error.strerror or error}") from error


def _seconds(folder: Path) -> Iterator[tuple[records.Key, float]]:
    if not (folder / TIMING).exists():
        return
    for line in _lines(folder / TIMING):
        with contextlib.suppress(ValueError, KeyError, TypeError):  # a torn line: only its seconds are lost
            one = json.loads(line)
            yield (one["scenario"], one["perturbation"], one["repeat"]), float(one["seconds"])


class RunFolder:
    """The folder of a run under way. Use `create` or `resume`; then `append` as rows come, and `finish` once."""

    def __init__(self, folder: Path, header: records.Run, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._header = dataclasses.replace(header, started="", rows=())

    @classmethod
    def create(cls, folder: Path, header: records.Run, manifest: Manifest) -> "RunFolder":
        """Begin a run in a new folder.

        Raises:
            InputError: there is one already, or the folder cannot be made.
        """
        if (folder / MANIFEST).exists() or (folder / RUN).exists():
            raise errors.InputError(f"{folder} holds a run already; go on with it by --resume, or give another --out")
        made = cls(folder, header, manifest)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made._write(RUN, records.write_header(made._header) + "\n")
            made._write(TIMING, "")
            made._write_manifest()
        except OSError as error:
            raise errors.InputError(f"cannot write into {folder}: {error.strerror or error}") from error
        return made

    @classmethod
    def resume(
        cls, folder: Path, header: records.Run, manifest: Manifest
    ) -> tuple["RunFolder", tuple[records.Row, ...]]:
        """Go on with the run in a folder; returns it with the rows that are done. Rows that are no answers (the scenario or the
        subject broke) are done again.

        Raises:
            RunError: there is no run, or it is one of another suite, subject or version.
        """
        before = read_manifest(folder)
        for name in SAME:
            old, new = before.to_json()[name], json.loads(json.dumps(manifest.to_json()[name]))
            if old != new:
                raise errors.RunError(f"cannot resume {folder}: its {name} is {old!r}, not {new!r}")
        made = cls(
            folder,
            header,
            dataclasses.replace(manifest, started=before.started, processor_s=before.processor_s, wall_s=before.wall_s),
        )
        run = records.read(_lines(folder / RUN), source=str(folder / RUN))
        rows = tuple(row for row in run.rows if row.status not in ("error", "unbuilt"))
        seconds = dict(_seconds(folder))
        made._write_rows(rows, [(row.key, seconds[row.key]) for row in rows if row.key in seconds])
        made._write_manifest()
        return made, rows

    def append(self, rows: Iterable[records.Row]) -> None:
        """Keep rows for good: when this returns they survive whatever happens to the process."""
        kept = list(rows)
        self._append(RUN, [records.write_row(row, with_seconds=False) for row in kept])
        self._append(TIMING, [_timing(row.key, row.seconds) for row in kept])

    def finish(self, rows: Sequence[records.Row], manifest: Manifest) -> None:
        """Put the rows in order, whatever the order they came in, and mark the run as finished."""
        self.manifest = manifest
        ordered = sorted(rows, key=lambda row: row.key)
        self._write_rows(ordered, [(row.key, row.seconds) for row in ordered])
        self._write_manifest()

    def _write_rows(self, rows: Sequence[records.Row], seconds: Sequence[tuple[records.Key, float]]) -> None:
        lines = [records.write_header(self._header), *(records.write_row(row, with_seconds=False) for row in rows)]
        self._write(RUN, "\n".join(lines) + "\n")
        self._write(TIMING, "".join(f"{_timing(key, value)}\n" for key, value in seconds))

    def _write_manifest(self) -> None:
        self._write(MANIFEST, json.dumps(self.manifest.to_json(), indent=2, ensure_ascii=False) + "\n")

    def _write(self, name: str, text: str) -> None:
        """Whole or not at all."""
        path = self.folder / name
        fresh = path.with_suffix(path.suffix + ".new")
        with fresh.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def _append(self, name: str, lines: Sequence[str]) -> None:
        with (self.folder / name).open("a", encoding="utf-8", newline="\n") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())


def _timing(key: records.Key, seconds: float) -> str:
    scenario, perturbation, repeat = key
    named = {"scenario": scenario, "perturbation": perturbation, "repeat": repeat, "seconds": round(seconds, 4)}
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))
