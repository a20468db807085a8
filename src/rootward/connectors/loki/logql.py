"""Writes a LogQuery as LogQL (https://grafana.com/docs/loki/latest/query/)."""

import json
import re
from collections.abc import Sequence

from rootward.signals import protocols

_META = re.compile(r"[\\.+*?()|\[\]{}^$]")


def selector(matchers: Sequence[protocols.Matcher], fallback: str) -> str:
    """A stream selector. Loki wants at least one matcher that does not match the empty text; `fallback` names a label that
    all streams have, for questions without one."""
    conditions = [f"{one.label}{one.operator}{json.dumps(one.value, ensure_ascii=False)}" for one in matchers]
    if not any(one.operator in ("=", "=~") and one.value not in ("", ".*") for one in matchers):
        conditions.append(f'{fallback}=~".+"')
    return "{" + ", ".join(conditions) + "}"


def pipeline(query: protocols.LogQuery, fallback: str) -> str:
    """Selector and line filters; texts match in any case."""
    parts = [selector(query.matchers, fallback)]
    parts += [f"|~ {_any_case(text)}" for text in query.contains if text]
    parts += [f"!~ {_any_case(text)}" for text in query.excludes if text]
    return " ".join(parts)


def counts(query: protocols.LogQuery, fallback: str, step_s: float, by: Sequence[str]) -> str:
    """The number of matching lines of each step, per `by` labels (all together when there are none)."""
    grouping = f" by ({', '.join(by)})" if by else ""
    return f"sum{grouping} (count_over_time({pipeline(query, fallback)} [{max(round(step_s * 1000), 1)}ms]))"


def _any_case(text: str) -> str:
    return json.dumps("(?i)" + _META.sub(lambda match: "\\" + match[0], text), ensure_ascii=False)
