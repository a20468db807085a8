"""Nezha's logs and spans: one CSV file per recorded minute, joined into what Loki and a trace store would hold.

A file `HH_MM_log.csv` ends with that minute (the recorder's minute, some seconds past). Files overlap, so records are kept once. Where a
recorder's clock ran in another time zone than the folder and the fault list, its times are moved by whole hours.
"""

import dataclasses
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _spans

FILES_CACHED = 40
TORN_ROWS_MAX = 20  # rows of a file that the recorder wrote over each other, before the file counts as damaged
DAY_S = 86_400.0
HOUR_NS = 3_600 * 10**9
LABEL = re.compile(r"(\d\d)_(\d\d)_(?:log|trace)\.csv")
LOG_COLUMNS = ("Timestamp", "TimeUnixNano", "Node", "PodName", "Container", "TraceID", "SpanID", "Log")
TRACE_COLUMNS = ("TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano")
POD = re.compile(r"(?P<owner>(?P<service>.+)-[a-z0-9]{6,10})-[a-z0-9]{5}")
TRACE_ID, SPAN_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")


def service_of(pod: str) -> str:
    """The service (its Deployment) a pod belongs to: the name without the replica set's and the pod's own hash."""
    match = POD.fullmatch(pod)
    return match["service"] if match else pod


@dataclasses.dataclass(frozen=True, slots=True)
class Minute:
    """One recorded minute's file; `ends_s` is the end of the minute that its name tells."""

    path: Path
    ends_s: float


def minutes(folders: Iterable[Path], midnight_s: float) -> list[Minute]:
    """The recorded minutes of a day, oldest first."""
    found = []
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            match = LABEL.fullmatch(path.name)
            found += [Minute(path, midnight_s + int(match[1]) * 3600 + int(match[2]) * 60 + 60)] if match else []
    return sorted(found, key=lambda minute: (minute.ends_s, str(minute.path)))


class Reader:
    """Reads minutes of one kind of record, keeping the last few decoded, because neighbouring cases share their past."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._tables: OrderedDict[Path, pa.Table] = OrderedDict()

    def latest(self, chosen: Sequence[Minute], *, rows_max: int, at_least: int) -> pa.Table:
        """The last minutes of `chosen` (all of the last `at_least`, more while they fit into `rows_max` rows), oldest first.

        Raises:
            DatasetError: a file is damaged.
        """
        assert chosen, "there is something to read"
        tables: list[pa.Table] = []
        rows = 0
        for minute in reversed(chosen):
            table = self._table(minute)
            rows += table.num_rows
            if len(tables) >= max(at_least, 1) and rows > rows_max:
                break
            tables.append(table)
        return pa.concat_tables(reversed(tables))

    def _table(self, minute: Minute) -> pa.Table:
        if minute.path in self._tables:
            self._tables.move_to_end(minute.path)
            return self._tables[minute.path]
        table = _read(minute, self._columns)
        if "Log" in self._columns:
            table = _repaired(table, minute)
            lines = pa.array([_line(text) for text in table.column("Log").to_pylist()], type=pa.string())
            table = table.set_column(table.column_names.index("Log"), "Log", lines)
        self._tables[minute.path] = table
        while len(self._tables) > FILES_CACHED:
            self._tables.popitem(last=False)
        return table


def _read(minute: Minute, columns: Sequence[str]) -> pa.Table:
    torn = 0

    def skip(_: pyarrow.csv.InvalidRow) -> str:
        nonlocal torn
        torn += 1
        return "skip" if torn <= TORN_ROWS_MAX else "error"

    types = {name: pa.int64() if name.endswith("UnixNano") else pa.string() for name in columns}
    try:
        table = pyarrow.csv.read_csv(
            minute.path,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(columns), column_types=types, strings_can_be_null=False
            ),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=2**26),
        )
    except (pa.ArrowException, OSError) as error:
        expected = f"expected a Nezha recording with columns {', '.join(columns)}"
        raise errors.DatasetError(f"{minute.path}: {expected} ({error})") from error
    for name in (name for name in columns if name.endswith("UnixNano")):
        if shift := _zone_shift_ns(table.column(name).to_numpy(), minute.ends_s):
            table = table.set_column(table.column_names.index(name), name, pc.add(table.column(name), shift))
    return table


def _zone_shift_ns(times_ns: telemetry.IntArray, ends_s: float) -> int:
    """Whole hours, in nanoseconds, that bring the recorder's clock to the clock of the file names."""
    if not len(times_ns):
        return 0
    return round((ends_s * 1e9 - float(np.median(times_ns))) / HOUR_NS) * HOUR_NS


def logs(table: pa.Table, *, end_s: float) -> telemetry.Logs:
    """Container logs as an agent ships them: the runtime's JSON envelope is taken off, streams are labelled by pod."""
    rows = _ordered(table, "TimeUnixNano", end_s)
    kept: dict[tuple[int, str, str], tuple[str, str, str, str]] = {}
    names = ("TimeUnixNano", "PodName", "Log", "Node", "Container", "TraceID", "SpanID")
    for time_ns, pod, line, *rest in zip(*(rows.column(name).to_pylist() for name in names), strict=True):
        kept.setdefault((time_ns, pod, line), (rest[0], rest[1], rest[2], rest[3]))
    streams: dict[tuple[str, str, str], int] = {}
    stream = [streams.setdefault((pod, rest[1], rest[0]), len(streams)) for (_, pod, _), rest in kept.items()]
    return telemetry.Logs(
        times_ns=np.array([time_ns for time_ns, _, _ in kept], dtype=np.int64),
        stream=np.array(stream, dtype=np.int32),
        lines=[line for _, _, line in kept],
        streams=tuple(
            {"app": service_of(pod), "container": container, "node": node, "pod": pod}
            for pod, container, node in streams
        ),
        trace_ids=[_id(rest[2], TRACE_ID) for rest in kept.values()],
        span_ids=[_id(rest[3], SPAN_ID) for rest in kept.values()],
    )


def _repaired(table: pa.Table, minute: Minute) -> pa.Table:
    """Where TimeUnixNano is nonsense (the recorder wrote Go's zero time for some error lines), the time in the text counts."""
    times_ns = np.array(table.column("TimeUnixNano").to_numpy())
    wrong = np.flatnonzero(np.abs(times_ns / 1e9 - minute.ends_s) > DAY_S)
    for row in wrong.tolist():
        text = table.column("Timestamp")[row].as_py()
        try:
            times_ns[row] = round(_clock.from_iso(text) * 1e9)
        except ValueError as error:
            raise errors.DatasetError(f"{minute.path}: row {row + 1} has no time ({text!r})") from error
    return table.set_column(table.column_names.index("TimeUnixNano"), "TimeUnixNano", pa.array(times_ns))


def _line(envelope: str) -> str:
    """The text that the container wrote, out of the runtime's JSON ({"log": …, "stream": …, "time": …})."""
    if not envelope.startswith("{"):
        return envelope
    try:
        document = json.loads(envelope)
    except json.JSONDecodeError:
        return envelope
    text = document.get("log") if isinstance(document, dict) else None
    if not isinstance(text, str):
        return envelope
    return text.rstrip("\n").encode("utf-8", "replace").decode()  # half of a surrogate pair is no text


def _id(text: str, pattern: re.Pattern[str]) -> str:
    return text if pattern.fullmatch(text) else ""


def spans(table: pa.Table, node_of: dict[str, str], *, end_s: float) -> telemetry.Spans:
    """Spans in order of start; the kind follows from the call graph (see `_spans`), there is no status in the data."""
    rows = _ordered(table, "StartTimeUnixNano", end_s)
    columns = {name: rows.column(name).to_pylist() for name in TRACE_COLUMNS}
    first: dict[tuple[str, str], int] = {}
    for row, span in enumerate(zip(columns["TraceID"], columns["SpanID"], strict=True)):
        first.setdefault(span, row)
    keep = list(first.values())
    pods: dict[str, int] = {}
    names: dict[str, int] = {}
    process = [pods.setdefault(columns["PodName"][row], len(pods)) for row in keep]
    name = [names.setdefault(columns["OperationName"][row], len(names)) for row in keep]
    trace_ids = [columns["TraceID"][row] for row in keep]
    parents = ["" if columns["ParentID"][row] == "root" else columns["ParentID"][row] for row in keep]
    start_ns = np.array([columns["StartTimeUnixNano"][row] for row in keep], dtype=np.int64)
    end_ns = np.array([columns["EndTimeUnixNano"][row] for row in keep], dtype=np.int64)
    nothing: dict[str, str] = {}
    return telemetry.Spans(
        trace_ids=trace_ids,
        span_ids=[columns["SpanID"][row] for row in keep],
        parent_ids=parents,
        process=np.array(process, dtype=np.int32),
        name=np.array(name, dtype=np.int32),
        kind=_spans.kinds(list(first), list(zip(trace_ids, parents, strict=True)), process),
        start_ns=start_ns,
        duration_ns=np.maximum(end_ns - start_ns, 0),
        status=np.zeros(len(keep), dtype=np.int8),
        attributes=[nothing] * len(keep),
        processes=tuple(_process(pod, node_of.get(pod, "")) for pod in pods),
        names=tuple(names),
    )


def _process(pod: str, node: str) -> telemetry.Process:
    attributes = {"k8s.pod.name": pod, "k8s.deployment.name": service_of(pod)}
    return telemetry.Process(service_of(pod), {**attributes, "k8s.node.name": node} if node else attributes)


def _ordered(table: pa.Table, column: str, end_s: float) -> pa.Table:
    times_ns = table.column(column).to_numpy()
    order = np.argsort(times_ns, kind="stable")
    return table.take(pa.array(order[times_ns[order] <= int(end_s * 1e9)]))
