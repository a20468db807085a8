"""Hides people's addresses in what leaves the process, and makes what comes back readable again.

Secrets never get in (`redaction`); who somebody is may be needed by the reader of a finding, but by no model, no file and no log. So a
text on its way out carries `<email-1>` instead of the address, the same one for the same address, and only the process that hid it can
put it back. Text that already looks like a placeholder is hidden too: otherwise a line in somebody's log could have an address of
somebody else's choice put into a finding.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from rootward.signals import redaction

Addresses = Literal["none", "public", "all"]
PLACEHOLDERS_MAX = 10_000
"""Distinct values that one veil remembers; later ones are hidden for good, as `<email>`."""

_EMAIL = r"(?<![\w.%+@-])[\w.%+-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.){1,8}[a-z]{2,24}(?![\w-]|\.[a-z0-9]|:[\w~/])"
_IP4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"
_IP6 = r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:]|\.\d)"
_PLACEHOLDER = re.compile(r"<(?:email|ip|text)-\d{1,9}>")
_PATTERN = re.compile(
    rf"(?P<text>{_PLACEHOLDER.pattern})|(?P<email>{_EMAIL})|(?P<ip>{_IP4}|{_IP6})", re.IGNORECASE | re.ASCII
)


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What is hidden besides secrets: e-mail addresses, and IP addresses (`public`: only those that are routed on the internet)."""

    emails: bool = True
    ips: Addresses = "none"


class Veil:
    """One conversation's placeholders. Not shared between investigations: what one hid, another cannot restore."""

    def __init__(self, choice: Choice | None = None) -> None:
        self._choice = choice or Choice()
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def hide(self, text: str) -> str:
        """`text` without secrets, and with a placeholder for every address of the kinds chosen."""
        clean = redaction.redact(text)
        if "@" not in clean and "<" not in clean and self._choice.ips == "none":
            return clean
        return _PATTERN.sub(self._replace, clean)

    def restore(self, text: str) -> str:
        """Placeholders of this veil as what they stand for; unknown ones stay. Secrets are gone for good."""
        return _PLACEHOLDER.sub(lambda found: self._values.get(found[0], found[0]), text) if "<" in text else text

    def hide_tree(self, value: Any) -> Any:
        """A JSON-like value with every text hidden, keys included; what a secret's name points to is masked whole."""
        return _each(redaction.redact_tree(value), self.hide)

    def restore_tree(self, value: Any) -> Any:
        """A JSON-like value with every text restored."""
        return _each(value, self.restore)

    def _replace(self, match: re.Match[str]) -> str:
        kind, value = str(match.lastgroup), match[0]
        if kind == "email" and not (self._choice.emails and _is_person(value)):
            return value
        if kind == "ip" and not _is_chosen(value, self._choice.ips):
            return value
        known = self._names.get((kind, value))
        return known if known is not None else self._remember(kind, value)

    def _remember(self, kind: str, value: str) -> str:
        if len(self._names) >= PLACEHOLDERS_MAX:
            return f"<{kind}>"
        self._count[kind] = self._count.get(kind, 0) + 1
        name = f"<{kind}-{self._count[kind]}>"
        self._names[kind, value] = name
        self._values[name] = value
        return name


def _is_person(value: str) -> bool:
    """`git@host` is how repositories are named, and `name@1.2` is a package."""
    return not value.lower().startswith("git@")


def _is_chosen(value: str, ips: Addresses) -> bool:
    if ips == "none":
        return False
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False  # a time of day, a version, C++'s `::`
    if ":" in value and not any(one.isdigit() for one in value):
        return False
    return not address.is_unspecified and not address.is_loopback and (ips == "all" or address.is_global)


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key) if isinstance(key, str) else key: _each(one, change) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_each(one, change) for one in value]
    return value
