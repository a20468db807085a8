"""PromQL's functions and their arguments, as promql/parser/functions.go of prometheus/prometheus (3.x) lists them."""

import dataclasses

from rootward.dojo.engines.promql import options, tree

_SCALAR, _STRING, _VECTOR, _MATRIX = tree.Kind.SCALAR, tree.Kind.STRING, tree.Kind.VECTOR, tree.Kind.MATRIX


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """`variadic`: how many of the last argument may be left out or repeated; 0 none, -1 any number more.

    `experimental` functions need a feature flag on a real server. `since_v3`: unknown before version 3.
    """

    name: str
    arguments: tuple[tree.Kind, ...]
    gives: tree.Kind = tree.Kind.VECTOR
    variadic: int = 0
    experimental: bool = False
    since_v3: bool = False

    @property
    def least(self) -> int:
        return len(self.arguments) - (1 if self.variadic else 0)

    @property
    def most(self) -> float:
        if self.variadic < 0:
            return float("inf")
        return len(self.arguments) if not self.variadic else len(self.arguments) - 1 + self.variadic


_OF_VECTOR = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "cos",
    "cosh",
    "deg",
    "exp",
    "floor",
    "ln",
    "log10",
    "log2",
    "rad",
    "sgn",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "absent",
    "sort",
    "sort_desc",
    "timestamp",
    "histogram_count",
    "histogram_sum",
]
_OF_VECTOR_SINCE_V3 = ("histogram_avg", "histogram_stddev", "histogram_stdvar")
_OF_MATRIX = [
    "absent_over_time",
    "avg_over_time",
    "changes",
    "count_over_time",
    "delta",
    "deriv",
    "idelta",
    "increase",
    "irate",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "rate",
    "resets",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
]
_OF_MATRIX_EXPERIMENTAL = [
    "mad_over_time",
    "first_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
]
_CALENDAR = ["day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"]

_ALL = (
    *(Signature(name, (_VECTOR,)) for name in _OF_VECTOR),
    *(Signature(name, (_VECTOR,), since_v3=True) for name in _OF_VECTOR_SINCE_V3),
    *(Signature(name, (_MATRIX,)) for name in _OF_MATRIX),
    *(Signature(name, (_MATRIX,), experimental=True, since_v3=True) for name in _OF_MATRIX_EXPERIMENTAL),
    *(Signature(name, (_VECTOR,), variadic=1) for name in _CALENDAR),
    Signature("clamp", (_VECTOR, _SCALAR, _SCALAR)),
    Signature("clamp_max", (_VECTOR, _SCALAR)),
    Signature("clamp_min", (_VECTOR, _SCALAR)),
    Signature("double_exponential_smoothing", (_MATRIX, _SCALAR, _SCALAR), experimental=True, since_v3=True),
    Signature("histogram_fraction", (_SCALAR, _SCALAR, _VECTOR)),
    Signature("histogram_quantile", (_SCALAR, _VECTOR)),
    Signature("info", (_VECTOR, _VECTOR), variadic=1, experimental=True, since_v3=True),
    Signature("label_join", (_VECTOR, _STRING, _STRING, _STRING), variadic=-1),
    Signature("label_replace", (_VECTOR, _STRING, _STRING, _STRING, _STRING)),
    Signature("pi", (), _SCALAR),
    Signature("predict_linear", (_MATRIX, _SCALAR)),
    Signature("quantile_over_time", (_SCALAR, _MATRIX)),
    Signature("round", (_VECTOR, _SCALAR), variadic=1),
    Signature("scalar", (_VECTOR,), _SCALAR),
    Signature("sort_by_label", (_VECTOR, _STRING), variadic=-1, experimental=True, since_v3=True),
    Signature("sort_by_label_desc", (_VECTOR, _STRING), variadic=-1, experimental=True, since_v3=True),
    Signature("time", (), _SCALAR),
    Signature("vector", (_SCALAR,)),
)
_BY_NAME = {one.name: one for one in _ALL}
_HOLT_WINTERS = Signature("holt_winters", (_MATRIX, _SCALAR, _SCALAR))

PARAMETERS = {  # aggregation operators that take one
    "topk": _SCALAR,
    "bottomk": _SCALAR,
    "quantile": _SCALAR,
    "limitk": _SCALAR,
    "limit_ratio": _SCALAR,
    "count_values": _STRING,
}
PLAIN = frozenset({"sum", "avg", "count", "min", "max", "group", "stddev", "stdvar"})
EXPERIMENTAL_AGGREGATIONS = frozenset({"limitk", "limit_ratio"})


def find(name: str, dialect: options.Dialect) -> Signature | None:
    """The function that a server of that generation knows by this name."""
    if dialect is options.Dialect.V2:
        found = _HOLT_WINTERS if name == "holt_winters" else _BY_NAME.get(name)
        return None if found is None or found.since_v3 else found
    return _BY_NAME.get(name)
