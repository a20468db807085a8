"""How GitLab writes its objects as JSON: projects, commits, diffs, merge requests, deployments, pipelines, jobs, flags."""

import dataclasses
from typing import Any

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _code_runs, _http, _ids


@dataclasses.dataclass(frozen=True, slots=True)
class Writer:
    """Writes objects; `web` is the address of GitLab's pages, `domain` that of the company's mail."""

    web: str
    domain: str

    def user(self, name: str) -> dict[str, Any]:
        bot = name.endswith(("bot", "[bot]"))
        return {
            "id": _ids.number("gitlab user", name, digits=5),
            "username": name,
            "name": name,
            "state": "active",
            "avatar_url": None,
            "web_url": f"{self.web}/{name}",
            **({"bot": True} if bot else {}),
        }

    def project(self, name: str, number: int, pushed_s: float) -> dict[str, Any]:
        owner, _, short = name.partition("/")
        return {
            "id": number,
            "description": None,
            "name": short,
            "name_with_namespace": f"{owner} / {short}",
            "path": short,
            "path_with_namespace": name,
            "created_at": _stamp(pushed_s - 400 * 86400),
            "default_branch": "main",
            "tag_list": [],
            "topics": [],
            "ssh_url_to_repo": f"git@gitlab.{self.domain}:{name}.git",
            "http_url_to_repo": f"{self.web}/{name}.git",
            "web_url": f"{self.web}/{name}",
            "readme_url": None,
            "forks_count": 0,
            "star_count": 0,
            "last_activity_at": _stamp(pushed_s),
            "visibility": "private",
            "archived": False,
            "namespace": {
                "id": _ids.number("gitlab group", owner, digits=3),
                "name": owner,
                "path": owner,
                "kind": "group",
            },
        }

    def commit(self, one: records.Commit, parent: str, *, stats: bool = False) -> dict[str, Any]:
        title, mail = one.message.partition("\n")[0], f"{one.author}@{self.domain}"
        out: dict[str, Any] = {
            "id": one.sha,
            "short_id": one.sha[:8],
            "created_at": _stamp(one.time_s),
            "parent_ids": [parent] if parent else [],
            "title": title,
            "message": one.message,
            "author_name": one.author,
            "author_email": mail,
            "authored_date": _stamp(one.time_s),
            "committer_name": one.author,
            "committer_email": mail,
            "committed_date": _stamp(one.time_s),
            "trailers": {},
            "web_url": f"{self.web}/{one.repository}/-/commit/{one.sha}",
        }
        if stats:
            lines = [line for patch in one.files.values() for line in patch.splitlines()]
            plus = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
            minus = sum(line.startswith("-") and not line.startswith("---") for line in lines)
            out["stats"] = {"additions": plus, "deletions": minus, "total": plus + minus}
        return out

    def diff(self, path: str, patch: str) -> dict[str, Any]:
        new, deleted = "@@ -0,0 " in patch, " +0,0 @@" in patch
        return {
            "diff": f"{patch}\n" if patch and not patch.endswith("\n") else patch,
            "new_path": path,
            "old_path": path,
            "a_mode": "0" if new else "100644",
            "b_mode": "0" if deleted else "100644",
            "new_file": new,
            "renamed_file": False,
            "deleted_file": deleted,
            "generated_file": None,
        }

    def merge_request(self, one: records.Pull, project: int, now_s: float) -> dict[str, Any]:
        merged_s = one.merged_s if one.merged_s is not None and one.merged_s <= now_s else None
        merged = merged_s is not None
        return {
            "id": _ids.number("merge request", one.repository, str(one.number), digits=7),
            "iid": one.number,
            "project_id": project,
            "title": one.title,
            "description": one.body,
            "state": "merged" if merged else "opened",
            "created_at": _stamp(one.created_s),
            "updated_at": _stamp(merged_s if merged_s is not None else one.created_s),
            "merged_by": self.user(one.author) if merged else None,
            "merge_user": self.user(one.author) if merged else None,
            "merged_at": _stamp(merged_s) if merged_s is not None else None,
            "closed_by": None,
            "closed_at": None,
            "target_branch": "main",
            "source_branch": f"change-{one.number}",
            "user_notes_count": 0,
            "upvotes": 0,
            "downvotes": 0,
            "author": self.user(one.author),
            "assignees": [],
            "reviewers": [],
            "labels": [],
            "draft": False,
            "merge_status": "can_be_merged",
            "detailed_merge_status": "not_open" if merged else "mergeable",
            "sha": one.merge_sha or None,
            "merge_commit_sha": one.merge_sha if merged and one.merge_sha else None,
            "squash_commit_sha": None,
            "references": {
                "short": f"!{one.number}",
                "relative": f"!{one.number}",
                "full": f"{one.repository}!{one.number}",
            },
            "web_url": f"{self.web}/{one.repository}/-/merge_requests/{one.number}",
        }

    def environment(self, name: str, repository: str) -> dict[str, Any]:
        return {
            "id": _ids.number("environment", repository, name, digits=5),
            "name": name,
            "slug": name.replace("/", "-"),
            "external_url": None,
            "tier": "production" if name.startswith("prod") else "other",
            "state": "available",
        }

    def deployment(self, one: records.Deployment, commit: dict[str, Any] | None, now_s: float) -> dict[str, Any]:
        finished = one.finished_s is None or one.finished_s <= now_s
        words = {"success": "success", "failure": "failed", "error": "failed", "inactive": "success"}
        status = words.get(one.state, one.state) if finished else "running"
        updated_s = one.finished_s if one.finished_s is not None and finished else one.time_s
        return {
            "id": one.id,
            "iid": _ids.number("deployment", str(one.id), digits=4),
            "ref": "main",
            "sha": one.sha,
            "created_at": _stamp(one.time_s),
            "updated_at": _stamp(updated_s),
            "status": status,
            "user": self.user(one.creator),
            "environment": self.environment(one.environment, one.repository),
            "deployable": {
                "id": _ids.number("job", str(one.id), digits=9),
                "name": f"deploy {one.payload.get('service', '')}".strip(),
                "stage": "deploy",
                "status": status,
                "ref": "main",
                "tag": False,
                "created_at": _stamp(one.time_s),
                "started_at": _stamp(one.time_s),
                "finished_at": _stamp(updated_s) if finished else None,
                "user": self.user(one.creator),
                "commit": commit,
            },
        }

    def pipeline(self, one: _code_runs.Run, project: int, now_s: float) -> dict[str, Any]:
        done = one.done(now_s)
        end_s = one.end_s if done and one.end_s is not None else None
        return {
            "id": one.id,
            "iid": one.number,
            "project_id": project,
            "sha": one.sha,
            "ref": "main",
            "status": ("success" if one.ok else "failed") if done else "running",
            "source": "push" if one.kind == "ci" else "api",
            "name": one.title,
            "created_at": _stamp(one.start_s),
            "updated_at": _stamp(end_s if end_s is not None else one.start_s),
            "started_at": _stamp(one.start_s),
            "finished_at": _stamp(end_s) if end_s is not None else None,
            "duration": round(end_s - one.start_s) if end_s is not None else None,
            "user": self.user(one.actor),
            "web_url": f"{self.web}/{one.repository}/-/pipelines/{one.id}",
        }

    def job(self, run: _code_runs.Run, job: _code_runs.Job, now_s: float) -> dict[str, Any]:
        began, ended = job.start_s <= now_s, job.end_s <= now_s and run.done(now_s)
        status = ("success" if job.ok else "failed") if ended else "running" if began else "created"
        return {
            "id": _ids.number("job", str(run.id), job.name, digits=9),
            "name": job.name,
            "stage": {"lint": "test", "unit": "test"}.get(job.name, job.name),
            "status": status,
            "ref": "main",
            "tag": False,
            "allow_failure": False,
            "created_at": _stamp(run.start_s),
            "started_at": _stamp(job.start_s) if began else None,
            "finished_at": _stamp(job.end_s) if ended else None,
            "duration": round(job.end_s - job.start_s, 3) if ended else None,
            "failure_reason": None if job.ok or not ended else "script_failure",
            "user": self.user(run.actor),
            "pipeline": {"id": run.id, "ref": "main", "sha": run.sha, "status": status},
        }


def _stamp(time_s: float) -> str:
    return _http.iso_seconds(time_s).replace("Z", ".000Z")
