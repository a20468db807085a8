"""Whatever words a provider has for it, the same trouble is the same error, and says what was asked, of whom, and what to try."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.llm import refusals

NOW_S = 1_780_000_000.0

# (status, headers, body, error, what the message says): as the vendors' documentation and users' reports have them.
TABLE: list[tuple[int, dict[str, str], Any, type[errors.ModelError], str]] = [
    # Anthropic
    (401, {}, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}, errors.ModelNotPermitted, "check the key"),
    (403, {}, {"type": "error", "error": {"type": "permission_error", "message": "not allowed"}}, errors.ModelNotPermitted, "may do"),
    (400, {}, {"type": "error", "error": {"type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API."}}, errors.ModelNotPermitted, "account"),
    (400, {}, {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 215000 tokens > 200000 maximum"}}, errors.ContextTooLong, "longer context"),
    (413, {}, {"type": "error", "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}}, errors.ContextTooLong, "ask with less"),
    (429, {"retry-after": "17"}, {"type": "error", "error": {"type": "rate_limit_error", "message": "would exceed your rate limit of 50 requests"}}, errors.ModelRateLimited, "wait 17 s"),
    (529, {}, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, errors.ModelOverloaded, "no room"),
    (404, {}, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude-tiny"}}, errors.ModelUnknown, "model's name"),
    (500, {}, {"type": "error", "error": {"type": "api_error", "message": "Internal server error"}}, errors.ModelFailed, "failed"),
    # OpenAI
    (401, {}, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}, errors.ModelNotPermitted, "check the key"),
    (429, {"retry-after-ms": "1500"}, {"error": {"message": "Rate limit reached for gpt", "type": "tokens", "code": "rate_limit_exceeded"}}, errors.ModelRateLimited, "wait 2 s"),
    (429, {}, {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}}, errors.ModelNotPermitted, "account"),
    (400, {}, {"error": {"message": "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.", "code": "context_length_exceeded"}}, errors.ContextTooLong, "ask with less"),
    (404, {}, {"error": {"message": "The model `gpt-9` does not exist or you do not have access to it.", "code": "model_not_found"}}, errors.ModelUnknown, "model's name"),
    (400, {}, {"error": {"message": "Invalid schema for function 'rate'", "type": "invalid_request_error"}}, errors.ModelRejected, "Invalid schema"),
    (503, {}, {"error": {"message": "The engine is currently overloaded", "type": "server_error"}}, errors.ModelOverloaded, "no room"),
    (502, {}, b"<html>bad gateway</html>", errors.ModelFailed, "a web page"),
    # Azure
    (400, {}, {"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, errors.ModelRefused, "content filter"),
    (404, {}, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}, errors.ModelUnknown, "model's name"),
    # vLLM, Ollama, llama.cpp
    (404, {}, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}, errors.ModelUnknown, "does not exist"),
    (404, {}, {"error": {"message": "model 'qwen' not found, try pulling it first", "type": "api_error"}}, errors.ModelUnknown, "pulling"),
    (400, {}, {"error": {"code": 400, "message": "the request exceeds the available context size (4096 tokens)", "type": "exceed_context_size_error"}}, errors.ContextTooLong, "less"),
    (503, {}, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, errors.ModelOverloaded, "Loading model"),
    # Bedrock
    (429, {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}, {"message": "Too many requests, please wait before trying again."}, errors.ModelRateLimited, "Too many"),
    (400, {"x-amzn-errortype": "ValidationException"}, {"message": "Input is too long for requested model."}, errors.ContextTooLong, "ask with less"),
    (400, {"x-amzn-errortype": "ValidationException"}, {"message": "The provided model identifier is invalid."}, errors.ModelUnknown, "model's name"),
    (403, {"x-amzn-errortype": "AccessDeniedException"}, {"message": "You don't have access to the model with the specified model ID."}, errors.ModelNotPermitted, "may do"),
    # Google
    (429, {}, [{"error": {"code": 429, "message": "Resource exhausted, please try again later.", "status": "RESOURCE_EXHAUSTED"}}], errors.ModelRateLimited, "exhausted"),
    (401, {}, [{"error": {"code": 401, "message": "Request had invalid authentication credentials.", "status": "UNAUTHENTICATED"}}], errors.ModelNotPermitted, "check the key"),
    # others on the way
    (404, {}, b"404 page not found", errors.ModelMalformed, "base_url"),
    (302, {"location": "https://login"}, b"", errors.ModelMalformed, "redirecting"),
    (408, {}, {"error": "timed out"}, errors.ModelFailed, "timed out"),
    (422, {}, {"detail": [{"loc": ["body"], "msg": "field required"}]}, errors.ModelRejected, "field required"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "said"),
    TABLE,
    ids=[f"{row[0]}-{row[3].__name__}-{at}" for at, row in enumerate(TABLE)],
)
def test_what_vendors_say(
    status: int, headers: dict[str, str], body: Any, error: type[errors.ModelError], said: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = refusals.of_status("them/small", "POST https://them", status, headers, raw, now_s=NOW_S)
    assert type(found) is error, found
    assert said in str(found)
    assert str(found).startswith(f"them/small: POST https://them answered {status}")
    assert found.model == "them/small"


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 28 May 2026 20:27:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 28 May 2020 20:27:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-4"}, None),
        ({"retry-after": "1e99"}, None),
        ({}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], wait_s: float | None) -> None:
    assert refusals.retry_after_s(headers, NOW_S) == wait_s


def test_secrets_in_what_they_say_are_hidden() -> None:
    body = json.dumps({"error": {"message": "no such user in postgres://app:hunter2@db/x"}}).encode()
    assert "hunter2" not in str(refusals.of_status("t", "POST x", 400, {}, body, now_s=NOW_S))


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "status", "detail", "innererror"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(201, 599), trees)
def test_no_body_is_too_strange(status: int, tree: Any) -> None:
    found = refusals.of_status("t", "POST x", status, {}, json.dumps(tree).encode(), now_s=NOW_S)
    assert isinstance(found, errors.ModelError)
    assert len(str(found)) < 700
    if isinstance(tree, dict):
        assert isinstance(refusals.in_body("t", tree), errors.ModelError)
