"""Runs a log query's stages over lines, many lines at a time: what can be asked of all of them at once is."""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rootward import errors
from rootward.dojo.engines.logql import extract, lexer, regex, store, templates, tree

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CHUNK_FIRST = 128  # a query with a small limit reads little; the chunks grow to CHUNK_MAX
CHUNK_MAX = 4096
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


class Entry:
    """One line on its way through the stages; `labels` is copied from `base` by the first stage that changes it."""

    __slots__ = ("base", "labels", "line", "row", "time_ns")

    def __init__(self, row: int, line: str, base: dict[str, str], time_ns: int) -> None:
        self.row = row
        self.line = line
        self.base = base
        self.labels = base
        self.time_ns = time_ns

    def own_labels(self) -> dict[str, str]:
        if self.labels is self.base:
            self.labels = dict(self.base)
        return self.labels

    def fail(self, code: str, details: str) -> None:
        """Loki keeps a line that a stage could not handle, marked with `__error__`."""
        labels = self.own_labels()
        labels.setdefault("__error__", code)
        labels.setdefault("__error_details__", details)


Step = Callable[[Entry], bool]
Bulk = Callable[[list[Entry]], list[Entry]]
Mask = Callable[[Sequence[str]], npt.NDArray[np.bool_]]
IntArray = npt.NDArray[np.int64]


class Pipeline:
    """A compiled list of stages over one store."""

    def __init__(self, log_store: store.LogStore, stages: Sequence[tree.Stage]) -> None:
        self._store = log_store
        first = next((i for i, stage in enumerate(stages) if not isinstance(stage, tree.LineFilter)), len(stages))
        self._masks = [line_mask(stage) for stage in stages[:first] if isinstance(stage, tree.LineFilter)]
        self._steps = [_bulk(stage) for stage in stages[first:]]
        self.only_filters = first == len(stages)

    def passing(self, rows: list[int]) -> list[int]:
        """Rows that the leading line filters let through."""
        lines = self._store.lines
        for mask in self._masks:
            if not rows:
                return rows
            kept = mask([lines[row] for row in rows])
            rows = [row for row, keeps in zip(rows, kept.tolist(), strict=True) if keeps]
        return rows

    def entries(self, rows: IntArray) -> Iterator[Entry]:
        """Entries that pass every stage, in the order of `rows`; read in chunks that grow."""
        at, size = 0, _CHUNK_FIRST
        while at < len(rows):
            yield from self._chunk(rows[at : at + size].tolist())
            at, size = at + size, min(size * 4, CHUNK_MAX)

    def _chunk(self, rows: list[int]) -> list[Entry]:
        log_store = self._store
        found: list[Entry] = []
        for row in self.passing(rows):
            base = log_store.streams[log_store.stream[row]]
            if log_store.has_metadata and (metadata := log_store.metadata(row)):
                base = {**base, **metadata}
            found.append(Entry(row, log_store.lines[row], base, int(log_store.times_ns[row])))
        for step in self._steps:
            if not found:
                break
            found = step(found)
        return found


def line_mask(stage: tree.LineFilter) -> Mask:
    """The test of one line filter; several values are alternatives, and a negative filter refuses any of them."""
    tests = [_one_mask(stage, value) for value in stage.values]
    wanted = not stage.op.startswith("!")

    def mask(lines: Sequence[str]) -> npt.NDArray[np.bool_]:
        found = tests[0](lines)
        for test in tests[1:]:
            found = found | test(lines)
        return found if wanted else ~found

    return mask


def _one_mask(stage: tree.LineFilter, value: str) -> Mask:
    if stage.ip:
        wanted = extract.address_range(value)
        return _each(lambda line: extract.has_address(line, wanted))
    if stage.op.endswith("~"):
        return lambda lines: regex.matching(value, lines, anchored=False)
    if stage.op.endswith(">"):
        return _each(lambda line: extract.matches_pattern(line, value))
    return _each(lambda line: value in line)


def _each(test: Callable[[str], bool]) -> Mask:
    return lambda lines: np.fromiter((test(line) for line in lines), np.bool_, len(lines))


def _bulk(stage: tree.Stage) -> Bulk:
    match stage:
        case tree.LineFilter():
            return _filtering(line_mask(stage), lambda entry: entry.line)
        case tree.Parse(kind="regexp"):
            return _regexp(stage)
        case tree.Parse():
            return _singly(_parse_step(stage))
        case tree.LabelFilter(test=tree.Condition(kind="string") as test) if test.op.endswith("~"):
            pattern, wants = str(test.value), test.op == "=~"
            label = test.label
            return _filtering(
                lambda values: regex.matching(pattern, values, anchored=True) == wants,
                lambda entry: entry.labels.get(label, ""),
            )
        case tree.LabelFilter():
            return _singly(label_step(stage.test))
        case tree.LineFormat():
            return _singly(_line_format_step(templates.compile_template(stage.template)))
        case tree.LabelFormat():
            return _singly(_label_format_step(stage))
        case tree.Retain():
            return _singly(_retain_step(stage))
        case tree.Decolorize():
            return _singly(_decolorize)


def _singly(step: Step) -> Bulk:
    return lambda entries: [entry for entry in entries if step(entry)]


def _filtering(mask: Mask, text: Callable[[Entry], str]) -> Bulk:
    def step(entries: list[Entry]) -> list[Entry]:
        kept = mask([text(entry) for entry in entries]).tolist()
        return [entry for entry, keeps in zip(entries, kept, strict=True) if keeps]

    return step


def _regexp(stage: tree.Parse) -> Bulk:
    def step(entries: list[Entry]) -> list[Entry]:
        found = extract.regexp_labels([entry.line for entry in entries], stage.text)
        for entry, labels in zip(entries, found, strict=True):
            _take(entry, labels, stage)
        return entries

    return step


def _decolorize(entry: Entry) -> bool:
    entry.line = _ANSI.sub("", entry.line)
    return True


def _line_format_step(render: templates.Render) -> Step:
    def step(entry: Entry) -> bool:
        try:
            entry.line = render(entry.labels, entry.line, entry.time_ns)
        except errors.QueryExecutionError as error:
            entry.fail("TemplateFormatErr", str(error))
        return True

    return step


def _label_format_step(stage: tree.LabelFormat) -> Step:
    assignments = [
        (target, source, templates.compile_template(source) if is_template else None)
        for target, source, is_template in stage.assignments
    ]

    def step(entry: Entry) -> bool:
        labels = entry.own_labels()
        for target, source, render in assignments:
            if render is None:
                if source in labels:
                    labels[target] = labels.pop(source)
                continue
            try:
                labels[target] = render(labels, entry.line, entry.time_ns)
            except errors.QueryExecutionError as error:
                entry.fail("TemplateFormatErr", str(error))
        return True

    return step


def _retain_step(stage: tree.Retain) -> Step:
    names = set(stage.names)

    def named(labels: dict[str, str], name: str) -> bool:
        if name in names:
            return True
        return any(m.label == name and store.matches_one(labels[name], m) for m in stage.matchers)

    def step(entry: Entry) -> bool:
        labels = entry.own_labels()
        for name in [n for n in labels if named(labels, n) != stage.keep and not (stage.keep and n.startswith("__"))]:
            del labels[name]
        return True

    return step


def _parse_step(stage: tree.Parse) -> Step:
    read = _reader(stage)

    def step(entry: Entry) -> bool:
        try:
            found = read(entry.line)
        except extract.ParseFailed as error:
            entry.fail(error.code, error.details)
            return True
        _take(entry, found, stage)
        return True

    return step


def _take(entry: Entry, found: dict[str, str], stage: tree.Parse) -> None:
    """Extracted labels; one that the stream has already gets another name."""
    labels = entry.own_labels()
    for name, value in found.items():
        if name == "_entry" and stage.kind == "unpack":
            entry.line = value
        elif name in entry.base:
            labels[f"{name}_extracted"] = value
        elif name not in labels or stage.fields:
            labels[name] = value


def _reader(stage: tree.Parse) -> Callable[[str], dict[str, str]]:
    if stage.kind == "json" and stage.fields:
        return lambda line: extract.json_fields(line, stage.fields)
    if stage.kind in ("json", "unpack"):
        return _unpack if stage.kind == "unpack" else extract.json_labels
    if stage.kind == "pattern":
        return lambda line: extract.pattern_labels(line, stage.text)

    def logfmt(line: str) -> dict[str, str]:
        found = extract.logfmt_labels(line, keep_empty=stage.keep_empty, strict=stage.strict)
        return {label: found.get(name, "") for label, name in stage.fields} if stage.fields else found

    return logfmt


def _unpack(line: str) -> dict[str, str]:
    """Only text values of the top level, as promtail's pack stage wrote them."""
    return {extract.label_name(k): v for k, v in extract.json_texts(line).items()}


def label_step(test: tree.LabelTest) -> Step:
    """The test of a label filter; a value that cannot be compared keeps the line with `__error__`, as Loki does."""
    if isinstance(test, tree.Junction):
        left, right = label_step(test.left), label_step(test.right)
        if test.op == "and":
            return lambda entry: left(entry) and right(entry)
        return lambda entry: left(entry) or right(entry)
    if test.kind == "string":
        matcher = tree.Matcher(test.label, test.op, str(test.value))
        return lambda entry: store.matches_one(entry.labels.get(matcher.label, ""), matcher)
    if test.kind == "ip":
        wanted = extract.address_range(str(test.value))
        return lambda entry: extract.has_address(entry.labels.get(test.label, ""), wanted) == (test.op == "=")
    return _numeric_step(test)


def _numeric_step(test: tree.Condition) -> Step:
    compare = _NUMERIC[test.op]
    convert = NUMBERS[test.kind]
    limit = float(test.value)

    def step(entry: Entry) -> bool:
        text = entry.labels.get(test.label)
        if text is None:
            return False
        try:
            return compare(convert(text), limit)
        except ValueError as error:
            entry.fail("LabelFilterErr", str(error))
            return True

    return step


def _seconds(text: str) -> float:
    return lexer.duration_ns(text) / 1e9


NUMBERS: dict[str, Callable[[str], float]] = {
    "number": float,
    "": float,
    "duration": _seconds,
    "duration_seconds": _seconds,
    "bytes": lexer.bytes_count,
}
