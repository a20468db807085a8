"""GitLab's REST API (v4) over commits, merge requests, deployments, pipelines and flags: docs.gitlab.com/api/rest."""

from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _code_runs, _gitlab_code, _gitlab_paging, _http, _ids

VERSION = "17.5.2"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.code` and the flags among `telemetry.change_events`; it may be read only."""
    face = _Face(telemetry, clock)
    project = "/projects/{id:path}"
    handlers: list[tuple[str, _http.Handler]] = [
        ("/version", lambda _call: _http.answer({"version": VERSION, "revision": "ac71d9d2a8b"})),
        ("/metadata", lambda _call: _http.answer({"version": VERSION, "revision": "ac71d9d2a8b", "enterprise": False})),
        ("/user", face.user),
        ("/users", face.users),
        ("/groups", face.groups),
        ("/groups/{group}/projects", face.projects),
        ("/projects", face.projects),
        ("/merge_requests", face.all_merge_requests),
        (f"{project}/repository/commits", face.commits),
        (f"{project}/repository/commits/{{sha}}", face.commit),
        (f"{project}/repository/commits/{{sha}}/diff", face.commit_diff),
        (f"{project}/repository/commits/{{sha}}/merge_requests", face.commit_merge_requests),
        (
            f"{project}/repository/commits/{{sha}}/refs",
            lambda call: _gitlab_paging.page(call, [{"type": "branch", "name": "main"}]),
        ),
        (f"{project}/repository/compare", face.compare),
        (f"{project}/repository/branches", face.branches),
        (f"{project}/repository/branches/main", face.branch),
        (f"{project}/repository/tags", face.tags),
        (f"{project}/repository/tree", face.tree),
        (f"{project}/repository/files/{{path:path}}/raw", face.raw),
        (f"{project}/repository/files/{{path:path}}", face.file),
        (f"{project}/merge_requests", face.merge_requests),
        (f"{project}/merge_requests/{{iid}}", face.merge_request),
        (f"{project}/merge_requests/{{iid}}/changes", face.merge_request_changes),
        (f"{project}/merge_requests/{{iid}}/diffs", face.merge_request_diffs),
        (f"{project}/merge_requests/{{iid}}/commits", face.merge_request_commits),
        (f"{project}/merge_requests/{{iid}}/notes", face.merge_request_notes),
        (f"{project}/deployments", face.deployments),
        (f"{project}/deployments/{{number}}", face.deployment),
        (f"{project}/environments", face.environments),
        (f"{project}/releases", face.releases),
        (f"{project}/releases/{{tag}}", face.release),
        (f"{project}/pipelines", face.pipelines),
        (f"{project}/pipelines/{{number}}", face.pipeline),
        (f"{project}/pipelines/{{number}}/jobs", face.pipeline_jobs),
        (f"{project}/jobs", face.jobs),
        (f"{project}/feature_flags", face.feature_flags),
        (f"{project}/feature_flags/{{name}}", face.feature_flag),
        (project, face.project),
    ]
    routes = [_http.route(f"/api/v4{path}", _authorized(handler), refuse) for path, handler in handlers]
    routes.append(_http.route("/api/v4/{path:path}", _authorized(_not_allowed), refuse, _WRITES))
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """`{"message": "404 Project Not Found"}`; `{"error": …}` for parameters."""
    if error.status == 400:
        return _http.answer({"error": error.message}, 400)
    words = {
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        405: "Method Not Allowed",
        503: "Service Unavailable",
    }
    text = error.message if error.reason == "named" else words.get(error.status, error.message)
    return _http.answer({"message": f"{error.status} {text}"}, error.status)


def _authorized(handler: _http.Handler) -> _http.Handler:
    def checked(call: _http.Call) -> responses.Response:
        given = call.headers.get("private-token") or call.headers.get("job-token") or call.get("private_token")
        if not given and not call.headers.get("authorization", "").startswith("Bearer "):
            raise _http.Refused(401, "Unauthorized")
        return handler(call)

    return checked


def _not_allowed(_call: _http.Call) -> responses.Response:
    raise _http.Refused(403, "Forbidden")


class _Face(_gitlab_code.Code):
    """And what runs and what ran: deployments, environments, pipelines, jobs, flags."""

    def _known_deployments(self, name: str) -> list[records.Deployment]:
        now_s = self._clock.now_s()
        return [one for one in self._deployments if one.repository == name and one.time_s <= now_s]

    def _deployed(self, one: records.Deployment) -> dict[str, Any]:
        commit = next((each for each in self._known_commits(one.repository) if each.sha == one.sha), None)
        return self._write.deployment(one, self._written(commit) if commit else None, self._clock.now_s())

    def deployments(self, call: _http.Call) -> responses.Response:
        inside, environment = _gitlab_paging.between(call, "updated_after", "updated_before"), call.get("environment")
        shown = [
            self._deployed(one)
            for one in self._known_deployments(self._project(call))
            if environment in ("", one.environment)
        ]
        kept = [
            one
            for one in shown
            if call.get("status") in ("", one["status"]) and inside(_clock.from_iso(one["updated_at"]))
        ]
        key = call.get("order_by", "id")
        if key not in ("id", "iid", "created_at", "updated_at", "finished_at", "ref"):
            raise _http.Refused(400, "order_by does not have a valid value")
        key = "updated_at" if key == "finished_at" else key
        return _gitlab_paging.page(
            call, sorted(kept, key=lambda one: (one[key], one["id"]), reverse=call.get("sort", "asc") == "desc")
        )

    def deployment(self, call: _http.Call) -> responses.Response:
        for one in self._known_deployments(self._project(call)):
            if str(one.id) == call.path["number"]:
                return _http.answer(self._deployed(one))
        raise _http.Refused(404, "Not Found")

    def environments(self, call: _http.Call) -> responses.Response:
        name = self._project(call)
        names = sorted({one.environment for one in self._known_deployments(name)})
        return _gitlab_paging.page(
            call, [self._write.environment(one, name) for one in names if call.get("search") in one]
        )

    def _known_runs(self, call: _http.Call) -> list[_code_runs.Run]:
        name, now_s = self._project(call), self._clock.now_s()
        return [one for one in self._runs if one.repository == name and one.start_s <= now_s]

    def _pipeline(self, one: _code_runs.Run) -> dict[str, Any]:
        return self._write.pipeline(one, self._numbers[one.repository], self._clock.now_s())

    def pipelines(self, call: _http.Call) -> responses.Response:
        inside = _gitlab_paging.between(call, "updated_after", "updated_before")
        shown = [self._pipeline(one) for one in self._known_runs(call) if call.get("sha") in ("", one.sha)]
        kept = [
            one
            for one in shown
            if call.get("status") in ("", one["status"]) and inside(_clock.from_iso(one["updated_at"]))
        ]
        return _gitlab_paging.page(call, kept)

    def _run(self, call: _http.Call) -> _code_runs.Run:
        for one in self._known_runs(call):
            if str(one.id) == call.path["number"]:
                return one
        raise _http.Refused(404, "Not found")

    def pipeline(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._pipeline(self._run(call)))

    def pipeline_jobs(self, call: _http.Call) -> responses.Response:
        run, now_s = self._run(call), self._clock.now_s()
        return _gitlab_paging.page(call, [self._write.job(run, job, now_s) for job in run.jobs()])

    def jobs(self, call: _http.Call) -> responses.Response:
        now_s = self._clock.now_s()
        return _gitlab_paging.page(
            call, [self._write.job(run, job, now_s) for run in self._known_runs(call) for job in run.jobs()]
        )

    def _known_flags(self, call: _http.Call) -> list[dict[str, Any]]:
        name, now_s = self._project(call), self._clock.now_s()
        latest: dict[str, records.ChangeEvent] = {}
        for one in sorted(self._flags, key=lambda each: each.time_s):
            if one.time_s <= now_s and one.service in ("", name.partition("/")[2]):
                latest[one.details.get("flag", one.summary)] = one
        return [_flag(flag, one) for flag, one in sorted(latest.items())]

    def feature_flags(self, call: _http.Call) -> responses.Response:
        return _gitlab_paging.page(call, self._known_flags(call))

    def feature_flag(self, call: _http.Call) -> responses.Response:
        for one in self._known_flags(call):
            if one["name"] == call.path["name"]:
                return _http.answer(one)
        raise _http.Refused(404, "Not found")


def _flag(name: str, one: records.ChangeEvent) -> dict[str, Any]:
    stamp = _http.iso_seconds(one.time_s)
    share = one.details.get("to", "")
    strategy = {"name": "flexibleRollout", "parameters": {"rollout": share.rstrip("%"), "stickiness": "default"}}
    return {
        "name": name,
        "description": one.summary,
        "active": share not in ("0%", "off", "false"),
        "version": "new_version_flag",
        "created_at": stamp,
        "updated_at": stamp,
        "scopes": [],
        "strategies": [
            {"id": _ids.number("strategy", name, digits=4), **strategy, "scopes": [{"environment_scope": "*"}]}
        ],
    }
