"""More of GitHub that agents ask for: comparisons, contents, releases, workflow runs, and search of commits, code and issues."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from starlette import responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _code_runs, _github_objects, _http, _ids

Paged = Callable[..., responses.Response]
_TERM = re.compile(r'(?:([a-z-]+):)?(?:"([^"]*)"|([^\s"]+))')
_DATE = re.compile(
    r"(>=|<=|>|<)?(\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?)(?:\.\.(\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?|\*))?"
)
_DAY_S = 86400.0


class Repositories(Protocol):
    """What the face knows of its repositories."""

    def repository_of(self, call: _http.Call) -> str: ...

    def links(self, call: _http.Call) -> _github_objects.Links: ...

    def known_commits(self, name: str) -> list[records.Commit]: ...

    def known_pulls(self, name: str) -> list[records.Pull]: ...

    def resolve(self, commits: Sequence[records.Commit], ref: str, *, missing: int) -> records.Commit: ...

    def parent(self, sha: str) -> str: ...

    def names(self) -> list[str]: ...


class More:
    """Handlers by path, for `github.app`."""

    def __init__(self, code: records.Code, clock: _clock.Clock, known: Repositories, paged: Paged) -> None:
        self._clock, self._known, self._paged = clock, known, paged
        self._runs, self._releases = _code_runs.runs(code), _code_runs.releases(code)

    def handlers(self, repository: str) -> list[tuple[str, _http.Handler]]:
        return [
            (f"{repository}/compare/{{basehead:path}}", self._compare),
            (f"{repository}/contents", self._contents),
            (f"{repository}/contents/{{path:path}}", self._contents),
            (f"{repository}/releases", self._all_releases),
            (f"{repository}/releases/latest", self._latest),
            (f"{repository}/releases/tags/{{tag}}", self._latest),
            (f"{repository}/tags", self._tags),
            (f"{repository}/actions/runs", self._all_runs),
            (f"{repository}/actions/runs/{{run}}", self._one_run),
            (f"{repository}/actions/runs/{{run}}/jobs", self._jobs),
            (f"{repository}/actions/workflows", self._workflows),
            (f"{repository}/issues", self._issues),
            ("/search/commits", self._search_commits),
            ("/search/issues", self._search_issues),
            ("/search/code", self._search_code),
        ]

    def _compare(self, call: _http.Call) -> responses.Response:
        base_text, dots, head_text = call.path["basehead"].partition("...")
        if not dots:
            base_text, dots, head_text = call.path["basehead"].partition("..")
        name = self._known.repository_of(call)
        known = self._known.known_commits(name)
        base = self._known.resolve(known, base_text, missing=404)
        head = self._known.resolve(known, head_text, missing=404)
        commits, behind = _code_runs.between(known, base, head), _code_runs.between(known, head, base)
        links = self._known.links(call)
        joined = records.Commit(head.time_s, head.sha, head.author, "", name, _code_runs.changed(commits))
        return _http.answer(
            {
                "url": f"{links.api}/repos/{name}/compare/{base_text}...{head_text}",
                "html_url": f"https://github.com/{name}/compare/{base_text}...{head_text}",
                "base_commit": links.commit(base, self._known.parent(base.sha)),
                "merge_base_commit": links.commit(head if behind else base, ""),
                "status": "ahead" if commits else "behind" if behind else "identical",
                "ahead_by": len(commits),
                "behind_by": len(behind),
                "total_commits": len(commits),
                "commits": [links.commit(one, self._known.parent(one.sha)) for one in commits],
                "files": links.files(joined),
            }
        )

    def _contents(self, call: _http.Call) -> responses.Response:
        name = self._known.repository_of(call)
        known = self._known.known_commits(name)
        if not known:
            raise _http.Refused(404, "Not Found")
        tip = self._known.resolve(known, call.get("ref", "main"), missing=404)
        files = _code_runs.paths([one for one in known if one.time_s <= tip.time_s])
        path, api = call.path.get("path", "").strip("/"), self._known.links(call).api
        if path in files:
            return _http.answer(self._entry(api, name, path, "file", files[path].files[path]))
        found = list(_code_runs.entries(files, path))
        if not found:
            raise _http.Refused(404, "Not Found")
        return _http.answer(
            [self._entry(api, name, one, "dir" if kind == "tree" else "file", None) for one, kind in found]
        )

    def _entry(self, api: str, name: str, path: str, kind: str, patch: str | None) -> dict[str, Any]:
        out: dict[str, Any] = {
            "type": kind,
            "name": path.rpartition("/")[2],
            "path": path,
            "sha": _ids.opaque("", "blob", name, path, length=40, alphabet="0123456789abcdef"),
            "url": f"{api}/repos/{name}/contents/{path}?ref=main",
            "html_url": f"https://github.com/{name}/blob/main/{path}",
        }
        if patch is not None:
            content = _code_runs.text_after(patch).encode()
            out |= {"size": len(content), "encoding": "base64", "content": _ids.base64_text(content)}
        return out

    # ---- releases and runs

    def _shown_releases(self, call: _http.Call) -> list[_code_runs.Release]:
        name, now_s = self._known.repository_of(call), self._clock.now_s()
        return [one for one in self._releases if one.repository == name and one.time_s <= now_s]

    def _release(self, one: _code_runs.Release, links: _github_objects.Links) -> dict[str, Any]:
        identity, stamp = _ids.number("release", one.repository, one.tag, digits=9), _http.iso_seconds(one.time_s)
        return {
            "url": f"{links.api}/repos/{one.repository}/releases/{identity}",
            "html_url": f"https://github.com/{one.repository}/releases/tag/{one.tag}",
            "id": identity,
            "tag_name": one.tag,
            "target_commitish": one.sha,
            "name": one.tag,
            "body": "",
            "draft": False,
            "prerelease": False,
            "created_at": stamp,
            "published_at": stamp,
            "author": links.user(one.author),
            "assets": [],
        }

    def _all_releases(self, call: _http.Call) -> responses.Response:
        links = self._known.links(call)
        return self._paged(call, self._shown_releases(call), lambda one: self._release(one, links))

    def _latest(self, call: _http.Call) -> responses.Response:
        wanted = call.path.get("tag", "")
        for one in self._shown_releases(call):
            if wanted in ("", one.tag):
                return _http.answer(self._release(one, self._known.links(call)))
        raise _http.Refused(404, "Not Found")

    def _tags(self, call: _http.Call) -> responses.Response:
        return self._paged(call, self._shown_releases(call), lambda one: {"name": one.tag, "commit": {"sha": one.sha}})

    def _known_runs(self, call: _http.Call) -> list[_code_runs.Run]:
        name, now_s = self._known.repository_of(call), self._clock.now_s()
        return [one for one in self._runs if one.repository == name and one.start_s <= now_s]

    def _run(self, one: _code_runs.Run, links: _github_objects.Links) -> dict[str, Any]:
        done = one.done(self._clock.now_s())
        url = f"{links.api}/repos/{one.repository}/actions/runs/{one.id}"
        return {
            "id": one.id,
            "name": "CI" if one.kind == "ci" else "Deploy",
            "head_branch": "main",
            "head_sha": one.sha,
            "path": f".github/workflows/{one.kind}.yml",
            "display_title": one.title,
            "run_number": one.number,
            "event": "push" if one.kind == "ci" else "workflow_dispatch",
            "status": "completed" if done else "in_progress",
            "conclusion": ("success" if one.ok else "failure") if done else None,
            "workflow_id": _ids.number("workflow", one.repository, one.kind),
            "url": url,
            "html_url": f"https://github.com/{one.repository}/actions/runs/{one.id}",
            "created_at": _http.iso_seconds(one.start_s),
            "updated_at": _http.iso_seconds(one.end_s if done and one.end_s is not None else one.start_s),
            "run_started_at": _http.iso_seconds(one.start_s),
            "run_attempt": 1,
            "actor": links.user(one.actor),
            "triggering_actor": links.user(one.actor),
            "jobs_url": f"{url}/jobs",
        }

    def _all_runs(self, call: _http.Call) -> responses.Response:
        links = self._known.links(call)
        wanted = call.get("status")
        shown = [self._run(one, links) for one in self._known_runs(call) if call.get("head_sha") in ("", one.sha)]
        kept = [
            one
            for one in shown
            if wanted in ("", one["status"], one["conclusion"])
            and call.get("event") in ("", one["event"])
            and call.get("branch") in ("", "main")
        ]
        return self._counted(call, "workflow_runs", kept)

    def _find_run(self, call: _http.Call) -> _code_runs.Run:
        for one in self._known_runs(call):
            if str(one.id) == call.path["run"]:
                return one
        raise _http.Refused(404, "Not Found")

    def _one_run(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._run(self._find_run(call), self._known.links(call)))

    def _jobs(self, call: _http.Call) -> responses.Response:
        run, now_s = self._find_run(call), self._clock.now_s()
        shown = []
        for job in run.jobs():
            ended = job.end_s <= now_s and run.done(now_s)
            shown.append(
                {
                    "id": _ids.number("job", str(run.id), job.name, digits=9),
                    "run_id": run.id,
                    "head_sha": run.sha,
                    "name": job.name,
                    "status": "completed" if ended else "in_progress" if job.start_s <= now_s else "queued",
                    "conclusion": ("success" if job.ok else "failure") if ended else None,
                    "started_at": _http.iso_seconds(job.start_s),
                    "completed_at": _http.iso_seconds(job.end_s) if ended else None,
                    "steps": [],
                }
            )
        return self._counted(call, "jobs", shown)

    def _workflows(self, call: _http.Call) -> responses.Response:
        name = self._known.repository_of(call)
        kinds = sorted({one.kind for one in self._known_runs(call)})
        shown = [
            {
                "id": _ids.number("workflow", name, kind),
                "name": "CI" if kind == "ci" else "Deploy",
                "path": f".github/workflows/{kind}.yml",
                "state": "active",
            }
            for kind in kinds
        ]
        return self._counted(call, "workflows", shown)

    def _counted(self, call: _http.Call, name: str, items: Sequence[Any]) -> responses.Response:
        """A page inside `{"total_count": …}`, as newer endpoints and searches have it."""
        page = self._paged(call, items)
        page.body = b'{"total_count":%d,"%s":' % (len(items), name.encode()) + bytes(page.body) + b"}"
        page.headers["content-length"] = str(len(page.body))
        return page

    # ---- issues and search

    def _issue(self, one: records.Pull, links: _github_objects.Links) -> dict[str, Any]:
        shown = links.pull(one, self._clock.now_s())
        kept = ("id", "number", "title", "user", "state", "created_at", "updated_at", "closed_at", "body", "html_url")
        base = f"{links.api}/repos/{one.repository}"
        pull = {"url": shown["url"], "merged_at": shown["merged_at"], "html_url": shown["html_url"]}
        return {"url": f"{base}/issues/{one.number}", **{name: shown[name] for name in kept}, "pull_request": pull}

    def _issues(self, call: _http.Call) -> responses.Response:
        state, links = call.get("state", "open"), self._known.links(call)
        shown = [self._issue(one, links) for one in self._known.known_pulls(self._known.repository_of(call))]
        return self._paged(call, [one for one in shown if state in ("all", one["state"])])

    def _asked(self, call: _http.Call) -> tuple[list[str], dict[str, list[str]]]:
        """The words of a search, and its qualifiers."""
        if not call.get("q"):
            raise _http.Refused(422, "Validation Failed")
        words: list[str] = []
        qualifiers: dict[str, list[str]] = {}
        for name, phrase, word in _TERM.findall(call.get("q")[:1000]):
            if name:
                qualifiers.setdefault(name, []).append(phrase or word)
            else:
                words.append((phrase or word).lower())
        return words, qualifiers

    def _names(self, qualifiers: Mapping[str, list[str]]) -> list[str]:
        repositories = [one.lower() for one in qualifiers.get("repo", [])]
        owners = [one.lower() for one in (*qualifiers.get("org", []), *qualifiers.get("user", []))]
        names = [
            name
            for name in self._known.names()
            if (not repositories or name.lower() in repositories)
            and (not owners or name.partition("/")[0].lower() in owners)
        ]
        if repositories and not names:
            raise _http.Refused(422, "Validation Failed")
        return names

    def _found(self, call: _http.Call, items: list[dict[str, Any]]) -> responses.Response:
        page = self._counted(call, "items", items[:1000])
        page.body = bytes(page.body).replace(b'"items":', b'"incomplete_results":false,"items":', 1)
        page.headers["content-length"] = str(len(page.body))
        return page

    def _search_commits(self, call: _http.Call) -> responses.Response:
        words, qualifiers = self._asked(call)
        links = self._known.links(call)
        dates = [*qualifiers.get("committer-date", []), *qualifiers.get("author-date", [])]
        authors = [one.lower() for one in (*qualifiers.get("author", []), *qualifiers.get("committer", []))]
        found = [
            one
            for name in self._names(qualifiers)
            for one in self._known.known_commits(name)
            if all(word in one.message.lower() for word in words)
            and (not authors or one.author.lower() in authors)
            and all(_in_range(date, one.time_s) for date in dates)
            and all(one.sha.startswith(sha.lower()) for sha in qualifiers.get("hash", []))
        ]
        found.sort(key=lambda one: (one.time_s, one.sha), reverse=call.get("order", "desc") != "asc")
        repositories = {name: links.repository(name, 0.0) for name in {one.repository for one in found}}
        return self._found(
            call,
            [
                {
                    **links.commit(one, self._known.parent(one.sha)),
                    "repository": repositories[one.repository],
                    "score": 1.0,
                }
                for one in found
            ],
        )

    def _search_issues(self, call: _http.Call) -> responses.Response:
        words, qualifiers = self._asked(call)
        links = self._known.links(call)
        wanted = {*qualifiers.get("is", []), *qualifiers.get("type", []), *qualifiers.get("state", [])}
        if "issue" in wanted:
            return self._found(call, [])
        shown = [
            (self._issue(one, links), one)
            for name in self._names(qualifiers)
            for one in self._known.known_pulls(name)
            if all(word in f"{one.title} {one.body}".lower() for word in words)
            and all(one.author.lower() == author.lower() for author in qualifiers.get("author", []))
            and all(_in_range(date, one.created_s) for date in qualifiers.get("created", []))
            and all(one.merged_s is not None and _in_range(date, one.merged_s) for date in qualifiers.get("merged", []))
        ]
        kept = [
            issue
            for issue, _ in shown
            if not wanted & {"open", "closed", "merged"}
            or issue["state"] in wanted
            or ("merged" in wanted and issue["pull_request"]["merged_at"])
        ]
        kept.sort(key=lambda one: (one["created_at"], one["number"]), reverse=True)
        return self._found(call, kept)

    def _search_code(self, call: _http.Call) -> responses.Response:
        words, qualifiers = self._asked(call)
        links = self._known.links(call)
        items = []
        for name in self._names(qualifiers):
            known = _code_runs.paths(self._known.known_commits(name))
            for path, one in known.items():
                text = f"{path}\n{_code_runs.text_after(one.files[path])}".lower()
                inside = all(part in path for part in qualifiers.get("path", []))
                named = all(path.rpartition("/")[2] == file for file in qualifiers.get("filename", []))
                if inside and named and all(word in text for word in words):
                    entry = self._entry(links.api, name, path, "file", None)
                    items.append({**entry, "repository": links.repository(name, 0.0), "score": 1.0})
        return self._found(call, items)


def _in_range(text: str, time_s: float) -> bool:
    """`>=2026-05-01`, `2026-05-01..2026-05-03`, a day; what is none of these lets everything through."""
    found = _DATE.fullmatch(text)
    if found is None:
        return True
    op, first, last = found.groups()
    try:
        start_s = _clock.from_iso(first)
        end_s = start_s + (_DAY_S if "T" not in first else 1.0)
        if last:
            return start_s <= time_s and (
                last == "*" or time_s < _clock.from_iso(last) + (_DAY_S if "T" not in last else 1.0)
            )
    except ValueError:
        return True
    return {">": time_s >= end_s, ">=": time_s >= start_s, "<": time_s < start_s, "<=": time_s < end_s}.get(
        op or "", start_s <= time_s < end_s
    )
