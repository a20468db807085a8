"""Reads Prometheus's long answers quickly: samples go straight from text to numbers, without a JSON list for each.

A range query over an hour for a hundred series is twenty thousand two-element lists, of which each costs an allocation, two
objects and its share of garbage collection. Nearly all those series have the same moments, which are read once. Anything that
does not look exactly as Prometheus writes it is left to the JSON reader.
"""

import dataclasses
import functools
import re
from typing import Any

import numpy as np
import orjson

from rootward.connectors import _json
from rootward.signals import series

_KEY = b'"values#":'  # stands for "values" while the rest is read as JSON
_START, _END = b'"values":[[', b"]]"
_NUMERIC = b"0123456789eE+-.,"
_NUMBER = rb"-?\d+(?:\.\d+)?"
_STAMPS = re.compile(rb"%b,(?:\],\[%b,)*" % (_NUMBER, _NUMBER))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Of one series, as they came: `times_s` (not to be written to, since series share it) and `values`, both of shape [T]."""

    times_s: series.FloatArray
    values: series.FloatArray


def decode(body: bytes) -> Any:
    """The document, as `json.loads` reads it, but for samples: under "values" stands `Samples`.

    Raises:
        ValueError: it is not JSON (RecursionError: it is too deep).
    """
    begin, *pieces = body.split(_START)
    rest, odd = [begin], begin.endswith(b"\\")
    taken: list[Samples] = []
    for piece in pieces:
        text, found, after = piece.partition(_END)
        samples = _read(text) if found and not odd else None
        if samples is None:
            rest += [_START, piece]
        else:
            rest.append(b"%b%d%b" % (_KEY, len(taken), after))
            taken.append(samples)
        odd = piece.endswith(b"\\")
    decoded = _json.loads(b"".join(rest))
    data = decoded.get("data") if taken and isinstance(decoded, dict) else None
    rows = data.get("result") if isinstance(data, dict) else None
    for row in rows if isinstance(rows, list) else ():
        number = row.pop("values#", None) if isinstance(row, dict) else None
        if isinstance(number, int) and 0 <= number < len(taken):
            row["values"] = taken[number]
    return decoded


def _read(text: bytes) -> Samples | None:
    """`1,"2"],[…` as numbers; None when that is not its form."""
    parts = text.split(b'"')
    if parts[-1]:
        return None
    times_s = _times_s(b"".join(parts[::2]))
    values = _values(parts[1::2]) if times_s is not None else None
    return None if times_s is None or values is None or len(values) != len(times_s) else Samples(times_s, values)


@functools.lru_cache(maxsize=256)
def _times_s(stamps: bytes) -> series.FloatArray | None:
    """The moments in `1,],[2,…`."""
    if not _STAMPS.fullmatch(stamps):
        return None
    times_s = np.array([float(stamp) for stamp in stamps[:-1].split(b",],[")])
    times_s.setflags(write=False)
    return times_s if np.isfinite(times_s).all() else None


def _values(texts: list[bytes]) -> series.FloatArray | None:
    """Numbers as JSON has them are read all at once; NaN, infinities and what else a float may be written as one by one."""
    joined = b",".join(texts)
    if not joined.translate(None, _NUMERIC):
        try:
            return np.array(orjson.loads(b"[%b]" % joined), dtype=np.float64)
        except ValueError:
            pass  # 007 and 1. are no numbers to JSON
    try:
        return np.array([float(text) for text in texts], dtype=np.float64)
    except ValueError:
        return None
