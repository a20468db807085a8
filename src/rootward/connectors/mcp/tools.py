"""Which tool answers which kind of question, what it is given, and where its result holds what we need: all said by the operator.

Nothing here comes from the server. Its tool descriptions are texts for models, and somebody else's: they are neither followed nor shown.
"""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from rootward import _clock, errors
from rootward.signals import redaction, windows

Kind = Literal["logs", "metrics", "changes", "messages", "events", "objects"]
FIELDS = (
    "start",
    "end",
    "start_s",
    "end_s",
    "start_ms",
    "end_ms",
    "minutes",
    "step_s",
    "limit",
    "service",
    "namespace",
    "query",
    "kind",
)
"""What arguments may hold between braces."""
# Where a record usually has it, when the settings do not say; dotted, best first.
USUAL: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "ts", "@timestamp", "datetime", "date", "lastTimestamp", "eventTime", "created_at", "createdAt", "at"),
    "text": ("text", "message", "line", "msg", "log", "body", "summary", "title", "description", "content"),
    "author": ("author.name", "author", "user.name", "user", "sender", "username"),
    "channel": ("channel.name", "channel", "room", "topic"),
    "thread": ("thread", "thread_ts", "thread_id"),
    "link": ("link", "url", "html_url", "permalink"),
    "id": ("id", "sha", "key"),
    "kind": ("kind", "type"),
    "service": ("service", "service_name", "app", "component"),
    "namespace": ("namespace", "metadata.namespace"),
    "version": ("version", "tag", "release"),
    "reason": ("reason",),
    "about_kind": ("involvedObject.kind", "regarding.kind", "object.kind", "kind"),
    "about": ("involvedObject.name", "regarding.name", "object.name", "name", "object", "service"),
    "about_namespace": ("involvedObject.namespace", "regarding.namespace", "object.namespace", "namespace"),
    "severity": ("severity", "level", "type"),
    "name": ("metadata.name", "name"),
    "value": ("value", "v", "count"),
    "trace_id": ("trace_id", "traceId", "traceID"),
}  # fmt: skip
_PLACE = re.compile(r"\{([a-z_]+)\}")
_PLAIN = re.compile(r"[\w.:/@-]{1,253}")  # names come from production, and queries are made of them


@dataclasses.dataclass(frozen=True, slots=True)
class Tool:
    """One tool that may be called. `records`: dotted path of the list of records in its result ("" takes the result itself);
    `fields`: record field → dotted path in a record, or "=text" for the same text always; `labels`: label → path, of logs and metrics;
    `pattern`: regular expression with named groups, which makes a record of each line of a text result."""

    name: str
    answers: Kind
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    records: str = ""
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pattern: str = ""
    services: tuple[str, ...] = ()  # those that `{service}` becomes when a question is about all
    kinds: tuple[str, ...] = ()  # of objects that it is asked for
    metric: str = ""  # the name that its numbers go by
    unit: str = ""

    @property
    def needs_service(self) -> bool:
        return "service" in places(self.arguments)

    @property
    def needs_query(self) -> bool:
        return "query" in places(self.arguments)


def places(value: Any) -> frozenset[str]:
    """The names between braces in arguments, however deep."""
    if isinstance(value, str):
        return frozenset(_PLACE.findall(value))
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return frozenset().union(*(places(one) for one in inner))


def known(
    window: windows.Window | None, names: Mapping[str, str], *, limit: int, step_s: float = 60.0
) -> dict[str, str | int | float]:
    """What stands for each name between braces in one question; without a window, times are left out.

    Raises:
        errors.QueryRejected: a name is none that may be put into a query.
    """
    for name, value in names.items():
        if value and name != "query" and not _PLAIN.fullmatch(value):
            raise errors.QueryRejected(
                f"{value[:60]!r} is no {name} that may be put into a tool's arguments, so nothing was sent"
            )
    found: dict[str, str | int | float] = {"limit": limit, "step_s": max(round(step_s), 1), **names}
    if window is not None:
        found |= {
            "start": _clock.to_iso(window.start_s),
            "end": _clock.to_iso(window.end_s),
            "start_s": math.floor(window.start_s),
            "end_s": math.ceil(window.end_s),
            "start_ms": math.floor(window.start_s * 1000),
            "end_ms": math.ceil(window.end_s * 1000),
            "minutes": max(math.ceil(window.length_s / 60.0), 1),
        }
    return found


def filled(template: Mapping[str, Any], values: Mapping[str, str | int | float]) -> dict[str, Any]:
    """The arguments of one call. A text that is one place alone becomes its value, a number if it is one; an argument that came to
    nothing is left out, as the server's own default is then meant."""
    made = {key: _fill(one, values) for key, one in template.items()}
    return {key: one for key, one in made.items() if one != "" or template[key] == ""}


def _fill(template: Any, values: Mapping[str, str | int | float]) -> Any:
    if isinstance(template, Mapping):
        return {key: _fill(one, values) for key, one in template.items()}
    if isinstance(template, list | tuple):
        return [_fill(one, values) for one in template]
    if not isinstance(template, str):
        return template
    alone = _PLACE.fullmatch(template)
    if alone:
        return values.get(alone[1], "")
    return _PLACE.sub(lambda match: str(values.get(match[1], "")), template)


def shown(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call as evidence cites it: `search_logs {"query": "…"}`."""
    return f"{tool} {json.dumps(redaction.redact_tree(arguments), ensure_ascii=False)}"


def at(value: Any, path: str) -> Any:
    """What a dotted path leads to (`data.items.0.name`); None when it leads nowhere. "" is the value itself."""
    for step in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
