"""What an engine may spend on one query, and which generation of Prometheus it imitates."""

import dataclasses
import enum


class Dialect(enum.Enum):
    """Where the meaning of a query changed between major versions (prometheus.io/docs/prometheus/latest/migration).

    V3: range selectors and the lookback are open on the left, `.` in regular expressions matches newlines, label names are any
    UTF-8, a counter is not extrapolated below zero by the half-interval rule either. V2 is Prometheus up to 2.55.
    """

    V2 = "2"
    V3 = "3"


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """Reaching one raises errors.QueryTooLarge (points per series are the HTTP API's rule, checked by range queries)."""

    query_chars: int = 100_000
    operators: int = 1_000  # in one query
    depth: int = 80  # of parentheses, arguments and signs; the parser and the walk over its tree recurse
    series: int = 200_000  # that one selector may select
    points_per_series: int = 11_000  # Prometheus's own figure (web/api/v1)
    samples: int = 10_000_000  # held at once by one step of the evaluation: --query.max-samples
    window_samples: int = 400_000_000  # looked at by one range function, counting every overlap
    subquery_points: int = 1_000_000  # inner evaluations of one subquery
    label_chars: int = 10_000_000  # of the labels that one label_replace or label_join makes
    work: int = 500_000_000  # units of `budget`: about five seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """`lookback_ms`: how old a sample may be and still count as the current one; `experimental`: accept functions that a real
    server only knows behind a feature flag."""

    dialect: Dialect = Dialect.V3
    limits: Limits = dataclasses.field(default_factory=Limits)
    lookback_ms: int = 300_000
    default_step_ms: int = 60_000  # of a subquery without one: the server's evaluation interval
    experimental: bool = True
