"""How Datadog answers and refuses: keys, rate-limit headers, errors as lists of texts, and the times that requests give."""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette import responses

from rootward import _clock, errors
from rootward.dojo.wire import _http, _ids

ORGANISATION = 1_138_402
_LIMITS = {"query": (100, 60), "logs": (300, 3600), "events": (1000, 3600), "monitor": (3000, 60), "v2": (300, 10)}
_MATH = re.compile(r"now(?:([+-])(\d{1,8})(ms|s|m|h|d|w|mo|y))?(?:/[smhdw])?", re.ASCII)
_UNIT_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "mo": 2_592_000_000,
    "y": 31_536_000_000,
}


def answer(data: Any, status: int = 200, *, family: str = "v2") -> responses.Response:
    """JSON with the headers of the endpoint's rate limit."""
    limit, period_s = _LIMITS[family]
    headers = {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-period": str(period_s),
        "x-ratelimit-remaining": str(limit - 1),
        "x-ratelimit-reset": str(period_s // 2),
        "x-ratelimit-name": f"{family}_api",
        "x-content-type-options": "nosniff",
    }
    return _http.answer(data, status, headers)


def refuse(error: _http.Refused) -> responses.Response:
    """`{"errors": [...]}`, whatever went wrong."""
    words = {404: "Not Found", 405: "Method Not Allowed", 403: "Forbidden", 503: "Service Unavailable"}
    return _http.answer({"errors": [error.message or words.get(error.status, "Bad Request")]}, error.status)


def guarded(handler: Callable[[_http.Call], responses.Response], *, keys: int = 2) -> _http.Handler:
    """The handler behind Datadog's keys: one for `validate`, both elsewhere; engine errors in its words."""

    def guarded_handler(call: _http.Call) -> responses.Response:
        api = call.headers.get("dd-api-key") or call.get("api_key")
        application = call.headers.get("dd-application-key") or call.get("application_key")
        bearer = call.headers.get("authorization", "").startswith("Bearer ")
        if not bearer and (not api or (keys == 2 and not application)):
            raise _http.Refused(403, "Forbidden")
        try:
            return handler(call)
        except errors.EngineError as error:
            raise _http.Refused(400, str(error)) from error

    return guarded_handler


def body_of(call: _http.Call) -> Mapping[str, Any]:
    """A JSON object; raises Refused."""
    if not call.body.strip():
        return {}
    try:
        data = json.loads(call.body, parse_constant=_no_constant)
        if b"\\u" in call.body:
            json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _http.Refused(400, "Invalid JSON structure") from error
    if not isinstance(data, dict):
        raise _http.Refused(400, "Invalid JSON structure")
    return data


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within an object, empty when left out; raises Refused."""
    found = data.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _http.Refused(400, f"invalid field {name}: expected an object")
    return found


def listed(data: Mapping[str, Any], name: str) -> list[Any]:
    found = data.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise _http.Refused(400, f"invalid field {name}: expected a list")
    return found


def text_of(data: Mapping[str, Any], name: str, default: str = "") -> str:
    found = data.get(name)
    if found is None:
        return default
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        raise _http.Refused(400, f"invalid field {name}: expected a string")
    return str(found)


def time_ms(value: Any, name: str, now_ms: int, default_ms: int) -> int:
    """Milliseconds of `now-15m`, ISO 8601, or milliseconds since the epoch; raises Refused."""
    if value is None or value == "":
        return default_ms
    text = str(value).strip()
    found = _MATH.fullmatch(text)
    if found:
        moved = int(found[2]) * _UNIT_MS[found[3]] if found[2] else 0
        return _bounded(now_ms + (moved if found[1] == "+" else -moved))
    if re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        return _bounded(int(text))
    try:
        return _bounded(round(_clock.from_iso(text) * 1000))
    except (ValueError, OverflowError) as error:
        raise _http.Refused(
            400, f"input_validation_error(Field '{name}' is invalid: unable to parse {text[:60]})"
        ) from error


def _bounded(ms: int) -> int:
    return min(max(ms, 0), 4_102_444_800_000)  # the year 2100


def iso(ms: float) -> str:
    """`2026-05-19T10:00:00.123Z`."""
    return dt.datetime.fromtimestamp(ms / 1000, tz=dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def identifier(*names: str) -> int:
    """A long whole number, as Datadog's events have."""
    return 7_000_000_000_000_000_000 + _ids.number("event", *names, digits=18)


def meta(call: _http.Call) -> dict[str, Any]:
    """What v2 searches say about themselves."""
    request = _ids.opaque("", "request", call.url, length=52, alphabet=_ids.UPPER + _ids.UPPER[:26].lower())
    return {"elapsed": 32, "request_id": f"pddv1Ch{request}", "status": "done"}
