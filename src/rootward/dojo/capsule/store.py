"""Save a scenario as a capsule and load it again: a directory that holds a production system's telemetry, checked by checksum.

Layout and rules: docs/reference/capsule.md. The truth lies sealed in its own file, which `load` never opens.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from rootward import __version__, errors
from rootward.dojo import oracle
from rootward.dojo.capsule import documents, files, tables, telemetry

UNFIT = (KeyError, TypeError, ValueError, AttributeError, IndexError, AssertionError, OSError, pa.ArrowException)
"""What decoding raises for a file whose checksum is right and whose content is not ours (Parquet's reader raises OSError)."""


def save(
    path: Path, scenario: telemetry.Scenario, truth: oracle.Truth | None = None, *, overwrite: bool = False
) -> None:
    """Write `scenario` (and its sealed `truth`) to the directory `path`, whole or not at all; equal input gives equal bytes.

    Raises:
        CapsuleError: `path` exists already (and is a capsule, unless `overwrite`), cannot be written, or the scenario holds
            something that JSON cannot say (NaN in an object, a key that is no string).
    """
    try:
        contents = _contents(scenario)
        if truth is not None:
            sealed = files.to_json(truth.to_json())
            contents[files.TRUTH] = sealed
            contents[files.TRUTH_CHECKSUM] = f"{files.sha256(sealed)}\n".encode()
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise errors.CapsuleError(f"{scenario.telemetry.name} cannot be written as a capsule: {error}") from error
    files.write_directory(path, contents, overwrite=overwrite)


def load(path: Path) -> telemetry.Scenario:
    """The scenario in the capsule at `path`; every file it reads is checked. Never reads the truth.

    Raises:
        CapsuleError: missing, half-written, corrupt or no capsule; the message names the file.
        CapsuleVersionError: of another version of the format.
    """
    manifest = files.read_manifest(path)
    listed = manifest["files"]
    raw = {name: files.read_checked(path, name, manifest) for name in sorted(listed)}
    decoded = {name: files.from_json(raw[name], path / name) for name in raw if name.endswith(".json")}
    missing = sorted(set(files.DOCUMENTS) - set(raw))
    if missing:
        raise errors.CapsuleError(f"{path / files.MANIFEST} lists no {missing[0]}; the capsule is incomplete")
    try:
        data = _telemetry(manifest, raw, decoded)
    except UNFIT as error:
        raise errors.CapsuleError(
            f"{path} has the right checksums and does not hold what its manifest says ({type(error).__name__}: {error}); "
            "it was made by something else: import or export it again"
        ) from error
    if not isinstance(decoded[files.ALERT], dict):
        raise errors.CapsuleError(f"{path / files.ALERT} is not a webhook payload (a JSON object)")
    return telemetry.Scenario(telemetry=data, alert=decoded[files.ALERT])


def load_truth(path: Path) -> oracle.Truth:
    """The sealed truth of the capsule at `path`.

    Raises:
        CapsuleError: there is none, or it is damaged.
    """
    files.read_manifest(path)
    where = path / files.TRUTH
    if not where.exists():
        raise errors.CapsuleError(f"{path} has no sealed truth ({files.TRUTH}); it cannot be scored, only investigated")
    raw = files.read(where)
    if files.read(path / files.TRUTH_CHECKSUM).decode(errors="replace").strip() != files.sha256(raw):
        raise errors.CapsuleError(f"{where} is damaged (its checksum differs); copy or import the capsule again")
    try:
        return oracle.from_json(files.from_json(raw, where))
    except (ValueError, TypeError, KeyError) as error:
        raise errors.CapsuleError(f"{where} holds no truth: {error}") from error


def has_truth(path: Path) -> bool:
    return (path / files.TRUTH).is_file()


def find(root: Path) -> list[Path]:
    """The capsules at or below `root`, sorted: what `rootward capsule import` made."""
    if (root / files.MANIFEST).is_file():
        return [root]
    return sorted(
        manifest.parent for manifest in root.rglob(files.MANIFEST) if not manifest.parent.name.startswith(".")
    )


def counts(data: telemetry.Telemetry) -> dict[str, int]:
    """How much is in it, by what people call it."""
    return {
        "series": sum(len(block.labels) for block in data.metrics.blocks),
        "samples": sum(block.values.size for block in data.metrics.blocks),
        "log_lines": 0 if data.logs is None else len(data.logs.lines),
        "spans": 0 if data.spans is None else len(data.spans.span_ids),
        "object_versions": len(data.cluster.versions),
        "events": len(data.cluster.events),
        "commits": len(data.code.commits),
        "deployments": len(data.code.deployments),
        "change_events": len(data.change_events),
        "messages": len(data.messages),
        "alerts": len(data.alerts),
    }


def _contents(scenario: telemetry.Scenario) -> dict[str, bytes]:
    data = scenario.telemetry
    contents = {name: files.to_json(document) for name, document in documents.to_documents(data).items()}
    contents[files.ALERT] = files.to_json(dict(scenario.alert))
    contents[files.METRICS], contents[files.METRIC_TIMES] = tables.metrics_to_bytes(data.metrics)
    if data.logs is not None:
        contents[files.LOGS] = tables.logs_to_bytes(data.logs)
    if data.spans is not None:
        contents[files.SPANS] = tables.spans_to_bytes(data.spans)
    manifest = {
        "format": files.FORMAT,
        "version": files.FORMAT_VERSION,
        "creator": f"rootward {__version__}",
        "name": data.name,
        "start_s": float(data.start_s),
        "end_s": float(data.end_s),
        "now_s": float(data.now_s),
        "access": dict(data.access),
        "counts": counts(data),
        "files": {name: {"sha256": files.sha256(raw), "bytes": len(raw)} for name, raw in contents.items()},
    }
    return {**contents, files.MANIFEST: files.to_json(manifest)}


def _telemetry(manifest: dict[str, Any], raw: dict[str, bytes], decoded: dict[str, Any]) -> telemetry.Telemetry:
    return telemetry.Telemetry(
        name=manifest["name"],
        start_s=float(manifest["start_s"]),
        end_s=float(manifest["end_s"]),
        now_s=float(manifest["now_s"]),
        metrics=tables.metrics_from_bytes(raw[files.METRICS], raw[files.METRIC_TIMES]),
        logs=tables.logs_from_bytes(raw[files.LOGS]) if files.LOGS in raw else None,
        spans=tables.spans_from_bytes(raw[files.SPANS]) if files.SPANS in raw else None,
        access=dict(manifest["access"]),
        **documents.from_documents(decoded),
    )
