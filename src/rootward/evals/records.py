"""What one run of a suite leaves behind: a header and a row per investigation, as lines of JSON that can be appended and read again.

Everything that reports, comparisons and trends say is computed from these rows; they carry what happened, not what to think of it.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from rootward import errors

FORMAT = "rootward-run-1"
KINDS = ("rate", "share", "amount")
Key = tuple[str, str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """What one score means. `kind`: rate (0 or 1 a row), share (0..1 a row) or amount (not negative, in `unit`)."""

    name: str
    title: str
    kind: str = "rate"
    better: str = "higher"
    unit: str = ""
    gate: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One scenario, investigated once.

    `scenario` is the same in every run over the suite; `perturbation` is empty for the scenario as it stands. `scores` leaves out what
    does not apply. `failure` labels the mode of failure (empty when right). `fault` is the true kind, `answered` the one named first.
    `verdict` and `evidence` are what was answered and looked at, with renamed terms mapped back. `confidence` (0..1) was stated for the
    first answer, `right` says whether it held; both are None where it did not speak. `detail` belongs to the runner.
    """

    scenario: str
    scores: Mapping[str, float]
    segments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    repeat: int = 0
    perturbation: str = ""
    status: str = ""
    expected: str = ""
    failure: str = ""
    fault: str = ""
    answered: str = ""
    verdict: str = ""
    evidence: tuple[str, ...] = ()
    confidence: float | None = None
    right: bool | None = None
    seconds: float = 0.0
    probes: int = 0
    tokens: int = 0
    cost: float = 0.0
    message: str = ""
    detail: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What tells this row from all others of its run."""
        return self.scenario, self.perturbation, self.repeat


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One subject on one suite. `started` is ISO 8601 or empty; `primary` names the measure that the headline is about.

    `traffic` gives segments (`field=value`) their share of real traffic; without it each scenario weighs the same.
    """

    suite: str
    digest: str
    subject: str
    version: str
    started: str
    seed: int
    measures: tuple[Measure, ...]
    primary: str
    rows: tuple[Row, ...] = ()
    traffic: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        """How reports call this run."""
        return " ".join(part for part in (self.subject, self.version) if part)


def write_header(run: Run) -> str:
    """The first line of a run's file, without its end of line."""
    fields = {name: value for name, value in _fields(run).items() if name != "rows"}
    return _dump({"format": FORMAT, **fields, "measures": [_fields(measure) for measure in run.measures]})


def write_row(row: Row, *, with_seconds: bool = True) -> str:
    """One line; without seconds it is the same for every run of a deterministic subject."""
    fields = _fields(row)
    if not with_seconds:
        del fields["seconds"]
    return _dump(fields)


def read(lines: Iterable[str], *, source: str) -> Run:
    """The run that the lines tell of, rows in order of scenario, perturbation and repeat; of rows with one key the last counts.

    A last line that is torn, as a run that was interrupted leaves it, is passed over.

    Raises:
        RunError: the lines are not a run; names `source` and the line.
    """
    values = _values(lines, source)
    first = next(values, None)
    if first is None:
        raise errors.RunError(f"{source} is empty; a run begins with its header")
    run = _run(first[1], source)
    rows: dict[Key, Row] = {}
    for place, value in values:
        row = _row(value, f"{source}, line {place}", run)
        rows[row.key] = row
    return dataclasses.replace(run, rows=tuple(rows[key] for key in sorted(rows)))


def _values(lines: Iterable[str], source: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's object with its place; a line that is not JSON is only allowed to be the last, and not the first."""
    torn = 0
    for place, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if torn:
            raise errors.RunError(f"{source}, line {torn}: not JSON")
        value = _parse(line)
        if value is None:
            torn = place
        elif not isinstance(value, dict):
            raise errors.RunError(f"{source}, line {place}: expected an object")
        else:
            yield place, value
    if torn == 1:
        raise errors.RunError(f"{source} is not a run of evals: its first line is not JSON")


def _parse(line: str) -> Any:
    """None when the text is not JSON (a line that says `null` is no row either)."""
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        return None


def _run(value: dict[str, Any], source: str) -> Run:
    if value.get("format") != FORMAT:
        raise errors.RunError(
            f"{source} is not a run of evals: its first line has format {value.get('format')!r}, not {FORMAT!r}"
        )
    where = f"{source}, line 1"
    measures = tuple(_build(Measure, each, where) for each in _list(value.get("measures"), where))
    for measure in measures:
        if measure.kind not in KINDS:
            raise errors.RunError(
                f"{where}: measure {measure.name} has kind {measure.kind!r}; there are {', '.join(KINDS)}"
            )
    run = _build(Run, {**value, "measures": measures, "rows": ()}, where)
    if run.primary not in {
        measure.name for measure in measures if (measure.kind, measure.better) == ("rate", "higher")
    }:
        raise errors.RunError(
            f"{where}: the primary measure {run.primary!r} is no rate among the measures that is better higher"
        )
    return run


def _row(value: dict[str, Any], where: str, run: Run) -> Row:
    row = _build(Row, {**value, "evidence": tuple(_list(value.get("evidence", []), where))}, where)
    scores: Mapping[str, Any] = row.scores
    for name, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise errors.RunError(f"{where}: score {name!r} is no finite number")
    bounded = {measure.name for measure in run.measures if measure.kind != "amount"} & scores.keys()
    unit = [*(scores[name] for name in bounded), *([] if row.confidence is None else [row.confidence])]
    if not all(0 <= each <= 1 for each in unit):
        raise errors.RunError(f"{where}: rates, shares and confidence lie between 0 and 1")
    return row


_Record = TypeVar("_Record", Measure, Row, Run)
TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("scores", "segments", "detail", "traffic"), (dict,)),
    **dict.fromkeys(("repeat", "seed", "probes", "tokens"), (int,)),
    **dict.fromkeys(("seconds", "cost"), (int, float)),
    **dict.fromkeys(("rows", "measures", "evidence"), (tuple,)),
    "confidence": (int, float, type(None)),
    "right": (bool, type(None)),
    "gate": (bool,),
}
"""The types that fields have in JSON; all others are text."""


def _build(kind: type[_Record], value: Any, where: str) -> _Record:
    """A record from its JSON object: unknown fields are passed over (a later version wrote them), wrong types are not."""
    if not isinstance(value, dict):
        raise errors.RunError(f"{where}: expected an object")
    known = {field.name for field in dataclasses.fields(kind)}
    given = {name: each for name, each in value.items() if name in known}
    for name, each in given.items():
        if not isinstance(each, TYPES.get(name, (str,))):
            raise errors.RunError(f"{where}: field {name!r} cannot be {type(each).__name__}")
    try:
        return kind(**given)
    except TypeError as error:
        raise errors.RunError(f"{where}: {str(error).split('__init__() ')[-1]}") from error


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise errors.RunError(f"{where}: expected a list")
    return value


def _fields(record: Measure | Row | Run) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _dump(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
