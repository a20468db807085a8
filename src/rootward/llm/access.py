"""Where a provider is, and how we show who we are: address, key, trust. Nothing of it is ever shown or recorded."""

import dataclasses
import ssl
from collections.abc import Mapping

from rootward import errors
from rootward.signals import redaction

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
    context_tokens: int = 0  # local: of question and answer together
    threads: int = 0  # local; 0: one less than there are cores
    quiet_s: float = 60.0  # a stream that says nothing for so long is given up

    def without_secrets(self, body: bytes) -> bytes:
        """What a provider says about an error, where some quote the key back."""
        for secret in (self.key, *self.headers.values()):
            if len(secret) >= SECRET_CHARS_MIN:
                body = body.replace(secret.encode(), redaction.MASK.encode())
        return body


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
