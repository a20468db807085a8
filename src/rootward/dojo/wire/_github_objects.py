"""How GitHub writes its objects as JSON: users, repositories, commits with files, pull requests, deployments."""

import dataclasses
import hashlib
from typing import Any

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids

_WEB = "https://github.com"


@dataclasses.dataclass(frozen=True, slots=True)
class Links:
    """Writes objects whose `url` fields begin with `api`, so that clients that follow them stay with this face."""

    api: str

    def user(self, login: str) -> dict[str, Any]:
        is_bot = login.endswith("[bot]")
        return {
            "login": login,
            "id": _ids.number("user", login),
            "node_id": _ids.opaque("U_", login, length=12),
            "avatar_url": f"https://avatars.githubusercontent.com/u/{_ids.number('user', login)}?v=4",
            "url": f"{self.api}/users/{login}",
            "html_url": f"{_WEB}/{login}",
            "type": "Bot" if is_bot else "User",
            "site_admin": False,
        }

    def repository(self, name: str, pushed_s: float) -> dict[str, Any]:
        owner, _, short = name.partition("/")
        return {
            "id": _ids.number("repository", name, digits=9),
            "node_id": _ids.opaque("R_", name, length=12),
            "name": short,
            "full_name": name,
            "private": True,
            "owner": {**self.user(owner), "type": "Organization"},
            "html_url": f"{_WEB}/{name}",
            "description": None,
            "fork": False,
            "url": self._of(name),
            "commits_url": f"{self._of(name)}/commits{{/sha}}",
            "pulls_url": f"{self._of(name)}/pulls{{/number}}",
            "deployments_url": f"{self._of(name)}/deployments",
            "default_branch": "main",
            "archived": False,
            "disabled": False,
            "visibility": "private",
            "pushed_at": _http.iso_seconds(pushed_s),
            "permissions": {"admin": False, "push": False, "pull": True},
        }

    def _of(self, name: str) -> str:
        return f"{self.api}/repos/{name}"

    def commit(self, one: records.Commit, parent: str) -> dict[str, Any]:
        """As in lists: without files."""
        who = {
            "name": one.author,
            "email": f"{one.author}@users.noreply.github.com",
            "date": _http.iso_seconds(one.time_s),
        }
        url = f"{self._of(one.repository)}/commits/{one.sha}"
        tree = hashlib.sha1(f"tree {one.sha}".encode(), usedforsecurity=False).hexdigest()
        unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None}
        page = f"{_WEB}/{one.repository}/commit"
        parents = [
            {"sha": parent, "url": f"{self._of(one.repository)}/commits/{parent}", "html_url": f"{page}/{parent}"}
        ]
        return {
            "sha": one.sha,
            "node_id": _ids.opaque("C_", one.sha, length=16),
            "commit": {
                "author": who,
                "committer": who,
                "message": one.message,
                "tree": {"sha": tree, "url": f"{self._of(one.repository)}/git/trees/{tree}"},
                "url": f"{self._of(one.repository)}/git/commits/{one.sha}",
                "comment_count": 0,
                "verification": unsigned,
            },
            "url": url,
            "html_url": f"{page}/{one.sha}",
            "comments_url": f"{url}/comments",
            "author": self.user(one.author),
            "committer": self.user(one.author),
            "parents": parents if parent else [],
        }

    def commit_with_files(self, one: records.Commit, parent: str) -> dict[str, Any]:
        files = self.files(one)
        additions, deletions = (sum(file[name] for file in files) for name in ("additions", "deletions"))
        stats = {"total": additions + deletions, "additions": additions, "deletions": deletions}
        return {**self.commit(one, parent), "stats": stats, "files": files}

    def files(self, one: records.Commit) -> list[dict[str, Any]]:
        """Changed files; GitHub leaves `patch` out where it has none to show."""
        return [self._file(one, path, patch) for path, patch in sorted(one.files.items())]

    def _file(self, one: records.Commit, path: str, patch: str) -> dict[str, Any]:
        lines = patch.splitlines()
        additions = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
        deletions = sum(line.startswith("-") and not line.startswith("---") for line in lines)
        status = "modified"
        if any(line.startswith("@@ -0,0 ") for line in lines):
            status = "added"
        elif any(line.startswith("@@ ") and " +0,0 " in line for line in lines):
            status = "removed"
        sha = hashlib.sha1(f"blob {one.sha} {path}".encode(), usedforsecurity=False).hexdigest()
        out = {
            "sha": sha,
            "filename": path,
            "status": status,
            "additions": additions,
            "deletions": deletions,
            "changes": additions + deletions,
            "blob_url": f"{_WEB}/{one.repository}/blob/{one.sha}/{path}",
            "raw_url": f"{_WEB}/{one.repository}/raw/{one.sha}/{path}",
            "contents_url": f"{self._of(one.repository)}/contents/{path}?ref={one.sha}",
        }
        return {**out, "patch": patch} if patch else out

    def pull(self, one: records.Pull, now_s: float, *, detail: bool = False) -> dict[str, Any]:
        """The pull request as it stands now: open until it is merged."""
        merged_s = one.merged_s if one.merged_s is not None and one.merged_s <= now_s else None
        merged_at = None if merged_s is None else _http.iso_seconds(merged_s)
        url = f"{self._of(one.repository)}/pulls/{one.number}"
        out = {
            "url": url,
            "id": _ids.number("pull", one.repository, str(one.number), digits=10),
            "node_id": _ids.opaque("PR_", one.repository, str(one.number), length=14),
            "html_url": f"{_WEB}/{one.repository}/pull/{one.number}",
            "diff_url": f"{_WEB}/{one.repository}/pull/{one.number}.diff",
            "patch_url": f"{_WEB}/{one.repository}/pull/{one.number}.patch",
            "issue_url": f"{self._of(one.repository)}/issues/{one.number}",
            "comments_url": f"{self._of(one.repository)}/issues/{one.number}/comments",
            "commits_url": f"{url}/commits",
            "number": one.number,
            "state": "open" if merged_s is None else "closed",
            "locked": False,
            "title": one.title,
            "user": self.user(one.author),
            "body": one.body or None,
            "created_at": _http.iso_seconds(one.created_s),
            "updated_at": _http.iso_seconds(one.created_s if merged_s is None else merged_s),
            "closed_at": merged_at,
            "merged_at": merged_at,
            "merge_commit_sha": one.merge_sha if merged_s is not None and one.merge_sha else None,
            "assignees": [],
            "labels": [],
            "draft": False,
            "head": {"label": f"{one.repository.partition('/')[0]}:change-{one.number}", "ref": f"change-{one.number}"},
            "base": {"label": f"{one.repository.partition('/')[0]}:main", "ref": "main"},
            "author_association": "MEMBER",
        }
        return {**out, "merged": merged_s is not None, "comments": 0, "commits": 1} if detail else out

    def deployment(self, one: records.Deployment, now_s: float) -> dict[str, Any]:
        url = f"{self._of(one.repository)}/deployments/{one.id}"
        updated_s = one.finished_s if one.finished_s is not None and one.finished_s <= now_s else one.time_s
        return {
            "url": url,
            "id": one.id,
            "node_id": _ids.opaque("DE_", str(one.id), length=14),
            "task": "deploy",
            "original_environment": one.environment,
            "environment": one.environment,
            "description": one.description or None,
            "created_at": _http.iso_seconds(one.time_s),
            "updated_at": _http.iso_seconds(updated_s),
            "statuses_url": f"{url}/statuses",
            "repository_url": self._of(one.repository),
            "creator": self.user(one.creator),
            "sha": one.sha,
            "ref": "main",
            "payload": dict(one.payload),
            "transient_environment": False,
            "production_environment": one.environment.startswith("prod"),
        }

    def statuses(self, one: records.Deployment, now_s: float) -> list[dict[str, Any]]:
        """Newest first: in_progress from the start, the final state once it is reached."""
        moments = [(one.time_s, "in_progress" if one.finished_s is not None else one.state)]
        if one.finished_s is not None and one.finished_s <= now_s:
            moments.append((one.finished_s, one.state))
        url = f"{self._of(one.repository)}/deployments/{one.id}"
        return [
            {
                "url": f"{url}/statuses/{one.id * 10 + i}",
                "id": one.id * 10 + i,
                "node_id": _ids.opaque("DES_", str(one.id), str(i), length=14),
                "state": state,
                "creator": self.user(one.creator),
                "description": "",
                "environment": one.environment,
                "target_url": "",
                "created_at": _http.iso_seconds(time_s),
                "updated_at": _http.iso_seconds(time_s),
                "deployment_url": url,
                "repository_url": self._of(one.repository),
                "environment_url": "",
                "log_url": "",
            }
            for i, (time_s, state) in reversed(list(enumerate(moments)))
        ]
