"""Metrics, logs and spans as Parquet tables and back: columns that load without touching every value in Python.

Every value is stored bit for bit, so that Prometheus's staleness markers survive next to ordinary NaN. What does not grow
with time (streams, processes, names) lies as JSON in the table's schema metadata.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rootward.dojo.capsule import telemetry

METADATA_KEY = b"rootward"
COMPRESSION = "zstd"


def write(table: pa.Table, *, plain: Sequence[str] = (), split: Sequence[str] = ()) -> bytes:
    """One Parquet file, the same bytes for the same table; `plain` columns are not dictionary-encoded, `split` ones byte-split."""
    sink = pa.BufferOutputStream()
    encoded = [name for name in table.schema.names if name not in plain and name not in split]
    pq.write_table(
        table,
        sink,
        compression=COMPRESSION,
        use_dictionary=encoded or False,
        column_encoding=dict.fromkeys(split, "BYTE_STREAM_SPLIT") or None,
        write_statistics=False,
        row_group_size=2**22,
    )
    raw: bytes = sink.getvalue().to_pybytes()
    return raw


def read(raw: bytes) -> pa.Table:
    """The table of a Parquet file in memory.

    Raises:
        pyarrow.ArrowInvalid: not Parquet, or damaged.
    """
    return pq.read_table(pa.BufferReader(raw), memory_map=False, use_threads=False)


def _with_metadata(table: pa.Table, metadata: object) -> pa.Table:
    return table.replace_schema_metadata({METADATA_KEY: _json(metadata).encode()})


def _metadata(table: pa.Table) -> Any:
    return json.loads((table.schema.metadata or {})[METADATA_KEY])


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def metrics_to_tables(metrics: telemetry.Metrics) -> tuple[pa.Table, pa.Table]:
    """(samples, times). `samples`: one row per series and block order kept: block, labels (JSON), and its values as one list;
    `times`: one row per block: its shared times."""
    blocks = (*metrics.blocks, *map(_as_block, metrics.histograms))
    values = [np.ascontiguousarray(telemetry.wide(block.values)).reshape(-1) for block in blocks]
    lengths = [len(block.times_s) for block in blocks for _ in block.labels]
    samples = pa.table(
        {
            "block": pa.array([index for index, block in enumerate(blocks) for _ in block.labels], type=pa.int32()),
            "labels": pa.array([_json(dict(labels)) for block in blocks for labels in block.labels], type=pa.string()),
            "value": _lists(np.concatenate(values) if values else np.empty(0), lengths),
        }
    )
    stamps = [np.asarray(block.times_s, dtype=np.float64) for block in blocks]
    times = pa.table(
        {"time_s": _lists(np.concatenate(stamps) if stamps else np.empty(0), [len(each) for each in stamps])}
    )
    meta = {name: [entry.kind, entry.help, entry.unit] for name, entry in metrics.meta.items()}
    shapes = [[one.schema, one.near_zero, one.offset] for one in metrics.histograms]
    return _with_metadata(samples, {"meta": meta, **({"histograms": shapes} if shapes else {})}), times


def _as_block(one: telemetry.HistogramSeries) -> telemetry.MetricBlock:
    """A native histogram as one row for each of its cells, absent where it is."""
    cells = telemetry.absent_to_stale(one.cells, np.broadcast_to(one.absent, one.cells.shape))
    return telemetry.MetricBlock(one.times_s, cells, (one.labels,) * len(cells))


def _from_block(block: telemetry.MetricBlock, shape: Sequence[Any]) -> telemetry.HistogramSeries:
    absent = telemetry.is_stale(block.values)
    cells = np.where(absent, 0.0, block.values)
    schema, near_zero, offset = shape
    return telemetry.HistogramSeries(
        block.labels[0], block.times_s, int(schema), float(near_zero), int(offset), cells, absent[0]
    )


def metrics_to_bytes(metrics: telemetry.Metrics) -> tuple[bytes, bytes]:
    samples, times = metrics_to_tables(metrics)
    return (
        write(samples, plain=("labels",), split=("value.list.element",)),
        write(times, split=("time_s.list.element",)),
    )


def metrics_from_bytes(raw_samples: bytes, raw_times: bytes) -> telemetry.Metrics:
    """What `metrics_to_bytes` wrote.

    Raises:
        ValueError, KeyError, TypeError, pyarrow.ArrowException: damaged in a way that kept its checksum.
    """
    samples, times = read(raw_samples), read(raw_times)
    labels = json.loads("[" + ",".join(samples.column("labels").to_pylist()) + "]")
    owner = samples.column("block").to_numpy()
    values = _flat(samples.column("value"))
    stamps, bounds = _flat(times.column("time_s")), _offsets(times.column("time_s"))
    blocks, series_at, value_at = [], 0, 0
    for index in range(len(bounds) - 1):
        block_times = stamps[bounds[index] : bounds[index + 1]]
        count = int(np.searchsorted(owner, index, side="right")) - series_at
        size = count * len(block_times)
        blocks.append(
            telemetry.MetricBlock(
                times_s=block_times,
                values=values[value_at : value_at + size].reshape(count, len(block_times)),
                labels=tuple(labels[series_at : series_at + count]),
            )
        )
        series_at, value_at = series_at + count, value_at + size
    if value_at != len(values) or series_at != len(labels):
        raise ValueError("series and times do not fit each other")
    written = _metadata(samples)
    meta = {name: telemetry.MetricMeta(*entry) for name, entry in written["meta"].items()}
    shapes = written.get("histograms", ())
    plain = len(blocks) - len(shapes)
    histograms = tuple(_from_block(block, shape) for block, shape in zip(blocks[plain:], shapes, strict=True))
    return telemetry.Metrics(tuple(blocks[:plain]), meta, histograms)


def _lists(flat: telemetry.FloatArray, lengths: Sequence[int]) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat, type=pa.float64(), from_pandas=False))


def _flat(column: pa.ChunkedArray) -> telemetry.FloatArray:
    flat: telemetry.FloatArray = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat


def _offsets(column: pa.ChunkedArray) -> telemetry.IntArray:
    lengths = np.asarray(column.combine_chunks().value_lengths().to_numpy(zero_copy_only=False), dtype=np.int64)
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])


def logs_to_bytes(logs: telemetry.Logs) -> bytes:
    columns = {
        "time_ns": pa.array(np.asarray(logs.times_ns, dtype=np.int64)),
        "stream": pa.array(np.asarray(logs.stream, dtype=np.int32)),
        "line": pa.array(logs.lines, type=pa.large_string()),
    }
    if len(logs.trace_ids):
        columns["trace_id"] = pa.array(logs.trace_ids, type=pa.string())
    if len(logs.span_ids):
        columns["span_id"] = pa.array(logs.span_ids, type=pa.string())
    table = _with_metadata(pa.table(columns), {"streams": [dict(labels) for labels in logs.streams]})
    return write(table, plain=("time_ns", "line", "span_id"))


def logs_from_bytes(raw: bytes) -> telemetry.Logs:
    """What `logs_to_bytes` wrote; raises as `metrics_from_bytes`."""
    table = read(raw)
    return telemetry.Logs(
        times_ns=table.column("time_ns").to_numpy(),
        stream=table.column("stream").to_numpy(),
        lines=table.column("line").to_pylist(),
        streams=tuple(_metadata(table)["streams"]),
        trace_ids=table.column("trace_id").to_pylist() if "trace_id" in table.column_names else (),
        span_ids=table.column("span_id").to_pylist() if "span_id" in table.column_names else (),
    )


def spans_to_bytes(spans: telemetry.Spans) -> bytes:
    columns = {
        "trace_id": pa.array(spans.trace_ids, type=pa.string()),
        "span_id": pa.array(spans.span_ids, type=pa.string()),
        "parent_id": pa.array(spans.parent_ids, type=pa.string()),
        "process": pa.array(np.asarray(spans.process, dtype=np.int32)),
        "name": pa.array(np.asarray(spans.name, dtype=np.int32)),
        "kind": pa.array(np.asarray(spans.kind, dtype=np.int8)),
        "start_ns": pa.array(np.asarray(spans.start_ns, dtype=np.int64)),
        "duration_ns": pa.array(np.asarray(spans.duration_ns, dtype=np.int64)),
        "status": pa.array(np.asarray(spans.status, dtype=np.int8)),
        "attributes": pa.array([_json(dict(each)) for each in spans.attributes], type=pa.string()).dictionary_encode(),
    }
    processes = [[process.service, dict(process.attributes)] for process in spans.processes]
    table = _with_metadata(pa.table(columns), {"processes": processes, "names": list(spans.names)})
    return write(table, plain=("span_id", "parent_id", "start_ns", "duration_ns"))


def spans_from_bytes(raw: bytes) -> telemetry.Spans:
    """What `spans_to_bytes` wrote; raises as `metrics_from_bytes`. Equal attributes share one mapping."""
    table, metadata = read(raw), None
    metadata = _metadata(table)
    packed = table.column("attributes").combine_chunks()
    packed = packed if isinstance(packed, pa.DictionaryArray) else packed.dictionary_encode()
    distinct: list[Mapping[str, Any]] = json.loads("[" + ",".join(packed.dictionary.to_pylist()) + "]")
    return telemetry.Spans(
        trace_ids=table.column("trace_id").to_pylist(),
        span_ids=table.column("span_id").to_pylist(),
        parent_ids=table.column("parent_id").to_pylist(),
        process=table.column("process").to_numpy(),
        name=table.column("name").to_numpy(),
        kind=table.column("kind").to_numpy(),
        start_ns=table.column("start_ns").to_numpy(),
        duration_ns=table.column("duration_ns").to_numpy(),
        status=table.column("status").to_numpy(),
        attributes=[distinct[index] for index in packed.indices.to_pylist()],
        processes=tuple(telemetry.Process(service, attributes) for service, attributes in metadata["processes"]),
        names=tuple(metadata["names"]),
    )
