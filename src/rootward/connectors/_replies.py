"""What an HTTP reply means: an answer, or which of the ways of not answering, said so that a person can act on it."""

import dataclasses
import json
from collections.abc import Callable, Mapping

from rootward import errors
from rootward.connectors import _json
from rootward.signals import redaction

_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
_SHOWN_CHARS = 300  # of an error's body, in a message
_EPOCH_S_MIN = 1e9  # a rate limit's reset above this is a moment, below it a number of seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """A body that came whole; header names are lower case. `asked` is method and address, for messages."""

    source: str
    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")


def worth_asking_again(reply: Reply) -> bool:
    """Whether the same question may be answered in a moment."""
    return reply.status in _RETRIED or _rate_limited(reply)


def refusal(reply: Reply, *, now_s: float) -> errors.BackendError:
    """The error for a status that is not an answer."""
    said = _said(reply)
    start = f"{reply.source}: {reply.asked} answered {reply.status}"
    if _rate_limited(reply):
        after_s = _retry_after_s(reply.headers, now_s)
        hint = f"; it asks to wait {after_s:.0f} s" if after_s is not None else ""
        return errors.BackendRateLimited(f"{start}{said}{hint}", source=reply.source, retry_after_s=after_s)
    if reply.status in (401, 403):
        what = "credentials are missing or wrong" if reply.status == 401 else "these credentials may not ask this"
        return errors.NotPermitted(f"{start}{said}; {what}", source=reply.source)
    if 300 <= reply.status < 400:
        target = redaction.redact(reply.headers.get("location", "nowhere"))
        return errors.BackendMalformed(
            f"{start}, redirecting to {target}; set url to the API itself", source=reply.source
        )
    if reply.status == 404:
        return errors.BackendMalformed(
            f"{start}{said}; is url its API's address, with any prefix?", source=reply.source
        )
    if 400 <= reply.status < 500 and reply.status != 408:
        return errors.QueryRejected(f"{start}{said}", source=reply.source)
    return errors.BackendError(f"{start}{said}; it failed while answering, try again later", source=reply.source)


def decode(reply: Reply, read: Callable[[bytes], object] = _json.loads) -> object:
    """The JSON in a reply; `read` raises ValueError or RecursionError for what is none.

    Raises:
        errors.BackendMalformed: it is not JSON.
    """
    try:
        decoded = read(reply.body)
    except (ValueError, RecursionError) as error:
        kind = reply.headers.get("content-type", "no content type")
        shown = redaction.redact(reply.text()[:80])
        message = (
            f"{reply.source}: {reply.asked} answered {kind}, not JSON, beginning {shown!r}; is url its API's address?"
        )
        raise errors.BackendMalformed(message, source=reply.source) from error
    return decoded


def _rate_limited(reply: Reply) -> bool:
    """429, or GitHub's way of saying so: 403 with nothing left or a time to come back; 503 with a time to come back."""
    spent = reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers
    return reply.status == 429 or (reply.status in (403, 503) and spent)


def _said(reply: Reply) -> str:
    """What the body says about an error, short: many APIs put it under `error` or `message`."""
    try:
        decoded = _json.loads(reply.body)
    except (ValueError, RecursionError):
        is_page = reply.body.lstrip()[:1] == b"<"
        text = "a web page" if is_page else reply.text()
    else:
        found = [decoded.get(key) for key in ("error", "message")] if isinstance(decoded, dict) else [decoded]
        text = next((one if isinstance(one, str) else json.dumps(one) for one in found if one), "")
    text = " ".join(redaction.redact(text).split())
    return f" ({text[:_SHOWN_CHARS]})" if text else ""


def _retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds from Retry-After (a number or a date, RFC 9110), or until a rate limit's reset (seconds, or a moment)."""
    for name in ("retry-after", "x-ratelimit-reset", "ratelimit-reset"):
        text = headers.get(name, "").strip()
        value = _number_or_date_s(text) if text else None
        if value is not None:
            return max(value - now_s if value > _EPOCH_S_MIN else value, 0.0)
    return None


def _number_or_date_s(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return _http_date_s(text)
    return value if value == value else None


def _http_date_s(text: str) -> float | None:
    from email import utils  # noqa: PLC0415 -- slow to import and hardly ever needed

    try:
        return utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
