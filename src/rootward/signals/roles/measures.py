"""What metrics are usually made of: requests (rate, failures, durations), gauges, counters, ratios of two metrics, means.

Each function here makes an `Expand` for the tables of conventions.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from rootward.signals import protocols
from rootward.signals.roles import binding, status
from rootward.signals.roles.family import Family
from rootward.signals.roles.role import Role
from rootward.signals.roles.table import Combine, Context, Expand, Matcher, make


def requests(
    *, rate: Role = Role.RATE, duration: bool = True, mean: Role = Role.DURATION_MEAN, statuses: Sequence[str] = ()
) -> Expand:
    """Requests, however they are exposed: rate and failures of a counter, and durations too of a histogram or summary.

    `statuses`: labels that carry the status by convention, used when the back end does not tell which labels exist.
    """

    def expand(context: Context) -> Iterable[binding.Binding]:
        family = context.family
        if family.kind == "gauge":
            return
        if family.kind in ("counter", "unknown"):
            counted = family.name
        elif family.kind == "summary" and "_count" not in family.parts:
            counted = ""
        else:
            counted = f"{family.name}_count" if "_count" in family.parts else ""
        if counted:
            yield from _counts(context, counted, rate, statuses)
        if duration and family.kind not in ("counter", "unknown"):
            yield from durations(mean=mean)(context)

    return expand


def _counts(context: Context, metric: str, rate: Role, statuses: Sequence[str]) -> Iterable[binding.Binding]:
    every = protocols.MetricQuery(metric, function="rate")
    yield make(context, rate, (every,), unit="{request}/s")
    failed = status.failures(context.family.labels, statuses)
    if failed is not None and context.view.observer is not None and failed.label in status.ABSENT_ON_FAILURE:
        terms = (dataclasses.replace(every, matchers=(Matcher(failed.label, "=~", status.ANSWERED),)), every)
        yield make(context, Role.ERROR_RATIO, terms, combine=Combine.LACK_RATIO, unit="1")
        yield make(context, Role.ERROR_RATE, terms, combine=Combine.LACK, unit="{request}/s")
    elif failed is not None:
        terms = (dataclasses.replace(every, matchers=(failed,)), every)
        yield make(context, Role.ERROR_RATIO, terms, combine=Combine.FAILURE_RATIO, unit="1")
        yield make(context, Role.ERROR_RATE, terms, combine=Combine.FAILURES, unit="{request}/s")
    refused = status.throttled(context.family.labels)
    if refused is not None:
        terms = (dataclasses.replace(every, matchers=(refused,)), every)
        yield make(context, Role.THROTTLED_REQUESTS, terms, combine=Combine.FAILURES, unit="{request}/s")


QUANTILES = ((0.5, Role.DURATION_P50), (0.9, Role.DURATION_P90), (0.99, Role.DURATION_P99))


def durations(*, mean: Role = Role.DURATION_MEAN, quantiles: bool = True, default_scale: float = 1.0) -> Expand:
    """Mean, and the quantiles that a histogram's buckets or a summary's series give."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        family = context.family
        scale = family.scale if family.unit else default_scale
        if {"_sum", "_count"} <= family.parts:
            terms = [protocols.MetricQuery(family.name + part, function="rate") for part in ("_sum", "_count")]
            yield make(context, mean, terms, combine=Combine.RATIO, scale=scale, unit="s")
        if not quantiles or mean is not Role.DURATION_MEAN:
            return
        if family.kind == "histogram" and "_bucket" in family.parts:
            for quantile, role in QUANTILES:
                term = protocols.MetricQuery(f"{family.name}_bucket", function="rate", quantile=quantile)
                yield make(context, role, (term,), across="max", scale=scale, unit="s", pods=False)
        elif family.kind == "summary":
            for label, role in _summary_quantiles(family.quantiles):
                term = protocols.MetricQuery(family.name, (Matcher("quantile", "=", label),))
                yield make(context, role, (term,), across="max", scale=scale, unit="s")

    return expand


def _summary_quantiles(known: Sequence[str]) -> Iterable[tuple[str, Role]]:
    """(label, role): for each role the known quantile nearest to it."""
    for wanted, role, low, high in (
        (0.5, Role.DURATION_P50, 0.4, 0.6),
        (0.9, Role.DURATION_P90, 0.75, 0.96),
        (0.99, Role.DURATION_P99, 0.97, 0.9999),
    ):
        near = [label for label in known or ("0.5", "0.9", "0.99") if low <= _number(label) <= high]
        if near:
            yield min(near, key=lambda label: (abs(_number(label) - wanted), label)), role


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def gauge(
    role: Role, *, across: str = "sum", scale: float | None = None, unit: str = "", matchers: Sequence[Matcher] = (),
    combine: Combine = Combine.VALUE, detail: tuple[str, ...] = (),
) -> Expand:  # fmt: skip
    """The value as stored, in the role's unit."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        family = context.family
        term = protocols.MetricQuery(family.name, _existing(matchers, family))
        factor = family.scale if scale is None else scale
        yield make(
            context,
            role,
            (term,),
            combine=combine,
            across=across,
            scale=factor,
            unit=unit or family.unit,
            detail=detail,
        )

    return expand


def _existing(matchers: Sequence[Matcher], family: Family) -> tuple[Matcher, ...]:
    """Conventions spell a label differently over the years; conditions on the spellings that are not there are left out."""
    return tuple(one for one in matchers if family.present is None or one.label in family.present)


def counter(
    role: Role, *, scale: float | None = None, unit: str = "", matchers: Sequence[Matcher] = (), increase: bool = False,
    detail: tuple[str, ...] = (), part: str = "",
) -> Expand:  # fmt: skip
    """Per second (or per window with `increase`); a gauge of that name is taken to hold the rate already."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        family = context.family
        function = "value" if family.kind == "gauge" else ("increase" if increase else "rate")
        term = protocols.MetricQuery(family.name + part, _existing(matchers, family), function=function)  # type: ignore[arg-type]
        factor = family.scale if scale is None else scale
        yield make(context, role, (term,), scale=factor, unit=unit or (f"{family.unit or '1'}/s"), detail=detail)

    return expand


def gauge_rate(role: Role, *, unit: str = "") -> Expand:
    """The rate of something that only grows but is exposed as a gauge: offsets, positions."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        term = protocols.MetricQuery(context.family.name, function="rate")
        yield make(context, role, (term,), unit=unit)

    return expand


def ratio(
    role: Role, find: str, replace: str, *, combine: Combine = Combine.RATIO, counted: bool = True, unit: str = "1",
    across: str = "sum", matchers: Sequence[Matcher] = (), scale: float = 1.0, detail: tuple[str, ...] = (),
) -> Expand:  # fmt: skip
    """Two metrics of one exporter, the other's name being this one's with `find` (a regular expression) replaced.

    Nothing is bound when the other does not exist. `counted`: both are counters, so their rates are compared.
    """

    def expand(context: Context) -> Iterable[binding.Binding]:
        family = context.family
        other = re.sub(find, replace, family.name)
        if other == family.name or other not in context.families:
            return
        rated = counted and family.kind != "gauge"
        function = "rate" if rated else "value"
        terms = [
            protocols.MetricQuery(name, tuple(matchers), function=function)  # type: ignore[arg-type]
            for name in (family.name, other)
        ]
        yield make(context, role, terms, combine=combine, across=across, scale=scale, unit=unit, detail=detail)

    return expand


def labelled_ratio(
    role: Role,
    part: Sequence[Matcher],
    whole: Sequence[Matcher] = (),
    *,
    combine: Combine = Combine.RATIO,
    unit: str = "1",
) -> Expand:
    """The share of one counter that some label values make up: hits of all lookups, non-zero answers of all answers."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        family = context.family
        if family.present is not None and any(one.label not in family.present for one in part):
            return
        name = f"{family.name}_count" if family.kind in ("histogram", "mean") else family.name
        terms = [protocols.MetricQuery(name, tuple(chosen), function="rate") for chosen in (part, whole)]
        yield make(context, role, terms, combine=combine, unit=unit)

    return expand


def failures_of(role: Role, part: Sequence[Matcher], *, unit: str) -> Expand:
    """The rate of the part of a counter that means failure; zero, not missing, while the counter itself moves."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        terms = [protocols.MetricQuery(context.family.name, tuple(chosen), function="rate") for chosen in (part, ())]
        yield make(context, role, terms, combine=Combine.FAILURES, unit=unit)

    return expand


def part_of_gauge(role: Role, part: Sequence[Matcher], *, unit: str) -> Expand:
    """What some label values make up of a gauge; zero, not missing, while the rest of it is there. Only where the labels exist."""

    def expand(context: Context) -> Iterable[binding.Binding]:
        present = context.family.present
        if present is not None and all(one.label in present for one in part):
            terms = [protocols.MetricQuery(context.family.name, tuple(chosen)) for chosen in (part, ())]
            yield make(context, role, terms, combine=Combine.FAILURES, unit=unit)

    return expand


def unless(other: str, expand: Expand) -> Expand:
    """`expand`, but only where the metric `other`, which says it better, does not exist."""

    def chosen(context: Context) -> Iterable[binding.Binding]:
        return () if other in context.families else expand(context)

    return chosen
