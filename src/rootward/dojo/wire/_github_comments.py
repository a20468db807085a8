"""Comments that clients leave on pull requests, issues and commits: kept in order, bounded, and shown from then on."""

import dataclasses
from typing import Any

from rootward import _clock
from rootward.dojo.wire import _github_objects, _http, _organisation

MAX_COMMENTS = 2_000
MAX_TEXT = 65_536


@dataclasses.dataclass(slots=True)
class Comment:
    """`place` is what it stands under: "pulls/41" or "commits/<sha>"."""

    id: int
    repository: str
    place: str
    body: str
    created_s: float
    updated_s: float


class Comments:
    """All comments of one GitHub; nothing here but what was written."""

    def __init__(self, clock: _clock.Clock) -> None:
        self._clock = clock
        self._all: dict[int, Comment] = {}
        self._made = 0

    def under(self, repository: str, place: str) -> list[Comment]:
        return [one for one in self._all.values() if (one.repository, one.place) == (repository, place)]

    def add(self, repository: str, place: str, call: _http.Call) -> Comment:
        """Raises Refused (422, 403 when MAX_COMMENTS were written)."""
        if self._made >= MAX_COMMENTS:
            raise _http.Refused(
                403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
            )
        body = _text(call)
        self._made += 1
        now_s = self._clock.now_s()
        made = Comment(2_100_000_000 + self._made, repository, place, body, now_s, now_s)
        self._all[made.id] = made
        return made

    def find(self, repository: str, text: str) -> Comment:
        """Raises Refused (404)."""
        one = self._all.get(int(text)) if text.isdecimal() and len(text) < 19 else None
        if one is None or one.repository != repository:
            raise _http.Refused(404, "Not Found")
        return one

    def change(self, one: Comment, call: _http.Call) -> None:
        one.body, one.updated_s = _text(call), self._clock.now_s()

    def remove(self, one: Comment) -> None:
        del self._all[one.id]


def _text(call: _http.Call) -> str:
    body = call.get("body")
    if not body.strip():
        raise _http.Refused(422, "Validation Failed")
    if len(body) > MAX_TEXT:
        raise _http.Refused(422, f"Body is too long (maximum is {MAX_TEXT} characters)")
    return body


def shown(one: Comment, links: _github_objects.Links) -> dict[str, Any]:
    """As the API writes an issue comment (or a commit's)."""
    base, web = f"{links.api}/repos/{one.repository}", f"https://github.com/{one.repository}"
    kind, _, name = one.place.partition("/")
    out = {
        "id": one.id,
        "node_id": f"IC_{one.id}",
        "user": links.user(f"{_organisation.AGENT}[bot]"),
        "created_at": _http.iso_seconds(one.created_s),
        "updated_at": _http.iso_seconds(one.updated_s),
        "author_association": "CONTRIBUTOR",
        "body": one.body,
        "reactions": {"url": f"{base}/issues/comments/{one.id}/reactions", "total_count": 0},
    }
    if kind == "commits":
        where = {"url": f"{base}/comments/{one.id}", "html_url": f"{web}/commit/{name}#commitcomment-{one.id}"}
        return {**where, **out, "commit_id": name, "path": None, "position": None, "line": None}
    where = {"url": f"{base}/issues/comments/{one.id}", "html_url": f"{web}/pull/{name}#issuecomment-{one.id}"}
    return {**where, "issue_url": f"{base}/issues/{name}", **out}
