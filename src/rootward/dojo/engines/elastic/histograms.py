"""Histograms over numbers and time, and composite buckets that can be paged through."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import buckets, dates, ordering, rejection
from rootward.dojo.engines.elastic.aggregate import MAX_BUCKETS, IntArray, Run, Sub
from rootward.dojo.engines.elastic.context import known, number, whole
from rootward.dojo.engines.elastic.metrics import field_of

_CALENDAR = {
    **dict.fromkeys(("minute", "1m"), "m"),
    **dict.fromkeys(("hour", "1h"), "h"),
    **dict.fromkeys(("day", "1d"), "d"),
    **dict.fromkeys(("week", "1w"), "w"),
    **dict.fromkeys(("month", "1M"), "M"),
    **dict.fromkeys(("quarter", "1q"), "q"),
    **dict.fromkeys(("year", "1y"), "y"),
    **dict.fromkeys(("second", "1s"), "s"),
}
_AUTO_MS = tuple(
    n * 1000 for n in (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 43200, 86400, 604800, 2592000, 7776000, 31536000)
)
_DATE_HISTOGRAM = (
    *(
        "field",
        "fixed_interval",
        "calendar_interval",
        "time_zone",
        "offset",
        "format",
        "min_doc_count",
        "order",
        "keyed",
    ),
    *("extended_bounds", "hard_bounds", "missing", "script", "interval"),
)


def duration_ms(value: Any, name: str) -> int:
    """`30s`, `5m`, `1h`, `1d`, possibly signed; raises Rejection."""
    text = str(value).strip()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    for unit in ("ms", "s", "m", "h", "d"):
        count = digits.removesuffix(unit)
        if digits.endswith(unit) and count.isascii() and count.isdigit() and len(count) < 12:
            return sign * int(count) * dates.UNIT_MS[unit]
    field = "offset" if name.endswith("Offset") else "fixed_interval"
    raise rejection.Rejection(
        "x_content_parse_exception",
        f"[date_histogram] failed to parse field [{field}]",
        caused_by=(
            "illegal_argument_exception",
            f"failed to parse setting [{name}] with value [{text[:60]}] as a time value: unit is missing or unrecognized",
        ),
    )


def rounding(body: Mapping[str, Any]) -> "Rounding":
    """The steps of a date histogram; raises Rejection."""
    fixed, calendar = body.get("fixed_interval"), body.get("calendar_interval")
    if fixed is not None and calendar is not None:
        raise rejection.argument("Cannot use [calendar_interval] with [fixed_interval] configuration option.")
    if fixed is None and calendar is None:
        raise rejection.argument("Invalid interval specified, must be non-null and non-empty")
    zone = dates.zone(str(body.get("time_zone") or ""))
    offset_ms = duration_ms(body["offset"], "DateHistogramAggregationBuilder.parseOffset") if body.get("offset") else 0
    if fixed is not None:
        step_ms = duration_ms(fixed, "date_histogram.fixedInterval")
        if step_ms < 1:
            raise rejection.argument("Zero or negative time interval not supported")
        return Rounding(zone, offset_ms, step_ms=step_ms)
    if str(calendar) not in _CALENDAR:
        raise rejection.argument(
            f"The supplied interval [{str(calendar)[:60]}] could not be parsed as a calendar interval."
        )
    return Rounding(zone, offset_ms, unit=_CALENDAR[str(calendar)])


class Rounding:
    """Where buckets of time begin: every `step_ms`, or at calendar units, on the clock of a zone."""

    def __init__(self, zone: dt.tzinfo, offset_ms: int = 0, *, step_ms: int = 0, unit: str = "") -> None:
        self._zone = zone
        self._offset_ms = offset_ms
        self._step_ms = step_ms or dates.UNIT_MS.get(unit if unit in ("s", "m") else "", 0)
        self._unit = unit

    @property
    def at_least_ms(self) -> int:
        """A length that every bucket has; 0 when calendars decide."""
        return self._step_ms

    def starts(self, times_ms: column.FloatArray) -> column.FloatArray:
        """The start of each time's bucket."""
        if self._step_ms:
            shift = self._shifts(times_ms) - self._offset_ms
            return np.asarray(np.floor((times_ms + shift) / self._step_ms) * self._step_ms - shift)
        # Calendar units begin at full quarter hours in every zone, so only distinct quarters need a calendar.
        quarters, inverse = np.unique(np.floor((times_ms - self._offset_ms) / 900_000), return_inverse=True)
        found = np.array([self._floor_ms(quarter * 900_000) for quarter in quarters.tolist()], dtype=np.float64)
        return np.asarray(found[inverse] + self._offset_ms) if len(found) else times_ms

    def _shifts(self, times_ms: column.FloatArray) -> Any:
        if self._zone is dt.UTC:
            return 0.0
        hours, inverse = np.unique(np.floor(times_ms / 900_000), return_inverse=True)
        shifts = [_offset_ms(hour * 900_000, self._zone) for hour in hours.tolist()]
        return np.array(shifts, dtype=np.float64)[inverse] if shifts else 0.0

    def _floor_ms(self, at_ms: float) -> float:
        return float(dates.to_ms(dates.floor(dates.from_ms(at_ms, self._zone), self._unit)))

    def next(self, start_ms: float) -> float:
        """The start of the bucket after the one that starts here."""
        if self._step_ms:
            # Land inside the next bucket, then go to its start: days of 23 and 25 hours keep their midnight.
            return (
                float(self.starts(np.array([start_ms + self._step_ms * 1.0]))[0])
                if self._zone is dt.UTC
                else self._zoned(start_ms)
            )
        moment = dates.from_ms(start_ms - self._offset_ms, self._zone)
        return float(dates.to_ms(dates.add(moment, self._unit, 1)) + self._offset_ms)

    def _zoned(self, start_ms: float) -> float:
        for factor in (1.0, 1.5, 2.0):
            found = float(self.starts(np.array([start_ms + self._step_ms * factor]))[0])
            if found > start_ms:
                return found
        return start_ms + self._step_ms


def _offset_ms(at_ms: float, zone: dt.tzinfo) -> float:
    offset = dates.from_ms(at_ms, zone).utcoffset()
    return offset.total_seconds() * 1000 if offset else 0.0


def date_histogram(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    known("date_histogram", body, _DATE_HISTOGRAM)
    found = field_of(run.ctx, "date_histogram", body)
    steps = rounding(body)
    try:
        return _over_time(run, body, rows, sub, found, steps)
    except (OverflowError, ValueError) as error:
        raise rejection.argument("date is out of range") from error


def _over_time(
    run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub, found: column.Column | None, steps: Rounding
) -> dict[str, Any]:
    values = _values(run, found, body, rows)
    have = ~np.isnan(values)
    parts = dict(column.rows_by(steps.starts(values[have]), rows[have]))
    edges = [_time(run, body, "extended_bounds", side) for side in ("min", "max")]
    least = whole(body.get("min_doc_count"), "min_doc_count", 0)
    keys = sorted(parts)
    known_edges = [float(steps.starts(np.array([edge]))[0]) for edge in edges if edge is not None]
    if least == 0 and (keys or len(known_edges) == 2):
        keys = _filled(run, sorted({*keys, *known_edges}), steps)
    hard = [_time(run, body, "hard_bounds", side) for side in ("min", "max")]
    keys = [k for k in keys if (hard[0] is None or k >= hard[0]) and (hard[1] is None or k < hard[1])]
    keys = [key for key in keys if len(parts.get(key, ())) >= least]
    run.spend(len(keys))
    zone = dates.zone(str(body.get("time_zone") or ""))
    pattern = str(body.get("format") or "")
    shown = [
        {"key_as_string": dates.text(key, pattern, zone), "key": int(key), **sub(parts.get(key, rows[:0]))}
        for key in keys
    ]
    return _listed(ordering.ordered(shown, body.get("order"), {"_key": "asc"}), body)


def _listed(shown: list[dict[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    if body.get("keyed"):
        return {"buckets": {str(one.get("key_as_string", one["key"])): one for one in shown}}
    return {"buckets": shown}


def _filled(run: Run, keys: Sequence[float], steps: Rounding) -> list[float]:
    """Every bucket from the first to the last, empty ones too; stops at the limit of buckets."""
    out = [keys[0]]
    if steps.at_least_ms and (keys[-1] - keys[0]) / steps.at_least_ms > MAX_BUCKETS:
        run.spend(MAX_BUCKETS + 1)
    while out[-1] < keys[-1]:
        out.append(steps.next(out[-1]))
        if len(out) + run.buckets > MAX_BUCKETS:
            run.spend(len(out))
    return out


def _values(run: Run, found: column.Column | None, body: Mapping[str, Any], rows: IntArray) -> column.FloatArray:
    values = np.full(len(rows), np.nan) if found is None or found.numbers is None else found.numbers[rows]
    missing = body.get("missing")
    if missing is None:
        return values
    filler = (
        dates.parse(missing, run.ctx.now_ms)
        if found is not None and found.kind == "date"
        else number(missing, "missing")
    )
    return np.where(np.isnan(values), filler, values)


def _time(run: Run, body: Mapping[str, Any], name: str, side: str) -> float | None:
    bounds = body.get(name)
    if bounds is None:
        return None
    if not isinstance(bounds, Mapping):
        raise rejection.parsing(f"[date_histogram] {name} doesn't support values of this type")
    value = bounds.get(side)
    if value is None:
        return None
    formats = dates.formats_of(str(body["format"]) if body.get("format") else None)
    try:
        return dates.parse(value, run.ctx.now_ms, formats=formats, time_zone=str(body.get("time_zone") or ""))
    except rejection.Rejection:
        return dates.parse(value, run.ctx.now_ms, time_zone=str(body.get("time_zone") or ""))


def auto_date_histogram(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    wanted = whole(body.get("buckets"), "buckets", 10, least=1, most=10_000)
    found = field_of(run.ctx, "auto_date_histogram", body)
    values = _values(run, found, body, rows)
    values = values[~np.isnan(values)]
    span_ms = float(values.max() - values.min()) if len(values) else 0.0
    step_ms = next((step for step in _AUTO_MS if span_ms / step < wanted), _AUTO_MS[-1])
    steps = Rounding(dates.zone(str(body.get("time_zone") or "")), step_ms=step_ms)
    plain = {key: value for key, value in body.items() if key in ("field", "format", "time_zone", "missing")}
    return {**_over_time(run, plain, rows, sub, found, steps), "interval": _written(step_ms)}


def _written(step_ms: int) -> str:
    seconds = step_ms // 1000
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def histogram(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    names = (
        "field",
        "interval",
        "offset",
        "min_doc_count",
        "order",
        "keyed",
        "extended_bounds",
        "hard_bounds",
        "missing",
        "format",
        "script",
    )
    known("histogram", body, names)
    interval = number(body.get("interval"), "interval", 0.0)
    if interval <= 0:
        raise rejection.argument("[interval] must be >0 for histogram aggregation [histogram]")
    found = field_of(run.ctx, "histogram", body)
    offset = number(body.get("offset"), "offset", 0.0)
    least = whole(body.get("min_doc_count"), "min_doc_count", 0)
    values = _values(run, found, body, rows)
    have = ~np.isnan(values)
    parts = dict(column.rows_by(np.floor((values[have] - offset) / interval), rows[have]))
    numbers = sorted(parts)
    bounds = body.get("extended_bounds")
    if isinstance(bounds, Mapping):
        edges = [bounds[side] for side in ("min", "max") if bounds.get(side) is not None]
        numbers = sorted({*numbers, *(float(np.floor((number(edge, "bounds") - offset) / interval)) for edge in edges)})
    if least == 0 and numbers:
        run.spend(int(min(numbers[-1] - numbers[0], MAX_BUCKETS)) + 1)
        numbers = [numbers[0] + i for i in range(int(numbers[-1] - numbers[0]) + 1)]
    numbers = [one for one in numbers if len(parts.get(one, ())) >= least]
    shown = [{"key": one * interval + offset, **sub(parts.get(one, rows[:0]))} for one in numbers]
    return _listed(ordering.ordered(shown, body.get("order"), {"_key": "asc"}), body)


def composite(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    """Buckets of combinations of values, `size` at a time, after the key that the last page ended with."""
    known("composite", body, ("sources", "size", "after"))
    sources = body.get("sources")
    if not isinstance(sources, list) or not sources or len(sources) > 32:
        raise rejection.argument("Composite [sources] cannot be null or empty")
    size = whole(body.get("size"), "size", 10, least=1, most=MAX_BUCKETS)
    keys: list[tuple[tuple[Any, ...], IntArray]] = [((), rows)]
    names, downs = [], []
    for source in sources:
        name, kind, options = _source(source)
        names.append(name)
        downs.append(str(options.get("order", "asc")).lower() == "desc")
        keys = [((*key, value), part) for key, some in keys for value, part in _values_of(run, kind, options, some)]
        if len(keys) > MAX_BUCKETS * 4:
            run.spend(len(keys))
    for place in reversed(range(len(names))):
        keys.sort(key=lambda item: _comparable(item[0][place]), reverse=downs[place])
    after = body.get("after")
    if after is not None:
        if not isinstance(after, Mapping) or set(after) != set(names):
            raise rejection.argument(
                f"[after] has {len(after) if isinstance(after, Mapping) else 0} value(s) but [sources] has {len(names)}"
            )
        last = tuple(after[name] for name in names)
        keys = [item for item in keys if _after(item[0], last, downs)]
    shown = keys[:size]
    run.spend(len(shown))
    out: dict[str, Any] = {}
    if shown:
        out["after_key"] = dict(zip(names, shown[-1][0], strict=True))
    out["buckets"] = [{"key": dict(zip(names, key, strict=True)), **sub(part)} for key, part in shown]
    return out


def _source(source: Any) -> tuple[str, str, Mapping[str, Any]]:
    if not isinstance(source, Mapping) or len(source) != 1:
        raise rejection.parsing("[composite] failed to parse field [sources]")
    name, spec = next(iter(source.items()))
    if not isinstance(spec, Mapping) or len(spec) != 1:
        raise rejection.parsing("[composite] failed to parse field [sources]")
    kind, options = next(iter(spec.items()))
    if kind not in ("terms", "histogram", "date_histogram") or not isinstance(options, Mapping):
        raise rejection.parsing(f"invalid source type: {str(kind)[:60]}")
    return name, kind, options


def _values_of(run: Run, kind: str, options: Mapping[str, Any], rows: IntArray) -> list[tuple[Any, IntArray]]:
    if kind == "terms":
        parts = buckets.parts_of(run, "composite", options, rows)
        if options.get("missing_bucket"):
            found = field_of(run.ctx, "composite", options)
            lacking = rows if found is None else rows[~found.present[rows]]
            parts = [(None, lacking), *parts] if len(lacking) else parts
        return parts
    found = field_of(run.ctx, "composite", options)
    values = _values(run, found, options, rows)
    have = ~np.isnan(values)
    if kind == "date_histogram":
        try:
            parts = column.rows_by(rounding(options).starts(values[have]), rows[have])
        except (OverflowError, ValueError) as error:
            raise rejection.argument("date is out of range") from error
        pattern = str(options.get("format") or "")
        zone = dates.zone(str(options.get("time_zone") or ""))
        return [(dates.text(key, pattern, zone) if pattern else int(key), part) for key, part in parts]
    interval = number(options.get("interval"), "interval", 0.0)
    if interval <= 0:
        raise rejection.argument("[interval] must be greater than 0 for [histogram] source")
    return [(key * interval, part) for key, part in column.rows_by(np.floor(values[have] / interval), rows[have])]


def _comparable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, int | float) else (2, str(value))


def _after(key: Sequence[Any], last: Sequence[Any], downs: Sequence[bool]) -> bool:
    for one, other, down in zip(key, last, downs, strict=True):
        a, b = _comparable(one), _comparable(other)
        if (a[0] == b[0] and a != b) or a[0] != b[0]:
            return (a < b) if down else (a > b)
    return False
