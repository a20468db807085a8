"""What a connector may ask: an allow-list of methods and paths, checked before a byte leaves.

We only ever read production. That must not rest on every line of every connector being right: names of pods, repositories and incidents
come from production itself, and one of them could hold `/../`.
"""

import re
from collections.abc import Iterable

_SEGMENT = r"(?!\.{1,2}(?:/|$))[^/?#\\]+"


class Reads:
    """Requests such as `GET /repos/{}/{}/commits`, in which `{}` stands for one segment of a path, never `.` or `..`."""

    def __init__(self, requests: Iterable[str]) -> None:
        self.requests = tuple(requests)
        forms = (re.escape(one).replace(re.escape("{}"), _SEGMENT).replace(r"\ ", " ") for one in self.requests)
        self._pattern = re.compile("|".join(f"(?:{form})" for form in forms))

    def allow(self, method: str, path: str) -> bool:
        """Whether this request, its path without the address's own prefix and without a query, is one of ours."""
        return self._pattern.fullmatch(f"{method} {path}") is not None
