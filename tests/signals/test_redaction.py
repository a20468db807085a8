"""Secrets leave production text; ordinary lines stay as they are."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.signals import redaction

SECRETS = [
    ("Authorization: Bearer abc123DEF456ghi789", "abc123DEF456ghi789"),
    ("authorization=Basic dXNlcjpwYXNzd29yZDE=", "dXNlcjpwYXNzd29yZDE"),
    ("key AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"),
    ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalrXUtnFEMI"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF-_123 end", "eyJzdWIiOiIxMjM0In0"),
    ("postgres://app:s3cr3t@db:5432/orders refused", "s3cr3t"),
    ("amqp://guest:guest@rabbit:5672", ":guest@"),
    ("login failed password=hunter2 user=bob", "hunter2"),
    ('{"password": "correct horse", "user": "bob"}', "correct"),
    ('{"api_key":"0123abcd"}', "0123abcd"),
    ('msg="{\\"token\\":\\"a1b2c3d4e5\\"}"', "a1b2c3d4e5"),
    ("DB_PASSWORD: pa55word1", "pa55word1"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ("paid with 4111 1111 1111 1111 ok", "4111 1111"),
    ("paid with 378282246310005", "378282246310005"),
    ("pushed with ghp_" + "a1" * 18, "a1a1a1"),
    ("mysqldump --password Tr0ub4dor3 shop", "Tr0ub4dor3"),
    ("ALTER ROLE app WITH LOGIN PASSWORD 'Tr0ub4dor3'", "Tr0ub4dor3"),
    ("create user app identified by 'Tr0ub4dor3'", "Tr0ub4dor3"),
    ("AccountKey=abc123DEF456==;EndpointSuffix=core", "abc123DEF456"),
    ("POST https://hooks.slack.com/services/T01ABCDEF/B01ABCDEFG/" + "aB3" * 8 + " 404", "aB3aB3"),
    *(
        (f"push with {prefix}{'a1' * 40} failed", "a1a1a1")
        for prefix in ("glpat-", "pypi-", "hf_", "ya29.", "sk-ant-", "rk_live_", "dop_v1_")
    ),
    ("publish with npm_" + "a1" * 18, "a1a1a1"),
    ("slack xoxb-123456789012-abcdef", "123456789012"),
]

ORDINARY = [
    "GET /checkout 200 12ms trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    'password authentication failed for user "app"',
    "password: invalid",
    "token: expired",
    'MountVolume.SetUp failed for volume "creds": secret "db-credentials" not found',
    "secretName: db-credentials",
    "max_tokens=1000 total_tokens: 512",
    "keyspace hits=12 misses=3 keys=100",
    "PWD=/srv/app",
    "ts=1724318100123456789 id=5234567890123456789 bytes=4111111111111112",
    "http://cart:8080/health refused",
    "user bob@example.com not found",
    "cache key=user:42 evicted",
    "basic internationalization loaded",
    "password=null",
    "Bearer token missing",
    "use --password to set one, or --token-file /run/token",
    "npm_config_registry and hf_hub_offline are set",
    "--max-tokens 4096 --context 8192",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_go(text: str, secret: str) -> None:
    cleaned = redaction.redact(text)
    assert secret not in cleaned
    assert redaction.MASK in cleaned


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_stay(text: str) -> None:
    assert redaction.redact(text) == text


def test_the_rest_of_a_line_survives() -> None:
    cleaned = redaction.redact("connect postgres://app:s3cr3t@db:5432/orders: timeout after 30s password=x9 retry=2")
    assert cleaned == "connect postgres://app:[redacted]@db:5432/orders: timeout after 30s password=[redacted] retry=2"


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redaction.redact(text)
    assert redaction.redact(once) == once


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz ", max_size=80))
def test_plain_words_are_never_touched(text: str) -> None:
    assert redaction.redact(text) == text


def test_objects_lose_secret_values_and_keep_their_keys() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "cGFzcw==", "user": "YXBw"}}
    assert redaction.redact_tree(secret)["data"] == {"password": redaction.MASK, "user": redaction.MASK}
    pod = {"spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "x"}, {"name": "PORT", "value": "80"}]}]}}
    env = redaction.redact_tree(pod)["spec"]["containers"][0]["env"]
    assert [one["value"] for one in env] == [redaction.MASK, "80"]


@pytest.mark.parametrize(
    ("key", "secret"), [("apiKey", True), ("db.password", True), ("secretName", False), ("key", False)]
)
def test_names_of_secrets(key: str, secret: bool) -> None:
    assert redaction.names_secret(key) is secret


def test_five_thousand_ordinary_lines_cost_little() -> None:
    lines = [f'level=info msg="handled request" path=/api/cart/{i} status=200 duration=12.{i}ms' for i in range(5_000)]
    start = time.process_time()
    redaction.redact_all(lines)
    assert time.process_time() - start < 0.2


@given(st.lists(st.sampled_from([*(text for text, _ in SECRETS), *ORDINARY]), max_size=4).map(" ".join))
def test_what_is_redacted_once_is_redacted(text: str) -> None:
    once = redaction.redact(text)
    assert redaction.redact(once) == once


def test_what_was_found_innocent_is_not_remembered_without_end() -> None:
    """Texts without a secret are remembered, a bounded number of them; those with one never are."""
    for number in range(redaction._REMEMBERED + 10):
        assert redaction.redact(f"row {number}") == f"row {number}"
    assert (
        redaction.redact("password=hunter2x") == redaction.redact("password=hunter2x") == f"password={redaction.MASK}"
    )
    assert 0 < len(redaction._innocent) <= redaction._REMEMBERED
    assert not any("hunter2" in text for text in redaction._innocent)
