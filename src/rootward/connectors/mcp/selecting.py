"""What a tool cannot select or put together is done here, over the rows that it gave: labels, texts, aggregates."""

import re
from collections.abc import Mapping

import numpy as np

from rootward import errors
from rootward.signals import protocols, series

SERVICE_LABELS = frozenset({"service", "service_name", "app"})


def names(query: protocols.LogQuery) -> dict[str, str]:
    """What a question says that arguments may hold: the one service that it is about, and the first text that lines contain."""
    about = (one.value for one in query.matchers if one.operator == "=" and one.label in SERVICE_LABELS)
    return {"service": next(about, ""), "query": query.contains[0] if query.contains else ""}


def matches(matcher: protocols.Matcher, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.label, "")
    if matcher.operator in ("=", "!="):
        return bool((value == matcher.value) == (matcher.operator == "="))
    try:
        found = re.fullmatch(matcher.value, value) is not None
    except re.error as error:
        raise errors.QueryRejected(f"{matcher.value!r} is no regular expression: {error}") from error
    return found == (matcher.operator == "=~")


def selects(query: protocols.LogQuery, labels: Mapping[str, str], text: str) -> bool:
    lowered = text.lower()
    return (
        all(matches(one, labels) for one in query.matchers)
        and all(one.lower() in lowered for one in query.contains)
        and not any(one.lower() in lowered for one in query.excludes)
    )


def put_together(query: protocols.MetricQuery, found: series.SeriesSet) -> list[series.Series]:
    """The series that a question selects, fallen together as it asks; a moment without any value stays without."""
    chosen = [one for one in found if all(matches(matcher, one.labels) for matcher in query.matchers)]
    if query.aggregate is None:
        return chosen
    groups: dict[tuple[tuple[str, str], ...], list[series.Series]] = {}
    for one in chosen:
        groups.setdefault(
            tuple((label, one.labels[label]) for label in sorted(query.by) if label in one.labels), []
        ).append(one)
    made = []
    for key, group in sorted(groups.items()):
        values = np.vstack([one.values for one in group])
        known = ~np.isnan(values)
        count = known.sum(axis=0)
        empty = count == 0
        total = np.where(known, values, 0.0).sum(axis=0)
        folded = {
            "sum": total,
            "avg": total / np.maximum(count, 1),
            "count": count.astype(np.float64),
            "max": np.where(known, values, -np.inf).max(axis=0),
            "min": np.where(known, values, np.inf).min(axis=0),
        }[query.aggregate]
        made.append(series.Series(dict(key), group[0].times_s, np.where(empty, np.nan, folded)))
    return made
