"""Which commits of GitHub's lists are worth a request for their files: lists come without, and each commit is one request.

A commit matters from the moment it runs, so those count that were made in the time looked at closely, and those that a deployment of
that time carried, however old they are.
"""

import re
from collections.abc import Sequence
from typing import Any

from rootward.connectors import _json
from rootward.signals import records, windows

_HASH = re.compile(r"(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])")
_NAMED_BY = ("sha", "ref", "commit")
Listed = tuple[str, Any]  # the repository, and a commit as its list has it


def wanted(listed: Sequence[Listed], deployments: Sequence[records.Change], closely: windows.Window) -> list[int]:
    """Rows of `listed` whose files may matter, newest first.

    Deployments and commits are those of all repositories: one of manifests may deploy what another holds. A deployment that names
    no listed commit may have carried any of its own repository's, so all of these matter then.
    """
    hashes = [_hash(body) for _, body in listed]
    carried: set[int] = set()
    unnamed: set[str] = set()
    for one in deployments:
        if not closely.contains(one.time_s):
            continue
        named = _HASH.findall(" ".join([one.version, *(one.detail.get(key, "") for key in _NAMED_BY)]).lower())
        rows = {row for row, whole in enumerate(hashes) if whole and any(whole.startswith(name) for name in named)}
        carried |= rows
        if not rows:
            unnamed.add(one.detail.get("repository", ""))
    made_s = [_made_s(body, closely.end_s) for _, body in listed]
    rows_wanted = [
        row
        for row, (repository, _) in enumerate(listed)
        if row in carried or repository in unnamed or closely.contains(made_s[row])
    ]
    return sorted(rows_wanted, key=lambda row: -made_s[row])


def _hash(body: Any) -> str:
    sha = body.get("sha") if isinstance(body, dict) else None
    return sha.lower() if isinstance(sha, str) else ""


def _made_s(body: Any, unknown_s: float) -> float:
    about = body.get("commit") if isinstance(body, dict) else None
    committer = about.get("committer") if isinstance(about, dict) else None
    made_s = _json.optional_time(committer.get("date")) if isinstance(committer, dict) else None
    return unknown_s if made_s is None else made_s
