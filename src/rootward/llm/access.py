"""Where a provider is, and how we show who we are: address, key, trust. Nothing of it is ever shown or recorded."""

import dataclasses
import ssl
from collections.abc import Callable, Iterable, Mapping
from urllib import parse

from rootward import _clock, errors
from rootward.signals import outgoing, redaction

Note = Callable[[str, str, int, int, int], None]
"""(method, address, bytes out, bytes in, status or 0) → nothing: the record of what left."""

SECRET_CHARS_MIN = 6  # shorter texts are no secrets, and stand in any sentence


@dataclasses.dataclass(frozen=True, slots=True)
class Access:
    """What settings say about one model's provider. Empty texts: the provider's own default, or not needed."""

    base_url: str = ""
    key: str = dataclasses.field(default="", repr=False)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    region: str = ""  # Bedrock, Vertex
    project: str = ""  # Vertex
    version: str = ""  # Azure: the dated API of a deployment, in place of the undated one
    profile: str = ""  # Bedrock: which of the machine's AWS profiles
    ca_file: str = ""
    verify: bool = True
    proxy: str = ""
    context_tokens: int = 0  # of question and answer together; local: memory is taken for them
    threads: int = 0  # local; 0: one less than there are cores
    quiet_s: float = 60.0  # a stream that says nothing for so long is given up

    note: Note | None = dataclasses.field(default=None, repr=False, compare=False)  # told of every request that leaves

    def without_secrets(self, body: bytes) -> bytes:
        """What a provider says about an error, where some quote the key back."""
        for secret in (self.key, *self.headers.values()):
            if len(secret) >= SECRET_CHARS_MIN:
                body = body.replace(secret.encode(), redaction.MASK.encode())
        return body


def shown(address: str) -> str:
    """An address for messages: without query, and without who signs in."""
    parts = parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def noting(log: outgoing.Log, name: str, clock: _clock.Clock) -> Note:
    """A note-taker for one model; `name` as in the settings. Neither query nor content is noted."""

    def note(method: str, address: str, bytes_out: int, bytes_in: int, status: int) -> None:
        parts = parse.urlsplit(address)
        log.note(
            outgoing.Sent(
                clock.now_s(),
                "model",
                name,
                method,
                parts.netloc.rpartition("@")[2],
                parts.path,
                bytes_out,
                bytes_in,
                status,
            )
        )

    return note


def head_bytes(method: str, address: str, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Bytes of a request without its body, as HTTP/1.1 writes them."""
    target = address.partition("://")[2].partition("/")[2]
    return len(f"{method} /{target} HTTP/1.1\r\n\r\n") + sum(
        len(name) + len(value) + len(": \r\n") for name, value in headers
    )


def ssl_context(access: Access, title: str) -> ssl.SSLContext:
    """The trust that the settings ask for.

    Raises:
        errors.ModelUnreachable: the file of authorities cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=access.ca_file or None)
    except (OSError, ValueError) as error:
        message = f"{title}: the TLS settings cannot be used ({error}); check ca_file"
        raise errors.ModelUnreachable(message, model=title) from error
    if not access.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
