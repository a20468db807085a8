"""Runs a log query's stages over lines: plain line filters in bulk, everything after them line by line."""

import re
from collections.abc import Callable, Iterator, Sequence

from rootward import errors
from rootward.dojo.engines.logql import extract, lexer, regex, store, templates, tree

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
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

    __slots__ = ("base", "labels", "line", "row")

    def __init__(self, row: int, line: str, base: dict[str, str]) -> None:
        self.row = row
        self.line = line
        self.base = base
        self.labels = base

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
LineTest = Callable[[str], bool]


class Pipeline:
    """A compiled list of stages over one store."""

    def __init__(self, log_store: store.LogStore, stages: Sequence[tree.Stage]) -> None:
        self._store = log_store
        first = next((i for i, stage in enumerate(stages) if not isinstance(stage, tree.LineFilter)), len(stages))
        self._tests = [line_test(stage) for stage in stages[:first] if isinstance(stage, tree.LineFilter)]
        self._steps = [_step(stage) for stage in stages[first:]]
        self.only_filters = first == len(stages)

    def passing(self, rows: list[int]) -> list[int]:
        """Rows that the leading line filters let through."""
        lines = self._store.lines
        for test in self._tests:
            rows = [row for row in rows if test(lines[row])]
        return rows

    def entries(self, rows: list[int]) -> Iterator[Entry]:
        """Entries that pass every stage, in the order of `rows`."""
        log_store = self._store
        for row in self.passing(rows):
            base = log_store.streams[log_store.stream[row]]
            if log_store.has_metadata and (metadata := log_store.metadata(row)):
                base = {**base, **metadata}
            entry = Entry(row, log_store.lines[row], base)
            if all(step(entry) for step in self._steps):
                yield entry


def line_test(stage: tree.LineFilter) -> LineTest:
    """The test of one line filter; several values are alternatives, and a negative filter refuses any of them."""
    tests = [_one_line_test(stage, value) for value in stage.values]
    if stage.op.startswith("!"):
        if len(tests) == 1:
            refuse = tests[0]
            return lambda line: not refuse(line)
        return lambda line: not any(test(line) for test in tests)
    return tests[0] if len(tests) == 1 else lambda line: any(test(line) for test in tests)


def _one_line_test(stage: tree.LineFilter, value: str) -> LineTest:
    if stage.ip:
        wanted = extract.address_range(value)
        return lambda line: extract.has_address(line, wanted)
    if stage.op.endswith("~"):
        search = regex.compile_re2(value, anchored=False).search
        return lambda line: search(line) is not None
    if stage.op.endswith(">"):
        return lambda line: extract.matches_pattern(line, value)
    return lambda line: value in line


def _step(stage: tree.Stage) -> Step:
    match stage:
        case tree.LineFilter():
            test = line_test(stage)
            return lambda entry: test(entry.line)
        case tree.Parse():
            return _parse_step(stage)
        case tree.LabelFilter():
            return label_step(stage.test)
        case tree.LineFormat():
            return _line_format_step(templates.compile_template(stage.template))
        case tree.LabelFormat():
            return _label_format_step(stage)
        case tree.Retain():
            return _retain_step(stage)
        case tree.Decolorize():
            return _decolorize


def _decolorize(entry: Entry) -> bool:
    entry.line = _ANSI.sub("", entry.line)
    return True


def _line_format_step(render: templates.Render) -> Step:
    def step(entry: Entry) -> bool:
        try:
            entry.line = render(entry.labels, entry.line)
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
                labels[target] = render(labels, entry.line)
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
        labels = entry.own_labels()
        for name, value in found.items():
            if name == "_entry" and stage.kind == "unpack":
                entry.line = value
            elif name in entry.base:
                labels[f"{name}_extracted"] = value
            elif name not in labels or stage.fields:
                labels[name] = value
        return True

    return step


def _reader(stage: tree.Parse) -> Callable[[str], dict[str, str]]:
    if stage.kind == "json" and stage.fields:
        return lambda line: extract.json_fields(line, stage.fields)
    if stage.kind in ("json", "unpack"):
        return _unpack if stage.kind == "unpack" else extract.json_labels
    if stage.kind == "pattern":
        return lambda line: extract.pattern_labels(line, stage.text)
    if stage.kind == "regexp":
        return lambda line: extract.regexp_labels(line, stage.text)

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
