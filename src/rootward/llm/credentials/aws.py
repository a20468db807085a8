"""Signatures for Amazon Bedrock (Signature Version 4) with the machine's own AWS credentials, as botocore finds them."""

import asyncio
import functools
import importlib
from collections.abc import Mapping
from typing import Any

from rootward import errors
from rootward.llm import access as accesses

SERVICE = "bedrock"


async def sign(access: accesses.Access, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
    """See `providers.provider.Sign`. Finding credentials may ask the network (roles, single sign-on), so a thread does it."""
    return await asyncio.to_thread(_signed, access.profile, access.region, url, body, headers.get("content-type", ""))


def _signed(profile: str, region: str, url: str, body: bytes, content_type: str) -> dict[str, str]:
    try:
        auth, requests = importlib.import_module("botocore.auth"), importlib.import_module("botocore.awsrequest")
        failures = importlib.import_module("botocore.exceptions")
    except ImportError as error:
        raise errors.ModelNotPermitted(
            "bedrock: without a key, requests are signed with the library botocore: pip install 'rootward[bedrock]', or set key"
        ) from error
    try:
        found = _session(profile).get_credentials()
        frozen = found.get_frozen_credentials() if found is not None else None
    except failures.BotoCoreError as error:
        raise errors.ModelNotPermitted(f"bedrock: AWS credentials cannot be used ({error})") from error
    if frozen is None:
        raise errors.ModelNotPermitted(
            "bedrock: there is neither a key (AWS_BEARER_TOKEN_BEDROCK) nor are there AWS credentials: sign in, or set profile or key"
        )
    request = requests.AWSRequest(method="POST", url=url, data=body, headers={"content-type": content_type})
    auth.SigV4Auth(frozen, SERVICE, region).add_auth(request)
    return {name.lower(): str(value) for name, value in request.headers.items()}


@functools.lru_cache(maxsize=8)
def _session(profile: str) -> Any:
    session = importlib.import_module("botocore.session")
    return session.Session(profile=profile or None)
