"""The syntax tree of LogQL: plain frozen records that the parser builds and the evaluator reads."""

import dataclasses
from typing import TypeAlias


@dataclasses.dataclass(frozen=True, slots=True)
class Matcher:
    """`op`: = | != | =~ | !~; regular expressions are anchored at both ends."""

    label: str
    op: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True)
class LineFilter:
    """`op`: |= | != | |~ | !~ | |> | !>; `values` are joined by `or`. `ip` means that values are addresses or ranges."""

    op: str
    values: tuple[str, ...]
    ip: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Parse:
    """`kind`: json | logfmt | pattern | regexp | unpack. `fields`: (label, expression) pairs of `json a="b.c"`."""

    kind: str
    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    keep_empty: bool = False
    strict: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a label. `kind`: string | number | duration | bytes | ip; durations compare in seconds."""

    label: str
    op: str
    value: str | float
    kind: str


@dataclasses.dataclass(frozen=True, slots=True)
class Junction:
    """`op`: and | or."""

    op: str
    left: "LabelTest"
    right: "LabelTest"


LabelTest: TypeAlias = Condition | Junction


@dataclasses.dataclass(frozen=True, slots=True)
class LabelFilter:
    test: LabelTest


@dataclasses.dataclass(frozen=True, slots=True)
class LineFormat:
    template: str


@dataclasses.dataclass(frozen=True, slots=True)
class LabelFormat:
    """(new label, source, whether the source is a template rather than a label's name)."""

    assignments: tuple[tuple[str, str, bool], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Retain:
    """`drop` or `keep` of labels by name, or by name and value."""

    keep: bool
    names: tuple[str, ...]
    matchers: tuple[Matcher, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Decolorize:
    """Removes ANSI colour sequences."""


Stage: TypeAlias = LineFilter | Parse | LabelFilter | LineFormat | LabelFormat | Retain | Decolorize


@dataclasses.dataclass(frozen=True, slots=True)
class LogQuery:
    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Unwrap:
    """`conversion`: "" | bytes | duration | duration_seconds; `filters` stand after the unwrap."""

    label: str
    conversion: str = ""
    filters: tuple[LabelFilter, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Grouping:
    without: bool
    labels: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class RangeAggregation:
    op: str
    query: LogQuery
    range_ns: int
    offset_ns: int = 0
    unwrap: Unwrap | None = None
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class VectorAggregation:
    op: str
    inner: "Metric"
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Matching:
    """How two vectors meet: `on` the labels or ignoring them; `group`: "" | left | right, with labels to `include`."""

    on: bool = False
    labels: tuple[str, ...] = ()
    group: str = ""
    include: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: "Metric"
    right: "Metric"
    as_bool: bool = False
    matching: Matching = Matching()


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Vector:
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class LabelReplace:
    inner: "Metric"
    target: str
    replacement: str
    source: str
    pattern: str


Metric: TypeAlias = RangeAggregation | VectorAggregation | Binary | Number | Vector | LabelReplace
Query: TypeAlias = LogQuery | Metric
