"""Slack's search: words, phrases and the modifiers in:, from:, before:, after:, on: over the messages there are."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from rootward import _clock
from rootward.dojo.wire import _http, _slack_store

_TERM = re.compile(r'(-?)(?:(in|from|before|after|on):)?(?:"([^"]*)"|(\S+))')
_DAY_S = 86_400.0
MAX_TERMS = 50
Test = Callable[[_slack_store.Message], bool]


def search(
    store: _slack_store.Store, call: _http.Call, shown: Callable[[_slack_store.Message], Mapping[str, Any]]
) -> dict[str, Any]:
    """The `search.messages` method: newest first by default; raises Refused."""
    query = call.get("query")
    if not query:
        raise _http.Refused(200, "nothing to look for", reason="no_query")
    tests = _tests(query, store)
    found = [one for channel in store.channels() for one in store.messages(channel) if all(test(one) for test in tests)]
    found.sort(key=lambda one: (one.micros, one.channel), reverse=call.get("sort_dir", "desc") != "asc")
    count = min(_http.integer(call, "count", 20, least=1), 100)
    page = min(_http.integer(call, "page", 1, least=1), 100)
    pages = max(-(-len(found) // count), 1)
    first = (page - 1) * count
    matches = [dict(shown(one)) for one in found[first : first + count]]
    paging = {"count": count, "total": len(found), "page": page, "pages": pages}
    pagination = {
        "total_count": len(found),
        "page": page,
        "per_page": count,
        "page_count": pages,
        "first": first + 1 if matches else 0,
        "last": first + len(matches),
    }
    return {
        "query": query,
        "messages": {"total": len(found), "pagination": pagination, "paging": paging, "matches": matches},
    }


def _tests(query: str, store: _slack_store.Store) -> list[Test]:
    tests: list[Test] = []
    for no, modifier, phrase, word in _TERM.findall(query)[:MAX_TERMS]:
        value = (phrase or word).lower()
        if not value:
            continue
        test = _modified(modifier, value, store) if modifier else _said(value)
        tests.append(_not(test) if no else test)
    return tests


def _not(test: Test) -> Test:
    return lambda one: not test(one)


def _said(value: str) -> Test:
    if value.endswith("*") and len(value) > 1:
        value = value.rstrip("*")
    return lambda one: value in one.text.lower()


def _modified(modifier: str, value: str, store: _slack_store.Store) -> Test:
    name = value.lstrip("#@").strip("<>#@")
    if modifier == "in":
        return lambda one: name in (store.names[one.channel].lower(), one.channel.lower())
    if modifier == "from":
        return lambda one: name in (one.user.lower(), one.author.lower())
    try:
        day_s = _clock.from_iso(value)
    except ValueError:
        return lambda _one: False
    start, end = day_s * 1e6, (day_s + _DAY_S) * 1e6
    if modifier == "before":
        return lambda one: one.micros < start
    if modifier == "after":
        return lambda one: one.micros >= end
    return lambda one: start <= one.micros < end
