"""How to reach a cluster: a kubeconfig file, or the service account of the pod that we run in.

Source: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.connectors import _endpoint

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def in_cluster(environ: Mapping[str, str], directory: Path = SERVICE_ACCOUNT) -> _endpoint.Endpoint:
    """The API server and the rotated token that every pod is given.

    Raises:
        errors.SettingsError: we do not run in a pod.
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host or not (directory / "token").exists():
        raise errors.SettingsError(
            "connectors of type kubernetes: in_cluster is set, but this is not a pod with a service account; "
            "give kubeconfig instead"
        )
    shown = f"[{host}]" if ":" in host else host
    return _endpoint.Endpoint(
        f"https://{shown}:{port}", token_file=str(directory / "token"), ca_file=str(directory / "ca.crt")
    )


def from_kubeconfig(path: Path, context: str = "") -> _endpoint.Endpoint:
    """The cluster and user of `context` ("" takes the current one).

    Exec and auth-provider plug-ins are programs: we run none, and say so.

    Raises:
        errors.SettingsError: the file, the context or the user cannot be used.
    """
    import yaml  # noqa: PLC0415 -- only those who have a kubeconfig pay for it

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise errors.SettingsError(f"cannot read the kubeconfig {path}: {error}") from error
    if not isinstance(config, dict):
        raise errors.SettingsError(f"{path} is not a kubeconfig: it holds no mapping")
    chosen = context or str(config.get("current-context") or "")
    about = _named(config, "contexts", chosen, "context", path)
    cluster = _named(config, "clusters", str(about.get("cluster")), "cluster", path)
    user = _named(config, "users", str(about["user"]), "user", path) if about.get("user") else {}
    if user.get("exec") or user.get("auth-provider"):
        raise errors.SettingsError(
            f"user {about['user']!r} of {path} signs in with a plug-in, which we do not run; make a read-only service "
            "account and give its token (`kubectl create token`)"
        )
    return _endpoint.Endpoint(
        str(cluster.get("server") or ""),
        username=str(user.get("username") or ""),
        password=str(user.get("password") or ""),
        token=str(user.get("token") or ""),
        token_file=_beside(path, user.get("tokenFile")),
        ca_pem=_pem(cluster, "certificate-authority", path),
        client_cert_pem=_pem(user, "client-certificate", path),
        client_key_pem=_pem(user, "client-key", path),
        verify=not cluster.get("insecure-skip-tls-verify"),
        proxy=str(cluster.get("proxy-url") or ""),
    )


def _named(config: Mapping[str, Any], section: str, name: str, inner: str, path: Path) -> Mapping[str, Any]:
    listed = [one for one in config.get(section) or [] if isinstance(one, dict)]
    for one in listed:
        if one.get("name") == name and isinstance(one.get(inner), dict):
            found: Mapping[str, Any] = one[inner]
            return found
    known = ", ".join(str(one.get("name")) for one in listed) or "none"
    raise errors.SettingsError(f"{path} has no {inner} named {name!r}; it has: {known}")


def _pem(section: Mapping[str, Any], key: str, path: Path) -> str:
    """The text of a certificate or key, given in place (base64) or as a file, relative to the kubeconfig."""
    data = section.get(f"{key}-data")
    try:
        if data:
            return base64.b64decode(str(data), validate=True).decode("ascii")
        file = _beside(path, section.get(key))
        return Path(file).read_text(encoding="ascii") if file else ""
    except (binascii.Error, UnicodeDecodeError, OSError) as error:
        raise errors.SettingsError(f"{path}: {key} cannot be used: {error}") from error


def _beside(path: Path, file: object) -> str:
    return str(path.parent / str(file)) if file else ""
