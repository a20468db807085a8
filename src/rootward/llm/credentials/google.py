"""Tokens for Google Vertex with the machine's own Google credentials, as google-auth finds them (gcloud, service accounts, metadata)."""

import asyncio
import functools
import importlib
import threading
from collections.abc import Mapping
from typing import Any

import httpx2

from rootward import errors
from rootward.llm import access as accesses

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SECONDS = 20.0  # for one request to Google's token service
_LOCK = threading.Lock()


async def sign(access: accesses.Access, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    """See `providers.provider.Sign`. Tokens are kept until they run out; fetching one blocks, so a thread does it."""
    del url, body, headers
    return {"authorization": f"Bearer {await asyncio.to_thread(token, access)}"}


def token(access: accesses.Access, transport: httpx2.BaseTransport | None = None) -> str:
    """A token that is valid now. `transport` replaces the network.

    Raises:
        errors.ModelNotPermitted: no credentials, or they are refused, or the library is not installed.
    """
    try:
        failures = importlib.import_module("google.auth.exceptions")
        credentials = _credentials()
    except ImportError as error:
        raise errors.ModelNotPermitted(
            "vertex: without a key, tokens come from the library google-auth: pip install 'rootward[vertex]', or set key"
        ) from error
    try:
        with _LOCK:
            if not credentials.valid:
                credentials.refresh(_Exchange(access, transport))
            return str(credentials.token)
    except failures.GoogleAuthError as error:
        raise errors.ModelNotPermitted(
            f"vertex: Google credentials cannot be used ({error}); sign in, or set key"
        ) from error


@functools.cache
def _credentials() -> Any:
    auth, failures = importlib.import_module("google.auth"), importlib.import_module("google.auth.exceptions")
    try:
        found, _ = auth.default(scopes=[SCOPE])
    except failures.DefaultCredentialsError as error:
        raise errors.ModelNotPermitted(
            "vertex: there are no Google credentials: run gcloud auth application-default login, or set key"
        ) from error
    return found


class _Answer:
    """What google-auth wants to see of an answer."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status, self.headers, self.data = response.status_code, response.headers, response.content


class _Exchange:
    """The way to the token service, over our HTTP library, our trust and our proxy: what google-auth calls a transport."""

    def __init__(self, access: accesses.Access, transport: httpx2.BaseTransport | None) -> None:
        self._access, self._transport = access, transport

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> _Answer:
        failures = importlib.import_module("google.auth.exceptions")
        verify = accesses.ssl_context(self._access, "vertex") if self._transport is None else False
        with httpx2.Client(
            transport=self._transport, verify=verify, trust_env=False, proxy=self._access.proxy or None, timeout=SECONDS
        ) as client:
            response = None
            request = client.build_request(method, url, content=body, headers=dict(headers or {}))
            try:
                response = client.send(request)
                return _Answer(response)
            except httpx2.HTTPError as error:
                raise failures.TransportError(error) from error
            finally:
                if self._access.note is not None:
                    out = accesses.head_bytes(method, url, request.headers.raw) + len(body or b"")
                    back = (len(response.content), response.status_code) if response is not None else (0, 0)
                    self._access.note(method, url, out, *back)
