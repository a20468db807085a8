"""The company that a production belongs to, as its vendors' accounts are named: told by its repositories, never by the telemetry's name."""

import collections
import re
from collections.abc import Iterator

from rootward.dojo.capsule import telemetry as records

_DEFAULT = "acme"
AGENT = "oncall-agent"  # the account whose token clients use


def short_name(telemetry: records.Telemetry) -> str:
    """`lumen-loom`: the owner of most repositories."""
    code = telemetry.code
    repositories = [*(one.repository for one in code.commits), *(one.repository for one in code.pulls)]
    owners = [name.partition("/")[0] for name in repositories]
    name = collections.Counter(sorted(owners)).most_common(1)[0][0] if owners else _DEFAULT
    return re.sub(r"[^a-z0-9-]", "-", name.lower()) or _DEFAULT


def domain(telemetry: records.Telemetry) -> str:
    """The domain of its mail: that of its run books where rules link any, else the short name's."""
    links = (rule.annotations.get("runbook_url", "") for rule in telemetry.rules)
    found = (re.match(r"https?://[^/]*?([\w-]+\.[a-z]{2,})(?::\d+)?/", link) for link in links)
    return next((one[1] for one in found if one), f"{short_name(telemetry)}.com")


def people(telemetry: records.Telemetry) -> list[tuple[str, float]]:
    """Everybody who wrote, committed or opened something, and when they were first seen (s); by that time, then name."""
    first: dict[str, float] = {}
    for name, time_s in _seen(telemetry):
        first[name] = min(first.get(name, time_s), time_s)
    return sorted(first.items(), key=lambda one: (one[1], one[0]))


def _seen(telemetry: records.Telemetry) -> Iterator[tuple[str, float]]:
    yield from ((one.user, one.time_s) for one in telemetry.messages if not one.bot)
    yield from ((one.author, one.time_s) for one in telemetry.code.commits if not _is_bot(one.author))
    yield from ((one.author, one.created_s) for one in telemetry.code.pulls if not _is_bot(one.author))


def _is_bot(name: str) -> bool:
    return name.endswith(("bot", "[bot]"))
