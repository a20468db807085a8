"""GitLab's lists: pages with its headers, windows of time, and how it says that something is missing."""

import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from starlette import responses

from rootward.dojo.wire import _http

_PAGE_MAX = 100


def missing(what: str) -> _http.Refused:
    return _http.Refused(404, f"{what} Not Found", reason="named")


def between(call: _http.Call, low: str, high: str) -> Callable[[float], bool]:
    first = _http.parse_iso(call.get(low), low) if call.get(low) else float("-inf")
    last = _http.parse_iso(call.get(high), high) if call.get(high) else float("inf")
    return lambda time_s: first <= time_s <= last


def page(call: _http.Call, items: Sequence[Any], show: Callable[[Any], Any] | None = None) -> responses.Response:
    """One page, with GitLab's paging headers; only the page's items are built."""
    size = min(_http.integer(call, "per_page", 20, least=1), _PAGE_MAX)
    number = _http.integer(call, "page", 1, least=1)
    pages = max(-(-len(items) // size), 1)
    parts = urllib.parse.urlsplit(call.url)
    query = [pair for pair in urllib.parse.parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "page"]
    places = [
        ("prev", number - 1, number > 1),
        ("next", number + 1, number < pages),
        ("first", 1, True),
        ("last", pages, True),
    ]
    links = [
        f'<{parts._replace(query=urllib.parse.urlencode([*query, ("page", at)])).geturl()}>; rel="{relation}"'
        for relation, at, is_there in places
        if is_there
    ]
    headers = {
        "Link": ", ".join(links),
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Prev-Page": str(number - 1) if number > 1 else "",
        "X-Next-Page": str(number + 1) if number < pages else "",
        "X-Total": str(len(items)),
        "X-Total-Pages": str(pages),
    }
    shown = items[(number - 1) * size : number * size]
    return _http.answer([show(one) for one in shown] if show else list(shown), headers=headers)
