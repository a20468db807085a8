"""The half of GitLab's API that is about code: projects, commits, comparisons, files, releases, merge requests."""

import urllib.parse
from typing import Any

from starlette import responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _code_runs, _gitlab_objects, _gitlab_paging, _http, _ids, _organisation


class Code:
    """Answers about projects, people, commits, files, releases and merge requests; the rest of the face is built on it."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        code = telemetry.code
        self._commits = sorted(code.commits, key=lambda one: one.time_s, reverse=True)
        self._pulls = sorted(code.pulls, key=lambda one: (one.created_s, one.number), reverse=True)
        self._deployments = sorted(code.deployments, key=lambda one: (one.time_s, one.id))
        self._runs, self._releases = _code_runs.runs(code), _code_runs.releases(code)
        self._flags = [one for one in telemetry.change_events if one.details.get("kind") == "flag"]
        named = [one.repository for some in (self._commits, self._pulls, self._deployments) for one in some]
        self._numbers = {name: _ids.number("gitlab project", name, digits=6) for name in sorted(set(named))}
        self._people = _organisation.people(telemetry)
        domain = _organisation.domain(telemetry)
        self._write = _gitlab_objects.Writer(f"https://gitlab.{domain}", domain)
        self._parents: dict[str, str] = {}
        last: dict[str, str] = {}
        for one in reversed(self._commits):
            self._parents[one.sha] = one.parent or last.get(one.repository, "")
            last[one.repository] = one.sha

    # ---- who and where

    def user(self, _call: _http.Call) -> responses.Response:
        return _http.answer(self._write.user(_organisation.AGENT))

    def users(self, call: _http.Call) -> responses.Response:
        now_s, wanted = self._clock.now_s(), call.get("search") or call.get("username")
        return _gitlab_paging.page(
            call, [self._write.user(name) for name, first_s in self._people if first_s <= now_s and wanted in name]
        )

    def groups(self, call: _http.Call) -> responses.Response:
        names = sorted({name.partition("/")[0] for name in self._numbers})
        shown = [
            {"id": _ids.number("gitlab group", name, digits=3), "name": name, "path": name, "full_path": name}
            for name in names
        ]
        return _gitlab_paging.page(call, shown)

    def _shown(self, name: str) -> dict[str, Any]:
        pushed_s = max((one.time_s for one in self._known_commits(name)), default=0.0)
        return self._write.project(name, self._numbers[name], pushed_s)

    def projects(self, call: _http.Call) -> responses.Response:
        group, wanted = call.path.get("group", ""), call.get("search").lower()
        groups = {"", group} | {
            str(_ids.number("gitlab group", name.partition("/")[0], digits=3)) for name in self._numbers
        }
        if group not in groups:
            raise _gitlab_paging.missing("Group")
        names = [
            name
            for name in self._numbers
            if wanted in name.lower()
            and (
                not group
                or group in (name.partition("/")[0], str(_ids.number("gitlab group", name.partition("/")[0], digits=3)))
            )
        ]
        if group and not names and not wanted:
            raise _gitlab_paging.missing("Group")
        shown = [self._shown(name) for name in names]
        key = "last_activity_at" if call.get("order_by") in ("last_activity_at", "updated_at") else "id"
        return _gitlab_paging.page(
            call, sorted(shown, key=lambda one: (one[key], one["id"]), reverse=call.get("sort", "desc") != "asc")
        )

    def _project(self, call: _http.Call) -> str:
        wanted = urllib.parse.unquote(call.path["id"]).strip("/")
        for name, number in self._numbers.items():
            if wanted in (str(number), name):
                return name
        raise _gitlab_paging.missing("Project")

    def project(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._shown(self._project(call)))

    # ---- code

    def _known_commits(self, name: str) -> list[records.Commit]:
        now_s = self._clock.now_s()
        return [one for one in self._commits if one.repository == name and one.time_s <= now_s]

    def _commit(self, name: str, ref: str) -> records.Commit:
        known = self._known_commits(name)
        tags = {one.tag: one.sha for one in self._known_releases(name)}
        wanted = tags.get(ref, ref).lower()
        if ref in ("main", "HEAD") and known:
            return known[0]
        found = [one for one in known if len(wanted) >= 4 and one.sha.startswith(wanted)]
        if len(found) != 1:
            raise _gitlab_paging.missing("Commit")
        return found[0]

    def _written(self, one: records.Commit, *, stats: bool = False) -> dict[str, Any]:
        return self._write.commit(one, self._parents.get(one.sha, ""), stats=stats)

    def commits(self, call: _http.Call) -> responses.Response:
        name = self._project(call)
        found = self._known_commits(name)
        if ref := call.get("ref_name"):
            tip = self._commit(name, ref)
            found = [one for one in found if one.time_s <= tip.time_s]
        inside = _gitlab_paging.between(call, "since", "until")
        path, author = call.get("path").strip("/"), call.get("author").lower()
        kept = [
            one
            for one in found
            if inside(one.time_s)
            and (not author or author in one.author.lower())
            and (not path or any(file == path or file.startswith(f"{path}/") for file in one.files))
        ]
        stats = _http.boolean(call, "with_stats", default=False)
        return _gitlab_paging.page(call, kept, lambda one: self._written(one, stats=stats))

    def commit(self, call: _http.Call) -> responses.Response:
        one = self._commit(self._project(call), call.path["sha"])
        return _http.answer(
            {**self._written(one, stats=True), "status": "success", "project_id": self._numbers[one.repository]}
        )

    def commit_diff(self, call: _http.Call) -> responses.Response:
        one = self._commit(self._project(call), call.path["sha"])
        return _gitlab_paging.page(call, [self._write.diff(path, patch) for path, patch in sorted(one.files.items())])

    def commit_merge_requests(self, call: _http.Call) -> responses.Response:
        one = self._commit(self._project(call), call.path["sha"])
        return _gitlab_paging.page(
            call, [self._merge(pull) for pull in self._known_pulls(one.repository) if pull.merge_sha == one.sha]
        )

    def compare(self, call: _http.Call) -> responses.Response:
        name = self._project(call)
        for field in ("from", "to"):
            if not call.get(field):
                raise _http.Refused(400, f"{field} is missing")
        base, head = self._commit(name, call.get("from")), self._commit(name, call.get("to"))
        commits = _code_runs.between(self._known_commits(name), base, head)
        diffs = [self._write.diff(*pair) for pair in _code_runs.changed(commits).items()]
        return _http.answer(
            {
                "commit": self._written(head) if commits else None,
                "commits": [self._written(one) for one in commits],
                "diffs": diffs,
                "compare_timeout": False,
                "compare_same_ref": base.sha == head.sha,
                "web_url": f"{self._write.web}/{name}/-/compare/{base.sha}...{head.sha}",
            }
        )

    def _main(self, call: _http.Call) -> dict[str, Any]:
        head = self._commit(self._project(call), "main")
        flags = {"merged": False, "protected": True, "default": True, "can_push": False}
        return {"name": "main", "commit": self._written(head), **flags}

    def branches(self, call: _http.Call) -> responses.Response:
        return _gitlab_paging.page(call, [self._main(call)] if self._known_commits(self._project(call)) else [])

    def branch(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._main(call))

    def _known_releases(self, name: str) -> list[_code_runs.Release]:
        now_s = self._clock.now_s()
        return [one for one in self._releases if one.repository == name and one.time_s <= now_s]

    def tags(self, call: _http.Call) -> responses.Response:
        found = self._known_releases(self._project(call))
        return _gitlab_paging.page(
            call, [{"name": one.tag, "target": one.sha, "message": "", "protected": False} for one in found]
        )

    def _release(self, one: _code_runs.Release) -> dict[str, Any]:
        stamp = _http.iso_seconds(one.time_s)
        return {
            "tag_name": one.tag,
            "name": one.tag,
            "description": "",
            "created_at": stamp,
            "released_at": stamp,
            "author": self._write.user(one.author),
            "commit": {"id": one.sha, "short_id": one.sha[:8]},
            "upcoming_release": False,
        }

    def releases(self, call: _http.Call) -> responses.Response:
        return _gitlab_paging.page(call, [self._release(one) for one in self._known_releases(self._project(call))])

    def release(self, call: _http.Call) -> responses.Response:
        for one in self._known_releases(self._project(call)):
            if one.tag == call.path["tag"]:
                return _http.answer(self._release(one))
        raise _http.Refused(404, "Not Found")

    def _files(self, call: _http.Call) -> dict[str, records.Commit]:
        name = self._project(call)
        tip = self._commit(name, call.get("ref", "main"))
        return _code_runs.paths([one for one in self._known_commits(name) if one.time_s <= tip.time_s])

    def tree(self, call: _http.Call) -> responses.Response:
        deep = _http.boolean(call, "recursive", default=False)
        found = _code_runs.entries(self._files(call), call.get("path"), deep=deep)
        shown = [
            {
                "id": _ids.opaque("", "blob", path, length=40, alphabet="0123456789abcdef"),
                "name": path.rpartition("/")[2],
                "type": kind,
                "path": path,
                "mode": "040000" if kind == "tree" else "100644",
            }
            for path, kind in found
        ]
        return _gitlab_paging.page(call, shown)

    def _file(self, call: _http.Call) -> tuple[str, records.Commit]:
        path = urllib.parse.unquote(call.path["path"])
        one = self._files(call).get(path)
        if one is None:
            raise _gitlab_paging.missing("File")
        return path, one

    def file(self, call: _http.Call) -> responses.Response:
        path, one = self._file(call)
        content = _code_runs.text_after(one.files[path]).encode()
        return _http.answer(
            {
                "file_name": path.rpartition("/")[2],
                "file_path": path,
                "size": len(content),
                "encoding": "base64",
                "content": _ids.base64_text(content),
                "ref": call.get("ref", "main"),
                "last_commit_id": one.sha,
                "commit_id": one.sha,
                "execute_filemode": False,
            }
        )

    def raw(self, call: _http.Call) -> responses.Response:
        path, one = self._file(call)
        return responses.PlainTextResponse(_code_runs.text_after(one.files[path]))

    # ---- merge requests

    def _known_pulls(self, name: str) -> list[records.Pull]:
        now_s = self._clock.now_s()
        return [one for one in self._pulls if (not name or one.repository == name) and one.created_s <= now_s]

    def _merge(self, one: records.Pull) -> dict[str, Any]:
        return self._write.merge_request(one, self._numbers[one.repository], self._clock.now_s())

    def _merge_requests(self, call: _http.Call, name: str) -> responses.Response:
        state = call.get("state", "all")
        if state not in ("all", "opened", "closed", "locked", "merged"):
            raise _http.Refused(400, "state does not have a valid value")
        created, updated = (
            _gitlab_paging.between(call, "created_after", "created_before"),
            _gitlab_paging.between(call, "updated_after", "updated_before"),
        )
        shown = [self._merge(one) for one in self._known_pulls(name) if created(one.created_s)]
        author, text = call.get("author_username"), call.get("search").lower()
        kept = [
            one
            for one in shown
            if state in ("all", one["state"])
            and updated(_clock.from_iso(one["updated_at"]))
            and (not author or one["author"]["username"] == author)
            and text in one["title"].lower()
        ]
        key = "updated_at" if call.get("order_by") == "updated_at" else "created_at"
        return _gitlab_paging.page(
            call, sorted(kept, key=lambda one: (one[key], one["iid"]), reverse=call.get("sort", "desc") != "asc")
        )

    def merge_requests(self, call: _http.Call) -> responses.Response:
        return self._merge_requests(call, self._project(call))

    def all_merge_requests(self, call: _http.Call) -> responses.Response:
        return self._merge_requests(call, "")

    def _pull(self, call: _http.Call) -> records.Pull:
        for one in self._known_pulls(self._project(call)):
            if str(one.number) == call.path["iid"]:
                return one
        raise _http.Refused(404, "Not found")

    def merge_request(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._merge(self._pull(call)))

    def _of_merge(self, call: _http.Call) -> list[records.Commit]:
        one = self._pull(call)
        return [commit for commit in self._known_commits(one.repository) if commit.sha == one.merge_sha]

    def _diffs(self, call: _http.Call) -> list[dict[str, Any]]:
        return [self._write.diff(*pair) for pair in _code_runs.changed(self._of_merge(call)).items()]

    def merge_request_changes(self, call: _http.Call) -> responses.Response:
        diffs = self._diffs(call)
        return _http.answer(
            {**self._merge(self._pull(call)), "changes": diffs, "changes_count": str(len(diffs)), "overflow": False}
        )

    def merge_request_diffs(self, call: _http.Call) -> responses.Response:
        return _gitlab_paging.page(call, self._diffs(call))

    def merge_request_commits(self, call: _http.Call) -> responses.Response:
        return _gitlab_paging.page(call, [self._written(one) for one in self._of_merge(call)])

    def merge_request_notes(self, call: _http.Call) -> responses.Response:
        self._pull(call)
        return _gitlab_paging.page(call, [])
