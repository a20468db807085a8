"""Signatures and tokens of clouds: right by another implementation, and clear words where there is nothing to sign with."""

import hashlib
import hmac
import json
import ssl
import sys
from pathlib import Path
from typing import Any
from urllib import parse

import contract_models
import httpx2
import pytest
import virtual_time as virtual
from model_fakes import Says

from rootward import errors, llm
from rootward.llm import access as accesses
from rootward.llm.credentials import aws, google

ASK = llm.Request(messages=(llm.user("What broke?"),))
AWS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG",
    "AWS_SESSION_TOKEN": "session",
}


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*AWS, "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    aws._session.cache_clear()
    google._credentials.cache_clear()


def signature(secret: str, region: str, headers: dict[str, str], path: str, body: bytes) -> str:
    """Signature Version 4 as Amazon's documentation describes it, in the test's own words."""
    scope_headers = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in scope_headers.split(";"))
    canonical = "\n".join(
        ["POST", parse.quote(path, safe="/~"), "", canonical_headers, scope_headers, hashlib.sha256(body).hexdigest()]
    )
    at = headers["x-amz-date"]
    scope = f"{at[:8]}/{region}/bedrock/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in (at[:8], region, "bedrock", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_requests_to_bedrock_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("botocore", reason="botocore, which signs, is not installed")
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    name, body = "eu.anthropic.claude-small-v1:0", b'{"max_tokens": 5}'
    url = f"https://bedrock-runtime.eu-central-1.amazonaws.com/model/{parse.quote(name, safe='')}/invoke"
    import asyncio

    headers = dict(
        asyncio.run(aws.sign(llm.Access(region="eu-central-1"), url, body, {"content-type": "application/json"}))
    )
    assert headers["x-amz-security-token"] == "session"
    signed = {**headers, "host": "bedrock-runtime.eu-central-1.amazonaws.com"}
    found = headers["authorization"].rpartition("Signature=")[2]
    assert found == signature(AWS["AWS_SECRET_ACCESS_KEY"], "eu-central-1", signed, parse.urlsplit(url).path, body)


def asking(provider: str) -> llm.Reply:
    row = contract_models.row(provider)
    bare = llm.Access(row.access.base_url, region=row.access.region, project=row.access.project)
    return _real_loop(contract_models.client(row, row.api(Says("x")), access=bare))


def _real_loop(model: llm.Client) -> llm.Reply:
    """Threads find credentials, so time must be real."""
    import asyncio

    return asyncio.run(model.chat(ASK))


def test_without_aws_credentials_it_says_what_to_do() -> None:
    pytest.importorskip("botocore", reason="botocore, which finds credentials, is not installed")
    with pytest.raises(errors.ModelNotPermitted, match=r"neither a key.*nor are there AWS credentials"):
        asking("bedrock")


def test_without_google_credentials_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    auth = pytest.importorskip("google.auth", reason="google-auth is not installed")
    from google.auth import exceptions

    def none(scopes: Any) -> Any:
        raise exceptions.DefaultCredentialsError("no")

    monkeypatch.setattr(auth, "default", none)
    with pytest.raises(errors.ModelNotPermitted, match="application-default login"):
        asking("vertex")


@pytest.mark.parametrize(
    ("provider", "library", "extra"),
    [("bedrock", "botocore.auth", "rootward[bedrock]"), ("vertex", "google.auth.exceptions", "rootward[vertex]")],
)
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, provider: str, library: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(errors.ModelNotPermitted) as caught:
        asking(provider)
    assert extra in str(caught.value)


def test_a_region_is_asked_for() -> None:
    row = contract_models.row("bedrock")
    with pytest.raises(errors.ModelUnreachable, match="must say region"):
        virtual.run(contract_models.client(row, row.api(Says("x")), access=llm.Access(key="k")).chat(ASK))


@pytest.fixture
def service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("google.oauth2.service_account", reason="google-auth is not installed")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "account.json"
    account = {
        "type": "service_account", "project_id": "shop", "private_key_id": "1", "private_key": pem.decode(),
        "client_email": "rootward@shop.iam.gserviceaccount.com", "client_id": "1", "token_uri": "https://tokens.acme.org/token",
    }  # fmt: skip
    file.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


def test_a_google_token_is_fetched_once_and_kept(service_account: None) -> None:
    came: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        came.append(request)
        return httpx2.Response(200, json={"access_token": "ya29.token", "expires_in": 3600, "token_type": "Bearer"})

    transport, noted = httpx2.MockTransport(answer), []
    access = llm.Access(note=lambda *note: noted.append(note))
    assert [google.token(access, transport) for _ in range(3)] == ["ya29.token"] * 3
    assert [str(one.url) for one in came] == ["https://tokens.acme.org/token"]
    assert [(note[0], note[1], note[4]) for note in noted] == [("POST", "https://tokens.acme.org/token", 200)]
    claims = parse.parse_qs(came[0].content.decode())
    assert claims["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


@pytest.mark.parametrize(
    "answer",
    [httpx2.Response(400, json={"error": "invalid_grant"}), httpx2.ConnectError("no route")],
    ids=["refused", "unreachable"],
)
def test_a_google_token_that_cannot_be_had(service_account: None, answer: Any) -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(errors.ModelNotPermitted, match="cannot be used"):
        google.token(llm.Access(), httpx2.MockTransport(handle))


# ---- trust


def test_a_file_of_authorities_that_is_none_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises(errors.ModelUnreachable, match="check ca_file"):
        accesses.ssl_context(llm.Access(ca_file=str(file)), "them/small")


def test_certificates_are_checked_unless_told_otherwise() -> None:
    assert accesses.ssl_context(llm.Access(), "t").verify_mode is ssl.CERT_REQUIRED
    assert accesses.ssl_context(llm.Access(), "t").check_hostname
    assert accesses.ssl_context(llm.Access(verify=False), "t").verify_mode is ssl.CERT_NONE
