"""Several questions in one request: the series of each get a label that says whose they are, `or` joins them, and what comes is told apart.

An investigation asks some hundred and fifty range queries of one window; one by one they are as many round trips and as many lines in
somebody's access log. `label_replace` and `or` are in every dialect of PromQL (Prometheus, Thanos, Mimir, Cortex, VictoriaMetrics).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import errors
from rootward.connectors import _json

MARK = "rootward_question"
_NAMED = re.compile(r"\"([a-zA-Z_:][a-zA-Z0-9_:]*)\"")
_POSITION = re.compile(r"\s*\(\d+:\d+\)$")


def union(texts: Sequence[str]) -> str:
    """One PromQL query for all; the text itself when it is alone."""
    if len(texts) == 1:
        return texts[0]
    # An empty regular expression matches the label "", which no series has: every series gets the mark.
    parts = [f'label_replace({text}, "{MARK}", "{place}", "", "")' for place, text in enumerate(texts)]
    while len(parts) > 1:  # a tree as flat as can be: in a chain every `or` looks through all that came before it
        pairs = [parts[place : place + 2] for place in range(0, len(parts), 2)]
        parts = [f"({pair[0]} or {pair[1]})" if len(pair) == 2 else pair[0] for pair in pairs]
    return parts[0]


def split(data: object, count: int) -> list[Mapping[str, Any]]:
    """The `data` of an answer to a union as one such object per question, the marks taken off.

    Raises:
        errors.BackendMalformed: a series bears no question's mark, so that nobody can say what it answers.
    """
    body = _json.mapping(data, "data")
    if count == 1:
        return [body]
    places = {str(place): place for place in range(count)}
    rows: list[list[Any]] = [[] for _ in places]
    for row in _json.items(body.get("result"), "result"):
        labels = row.get("metric") if isinstance(row, dict) else None
        mark = labels.pop(MARK, None) if isinstance(labels, dict) else None
        if not isinstance(mark, str) or mark not in places:
            raise errors.BackendMalformed("a series answers none of the questions that were asked together")
        rows[places[mark]].append(row)
    return [{**body, "result": one} for one in rows]


def concerned(warning: str, texts: Sequence[str]) -> list[int]:
    """Which questions a warning is about: those with a metric that it names, or all of them when it names none."""
    names = [re.compile(rf"(?<![\w:]){re.escape(name)}(?![\w:])") for name in _NAMED.findall(warning)]
    meant = [place for place, text in enumerate(texts) if any(name.search(text) for name in names)]
    return meant or list(range(len(texts)))


def without_position(warning: str) -> str:
    """The warning without the place in the query's text, which is a place in the union."""
    return _POSITION.sub("", warning)
