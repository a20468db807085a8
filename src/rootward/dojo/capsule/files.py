"""A capsule as bytes on disk: which files it may hold, their checksums, and a directory that appears whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rootward import errors

FORMAT = "rootward-capsule"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 4 * 2**20
TRUTH = "sealed/truth.json"
TRUTH_CHECKSUM = "sealed/truth.sha256"
ALERT = "alert.json"
METRICS = "metrics.parquet"
METRIC_TIMES = "metric_times.parquet"
LOGS = "logs.parquet"
SPANS = "spans.parquet"
DOCUMENTS = ("cluster.json", "code.json", "changes.json", "chat.json", "alerts.json")
NAMES = frozenset({ALERT, METRICS, METRIC_TIMES, LOGS, SPANS, *DOCUMENTS})
"""The only files that a manifest may name, so that no manifest can point outside its capsule."""
FILE_BYTES_MAX = 4 * 2**30


def to_json(data: object) -> bytes:
    """Stable UTF-8 JSON: sorted keys, no NaN, a final newline."""
    return (json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def from_json(raw: bytes, where: Path) -> Any:
    """Decode what `to_json` wrote.

    Raises:
        CapsuleError: not UTF-8 or not JSON.
    """
    try:
        return json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise errors.CapsuleError(f"{where} is not JSON ({error}); copy or import the capsule again") from error


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def read(path: Path, *, limit_bytes: int = FILE_BYTES_MAX) -> bytes:
    """A regular file's bytes; links are refused, because they could lead out of the capsule.

    Raises:
        CapsuleError: missing, not a regular file, too large or unreadable.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise errors.CapsuleError(f"{path} is not a regular file; a capsule holds no links and no folders but sealed/")
    try:
        if path.stat().st_size > limit_bytes:
            raise errors.CapsuleError(f"{path} is larger than {limit_bytes} bytes, the most that is read")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise errors.CapsuleError(f"{path} is missing; copy or import the capsule again") from error
    except OSError as error:
        raise errors.CapsuleError(f"cannot read {path}: {error.strerror or error}") from error


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest, checked: this format, a version we read, only names that a capsule may hold.

    Raises:
        CapsuleError: no capsule there, or its manifest is damaged.
        CapsuleVersionError: written by another version of the format.
    """
    where = directory / MANIFEST
    if not where.exists():
        raise errors.CapsuleError(
            f"{directory} is not a capsule: it has no {MANIFEST} (a folder made by `rootward capsule import` holds one capsule per subfolder)"
        )
    manifest = from_json(read(where, limit_bytes=MANIFEST_BYTES_MAX), where)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise errors.CapsuleError(f"{where} does not describe a capsule (its format is not {FORMAT!r})")
    version = manifest.get("version")
    if version != FORMAT_VERSION:
        raise errors.CapsuleVersionError(
            f"{where} is of version {version!r} of the capsule format; this Rootward reads version {FORMAT_VERSION}: "
            "import or export the capsule again with this version, or upgrade"
        )
    _check_listing(manifest.get("files"), where)
    return manifest


def _check_listing(listing: object, where: Path) -> None:
    if not isinstance(listing, dict) or not listing:
        raise errors.CapsuleError(f"{where} lists no files; copy or import the capsule again")
    strange = sorted(str(name) for name in set(listing) - NAMES)
    if strange:
        raise errors.CapsuleError(
            f"{where} names {strange[0]!r}, which is no file of a capsule; it was made by something else"
        )
    if ALERT not in listing:
        raise errors.CapsuleError(f"{where} lists no {ALERT}; the capsule is incomplete")
    if not all(isinstance(entry, dict) and isinstance(entry.get("sha256"), str) for entry in listing.values()):
        raise errors.CapsuleError(f"{where} lists a file without its sha256; copy or import the capsule again")


def read_checked(directory: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    """The bytes of a listed file, after comparing its checksum.

    Raises:
        CapsuleError: missing, truncated or changed.
    """
    entry = manifest["files"][name]
    raw = read(directory / name)
    if sha256(raw) != entry["sha256"]:
        size = (
            f"{len(raw)} bytes instead of {entry.get('bytes')}"
            if len(raw) != entry.get("bytes")
            else "contents changed"
        )
        raise errors.CapsuleError(f"{directory / name} is damaged ({size}); copy or import the capsule again")
    return raw


def write_directory(path: Path, contents: Mapping[str, bytes], *, overwrite: bool) -> None:
    """Write all files beside `path`, then rename: a reader sees the whole capsule or none.

    Raises:
        CapsuleError: `path` exists and `overwrite` is false, or is something other than a capsule, or cannot be written.
    """
    if path.exists() and not overwrite:
        raise errors.CapsuleError(f"{path} exists already; choose another place, or overwrite it (--overwrite)")
    if path.exists() and not (path / MANIFEST).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise errors.CapsuleError(f"{path} exists and is no capsule; it is not overwritten")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            (staging / "new").mkdir()
            for name, raw in contents.items():
                target = staging / "new" / name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(raw)
            if path.exists():
                os.replace(path, staging / "old")  # noqa: PTH105 — replace() on Path reads the same; os names the atomic call
            os.replace(staging / "new", path)  # noqa: PTH105
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise errors.CapsuleError(f"cannot write {path}: {error.strerror or error}") from error
