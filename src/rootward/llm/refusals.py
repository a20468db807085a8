"""What a provider means when it does not answer: statuses, codes and sentences of all of them, as our few errors."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from rootward import errors
from rootward.llm import messages
from rootward.signals import redaction

SHOWN_CHARS = 300  # of what the provider said, in a message
_TOO_LONG = re.compile(
    r"prompt is too long|context[ _-]?(?:length|window|size)|maximum context|too many (?:input )?tokens|input is too long"
    r"|exceeds? .{0,40}(?:token limit|context)|request_too_large|reduce the length",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content[ _-]?(?:filter|management policy|policy violation)|ResponsibleAI|guardrail|safety system", re.IGNORECASE
)
_UNPAID = re.compile(r"insufficient_quota|credit balance|billing|exceeded your current quota|payment", re.IGNORECASE)
_NO_MODEL = re.compile(
    r"model.{0,200}(?:not (?:found|exist|available)|does not exist|unknown|invalid)|model_not_found|unknown model|DeploymentNotFound|invalid model",
    re.IGNORECASE | re.DOTALL,
)
# What providers call things in the middle of a stream, or in a header (Bedrock), where there is no status.
_STATUS_OF_CODE = {
    "overloaded_error": 529, "rate_limit_error": 429, "rate_limit_exceeded": 429, "api_error": 500, "server_error": 500,
    "internal_error": 500, "internalservererror": 500, "timeout_error": 504, "authentication_error": 401, "permission_error": 403,
    "billing_error": 403, "invalid_request_error": 400, "not_found_error": 404, "request_too_large": 413, "invalid_api_key": 401,
    "throttlingexception": 429, "serviceunavailableexception": 503, "modelnotreadyexception": 503, "modeltimeoutexception": 504,
    "internalserverexception": 500, "modelstreamerrorexception": 500, "modelerrorexception": 500, "validationexception": 400,
    "accessdeniedexception": 403, "unrecognizedclientexception": 403, "expiredtokenexception": 403,
    "resourcenotfoundexception": 404, "servicequotaexceededexception": 429, "resource_exhausted": 429, "unauthenticated": 401,
    "permission_denied": 403, "not_found": 404, "unavailable": 503, "invalid_argument": 400, "engine_overloaded_error": 503,
    "unavailable_error": 503, "exceed_context_size_error": 413,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """What a body says about an error: a code, words, and whether it was JSON at all."""

    code: str
    text: str
    is_json: bool


def of_status(
    title: str, asked: str, status: int, headers: Mapping[str, str], body: bytes, *, now_s: float
) -> errors.ModelError:
    """The error for a reply that is not 200. `asked` is the address, for the message; header names in lower case."""
    said = read(body)
    code = said.code or headers.get("x-amzn-errortype", "").partition(":")[0]
    start = f"{title}: {asked} answered {status}"
    if said.is_json or status in (401, 403, 429) or status >= 500:
        return _error(start, title, status, code, said.text, retry_after_s(headers, now_s))
    if 300 <= status < 400:
        return errors.ModelMalformed(f"{start}, redirecting; set base_url to the API itself", model=title)
    return errors.ModelMalformed(f"{start}{_quoted(said.text)}; is base_url the API's address?", model=title)


def in_body(title: str, body: Mapping[str, Any], *, usage: messages.Usage | None = None) -> errors.ModelError:
    """The error that stands in a body or an event where an answer was expected."""
    said = _of_tree(body)
    status = _STATUS_OF_CODE.get(
        said.code.lower(), int(said.code) if said.code.isdigit() and len(said.code) == 3 else 500
    )
    error = _error(f"{title} broke off", title, status, said.code, said.text, None)
    error.usage = messages.spent(usage) if usage is not None else {}
    return error


def refused(title: str, why: str, usage: messages.Usage) -> errors.ModelRefused:
    """The model answered, with no."""
    return errors.ModelRefused(f"{title} refused{_quoted(why)}", model=title, usage=messages.spent(usage))


def read(body: bytes) -> Said:
    """What a body says, whatever its shape."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        text = "a web page" if body.lstrip()[:1] == b"<" else body[:2000].decode("utf-8", errors="replace")
        return Said("", text, is_json=False)
    return _of_tree(tree)


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """When to come back: `retry-after-ms` (OpenAI, Azure), `retry-after` in seconds or as a date (RFC 9110)."""
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        try:
            value = float(text) * factor
        except ValueError:
            value = _until_s(text, now_s)
        if 0 <= value < 1e7:
            return value
    return None


def _error(start: str, title: str, status: int, code: str, text: str, after_s: float | None) -> errors.ModelError:
    both, told = f"{code} {text}", f"{start}{_quoted(text or code)}"
    if status < 500 and _FILTERED.search(both):
        return errors.ModelRefused(f"{told}; its content filter stopped the question", model=title)
    if status in (400, 413, 422, 500) and _TOO_LONG.search(both):
        return errors.ContextTooLong(f"{told}; ask with less, or use a model with a longer context", model=title)
    if status in (401, 403) or (status in (400, 402, 429) and _UNPAID.search(both)):
        hint = "check the key" if status == 401 else "check what the key may do, and the account"
        return errors.ModelNotPermitted(f"{told}; {hint}", model=title)
    if status == 429:
        wait = f"; it asks to wait {after_s:.0f} s" if after_s is not None else ""
        return errors.ModelRateLimited(f"{told}{wait}", model=title, retry_after_s=after_s)
    if status in (503, 529):
        return errors.ModelOverloaded(f"{told}; it has no room now", model=title, retry_after_s=after_s)
    if status >= 500 or status == 408:
        return errors.ModelFailed(f"{told}; it failed while answering", model=title, retry_after_s=after_s)
    if status == 404 or (status == 400 and _NO_MODEL.search(both)):
        return errors.ModelUnknown(
            f"{told}; check the model's name, and that base_url is the API's address", model=title
        )
    return errors.ModelRejected(told, model=title)


def _of_tree(tree: object) -> Said:
    """Everybody puts it elsewhere: {"error": {…}}, {"error": "…"}, {"message": …}, {"detail": …}, a list of those (Google)."""
    if isinstance(tree, list) and tree:
        tree = tree[0]
    if not isinstance(tree, dict):
        return Said("", str(tree)[:SHOWN_CHARS], is_json=True)
    error = tree.get("error", tree)
    if not isinstance(error, dict):
        return Said(_code(tree), str(error), is_json=True)
    text = next((one for key in ("message", "detail", "Message") if isinstance(one := error.get(key), str)), "")
    inner = error.get("innererror") or error.get("inner_error")
    more = f" {inner.get('code')}" if isinstance(inner, dict) and inner.get("code") else ""
    return Said(_code(error), (text or json.dumps(error)) + more, is_json=True)


def _code(error: Mapping[str, Any]) -> str:
    """The most telling of what there is: OpenAI's `code` says more than its `type`; Google's `status` than its number."""
    found = [
        str(error[key]) for key in ("code", "status", "type", "__type") if error.get(key) not in (None, "", "error")
    ]
    named = [one for one in found if one.lower() in _STATUS_OF_CODE]
    return next(iter([*named, *found]), "")


def _quoted(text: str) -> str:
    text = " ".join(redaction.redact(text).split())
    return f" ({text[:SHOWN_CHARS]})" if text else ""


def _until_s(text: str, now_s: float) -> float:
    from email import utils  # noqa: PLC0415 -- slow to import and hardly ever needed

    try:
        return max(utils.parsedate_to_datetime(text).timestamp() - now_s, 0.0)
    except (TypeError, ValueError):
        return -1.0
