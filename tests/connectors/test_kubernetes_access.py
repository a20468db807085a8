"""Kubeconfig and service accounts: which cluster, who we are, and clear refusals."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from rootward import errors
from rootward.connectors.kubernetes import access


def write(tmp_path: Path, **changes: Any) -> Path:
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [{"name": "c", "cluster": {"server": "https://k8s:6443", "certificate-authority": "ca.pem"}}],
        "users": [
            {"name": "u", "user": {"token": "t0ken", "client-certificate-data": base64.b64encode(b"CERT").decode()}},
            {"name": "exec", "user": {"exec": {"command": "aws"}}},
        ],
        "contexts": [
            {"name": "prod", "context": {"cluster": "c", "user": "u"}},
            {"name": "cloud", "context": {"cluster": "c", "user": "exec"}},
            {"name": "lost", "context": {"cluster": "gone", "user": "u"}},
        ],
        **changes,
    }
    (tmp_path / "ca.pem").write_text("CA")
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    return file


def test_the_current_context(tmp_path: Path) -> None:
    found = access.from_kubeconfig(write(tmp_path))
    assert (found.base_url, found.token, found.ca_pem, found.client_cert_pem) == (
        "https://k8s:6443",
        "t0ken",
        "CA",
        "CERT",
    )
    assert "t0ken" not in repr(found)


@pytest.mark.parametrize(
    ("context", "said"),
    [("cloud", "plug-in"), ("nope", "it has: prod, cloud, lost"), ("lost", "no cluster named 'gone'")],
)
def test_contexts_that_cannot_be_used(tmp_path: Path, context: str, said: str) -> None:
    with pytest.raises(errors.SettingsError, match=said):
        access.from_kubeconfig(write(tmp_path), context)


@pytest.mark.parametrize("text", ["[", "just text", "[]", "\x00"])
def test_files_that_are_no_kubeconfig(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(errors.SettingsError, match="config"):
        access.from_kubeconfig(file)


def test_half_written_data(tmp_path: Path) -> None:
    users = [{"name": "u", "user": {"client-key-data": "not base64!"}}]
    with pytest.raises(errors.SettingsError, match="client-key"):
        access.from_kubeconfig(write(tmp_path, users=users))


def test_a_service_account(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    found = access.in_cluster({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}, tmp_path)
    assert found.base_url == "https://[fd00::1]:6443"
    assert found.token_file == str(tmp_path / "token")
    with pytest.raises(errors.SettingsError, match="not a pod"):
        access.in_cluster({}, tmp_path)
