"""What one provider is: a format, an address, and the few things that it does its own way."""

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal
from urllib import parse

from rootward import errors
from rootward.llm import access as accesses
from rootward.llm import door as doors
from rootward.llm import model, wires

Sign = Callable[[accesses.Access, str, bytes, Mapping[str, str]], Awaitable[Mapping[str, str]]]
"""(access, url, body, headers) → headers that prove who we are, for one request.

Raises:
    errors.ModelNotPermitted: no credentials, or the library that finds them is not installed.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """In addresses and paths `{model}`, `{region}`, `{project}` and `{version}` are replaced by what settings say."""

    name: str
    about: str
    wire: wires.Wire
    base_url: str = ""  # "": settings must say
    region_urls: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # for regions that have an address of their own
    path: str = "/chat/completions"
    live_path: str = ""  # where streams are asked for, if elsewhere
    version_path: str = ""  # used when settings name a version
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    key_variable: str = ""  # where people keep the key, for messages; "": none is needed
    sign: Sign | None = None  # used where there is no key
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # said with every question
    unsaid: frozenset[str] = frozenset()  # fields that the address says instead
    framing: Literal["events", "aws"] = "events"  # of streams
    dialect: wires.Dialect = dataclasses.field(default_factory=wires.Dialect)
    way: model.Way = "schema"
    door: Callable[[accesses.Access, str], doors.Door] | None = None  # in place of the network
    only_live: bool = False  # whole replies are streamed too: what is behind the door can only so be stopped
    context_tokens: int | None = (
        None  # that there is room for unless settings say otherwise; None: it depends on the model
    )
    free: bool = False  # runs on the user's own machines: tokens cost nothing

    def url(self, access: accesses.Access, name: str, *, live: bool) -> str:
        """Where to ask.

        Raises:
            errors.ModelUnreachable: settings lack something that the address needs.
        """
        base = access.base_url or self.region_urls.get(access.region, self.base_url)
        if not base.startswith(("http://", "https://")):
            raise errors.ModelUnreachable(
                f"{self.name}/{name}: base_url is {base!r}; it must be an address such as https://models.acme.org/v1",
                model=name,
            )
        path = (
            self.version_path
            if access.version and self.version_path
            else (self.live_path if live and self.live_path else self.path)
        )
        known = {
            "model": parse.quote(name, safe="@"),
            "region": access.region,
            "project": access.project,
            "version": parse.quote(access.version),
        }
        whole = base.rstrip("/") + path
        missing = [key for key, value in known.items() if f"{{{key}}}" in whole and not value]
        if missing:
            raise errors.ModelUnreachable(f"{self.name}/{name}: settings must say {' and '.join(missing)}", model=name)
        for key, value in known.items():
            whole = whole.replace(f"{{{key}}}", value)
        return whole

    async def headers_for(self, access: accesses.Access, name: str, url: str, body: bytes) -> dict[str, str]:
        """All headers of one question, who we are included.

        Raises:
            errors.ModelNotPermitted: a key is needed and there is none.
        """
        said = {
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            **self.headers,
            **access.headers,
        }
        if access.key:
            return {**said, self.key_header: f"{self.key_prefix}{access.key}"}
        if self.sign is not None:
            return {**said, **await self.sign(access, url, body, said)}
        if self.key_variable and not {self.key_header, "authorization"} & {key.lower() for key in access.headers}:
            raise errors.ModelNotPermitted(
                f"{self.name}/{name}: there is no key; set `key: ${{{self.key_variable}}}` under this model in rootward.yaml",
                model=name,
            )
        return said
