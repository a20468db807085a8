"""Of a Kubernetes Secret only hosts and ports survive: where a client goes, never how it gets in."""

import base64

import pytest

from rootward.signals import redaction


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def veiled(key: str, value: str) -> str:
    body = redaction.redact_tree({"kind": "Secret", "data": {key: value}})
    found: str = body["data"][key]
    return found


@pytest.mark.parametrize(
    ("key", "text"),
    [("DB_HOST", "db-leader"), ("DB_PORT", "3306"), ("host", "db.shop.svc.cluster.local"), ("a.port", "1")],
)
def test_addresses_stay(key: str, text: str) -> None:
    assert veiled(key, encoded(text)) == encoded(text)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("DB_PASSWORD", "db-leader"),
        ("DB_USER", "admin"),
        ("passport", "3306"),
        ("SSH_HOST", "user:hunter2@bastion"),
        ("DB_HOST", "Tr0ub4dor&3"),
        ("DB_PORT", "hunter 2"),
    ],
)
def test_everything_else_is_masked(key: str, text: str) -> None:
    assert veiled(key, encoded(text)) == redaction.MASK


def test_what_is_not_base64_is_masked() -> None:
    assert veiled("DB_HOST", "not base64!") == redaction.MASK
