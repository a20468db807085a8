"""AWS's three protocols for the same operations: JSON 1.0 and 1.1, RPC v2 CBOR, and Query with XML answers.

Current SDKs choose by their age and language: boto3 sends JSON to CloudWatch, other SDKs CBOR, older ones Query.
"""

import dataclasses
import json
import re
import struct
import urllib.parse
from collections.abc import Mapping
from typing import Any
from xml.sax import saxutils

from starlette import responses

from rootward.dojo.wire import _http, _ids

MAX_DEPTH = 40
_CBOR_PATH = re.compile(r"/service/(GraniteServiceVersion20100801|Logs_20140328)/operation/(\w+)$")
_TARGET = re.compile(r"(GraniteServiceVersion20100801|Logs_20140328)\.(\w+)")
_XMLNS = "http://monitoring.amazonaws.com/doc/2010-08-01/"


class Moment(float):
    """Seconds since the epoch that each protocol writes in its own way."""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """`protocol`: json, cbor or query; `service`: metrics or logs."""

    protocol: str
    service: str
    operation: str
    data: Mapping[str, Any]


class Refusal(_http.Refused):
    """AWS's error: `code` is its name; `query_code` the name that the Query protocol has for it, if it differs."""

    def __init__(self, code: str, message: str, status: int = 400, *, query_code: str = "") -> None:
        super().__init__(status, message, reason=code)
        self.query_code = query_code or code


def read(call: _http.Call) -> Request:
    """Which operation is asked for, and with what; raises Refusal."""
    path = urllib.parse.urlsplit(call.url).path
    found = _CBOR_PATH.search(path)
    if found:
        return Request("cbor", _service(found[1]), found[2], _object(decoded(call.body)))
    target = _TARGET.fullmatch(call.headers.get("x-amz-target", ""))
    if target:
        return Request("json", _service(target[1]), target[2], _object(_json(call.body)))
    if call.headers.get("x-amz-target"):
        raise Refusal("UnknownOperationException", "")
    pairs = urllib.parse.parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True) or [
        (name, value) for name, values in call.fields.items() for value in values
    ]
    fields = dict(pairs[:20_000])
    if "Action" not in fields:
        raise Refusal("MissingAction", "Missing Action", query_code="MissingAction")
    return Request("query", "metrics", fields["Action"], _nested(fields))


def protocol_of(call: _http.Call) -> str:
    if call.headers.get("smithy-protocol") or "/service/" in call.url:
        return "cbor"
    return "json" if call.headers.get("x-amz-target") else "query"


def _service(name: str) -> str:
    return "metrics" if name.startswith("Granite") else "logs"


def _json(body: bytes) -> Any:
    try:
        data = json.loads(body or b"{}", parse_constant=_no_constant)
        if b"\\u" in body:
            json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refusal("SerializationException", "Could not parse the request") from error
    return data


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _object(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise Refusal("SerializationException", "Start of structure or map found where not expected.")
    return data


def _nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """`Dimensions.member.1.Name=x` as objects in lists."""
    root: dict[str, Any] = {}
    for name, value in fields.items():
        at = root
        parts = [part for part in name.split(".") if part != "member"]
        if len(parts) > MAX_DEPTH:
            raise Refusal("MalformedInput", "Top level element may not be treated as a list")
        for part in parts[:-1]:
            following = at.setdefault(part, {})
            if not isinstance(following, dict):
                raise Refusal("MalformedInput", "Unexpected list element")
            at = following
        at[parts[-1]] = value
    listed = _listed(root)
    assert isinstance(listed, dict), "the root has names"
    return listed


def _listed(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    if data and all(key.isascii() and key.isdigit() for key in data):
        return [_listed(data[key]) for key in sorted(data, key=lambda key: (len(key), key))]
    return {key: _listed(value) for key, value in data.items()}


def answer(request: Request, call: _http.Call, data: Mapping[str, Any]) -> responses.Response:
    """The operation's result in its protocol."""
    identifier = request_id(call)
    if request.protocol == "cbor":
        headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-requestid": identifier}
        return responses.Response(encoded(data), headers=headers, media_type="application/cbor")
    if request.protocol == "json":
        kind = "application/x-amz-json-1.1" if request.service == "logs" else "application/x-amz-json-1.0"
        return responses.Response(_http.encode(_plain(data)), headers={"x-amzn-RequestId": identifier}, media_type=kind)
    inner = "".join(_xml(name, value) for name, value in data.items())
    body = (
        f'<{request.operation}Response xmlns="{_XMLNS}"><{request.operation}Result>{inner}</{request.operation}Result>'
        f"<ResponseMetadata><RequestId>{identifier}</RequestId></ResponseMetadata></{request.operation}Response>"
    )
    return responses.Response(body.encode(), headers={"x-amzn-RequestId": identifier}, media_type="text/xml")


def refused(
    error: _http.Refused, protocol: str, identifier: str = "00000000-0000-0000-0000-000000000000"
) -> responses.Response:
    """An error in a protocol."""
    code = error.reason or {
        403: "AccessDeniedException",
        503: "ServiceUnavailable",
        404: "UnknownOperationException",
        413: "RequestEntityTooLargeException",
    }.get(error.status, "ValidationError")
    query_code = error.query_code if isinstance(error, Refusal) else code
    sender = "Sender" if error.status < 500 else "Receiver"
    headers = {"x-amzn-RequestId": identifier}
    if protocol == "query":
        message = saxutils.escape(_writable(error.message))
        body = f'<ErrorResponse xmlns="{_XMLNS}"><Error><Type>{sender}</Type><Code>{query_code}</Code><Message>{message}</Message></Error><RequestId>{identifier}</RequestId></ErrorResponse>'
        return responses.Response(body.encode(), error.status, headers=headers, media_type="text/xml")
    headers["x-amzn-query-error"] = f"{query_code};{sender}"
    if protocol == "cbor":
        cbor = encoded({"__type": f"com.amazonaws.cloudwatch#{code}", "message": error.message})
        return responses.Response(
            cbor, error.status, headers={**headers, "smithy-protocol": "rpc-v2-cbor"}, media_type="application/cbor"
        )
    return responses.Response(
        _http.encode({"__type": code, "message": error.message}),
        error.status,
        headers=headers,
        media_type="application/x-amz-json-1.1",
    )


def request_id(call: _http.Call) -> str:
    raw = _ids.opaque(
        "", "request", call.url, call.headers.get("x-amz-date", ""), length=32, alphabet="0123456789abcdef"
    )
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"


def _plain(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _plain(value) for key, value in data.items() if value is not None}
    if isinstance(data, list | tuple):
        return [_plain(one) for one in data]
    if isinstance(data, Moment):
        return int(data) if data.is_integer() else float(data)
    return data


def _xml(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_xml(key, one) for key, one in value.items())}</{name}>"
    if isinstance(value, list | tuple):
        return f"<{name}>{''.join(_xml('member', one) for one in value)}</{name}>"
    if isinstance(value, Moment):
        return f"<{name}>{_http.iso_seconds(value)}</{name}>"
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return f"<{name}>{saxutils.escape(_writable(text))}</{name}>"


def _writable(text: str) -> str:
    """What XML can hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]", "?", text)


def encoded(data: Any) -> bytes:
    """RFC 8949, definite lengths; times as tag 1."""
    if data is None:
        return b"\xf6"
    if isinstance(data, bool):
        return b"\xf5" if data else b"\xf4"
    if isinstance(data, Moment):
        return b"\xc1" + (encoded(int(data)) if data.is_integer() else encoded(float(data)))
    if isinstance(data, int):
        return _head(0, data) if data >= 0 else _head(1, -1 - data)
    if isinstance(data, float):
        return b"\xfb" + struct.pack(">d", data)
    if isinstance(data, str):
        raw = data.encode()
        return _head(3, len(raw)) + raw
    if isinstance(data, list | tuple):
        return _head(4, len(data)) + b"".join(map(encoded, data))
    kept = {key: value for key, value in data.items() if value is not None}
    return _head(5, len(kept)) + b"".join(encoded(key) + encoded(value) for key, value in kept.items())


def _head(major: int, size: int) -> bytes:
    if size < 24:
        return bytes([major << 5 | size])
    for extra, form, limit in ((24, ">B", 2**8), (25, ">H", 2**16), (26, ">I", 2**32), (27, ">Q", 2**64)):
        if size < limit:
            return bytes([major << 5 | extra]) + struct.pack(form, size)
    raise ValueError("an integer of more than 64 bits")


def decoded(body: bytes) -> Any:
    """RFC 8949 read back; raises Refusal."""
    if not body:
        return {}
    try:
        value, end = _item(body, 0, 0)
    except (IndexError, struct.error, ValueError, UnicodeDecodeError, TypeError) as error:
        raise Refusal("SerializationException", "Unable to parse the request") from error
    if end != len(body):
        raise Refusal("SerializationException", "Unable to parse the request")
    return value


def _item(raw: bytes, at: int, depth: int) -> tuple[Any, int]:
    """(value, where the next one begins) of one CBOR item."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    major, extra = raw[at] >> 5, raw[at] & 31
    at += 1
    if major == 7:
        return _simple(raw, at, extra)
    size: int | None = extra
    if 24 <= extra <= 27:
        width = 1 << (extra - 24)
        size, at = int.from_bytes(raw[at : at + width], "big"), at + width
        if at > len(raw):
            raise IndexError("cut short")
    elif extra == 31:
        size = None
    elif extra > 27:
        raise ValueError("reserved")
    if major in (0, 1) and size is not None:
        return (size if major == 0 else -1 - size), at
    if major == 6:
        return _item(raw, at, depth + 1)
    if major in (2, 3):
        return _text(raw, at, size, major, depth)
    return _container(raw, at, size, major, depth)


def _text(raw: bytes, at: int, size: int | None, major: int, depth: int) -> tuple[Any, int]:
    if size is None:
        parts = []
        while raw[at] != 0xFF:
            part, at = _item(raw, at, depth + 1)
            parts.append(part)
        return ("" if major == 3 else b"").join(parts), at + 1
    if at + size > len(raw):
        raise IndexError("cut short")
    piece = raw[at : at + size]
    return (piece.decode() if major == 3 else piece), at + size


def _container(raw: bytes, at: int, size: int | None, major: int, depth: int) -> tuple[Any, int]:
    items: list[Any] = []
    wanted = None if size is None else size * (2 if major == 5 else 1)
    if wanted is not None and wanted > len(raw):
        raise IndexError("cut short")
    while len(items) < wanted if wanted is not None else raw[at] != 0xFF:
        value, at = _item(raw, at, depth + 1)
        items.append(value)
    at += size is None
    if major == 4:
        return items, at
    return {str(key): value for key, value in zip(items[::2], items[1::2], strict=True)}, at


def _simple(raw: bytes, at: int, extra: int) -> tuple[Any, int]:
    if extra in (20, 21, 22, 23):
        return {20: False, 21: True}.get(extra), at
    forms = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
    form, width = forms.get(extra, (">d", 99))
    return struct.unpack(form, raw[at : at + width])[0], at + width
