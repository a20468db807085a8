"""Prometheus's own way with JSON, times and durations: numbers as text, milliseconds, Go's words for what it cannot read.

After util/jsonutil/marshal.go and web/api/v1/api.go of prometheus/prometheus.
"""

import decimal
import functools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from starlette import responses

from rootward import _clock
from rootward.dojo.engines.promql import engine, values
from rootward.dojo.wire import _http, _prometheus_histograms

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNIT_S = (365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_ALWAYS = {"-292273086-05-16T16:47:06Z": -1e12, "292277025-08-18T07:12:54.999999999Z": 1e12}  # "since ever", "for ever"
_LARGEST_S = 1e12
_TOGETHER = 65_536  # samples


def number(value: float) -> str:
    """A sample's value: shortest digits, an exponent only below 1e-6 and from 1e21 on."""
    text = repr(value)
    if "n" in text:
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[text]
    if "e" in text and 1e-6 <= abs(value) < 1e21:
        text = format(decimal.Decimal(text), "f")
    return text.removesuffix(".0")


def exponent(value: float) -> str:
    """Go's `%e` with the shortest digits: 1e+00, as the alerts API writes values."""
    if not math.isfinite(value):
        return number(value)
    sign, digits, power = decimal.Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(power, int), "finite"
    text = "".join(map(str, digits))
    scale = power + len(text) - 1 if value else 0
    return f"{'-' if sign else ''}{text[0]}{'.' + text[1:] if len(text) > 1 else ''}e{'-' if scale < 0 else '+'}{abs(scale):02d}"


def stamp(time_ms: int) -> str:
    """Seconds with three decimals, or none."""
    whole, rest = divmod(abs(time_ms), 1000)
    return f"{'-' if time_ms < 0 else ''}{whole}{f'.{rest:03d}' if rest else ''}"


def _texts(samples: npt.NDArray[np.float64]) -> list[str]:
    """Quick for the many plain ones: all digits at once, then only the odd ones are looked at."""
    joined = orjson.dumps(np.ascontiguousarray(samples), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    texts = (joined + ",").replace(".0,", ",")[:-1].split(",") if joined else []
    if "e" in joined:
        texts = [number(float(text)) if "e" in text else text for text in texts]
    if "n" in joined:  # null: neither NaN nor the infinities are numbers to JSON
        for place in np.flatnonzero(~np.isfinite(samples)).tolist():
            texts[place] = number(float(samples[place]))
    return texts


@functools.lru_cache(maxsize=256)
def _frame(times_ms: bytes) -> list[str]:
    """What stands before, between and behind a series' values: queries of one investigation share few grids."""
    stamps = [stamp(t) for t in np.frombuffer(times_ms, dtype=np.int64).tolist()]
    return [f'[{stamps[0]},"', *(f'"],[{one},"' for one in stamps[1:]), '"]'] if stamps else [""]


def result(found: engine.Result, limit: int) -> str:
    """The `data` of a query's answer; `limit` series at most, 0 for all."""
    if found.kind in ("scalar", "string"):
        one = found.series[0]
        value = json.dumps(found.text) if found.kind == "string" else f'"{number(float(one.values[0]))}"'
        return f'{{"resultType":"{found.kind}","result":[{stamp(int(one.times_ms[0]))},{value}]}}'
    rows: list[str] = []
    shown = found.series[: limit or None]
    together = max(1, _TOGETHER // max([len(series.times_ms) for series in shown], default=1))
    for start in range(0, len(shown), together):
        rows += _rows(shown[start : start + together], "value" if found.kind == "vector" else "values")
    if found.histograms:
        rows = _with_histograms(found, rows, limit)
    return f'{{"resultType":"{found.kind}","result":[{",".join(rows)}]}}'


def _with_histograms(found: engine.Result, rows: Sequence[str], limit: int) -> list[str]:
    """The series of numbers and those of native histograms, in order of labels where a matrix has one; a series may be both."""
    texts: dict[values.LabelSet, str] = {one.labels: row for one, row in zip(found.series, rows, strict=False)}
    for labels, field in _prometheus_histograms.rows(found, number, stamp):
        head = texts.get(labels, f'{{"metric":{labels_text(labels)}}}')
        texts[labels] = f"{head[:-1]},{field}}}"
    order = sorted(texts) if found.kind == "matrix" else list(texts)
    return [texts[labels] for labels in order][: limit or None]


def _rows(shown: Sequence[engine.Series], field: str) -> Iterator[str]:
    """Series as JSON; their digits are written all at once, and neighbours mostly have the same times."""
    texts = _texts(np.concatenate([series.values for series in shown]))
    at, times_ms, frame = 0, None, [""]
    for series in shown:
        if series.times_ms is not times_ms:
            times_ms = series.times_ms
            frame = _frame(times_ms.tobytes())
        pieces = [""] * (2 * len(times_ms) + 1)
        pieces[0::2], pieces[1::2] = frame, texts[at : at + len(times_ms)]
        points = "".join(pieces)
        at += len(times_ms)
        yield f'{{"metric":{labels_text(series.labels)},"{field}":{points if field == "value" else f"[{points}]"}}}'


def labels_text(labels: values.LabelSet) -> str:
    return orjson.dumps(dict(labels)).decode()


def success(data: str, notes: Iterable[str] = ()) -> responses.Response:
    """The envelope around `data`, which is JSON already."""
    kinds: Mapping[str, list[str]] = {
        "warnings": [note for note in notes if not note.startswith("PromQL info")],
        "infos": [note for note in notes if note.startswith("PromQL info")],
    }
    extra = "".join(f',"{kind}":{json.dumps(some)}' for kind, some in kinds.items() if some)
    return responses.Response(f'{{"status":"success","data":{data}{extra}}}', media_type="application/json")


def answer(data: Any, notes: Iterable[str] = ()) -> responses.Response:
    return success(_http.text(data), notes)


def limited(rows: Sequence[str] | Sequence[Mapping[str, str]], call: _http.Call) -> responses.Response:
    """A list, cut to the parameter `limit` with a warning."""
    limit = limit_of(call)
    cut = limit and len(rows) > limit
    text = orjson.dumps(rows[:limit] if cut else rows).decode()
    return success(text, ["results truncated due to limit"] if cut else ())


def boolean(call: _http.Call, name: str) -> bool:
    """As Go's strconv.ParseBool reads it, false if not given; raises Refused (400)."""
    text = call.get(name)
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("", "0", "f", "F", "FALSE", "false", "False"):
        return False
    words = f"converting string to bool: strconv.ParseBool: parsing {json.dumps(text)}: invalid syntax"
    raise _http.Refused(400, f'invalid parameter "{name}": {words}')


def limit_of(call: _http.Call) -> int:
    """The parameter `limit`, 0 for none; raises Refused (400)."""
    return _http.integer(call, "limit", 0)


def refuse(error: _http.Refused) -> responses.Response:
    """The API's envelope; Go's plain text for addresses and methods that do not exist."""
    if error.status in (404, 405) and not error.reason:
        text = "404 page not found" if error.status == 404 else "Method Not Allowed"
        return responses.PlainTextResponse(f"{text}\n", error.status, headers={"X-Content-Type-Options": "nosniff"})
    return _http.answer(
        {"status": "error", "errorType": error.reason or "bad_data", "error": error.message}, error.status
    )


def time_s(text: str, name: str) -> float:
    """Seconds since the epoch from Unix time or RFC 3339; raises Refused (400)."""
    value = math.nan
    if text in _ALWAYS:
        return _ALWAYS[text]
    if _NUMBER.fullmatch(text):
        value = float(text)
    elif _RFC3339.fullmatch(text):
        try:
            value = _clock.from_iso(text)
        except ValueError:
            value = math.nan  # a 13th month
    if not abs(value) <= _LARGEST_S:
        raise _http.Refused(400, f'invalid parameter "{name}": cannot parse {json.dumps(text)} to a valid timestamp')
    return value


def duration_s(text: str, name: str) -> float:
    """Seconds from a number or 1h30m; raises Refused (400)."""
    value = math.nan
    if _NUMBER.fullmatch(text):
        value = float(text)
    elif text and (found := _DURATION.fullmatch(text)):
        value = sum(int(part) * unit for part, unit in zip(found.groups(), _UNIT_S, strict=True) if part)
    if not abs(value) <= _LARGEST_S:
        raise _http.Refused(400, f'invalid parameter "{name}": cannot parse {json.dumps(text)} to a valid duration')
    return value
