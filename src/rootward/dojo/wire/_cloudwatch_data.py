"""Operations on metrics: ListMetrics, GetMetricData, GetMetricStatistics, with their parameters checked as CloudWatch checks them."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward import _clock, errors
from rootward.dojo.engines.cloudwatch import expressions
from rootward.dojo.engines.datadog import series
from rootward.dojo.wire import _cloudwatch_metrics as metrics
from rootward.dojo.wire import _cloudwatch_protocols as protocols

PAGE = 500
MAX_QUERIES = 500
MAX_POINTS = 100_800
MAX_STATISTICS_POINTS = 1_440
MAX_SEARCHED = 500
_STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)", re.ASCII)
_ID = re.compile(r"[a-z][A-Za-z0-9_]*", re.ASCII)
_SEARCH_SCHEMA = re.compile(r"\{\s*([^{},]+?)\s*((?:,\s*[^{},]+?\s*)*)\}")


def invalid(message: str, code: str = "InvalidParameterValueException") -> protocols.Refusal:
    names = {
        "InvalidParameterValueException": "InvalidParameterValue",
        "InvalidParameterCombinationException": "InvalidParameterCombination",
        "MissingRequiredParameterException": "MissingParameter",
    }
    return protocols.Refusal(code, message, query_code=names.get(code, code))


def seconds(data: Mapping[str, Any], name: str) -> float:
    """A time: a number, or ISO 8601; raises Refusal."""
    value = data.get(name)
    if value is None:
        raise invalid(f"The parameter {name} is required.", "MissingRequiredParameterException")
    try:
        found = (
            _clock.from_iso(value) if isinstance(value, str) and not value.replace(".", "").isdigit() else float(value)
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid(f"The parameter {name} must be a date") from error
    if not 0 <= found < 4_102_444_800:
        raise invalid(f"The parameter {name} is out of range")
    return found


def whole(data: Mapping[str, Any], name: str, default: int | None = None, *, most: int = 2**31 - 1) -> int:
    value = data.get(name, default)
    if value is None:
        raise invalid(f"The parameter {name} is required.", "MissingRequiredParameterException")
    try:
        found = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid(f"The parameter {name} must be a number") from error
    if isinstance(value, bool) or not 0 < found <= most:
        raise invalid(f"The parameter {name} must be greater than 0")
    return found


def text(data: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = data.get(name, default)
    if value is None:
        raise invalid(f"The parameter {name} is required.", "MissingRequiredParameterException")
    if not isinstance(value, str):
        raise invalid(f"The parameter {name} must be a string")
    return value


def listed(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise invalid(f"The parameter {name} must be a list")
    return value


def dimensions(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    out = []
    for one in listed(data, "Dimensions")[:30]:
        if not isinstance(one, Mapping):
            raise invalid("The parameter Dimensions must hold structures")
        out.append((text(one, "Name"), text(one, "Value", "")))
    return tuple(sorted(out))


def period_of(value: int) -> int:
    if value not in (1, 5, 10, 30) and value % 60:
        raise invalid("The parameter Period must be a multiple of 60, or one of 1, 5, 10, 30")
    return value


class Data:
    """The operations over one store."""

    def __init__(self, store: metrics.Store, clock: _clock.Clock) -> None:
        self._store = store
        self._clock = clock

    def list_metrics(self, data: Mapping[str, Any]) -> dict[str, Any]:
        namespace, name = text(data, "Namespace", ""), text(data, "MetricName", "")
        wanted = []
        for one in listed(data, "Dimensions")[:10]:
            if not isinstance(one, Mapping):
                raise invalid("The parameter Dimensions must hold structures")
            wanted.append((text(one, "Name"), text(one, "Value", "")))
        found = [
            key
            for key in self._store.metrics
            if (not namespace or key[0] == namespace) and (not name or key[1] == name) and _has(key[2], wanted)
        ]
        begin = _token(data)
        out: dict[str, Any] = {"Metrics": [metrics.shown(key) for key in found[begin : begin + PAGE]]}
        if begin + PAGE < len(found):
            out["NextToken"] = f"{begin + PAGE:08x}"
        return out

    def _window(self, data: Mapping[str, Any], period: int) -> series.Window:
        start_s, end_s = seconds(data, "StartTime"), seconds(data, "EndTime")
        if start_s >= end_s:
            raise invalid("The parameter StartTime must be less than the parameter EndTime.")
        first = start_s // period * period
        count = int(-(-(end_s - first) // period))
        if count > MAX_POINTS:
            raise invalid(
                f"You have requested up to {count} datapoints, which exceeds the limit of {MAX_POINTS}.",
                "InvalidParameterCombinationException",
            )
        return series.Window(first, float(period), max(count, 1), min(self._clock.now_s(), np.nextafter(end_s, 0)))

    def statistics(self, data: Mapping[str, Any]) -> dict[str, Any]:
        period = period_of(whole(data, "Period"))
        namespace, name = text(data, "Namespace"), text(data, "MetricName")
        plain = [str(one) for one in listed(data, "Statistics")]
        extended = [str(one) for one in listed(data, "ExtendedStatistics")]
        if not plain and not extended:
            raise invalid(
                "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
                "MissingRequiredParameterException",
            )
        for one in (*plain, *extended):
            _checked(one, allowed=_STATISTICS if one in plain else ())
        on = self._window(data, period)
        if on.count > MAX_STATISTICS_POINTS:
            raise invalid(
                f"You have requested up to {on.count:,} datapoints, which exceeds the limit of {MAX_STATISTICS_POINTS:,}. You may reduce the "
                "datapoints requested by increasing Period, or decreasing the time range.",
                "InvalidParameterCombinationException",
            )
        found = self._store.find(namespace, name, dimensions(data))
        values = {one: self._store.statistic(found, one, on) for one in (*plain, *extended)}
        unit = found[0].definition.unit if found else "None"
        points = []
        for i, at in enumerate(on.times_s.tolist()):
            if any(not np.isnan(row[i]) for row in values.values()):
                point: dict[str, Any] = {"Timestamp": protocols.Moment(at), "Unit": unit}
                point |= {one: float(values[one][i]) for one in plain if not np.isnan(values[one][i])}
                if extended:
                    point["ExtendedStatistics"] = {
                        one: float(values[one][i]) for one in extended if not np.isnan(values[one][i])
                    }
                points.append(point)
        return {"Label": name, "Datapoints": points}

    def get(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """GetMetricData."""
        queries = listed(data, "MetricDataQueries")
        if not queries or len(queries) > MAX_QUERIES:
            raise invalid(
                f"The collection MetricDataQueries must have between 1 and {MAX_QUERIES} elements.", "ValidationError"
            )
        parsed = [_query(one) for one in queries]
        periods = [period_of(whole(stat, "Period")) for _, stat, _, _ in parsed if stat] + [
            period_of(whole(one, "Period")) for one in queries if one.get("Expression") and one.get("Period")
        ]
        period = max(periods, default=0) or _searched_period([one for _, _, one, _ in parsed])
        on = self._window(data, period)
        if on.count * len(queries) > MAX_POINTS:
            raise invalid(f"You have requested more than the limit of {MAX_POINTS} datapoints.", "ValidationError")
        known: dict[str, list[expressions.Line]] = {}
        direct: dict[str, list[expressions.Line]] = {}
        for identifier, stat, _, label in parsed:
            if stat:
                known[identifier] = direct[identifier] = [self._line(stat, on, label)]
        scope = expressions.Scope(
            known, direct, on.count, period, lambda text, stat, _period: self._search(text, stat, on)
        )
        waiting = [(identifier, expression) for identifier, stat, expression, _ in parsed if not stat]
        _expressed(waiting, known, scope)
        newest_first = text(data, "ScanBy", "TimestampDescending") != "TimestampAscending"
        out = [
            _result(identifier, label, line, on, newest_first=newest_first, several=len(known[identifier]) > 1)
            for (identifier, _, _, label), one in zip(parsed, queries, strict=True)
            if one.get("ReturnData", True) not in (False, "false")
            for line in known[identifier]
        ]
        return {"MetricDataResults": out, "Messages": []}

    def _line(self, stat: Mapping[str, Any], on: series.Window, label: str) -> expressions.Line:
        metric = stat.get("Metric")
        if not isinstance(metric, Mapping):
            raise invalid("The parameter MetricStat.Metric is required.", "ValidationError")
        statistic = _checked(text(stat, "Stat"))
        found = self._store.find(text(metric, "Namespace"), text(metric, "MetricName"), dimensions(metric))
        return expressions.Line(label or text(metric, "MetricName"), self._store.statistic(found, statistic, on))

    def _search(self, expression: str, stat: str, on: series.Window) -> list[expressions.Line]:
        """`{Namespace,Dimension} MetricName="x" word`, as SEARCH has it."""
        found = _SEARCH_SCHEMA.match(expression.strip())
        rest = expression.strip()[found.end() :] if found else expression
        namespace = found[1].strip('" ') if found else ""
        names = {name.strip('" ') for name in found[2].split(",") if name.strip()} if found else set()
        words = re.findall(r'(?:(\w+)=)?("[^"]*"|[^\s"]+)', rest)
        _checked(stat)
        out = []
        for key, members in self._store.metrics.items():
            if (namespace and key[0] != namespace) or (found and names != {name for name, _ in key[2]}):
                continue
            if all(_fits(key, name, word.strip('"')) for name, word in words if word != "AND"):
                label = " ".join([*(value for _, value in key[2]), key[1]])
                out.append(expressions.Line(label, self._store.statistic(members, stat, on)))
                if len(out) >= MAX_SEARCHED or len(out) * on.count > MAX_POINTS:
                    break
        return [line for line in out if not np.isnan(line.values).all()]


def _has(have: Sequence[tuple[str, str]], wanted: Sequence[tuple[str, str]]) -> bool:
    known = dict(have)
    return all(name in known and (not value or known[name] == value) for name, value in wanted)


def _fits(key: tuple[str, str, metrics.Dimensions], name: str, word: str) -> bool:
    if name == "MetricName":
        return key[1] == word
    if name == "Namespace":
        return key[0] == word
    if name:
        return dict(key[2]).get(name, "") == word
    return any(
        fnmatch.fnmatchcase(one.lower(), f"*{word.lower()}*") for one in (key[0], key[1], *(v for _, v in key[2]))
    )


def _token(data: Mapping[str, Any]) -> int:
    given = text(data, "NextToken", "")
    try:
        return int(given, 16) if given else 0
    except ValueError as error:
        raise invalid("The parameter NextToken is invalid") from error


def _checked(statistic: str, allowed: Sequence[str] = _STATISTICS) -> str:
    if statistic not in allowed and not _PERCENTILE.fullmatch(statistic):
        raise invalid(f"The value {statistic[:40]} for parameter Stat is not supported.", "ValidationError")
    return statistic


def _query(one: Any) -> tuple[str, Mapping[str, Any], str, str]:
    """(id, its MetricStat or nothing, its expression, its label)."""
    if not isinstance(one, Mapping) or not _ID.fullmatch(str(one.get("Id", ""))):
        raise invalid("The value for Id must start with a lowercase letter.", "ValidationError")
    stat, expression = one.get("MetricStat"), one.get("Expression")
    if (stat is None) == (expression is None):
        raise invalid("Exactly one of Expression or MetricStat must be specified.", "ValidationError")
    return (
        str(one["Id"]),
        stat if isinstance(stat, Mapping) else {},
        text(one, "Expression", ""),
        text(one, "Label", ""),
    )


def _searched_period(texts: Sequence[str]) -> int:
    found = [int(one) for text in texts for one in re.findall(r"SEARCH\(.*,\s*(\d{1,6})\s*\)", text)]
    return max(found, default=0) or 300


def _expressed(
    waiting: list[tuple[str, str]], known: dict[str, list[expressions.Line]], scope: expressions.Scope
) -> None:
    """Expressions in the order in which they need each other."""
    names = {identifier for identifier, _ in waiting}
    while waiting:
        later = []
        for identifier, expression in waiting:
            needs = (set(re.findall(r"\b[a-z]\w*\b", expression)) & names) - set(known) - {identifier}
            if needs:
                later.append((identifier, expression))
                continue
            try:
                known[identifier] = expressions.evaluate(expression, scope)
            except errors.EngineError as error:
                raise invalid(str(error), "ValidationError") from error
        if len(later) == len(waiting):
            raise invalid("Circular reference in expressions", "ValidationError")
        waiting = later


def _result(
    identifier: str, label: str, line: expressions.Line, on: series.Window, *, newest_first: bool, several: bool
) -> dict[str, Any]:
    points = [
        (at, value)
        for at, value in zip(on.times_s.tolist(), line.values.tolist(), strict=True)
        if value == value and at <= on.until_s
    ]
    if newest_first:
        points.reverse()
    shown = f"{label} {line.label}".strip() if several and label else label or line.label
    return {
        "Id": identifier,
        "Label": shown,
        "Timestamps": [protocols.Moment(at) for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }
