"""Where a back end is, and how we show who we are: addresses, credentials, trust."""

import dataclasses
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rootward import errors


@dataclasses.dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a back end is and how we show who we are. Secrets are plain texts here, and left out of `repr`."""

    base_url: str
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    username: str = ""
    password: str = dataclasses.field(default="", repr=False)
    token: str = dataclasses.field(default="", repr=False)
    token_file: str = ""  # read anew when the back end answers 401: such tokens are rotated
    token_prefix: str = "Bearer "  # noqa: S105 -- what stands before the token
    ca_file: str = ""
    ca_pem: str = dataclasses.field(default="", repr=False)
    client_cert_pem: str = dataclasses.field(default="", repr=False)
    client_key_pem: str = dataclasses.field(default="", repr=False)
    verify: bool = True
    proxy: str = ""
    attempts: int = 3
    backoff_s: float = 0.25  # the first wait is drawn from 0 to this, each later one from twice as much
    backoff_s_max: float = 5.0


def read_credentials(path: str, source: str) -> str:
    """The text of a file that holds a token or a key.

    Raises:
        errors.NotPermitted: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise errors.NotPermitted(
            f"{source}: cannot read the credentials in {path} ({error})", source=source
        ) from error


def ssl_context(endpoint: Endpoint, source: str) -> ssl.SSLContext:
    """The trust and the client certificate that the settings ask for.

    Raises:
        errors.BackendUnreachable: they cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=endpoint.ca_file or None, cadata=endpoint.ca_pem or None)
        if not endpoint.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if endpoint.client_cert_pem:
            _load_client_certificate(context, endpoint)
    except (OSError, ValueError) as error:
        message = f"{source}: the TLS settings cannot be used ({error}); check ca_file and the client certificate"
        raise errors.BackendUnreachable(message, source=source) from error
    return context


def _load_client_certificate(context: ssl.SSLContext, endpoint: Endpoint) -> None:
    """The library reads certificates only from files, so they pass through one that nobody else can read."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(endpoint.client_cert_pem + "\n" + endpoint.client_key_pem)
        file.flush()
        context.load_cert_chain(file.name)
