"""GitHub's REST API (2022-11-28) over commits, pull requests and deployments: docs.github.com/en/rest."""

import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _github_comments, _github_more, _github_objects, _http, _organisation

RATE_LIMIT = 5000
_DOCS = "https://docs.github.com/rest"


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.code`; it answers under `/` as api.github.com does and under `/api/v3/` as a company's own."""
    face = _Face(telemetry, clock)
    repository = "/repos/{owner}/{name}"
    handlers: list[tuple[str, _http.Handler]] = [
        ("/rate_limit", face.rate_limit),
        ("/user", face.user),
        ("/users/{login}", face.user),
        ("/user/repos", face.repositories),
        ("/orgs/{owner}/repos", face.repositories),
        ("/users/{owner}/repos", face.repositories),
        (repository, face.repository),
        (f"{repository}/branches", face.branches),
        (f"{repository}/commits", face.commits),
        (f"{repository}/commits/{{ref}}", face.commit),
        (f"{repository}/commits/{{ref}}/pulls", face.commit_pulls),
        (f"{repository}/pulls", face.pulls),
        (f"{repository}/pulls/{{number}}", face.pull),
        (f"{repository}/pulls/{{number}}/files", face.pull_files),
        (f"{repository}/pulls/{{number}}/commits", face.pull_commits),
        (f"{repository}/deployments", face.deployments),
        (f"{repository}/deployments/{{id}}", face.deployment),
        (f"{repository}/deployments/{{id}}/statuses", face.deployment_statuses),
    ]
    more = _github_more.More(telemetry.code, clock, face, _page).handlers(repository)
    everything = [(path, handler, "GET") for path, handler in [*handlers, *more]] + _written(face, repository)
    routes = [
        _http.route(f"{prefix}{path}", face.limited(handler), face.refuse, (method,))
        for prefix in ("", "/api/v3")
        for path, handler, method in everything
    ]
    return _http.application(routes, face.refuse)


def _written(face: "_Face", repository: str) -> list[tuple[str, _http.Handler, str]]:
    """What may be written, comments, and for all else the refusal of a token that may only read."""
    comment = f"{repository}/issues/comments/{{comment}}"
    refused = [(f"{repository}/{{path:path}}", _not_allowed, method) for method in ("POST", "PUT", "PATCH", "DELETE")]
    return [
        (f"{repository}/issues/{{number}}/comments", face.pull_comments, "GET"),
        (f"{repository}/issues/{{number}}/comments", face.add_pull_comment, "POST"),
        (f"{repository}/commits/{{ref}}/comments", face.commit_comments, "GET"),
        (f"{repository}/commits/{{ref}}/comments", face.add_commit_comment, "POST"),
        (comment, face.comment, "GET"),
        (comment, face.change_comment, "PATCH"),
        (comment, face.remove_comment, "DELETE"),
        *refused,
    ]


def _not_allowed(_call: _http.Call) -> responses.Response:
    raise _http.Refused(403, "Resource not accessible by integration")


def refuse(error: _http.Refused) -> responses.Response:
    """`{"message", "documentation_url", "status"}`."""
    body = {"message": error.message, "documentation_url": _DOCS, "status": str(error.status)}
    return _http.answer(body, error.status, {"X-GitHub-Media-Type": "github.v3; format=json"})


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self._code = telemetry.code
        code = telemetry.code
        named = [*(c.repository for c in code.commits), *(p.repository for p in code.pulls)]
        self._repositories = sorted({*named, *(d.repository for d in code.deployments)})
        self._commits = sorted(telemetry.code.commits, key=lambda one: one.time_s, reverse=True)
        self._pulls = sorted(telemetry.code.pulls, key=lambda one: (one.created_s, one.number), reverse=True)
        self._deployments = sorted(telemetry.code.deployments, key=lambda one: (one.time_s, one.id), reverse=True)
        self._parents = _parents(self._commits)
        self._comments = _github_comments.Comments(clock)

    def _limits(self) -> dict[str, str]:
        reset_s = int(self._clock.now_s()) // 3600 * 3600 + 3600
        return {
            "X-RateLimit-Limit": str(RATE_LIMIT),
            "X-RateLimit-Remaining": str(RATE_LIMIT - 13),
            "X-RateLimit-Reset": str(reset_s),
            "X-RateLimit-Used": "13",
            "X-RateLimit-Resource": "core",
        }

    def limited(self, handler: _http.Handler) -> _http.Handler:
        """The handler with the rate-limit headers that every answer of GitHub carries."""

        def wrapped(call: _http.Call) -> responses.Response:
            response = handler(call)
            response.headers.update({**self._limits(), "X-GitHub-Media-Type": "github.v3; format=json"})
            return response

        return wrapped

    def refuse(self, error: _http.Refused) -> responses.Response:
        response = refuse(error)
        response.headers.update(self._limits())
        return response

    def links(self, call: _http.Call) -> _github_objects.Links:
        prefix = "/api/v3" if urllib.parse.urlsplit(call.url).path.startswith(_path_of(call.base) + "/api/v3/") else ""
        return _github_objects.Links(call.base + prefix)

    def repository_of(self, call: _http.Call) -> str:
        wanted = f"{call.path['owner']}/{call.path['name']}".lower()
        for name in self._repositories:
            if name.lower() == wanted:
                return name
        raise _http.Refused(404, "Not Found")

    def parent(self, sha: str) -> str:
        return self._parents.get(sha, "")

    def names(self) -> list[str]:
        return list(self._repositories)

    def rate_limit(self, _call: _http.Call) -> responses.Response:
        core = {
            "limit": RATE_LIMIT,
            "used": 13,
            "remaining": RATE_LIMIT - 13,
            "reset": int(self._limits()["X-RateLimit-Reset"]),
        }
        return _http.answer(
            {"resources": {"core": core, "search": {**core, "limit": 30, "used": 0, "remaining": 30}}, "rate": core}
        )

    def user(self, call: _http.Call) -> responses.Response:
        return _http.answer(self.links(call).user(call.path.get("login", f"{_organisation.AGENT}[bot]")))

    def repositories(self, call: _http.Call) -> responses.Response:
        owner = call.path.get("owner", "").lower()
        names = [name for name in self._repositories if not owner or name.lower().startswith(f"{owner}/")]
        if owner and not names:
            raise _http.Refused(404, "Not Found")
        links = self.links(call)
        return _page(call, [links.repository(name, self._pushed_s(name)) for name in names])

    def _pushed_s(self, name: str) -> float:
        return max((one.time_s for one in self.known_commits(name)), default=0.0)

    def repository(self, call: _http.Call) -> responses.Response:
        name = self.repository_of(call)
        return _http.answer(self.links(call).repository(name, self._pushed_s(name)))

    def branches(self, call: _http.Call) -> responses.Response:
        commits = self.known_commits(self.repository_of(call))
        head = commits[0].sha if commits else ""
        branch = {"name": "main", "commit": {"sha": head, "url": f"{call.base}/commits/{head}"}, "protected": True}
        return _page(call, [branch] if commits else [])

    def known_commits(self, name: str) -> list[records.Commit]:
        now_s = self._clock.now_s()
        return [one for one in self._commits if one.repository == name and one.time_s <= now_s]

    def commits(self, call: _http.Call) -> responses.Response:
        name = self.repository_of(call)
        chosen = self.known_commits(name)
        if sha := call.get("sha"):
            tip = self.resolve(chosen, sha, missing=404)
            chosen = [one for one in chosen if one.time_s <= tip.time_s]
        since_s = _http.parse_iso(call.get("since", "1970-01-01T00:00:00Z"), "since")
        until_s = _http.parse_iso(call.get("until", "9999-01-01T00:00:00Z"), "until")
        path, author = call.get("path").strip("/"), call.get("author").lower()
        kept = [
            one
            for one in chosen
            if since_s <= one.time_s <= until_s
            and (not author or one.author.lower() == author)
            and (not path or any(file == path or file.startswith(f"{path}/") for file in one.files))
        ]
        links = self.links(call)
        return _page(call, kept, lambda one: links.commit(one, self._parents.get(one.sha, "")))

    def resolve(self, commits: Sequence[records.Commit], ref: str, *, missing: int) -> records.Commit:
        if ref in ("HEAD", "main", "heads/main", "refs/heads/main") and commits:
            return commits[0]
        found = [one for one in commits if len(ref) >= 4 and one.sha.startswith(ref.lower())]
        if len(found) != 1:
            raise _http.Refused(missing, "Not Found" if missing == 404 else f"No commit found for SHA: {ref}")
        return found[0]

    def commit(self, call: _http.Call) -> responses.Response:
        found = self.resolve(self.known_commits(self.repository_of(call)), call.path["ref"], missing=422)
        return _http.answer(self.links(call).commit_with_files(found, self._parents.get(found.sha, "")))

    def known_pulls(self, name: str) -> list[records.Pull]:
        now_s = self._clock.now_s()
        return [one for one in self._pulls if one.repository == name and one.created_s <= now_s]

    def commit_pulls(self, call: _http.Call) -> responses.Response:
        name = self.repository_of(call)
        found = self.resolve(self.known_commits(name), call.path["ref"], missing=422)
        links, now_s = self.links(call), self._clock.now_s()
        return _page(call, [links.pull(one, now_s) for one in self.known_pulls(name) if one.merge_sha == found.sha])

    def pulls(self, call: _http.Call) -> responses.Response:
        state, order = call.get("state", "open"), call.get("sort", "created")
        if state not in ("open", "closed", "all") or order not in ("created", "updated", "popularity", "long-running"):
            raise _http.Refused(422, "Validation Failed")
        links, now_s = self.links(call), self._clock.now_s()
        shown = [links.pull(one, now_s) for one in self.known_pulls(self.repository_of(call))]
        kept = [one for one in shown if state in ("all", one["state"])]
        key = "updated_at" if order == "updated" else "created_at"
        newest_first = call.get("direction", "desc" if order == "created" else "asc") == "desc"
        return _page(call, sorted(kept, key=lambda one: (one[key], one["number"]), reverse=newest_first))

    def _pull(self, call: _http.Call) -> records.Pull:
        for one in self.known_pulls(self.repository_of(call)):
            if str(one.number) == call.path["number"]:
                return one
        raise _http.Refused(404, "Not Found")

    def pull(self, call: _http.Call) -> responses.Response:
        one = self._pull(call)
        shown = self.links(call).pull(one, self._clock.now_s(), detail=True)
        return _http.answer({**shown, "comments": len(self._comments.under(one.repository, f"pulls/{one.number}"))})

    def pull_commits(self, call: _http.Call) -> responses.Response:
        one, links = self._pull(call), self.links(call)
        found = [commit for commit in self.known_commits(one.repository) if commit.sha == one.merge_sha]
        return _page(call, [links.commit(commit, self.parent(commit.sha)) for commit in found])

    def pull_files(self, call: _http.Call) -> responses.Response:
        one = self._pull(call)
        commits = [commit for commit in self.known_commits(one.repository) if commit.sha == one.merge_sha]
        return _page(call, self.links(call).files(commits[0]) if commits else [])

    def _place(self, call: _http.Call) -> tuple[str, str]:
        """Repository and place of comments; raises Refused (404)."""
        if "number" in call.path:
            one = self._pull(call)
            return one.repository, f"pulls/{one.number}"
        name = self.repository_of(call)
        return name, f"commits/{self.resolve(self.known_commits(name), call.path['ref'], missing=422).sha}"

    def pull_comments(self, call: _http.Call) -> responses.Response:
        links = self.links(call)
        found = self._comments.under(*self._place(call))
        return _page(call, found, lambda one: _github_comments.shown(one, links))

    commit_comments = pull_comments

    def add_pull_comment(self, call: _http.Call) -> responses.Response:
        made = self._comments.add(*self._place(call), call)
        return _http.answer(_github_comments.shown(made, self.links(call)), 201)

    add_commit_comment = add_pull_comment

    def _comment(self, call: _http.Call) -> _github_comments.Comment:
        return self._comments.find(self.repository_of(call), call.path["comment"])

    def comment(self, call: _http.Call) -> responses.Response:
        return _http.answer(_github_comments.shown(self._comment(call), self.links(call)))

    def change_comment(self, call: _http.Call) -> responses.Response:
        one = self._comment(call)
        self._comments.change(one, call)
        return _http.answer(_github_comments.shown(one, self.links(call)))

    def remove_comment(self, call: _http.Call) -> responses.Response:
        self._comments.remove(self._comment(call))
        return responses.Response(b"", 204)

    def _known_deployments(self, call: _http.Call) -> list[records.Deployment]:
        name, now_s = self.repository_of(call), self._clock.now_s()
        return [one for one in self._deployments if one.repository == name and one.time_s <= now_s]

    def deployments(self, call: _http.Call) -> responses.Response:
        environment, sha, ref = call.get("environment"), call.get("sha"), call.get("ref")
        kept = [
            one
            for one in self._known_deployments(call)
            if environment in ("", one.environment) and sha in ("", one.sha) and ref in ("", "main", one.sha)
        ]
        links, now_s = self.links(call), self._clock.now_s()
        return _page(call, [links.deployment(one, now_s) for one in kept])

    def _deployment(self, call: _http.Call) -> records.Deployment:
        for one in self._known_deployments(call):
            if str(one.id) == call.path["id"]:
                return one
        raise _http.Refused(404, "Not Found")

    def deployment(self, call: _http.Call) -> responses.Response:
        return _http.answer(self.links(call).deployment(self._deployment(call), self._clock.now_s()))

    def deployment_statuses(self, call: _http.Call) -> responses.Response:
        return _page(call, self.links(call).statuses(self._deployment(call), self._clock.now_s()))


def _path_of(url: str) -> str:
    path: str = urllib.parse.urlsplit(url).path
    return path.rstrip("/")


def _parents(newest_first: Sequence[records.Commit]) -> dict[str, str]:
    """Each commit's parent: the one recorded, else the commit before it in the same repository."""
    last: dict[str, str] = {}
    parents: dict[str, str] = {}
    for one in reversed(newest_first):
        parents[one.sha] = one.parent or last.get(one.repository, "")
        last[one.repository] = one.sha
    return parents


def _page(call: _http.Call, items: Sequence[Any], show: Callable[[Any], Any] | None = None) -> responses.Response:
    """One page and, where there are more, the Link header that clients follow; only the page's items are built."""
    size = min(_http.integer(call, "per_page", 30, least=1), 100)
    page = _http.integer(call, "page", 1, least=1)
    last = max(-(-len(items) // size), 1)
    relations = []
    if page > 1:
        relations += [("prev", min(page - 1, last)), ("first", 1)]
    if page < last:
        relations += [("next", page + 1), ("last", last)]
    parts = urllib.parse.urlsplit(call.url)
    query = [pair for pair in urllib.parse.parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "page"]
    links = [
        f'<{parts._replace(query=urllib.parse.urlencode([*query, ("page", number)])).geturl()}>; rel="{relation}"'
        for relation, number in relations
    ]
    shown = items[(page - 1) * size : page * size]
    return _http.answer(
        [show(one) for one in shown] if show else list(shown), headers={"Link": ", ".join(links)} if links else None
    )
