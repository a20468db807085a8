"""A hypothesis strategy for PromQL queries of every construct over a given vocabulary: valid by construction, deterministic in meaning.

Left out is what two right engines may answer differently: the order among equal values of topk, and sums whose rounding decides
a comparison.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

Query = st.SearchStrategy[str]


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """`metrics`: name → label → values. `counters` may be rated, `buckets` are classic histograms. `moments_s`: times within the data."""

    metrics: Mapping[str, Mapping[str, Sequence[str]]]
    counters: Sequence[str]
    buckets: Sequence[str]
    moments_s: Sequence[float]


RANGES = ("7s", "15s", "1m", "90s", "5m", "17m", "1h")
STEPS = ("5s", "10s", "23s", "1m", "")
SMOOTH = (
    "abs", "exp", "sqrt", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh",
    "acosh", "atanh", "deg", "rad", "timestamp", "sort", "sort_desc", "absent",
)  # fmt: skip
STEPPED = (
    "ceil", "floor", "sgn", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year",
)  # fmt: skip
OF_MATRIX = (
    "avg_over_time", "sum_over_time", "min_over_time", "max_over_time", "count_over_time", "last_over_time", "present_over_time",
    "stddev_over_time", "stdvar_over_time", "changes", "resets", "delta", "idelta", "deriv", "absent_over_time", "rate", "irate", "increase",
)  # fmt: skip
AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
ARITHMETIC = ("+", "-", "*", "/", "%", "^")  # atan2 keeps the metric's name in version 2
COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
NUMBERS = ("0", "1", "2", "0.5", "-1", "1e3", "3e8", "Inf", "NaN", "0x10")


class Queries:
    """Strategies by type: `scalar`, `vector`, `matrix`, each with a depth that runs out."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._words = vocabulary
        labels = {name for some in vocabulary.metrics.values() for name in some}
        self._labels = sorted(labels)
        self._some_labels = st.lists(st.sampled_from(self._labels), max_size=2, unique=True).map(", ".join)

    def any(self, depth: int = 3) -> Query:
        """A whole query."""
        return st.one_of(self.vector(depth), self.vector(depth), self.scalar(depth))

    def _matcher(self, name: str) -> Query:
        labels = self._words.metrics[name]
        if not labels:
            return st.just('nothing=""')

        def of(label: str) -> Query:
            value = st.sampled_from(list(labels[label]))
            return st.one_of(
                value.map(lambda text: f'{label}="{text}"'),
                value.map(lambda text: f'{label}!="{text}"'),
                value.map(lambda text: f'{label}=~"{text.lstrip("+")[:2]}.*|x"'),
                value.map(lambda text: f"{label}!~'.*{text[-1:]}'"),
                st.sampled_from([f'{label}=~".+"', f'{label}!=""', f'{label}=~"(?i:A)?.*"']),
            )

        return st.sampled_from(sorted(labels)).flatmap(of)

    def selector(self, names: Sequence[str] = ()) -> Query:
        def of(name: str) -> Query:
            matchers = st.lists(self._matcher(name), max_size=2).map(",".join)
            return matchers.map(lambda inside: f"{name}{{{inside}}}" if inside else name)

        return st.sampled_from(sorted(names or self._words.metrics)).flatmap(of)

    def _placed(self) -> Query:
        """Where in time: offset, @, both in either order, or most often nothing."""
        offset = st.sampled_from([" offset 1m", " offset 37s", " offset -20s"])
        at = st.sampled_from([*(f" @ {moment}" for moment in self._words.moments_s), " @ start()", " @ end()"])
        return st.one_of(
            st.just(""), st.just(""), offset, at, st.tuples(offset, at).map("".join), st.tuples(at, offset).map("".join)
        )

    def matrix(self, depth: int, names: Sequence[str] = (), *, placed: bool = True) -> Query:
        where = self._placed() if placed else st.just("")
        plain = st.tuples(self.selector(names), st.sampled_from(RANGES), where).map(lambda t: f"{t[0]}[{t[1]}]{t[2]}")
        if depth <= 0:
            return plain
        inner = self.vector(depth - 1).map(lambda text: f"({text})")
        window = st.sampled_from(RANGES[1:5])
        nested = st.tuples(inner, window, st.sampled_from(STEPS), where).map(lambda t: f"{t[0]}[{t[1]}:{t[2]}]{t[3]}")
        return st.one_of(plain, plain, nested)

    def scalar(self, depth: int) -> Query:
        plain = st.sampled_from([*NUMBERS, "time()", "pi()"])
        if depth <= 0:
            return plain
        return st.one_of(
            plain,
            self.vector(depth - 1).map(lambda text: f"scalar({text})"),
            st.tuples(
                self.scalar(depth - 1), st.sampled_from([*ARITHMETIC, "< bool", "== bool"]), self.scalar(depth - 1)
            ).map(lambda t: f"({' '.join(t)})"),
            self.scalar(depth - 1).map(lambda text: f"-({text})"),
        )

    def vector(self, depth: int) -> Query:
        plain = st.tuples(self.selector(), self._placed()).map("".join)
        if depth <= 0:
            return plain
        inner, few = self.vector(depth - 1), st.sampled_from(["1", "0.5", "2", "10"])
        return st.one_of(
            plain,
            st.tuples(st.sampled_from(SMOOTH), inner).map(lambda t: f"{t[0]}({t[1]})"),
            # Of raw samples only: rounding would decide where a calculated value falls.
            st.tuples(st.sampled_from(STEPPED), plain).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(st.sampled_from(OF_MATRIX), self.matrix(depth - 1)).map(lambda t: f"{t[0]}({t[1]})"),
            self._parametrised(depth, inner, few),
            self._aggregated(depth, inner),
            self._with_scalar(depth, inner),
            self._paired(inner),
            self._histogram(depth),
            self._relabelled(inner),
            self.scalar(depth - 1).map(lambda text: f"vector({text})"),
            inner.map(lambda text: f"-({text})"),
        )

    def _parametrised(self, depth: int, inner: Query, few: Query) -> Query:
        quantile = st.sampled_from(["0.5", "0.9", "1", "0", "-1", "1.5", "NaN"])
        return st.one_of(
            st.tuples(self.vector(0), few).map(lambda t: f"round({t[0]}, {t[1]})"),
            st.tuples(inner, few, few).map(lambda t: f"clamp({t[0]}, {t[1]}, {t[2]})"),
            st.tuples(st.sampled_from(["clamp_min", "clamp_max"]), inner, few).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
            st.tuples(quantile, self.matrix(depth - 1)).map(lambda t: f"quantile_over_time({t[0]}, {t[1]})"),
            # Without @: Prometheus 2 then answers only the first steps of a range.
            st.tuples(self.matrix(depth - 1, placed=False), few).map(lambda t: f"predict_linear({t[0]}, {t[1]})"),
        )

    def _aggregated(self, depth: int, inner: Query) -> Query:
        grouping = st.one_of(
            st.just(""),
            self._some_labels.map(lambda names: f" by ({names})"),
            self._some_labels.map(lambda names: f" without ({names})"),
        )
        quantile = st.sampled_from(["0.5", "0.99", "0", "2"])
        after = st.tuples(st.sampled_from(AGGREGATIONS), inner, grouping).map(lambda t: f"{t[0]}({t[1]}){t[2]}")
        before = st.tuples(st.sampled_from(AGGREGATIONS), grouping, inner).map(lambda t: f"{t[0]}{t[1]} ({t[2]})")
        return st.one_of(
            after,
            before,
            st.tuples(grouping, quantile, inner).map(lambda t: f"quantile{t[0]} ({t[1]}, {t[2]})"),
            st.tuples(grouping, inner).map(lambda t: f'count_values{t[0]} ("value", {t[1]} > bool 3)'),
            # Counts of the chosen, so that ties may fall either way.
            st.tuples(
                st.sampled_from(["topk", "bottomk"]), grouping, st.sampled_from(["1", "2", "0", "1e3"]), inner
            ).map(lambda t: f"count({t[0]}{t[1]} ({t[2]}, {t[3]}))"),
        )

    def _with_scalar(self, depth: int, inner: Query) -> Query:
        operators = st.sampled_from([*ARITHMETIC, *COMPARISONS, *(f"{one} bool" for one in COMPARISONS)])
        ordered = st.sampled_from(["0", "1", "2.5", "3e8", "1e10", "1.7e9"])
        return st.one_of(
            st.tuples(inner, operators, ordered).map(lambda t: f"({t[0]}) {t[1]} {t[2]}"),
            st.tuples(self.scalar(depth - 1), st.sampled_from(ARITHMETIC), inner).map(
                lambda t: f"({t[0]}) {t[1]} ({t[2]})"
            ),
        )

    def _paired(self, inner: Query) -> Query:
        """Two vectors; matching may fail, which both engines must say."""
        on = st.tuples(st.sampled_from(["on", "ignoring"]), self._some_labels).map(lambda t: f" {t[0]} ({t[1]})")
        group = st.tuples(
            st.sampled_from(["group_left", "group_right"]), st.sampled_from([" ()", " (type)", " (mode)"])
        ).map("".join)
        matching = st.one_of(st.just(""), on, st.tuples(on, group).map(" ".join))
        arithmetic = st.tuples(st.sampled_from([*ARITHMETIC, "> bool", "!="]), matching)
        sets = st.tuples(st.sampled_from(["and", "or", "unless"]), st.one_of(st.just(""), on))
        operator = st.one_of(arithmetic, sets).map("".join)
        return st.tuples(inner, operator, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})")

    def _histogram(self, depth: int) -> Query:
        quantile = st.sampled_from(["0.5", "0.9", "0.99", "0", "1", "-0.1", "1.1", "NaN"])
        if not self._words.buckets:
            return self.vector(0)
        rates = st.tuples(self.selector(self._words.buckets), st.sampled_from(RANGES[2:6])).map(
            lambda t: f"rate({t[0]}[{t[1]}])"
        )
        summed = st.tuples(self._some_labels, rates).map(lambda t: f"sum by ({t[0]}{', ' * bool(t[0])}le) ({t[1]})")
        buckets = st.one_of(self.selector(self._words.buckets), rates, summed, self.vector(max(depth - 2, 0)))
        return st.tuples(quantile, buckets).map(lambda t: f"histogram_quantile({t[0]}, {t[1]})")

    def _relabelled(self, inner: Query) -> Query:
        label = st.sampled_from(self._labels)
        pattern = st.sampled_from(["(.*)", "([a-z]+).*", "(?P<head>.).*", "x|y", "", ".+"])
        replacement = st.sampled_from(["$1", "a-${1}-$$", "$head", "", "fixed"])
        target = st.sampled_from(["extra", "type", "__name__"])
        return st.one_of(
            st.tuples(inner, target, replacement, label, pattern).map(
                lambda t: f'label_replace({t[0]}, "{t[1]}", "{t[2]}", "{t[3]}", "{t[4]}")'
            ),
            st.tuples(inner, label, label).map(lambda t: f'label_join({t[0]}, "joined", "-", "{t[1]}", "{t[2]}")'),
        )


def broken(queries: Query) -> Query:
    """Queries with something cut out, doubled or put in: mostly wrong, in all kinds of ways."""
    scraps = st.sampled_from(
        [
            "(",
            ")",
            "{",
            "}",
            "[",
            "]",
            ",",
            "=",
            "=~",
            '"',
            "by",
            "on(",
            "bool",
            "offset",
            "@",
            "5m",
            "sum",
            "-",
            "and",
            "%",
            " ",
            "1",
            "rate(",
            ":",
            "!",
            "é",
        ]
    )

    def change(query: str) -> Query:
        at = st.integers(0, len(query))
        return st.one_of(
            st.tuples(at, scraps).map(lambda t: query[: t[0]] + t[1] + query[t[0] :]),
            st.tuples(at, at).map(lambda t: query[: min(t)] + query[max(t) :]),
            st.tuples(at, st.integers(1, 3)).map(lambda t: query[: t[0]] + query[t[0] + t[1] :]),
        )

    return queries.flatmap(change)
