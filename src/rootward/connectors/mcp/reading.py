"""What a tool's result holds: rows, whatever their spelling, and the records that are made of them. Everything is redacted here."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward import errors
from rootward.connectors import _json
from rootward.connectors.mcp import tools, wire
from rootward.signals import entities, records, redaction, windows

Row = Mapping[str, Any]
LINE_CHARS_MAX = 16_000  # of a text, which a pattern is matched with
NO_TIME = "records without a time were given that of the window's end"
_LABELS = ("service", "service_name", "app", "namespace", "pod", "container", "host", "node", "level")
_STAMP = re.compile(r"\s*\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\]?\s*")
_SCALES = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # numbers above are in nanoseconds, microseconds, milliseconds
_WORKLOADS = frozenset({"deployment", "statefulset", "daemonset", "job", "cronjob", "replicaset"})
_WORDS = (("flag", "flag"), ("deploy", "deploy"), ("release", "deploy"), ("migrat", "schema"), ("schema", "schema"), ("scal", "scale"),
  ("secret", "secret"), ("commit", "commit"))  # fmt: skip


def rows(result: wire.Result, tool: tools.Tool) -> tuple[list[Row], tuple[str, ...]]:
    """Records as mappings, in the server's order, and warnings.

    Raises:
        errors.BackendMalformed: there are none where the settings say, or only what is no record.
    """
    if result.document is None:
        return _lines(result.text.splitlines(), tool)
    found = tools.at(result.document, tool.records)
    if found is None and tool.records and result.document:
        raise errors.BackendMalformed(f"{tool.name} gave nothing at {tool.records!r}")
    if isinstance(found, dict):
        found = found["result"] if "resultType" in found else [found]  # as Prometheus and Loki answer
    if isinstance(found, str):
        return _lines(found.splitlines(), tool)
    listed = _json.items(found, tool.records or "the result")
    if listed and all(isinstance(one, str) for one in listed):
        return _lines(listed, tool)
    good, warnings = _json.read_each(listed, lambda one: _json.mapping(one, "a record"), "records")
    return [row for one in good for row in _spread(one)], warnings


def _spread(row: Row) -> Iterable[Row]:
    """A stream of lines as Loki answers it becomes one row a line; other rows stay."""
    stream, values = row.get("stream"), row.get("values")
    if not isinstance(stream, dict) or not isinstance(values, list):
        return (row,)
    return [
        {"time": one[0], "text": one[1], "labels": stream} for one in values if isinstance(one, list) and len(one) >= 2
    ]


def _lines(lines: Iterable[str], tool: tools.Tool) -> tuple[list[Row], tuple[str, ...]]:
    """Lines of text: by the pattern of the settings, or as they are with the time that they begin with."""
    if tool.answers in ("metrics", "objects"):
        raise errors.BackendMalformed(f"{tool.name} answered in words, of which no {tool.answers} can be made")
    wanted = [line[:LINE_CHARS_MAX] for line in lines if line.strip()]
    if tool.pattern:
        matched = [re.search(tool.pattern, line) for line in wanted]
        missed = sum(one is None for one in matched)
        if wanted and missed == len(wanted):
            raise errors.BackendMalformed(f"no line of {tool.name}'s text fits the pattern {tool.pattern!r}")
        return [one.groupdict() for one in matched if one], (
            f"{missed} lines did not fit the pattern",
        ) if missed else ()
    found: list[Row] = []
    for line in wanted:
        stamp = _STAMP.match(line)
        found.append({"time": stamp[1], "text": line[stamp.end() :]} if stamp else {"text": line})
    return found, ()


def moment_s(value: Any) -> float:
    """Seconds since the epoch from RFC 3339 or a number in whatever unit its size tells.

    Raises:
        errors.BackendMalformed: it is no time.
    """
    if isinstance(value, str) and not value.strip().lstrip("-").replace(".", "", 1).isdigit():
        return _json.time(value.strip().replace(",", ".").replace(" ", "T", 1) if "-" in value else value, "a time")
    number = _json.number(value, "a time")
    return _json.seconds(next((number / unit for above, unit in _SCALES if abs(number) > above), number), "a time")


class Reader:
    """Makes records of one tool's rows. `service` is whom the call was about, if about one."""

    def __init__(self, tool: tools.Tool, source: str, window: windows.Window, service: str = "") -> None:
        self._tool, self._source, self._window, self._service = tool, source, window, service
        self.untimed = 0

    def pick(self, row: Row, field: str) -> Any:
        """The value of a field, as settings say where it is, else by its own name or where it usually is."""
        path = self._tool.fields.get(field)
        if path is not None:
            return path[1:] if path.startswith("=") else tools.at(row, path)
        return next(
            (
                one
                for usual in (field, *tools.USUAL[field])
                if (one := tools.at(row, usual)) not in (None, "") and not isinstance(one, dict)
            ),
            None,
        )

    def text(self, row: Row, field: str) -> str:
        return redaction.redact(_json.optional_text(self.pick(row, field))[:LINE_CHARS_MAX])

    def time_s(self, row: Row) -> float:
        value = self.pick(row, "time")
        if value is None:
            self.untimed += 1
            return self._window.end_s
        return moment_s(value)

    def labels(self, row: Row) -> dict[str, str]:
        """Who says it: by the settings, else by the row's own labels."""
        tool, own = self._tool, row.get("labels")
        if tool.labels:
            named = {
                label: path[1:] if path.startswith("=") else tools.at(row, path) for label, path in tool.labels.items()
            }
        else:
            named = own if isinstance(own, dict) else {label: row.get(label) for label in _LABELS}
        found = {
            label: text for label, one in itertools.islice(named.items(), 64) if (text := _json.optional_text(one))
        }
        if self._service and not {"service", "service_name", "app"} & found.keys():
            found["service"] = self._service
        return redaction.redact_labels(found) or {"tool": tool.name}

    def message(self, row: Row) -> records.Message:
        return records.Message(
            time_s=self.time_s(row),
            channel=self.text(row, "channel") or self._source,
            author=self.text(row, "author"),
            text=self._said(row),
            thread=self.text(row, "thread"),
            link=self.text(row, "link"),
        )

    def line(self, row: Row) -> tuple[float, dict[str, str], str, str]:
        """(time, labels, text, trace id)."""
        return self.time_s(row), self.labels(row), self._said(row), self.text(row, "trace_id")

    def change(self, row: Row) -> records.Change:
        text, version, service = self._said(row), self.text(row, "version"), self.text(row, "service") or self._service
        kind = _kind(self.text(row, "kind"), text, version)
        entity = entities.Entity(entities.EntityKind.SERVICE, service, self.text(row, "namespace")) if service else None
        return records.Change(
            kind,
            self.time_s(row),
            text,
            self.text(row, "id"),
            entity,
            self.text(row, "author"),
            version,
            source=self._source,
            link=self.text(row, "link"),
        )

    def event(self, row: Row) -> records.Event:
        kind, name = self.text(row, "about_kind").lower(), self.text(row, "about") or self._service
        if not name:
            raise errors.BackendMalformed("an event says of nobody that it is about")
        known = entities.EntityKind(kind) if kind in set(entities.EntityKind) else entities.EntityKind.SERVICE
        kind_of = entities.EntityKind.WORKLOAD if kind in _WORKLOADS else known
        count = self._count(row)
        entity = entities.Entity(kind_of, name, self.text(row, "about_namespace"))
        warning = self.text(row, "severity").lower() in ("warning", "warn", "error", "critical", "fatal")
        said = self._said(row)
        return records.Event(
            self.time_s(row), entity, self.text(row, "reason"), said, warning, count, source=self._source
        )

    def object(self, row: Row, asked: str) -> records.ClusterObject:
        kind, name = self.text(row, "kind") or asked, _json.text(self.pick(row, "name"), "an object's name")
        if kind != asked:
            raise errors.BackendMalformed(f"an object is a {kind[:60]}, not a {asked}")
        return records.ClusterObject(
            kind, redaction.redact(name), self.text(row, "namespace"), redaction.redact_tree(row)
        )

    def _said(self, row: Row) -> str:
        text = self.text(row, "text")
        if not text:
            raise errors.BackendMalformed("a record has no text; name its field in settings")
        return text

    def _count(self, row: Row) -> int:
        count = row.get("count")
        return count if isinstance(count, int) and not isinstance(count, bool) and 0 < count < 1_000_000 else 1


def matrix(found: Sequence[Row], reader: Reader) -> dict[str, Any]:
    """Rows of numbers as Prometheus writes series; those that are written so already stay."""
    grouped: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
    series: list[Any] = []

    def one(row: Row) -> None:
        if isinstance(row.get("metric"), dict) and ("values" in row or "value" in row):
            series.append(row)
            return
        value = _json.number(reader.pick(row, "value"), "a value")
        labels = tuple(sorted(reader.labels(row).items()))
        grouped.setdefault(labels, []).append([reader.time_s(row), value])

    _json.read_each(found, one, "samples")
    series += [{"metric": dict(labels), "values": sorted(samples)} for labels, samples in sorted(grouped.items())]
    return {"resultType": "matrix", "result": series}


def _kind(said: str, text: str, version: str) -> records.ChangeKind:
    """As it says, or as its words tell."""
    if said.lower() in set(records.ChangeKind):
        return records.ChangeKind(said.lower())
    words = f"{said} {text}".lower()
    guess = next((kind for word, kind in _WORDS if word in words), "deploy" if version else "config")
    return records.ChangeKind(guess)
