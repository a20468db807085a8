"""What every face shares: a request read once, JSON answers, and refusals that each vendor words in its own way."""

import dataclasses
import decimal
import json
import math
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette import applications, exceptions, requests, responses, routing, types

from rootward import _clock, errors

MAX_BODY_BYTES = 1024 * 1024
_JSON = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False
)  # `dumps` makes one for each answer


class Refused(errors.RootwardError):
    """A face's own "no": `status` is HTTP's, `reason` the vendor's word for it ("" if it has none)."""

    def __init__(self, status: int, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One request: `path` holds route parameters, `fields` the query and, for POST, the form or JSON body, in order."""

    method: str
    address: requests.HTTPConnection
    """What `url` and `base` are read from by the few faces that ask for them."""
    path: Mapping[str, str]
    fields: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes = b""
    """As it was sent; only routes that ask for `raw` bodies have it, and their `fields` are the query's alone."""

    @property
    def url(self) -> str:
        return str(self.address.url)

    @property
    def base(self) -> str:
        """The face's own address with its mount point and no slash at the end, for links in answers: `base_url` would be that of
        the outermost application."""
        url = self.address.url
        return f"{url.scheme}://{url.netloc}{self.address.scope.get('root_path', '')}".rstrip("/")

    def get(self, name: str, default: str = "") -> str:
        """The first value; an empty value counts as not given."""
        values = self.fields.get(name)
        return values[0] if values and values[0] != "" else default

    def all(self, name: str) -> Sequence[str]:
        return self.fields.get(name, ())


Handler = Callable[[Call], responses.Response]
Refuse = Callable[[Refused], responses.Response]


def text(data: Any) -> str:
    """Compact JSON; NaN is a bug of ours and fails loudly."""
    return _JSON.encode(data)


def encode(data: Any) -> bytes:
    """`text` as it is sent. Half a character, which a recorded line may hold, becomes "?"."""
    return _JSON.encode(data).encode(errors="replace")


def decode(text: str | bytes) -> Any:
    """JSON as Go reads it: no NaN, no number beyond a float, and U+FFFD for half of a surrogate pair.

    Raises:
        ValueError, RecursionError: it is none.
    """
    data = json.loads(text, parse_constant=_no_number, parse_float=_number)
    raw = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    return _whole(data) if b"\\u" in raw or b"\xed" in raw else data


def _no_number(text: str) -> float:
    raise ValueError(f"invalid character in literal {text}")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"cannot unmarshal number {text[:40]} into a value of type float64")
    return value


def _whole(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(data, dict):
        return {_whole(key): _whole(value) for key, value in data.items()}
    return [_whole(one) for one in data] if isinstance(data, list) else data


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> responses.Response:
    """A JSON response."""
    return responses.Response(encode(data), status, headers=headers, media_type="application/json")


def route(
    path: str, handler: Handler, refuse: Refuse, methods: Sequence[str] = ("GET",), *, raw: bool = False
) -> routing.Route:
    """A route whose handler is a plain function of the call; Refused and engine errors go to `refuse`."""

    async def endpoint(request: requests.Request) -> responses.Response:
        try:
            return handler(await read(request, raw=raw))
        except Refused as error:
            return refuse(error)
        except errors.EngineError as error:
            return refuse(Refused(400, str(error), reason="bad_data"))

    return routing.Route(path, endpoint, methods=list(methods))


def application(routes: Sequence[routing.BaseRoute], refuse: Refuse) -> applications.Starlette:
    """An application whose 404 and 405 are the vendor's own."""

    async def refused(_request: requests.Request, error: Exception) -> responses.Response:
        assert isinstance(error, exceptions.HTTPException)
        words = {404: "Not Found", 405: "Method Not Allowed"}
        return refuse(Refused(error.status_code, words.get(error.status_code, error.detail)))

    handlers: dict[Any, Any] = {exceptions.HTTPException: refused}
    return applications.Starlette(routes=list(routes), exception_handlers=handlers)


def refusing(response_of: Callable[[], responses.Response]) -> types.ASGIApp:
    """An application that answers every request alike: a back end that is down, or that forbids us everything."""

    async def asgi(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] == "http":
            await response_of()(scope, receive, send)

    return asgi


async def read(request: requests.Request, *, raw: bool = False) -> Call:
    """Query, form and JSON parameters as one mapping of lists; a `raw` body is left as it is.

    Raises:
        Refused: a body larger than MAX_BODY_BYTES, or one that is not what its type says.
    """
    fields: dict[str, list[str]] = {}
    query = request.scope["query_string"].decode("latin-1")
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True) if query else ():
        fields.setdefault(name, []).append(value)
    body = b""
    if raw or request.method in ("POST", "PUT", "PATCH"):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise Refused(413, "request body too large")
        for name, value in [] if raw else _body_fields(body, request.headers.get("content-type", "")):
            fields.setdefault(name, []).append(value)
    return Call(
        request.method,
        request,
        request.path_params,
        fields,
        request.headers,
        body if raw else b"",
    )


def _body_fields(body: bytes, content_type: str) -> list[tuple[str, str]]:
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return urllib.parse.parse_qsl(body.decode(), keep_blank_values=True)
        if kind == "application/json" and body:
            data = decode(body)
            return (
                [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in data.items()]
                if isinstance(data, dict)
                else []
            )
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"cannot read the request body: {error}") from error
    return []


def integer(call: Call, name: str, default: int, *, least: int = 0) -> int:
    """A whole number ≥ `least`; raises Refused (400)."""
    text = call.get(name)
    if not text:
        return default
    try:
        value = int(text)
    except ValueError as error:
        raise Refused(400, f"invalid {name}: strconv.ParseInt: parsing {json.dumps(text)}: invalid syntax") from error
    if abs(value) >= 2**63:
        raise Refused(400, f"invalid {name}: strconv.ParseInt: parsing {json.dumps(text)}: value out of range")
    if value < least:
        raise Refused(400, f"invalid {name}: must be at least {least}")
    return value


def boolean(call: Call, name: str, *, default: bool) -> bool:
    """true or false; raises Refused (400)."""
    text = call.get(name).lower()
    if text not in ("", "true", "false", "1", "0"):
        raise Refused(400, f"invalid {name}: must be of type boolean: {json.dumps(text)}")
    return text in ("true", "1") if text else default


def iso_seconds(time_s: float) -> str:
    """RFC 3339 in UTC, whole seconds: `2024-05-01T10:00:00Z`."""
    return _clock.to_iso(math.floor(time_s)).replace(".000Z", "Z")


def parse_iso(text: str, name: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; raises Refused (400)."""
    try:
        return _clock.from_iso(text)
    except ValueError as error:
        raise Refused(400, f"invalid {name}: {json.dumps(text)} is not a time") from error


def bounded_ns(time_ns: int) -> int:
    """A time that arrays of nanoseconds can hold and still be moved by a window: from 1970 to 2116."""
    return min(max(time_ns, 0), 2**62)


def number_text(value: float) -> str:
    """A float as Go's `strconv.FormatFloat(v, 'f', -1, 64)` writes it: shortest, never with an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    text = repr(value)
    if "e" not in text:
        return text
    return format(decimal.Decimal(text), "f")
