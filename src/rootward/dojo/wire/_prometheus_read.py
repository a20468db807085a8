"""Remote read: another Prometheus asks for raw samples (prompb of prometheus/prometheus, snappy over protobuf).

Only the SAMPLES kind of answer, which every client must take. The few messages are read and written by hand: a dozen fields.
"""

import dataclasses
import struct
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from rootward.dojo.engines.promql import lookups, tree, values
from rootward.dojo.wire import _http

BODY_BYTES_MAX = 4 * 1024 * 1024  # of a request, unpacked
_OPERATORS = ("=", "!=", "=~", "!~")
_SIX_BYTES = (1 << 35, 1 << 42)  # moments in ms whose varint has six bytes: 1971 to 2109


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """Raw samples in [start, end] of the series that fulfil all matchers."""

    start_ms: int
    end_ms: int
    matchers: tuple[tree.Matcher, ...]


def queries(body: bytes) -> list[Query]:
    """Of a ReadRequest; raises Refused (400) for what is none."""
    try:
        return [_query(part) for number, part in _fields(_unpacked(body)) if number == 1 and isinstance(part, bytes)]
    except (ValueError, IndexError, struct.error) as error:
        raise _http.Refused(400, f"{error}") from error


def response(results: Sequence[Sequence[lookups.Series]]) -> bytes:
    """A ReadResponse, packed."""
    body = b"".join(_field(1, b"".join(_field(1, _series(one)) for one in found)) for found in results)
    return bytes(pa.compress(body, codec="snappy", asbytes=True))


def _unpacked(body: bytes) -> bytes:
    size, _ = _varint(body, 0)
    if size > BODY_BYTES_MAX:
        raise ValueError("snappy: decoded block is too large")
    try:
        return bytes(pa.decompress(body, decompressed_size=size, codec="snappy", asbytes=True))
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError("snappy: corrupt input") from error


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("proto: integer overflow")


def _fields(body: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a message; numbers of fixed width are skipped, we ask for none."""
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(body, at)
            yield key >> 3, value
        elif wire == 2:
            size, at = _varint(body, at)
            if at + size > len(body):
                raise ValueError("unexpected EOF")
            yield key >> 3, body[at : at + size]
            at += size
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"proto: illegal wireType {wire}")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _query(body: bytes) -> Query:
    start_ms = end_ms = 0
    matchers = []
    for number, value in _fields(body):
        if number == 1 and isinstance(value, int):
            start_ms = _signed(value)
        elif number == 2 and isinstance(value, int):
            end_ms = _signed(value)
        elif number == 3 and isinstance(value, bytes):
            matchers.append(_matcher(value))
    return Query(start_ms, end_ms, tuple(matchers))


def _matcher(body: bytes) -> tree.Matcher:
    kind, name, value = 0, "", ""
    for number, part in _fields(body):
        if number == 1 and isinstance(part, int):
            kind = part
        elif number == 2 and isinstance(part, bytes):
            name = part.decode()
        elif number == 3 and isinstance(part, bytes):
            value = part.decode()
    if kind >= len(_OPERATORS):
        raise ValueError("invalid matcher type")
    return tree.Matcher(name, _OPERATORS[kind], value)


def _number(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, body: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(body)) + body


def _series(one: lookups.Series) -> bytes:
    labels = b"".join(_field(1, _field(1, name.encode()) + _field(2, text.encode())) for name, text in one.labels)
    return labels + _samples(one.times_ms, np.ascontiguousarray(one.values))


def _samples(times_ms: values.IntArray, samples: values.FloatArray) -> bytes:
    """Every sample is a field of its own: a double and a varint, eighteen bytes for the moments of our time."""
    if len(times_ms) and not (_SIX_BYTES[0] <= times_ms.min() and times_ms.max() < _SIX_BYTES[1]):
        pairs = zip(times_ms.tolist(), samples.tolist(), strict=True)
        return b"".join(
            _field(2, struct.pack("<Bd", 0x09, value) + b"\x10" + _number(time_ms)) for time_ms, value in pairs
        )
    out = np.empty((len(times_ms), 18), dtype=np.uint8)
    out[:, :3] = (0x12, 16, 0x09)
    out[:, 3:11] = samples.astype("<f8").view(np.uint8).reshape(-1, 8)
    out[:, 11] = 0x10
    for byte in range(6):
        out[:, 12 + byte] = (times_ms >> 7 * byte & 0x7F) | (0x80 if byte < 5 else 0)
    return out.tobytes()
