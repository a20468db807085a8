"""A read-only Kubernetes API server over the cluster's object history, events and container logs.

Objects are as they stand at the clock's time; events live for an hour, as in etcd. Writes are refused as RBAC refuses a
viewer. Paths, Status, Table and pagination follow kubernetes.io/docs/reference/using-api.
"""

import base64
import binascii
import dataclasses
import json
from typing import Any

from starlette import applications, responses, routing

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import (
    _http,
    _kubernetes_logs,
    _kubernetes_resources,
    _kubernetes_selectors,
    _kubernetes_store,
    _kubernetes_table,
)

_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    503: "ServiceUnavailable",
}
_NOT_THERE = "the server could not find the requested resource"
_USER = "viewer"
_READ_VERBS = ("get", "list", "watch")


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.cluster`, with container logs from `telemetry.logs`."""
    face = _Face(telemetry, clock)
    methods = ("GET", *_WRITES)
    routes: list[routing.BaseRoute] = [
        *(_http.route(path, face.version, refuse) for path in ("/version", "/version/")),
        *(
            _http.route(path, lambda _call: responses.PlainTextResponse("ok"), refuse)
            for path in ("/healthz", "/livez", "/readyz")
        ),
        _http.route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", face.access_review, refuse, ("POST",)),
        _http.route("/{path:path}", face.dispatch, refuse, methods),
    ]
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """A meta/v1 Status of kind Failure."""
    reason = error.reason if error.reason[:1].isupper() else _REASONS.get(error.status, "")
    message = (
        f"forbidden: User {json.dumps(_USER)} cannot access this resource"
        if error.message == "Forbidden"
        else error.message
    )
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    return _http.answer({**body, "reason": reason, "details": {}, "code": error.status}, error.status)


@dataclasses.dataclass(frozen=True, slots=True)
class _Target:
    """What a path points at: a resource, maybe in a namespace, maybe one object, maybe a part of it."""

    resource: _kubernetes_resources.Resource
    namespace: str
    name: str
    part: str


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self._version = telemetry.cluster.version
        self._store = _kubernetes_store.ClusterStore(telemetry.cluster)
        self._logs = _kubernetes_logs.PodLogs(telemetry.logs)
        self._by_path = {(one.group, one.version, one.plural): one for one in self._store.resources}

    def version(self, _call: _http.Call) -> responses.Response:
        major, minor = self._version.lstrip("v").split(".")[:2]
        return _http.answer(
            {
                "major": major,
                "minor": minor,
                "gitVersion": self._version,
                "gitCommit": "5864a4677267e6adeae276ad85882a8714d69d9d",
                "gitTreeState": "clean",
                "buildDate": "2024-10-22T20:28:14Z",
                "goVersion": "go1.22.8",
                "compiler": "gc",
                "platform": "linux/amd64",
            }
        )

    def dispatch(self, call: _http.Call) -> responses.Response:
        parts = [part for part in call.path["path"].split("/") if part]
        if parts[:1] == ["api"]:
            return self._core(call, parts[1:])
        if parts[:1] == ["apis"]:
            return self._groups(call, parts[1:])
        raise _http.Refused(404, _NOT_THERE)

    def _core(self, call: _http.Call, parts: list[str]) -> responses.Response:
        if not parts:
            return _http.answer(_kubernetes_resources.core_versions(call.base.partition("://")[2]))
        if parts[0] != "v1":
            raise _http.Refused(404, _NOT_THERE)
        if len(parts) == 1:
            return _http.answer(_kubernetes_resources.resource_list("v1", self._store.resources))
        return self._resource(call, "", "v1", parts[1:])

    def _groups(self, call: _http.Call, parts: list[str]) -> responses.Response:
        resources = self._store.resources
        if not parts:
            return _http.answer(_kubernetes_resources.group_list(resources))
        versions = {one.version for one in resources if one.group == parts[0]}
        if not versions or (len(parts) > 1 and parts[1] not in versions):
            raise _http.Refused(404, _NOT_THERE)
        if len(parts) == 1:
            return _http.answer(_kubernetes_resources.group(parts[0], resources))
        if len(parts) == 2:
            return _http.answer(_kubernetes_resources.resource_list(f"{parts[0]}/{parts[1]}", resources))
        return self._resource(call, parts[0], parts[1], parts[2:])

    def _resource(self, call: _http.Call, group: str, version: str, parts: list[str]) -> responses.Response:
        target = self._target(group, version, parts)
        if call.method in _WRITES:
            raise _forbidden(target, _WRITES[call.method])
        if call.method not in ("GET", "HEAD"):
            raise _http.Refused(405, "the server does not allow this method on the requested resource")
        if not target.name:
            return self._list(call, target)
        state = self._store.state(target.resource, self._clock.now_s(), (target.namespace, target.name))
        if state is None:
            raise _not_found(target)
        if target.part == "log" and (group, target.resource.kind) == ("", "Pod"):
            return responses.PlainTextResponse(self._logs.text(state.body, call, self._clock.now_s()))
        if target.part not in ("", "status"):
            raise _http.Refused(404, _NOT_THERE)
        if _wants_table(call):
            return _http.answer(self._table(call, target, [state], state.body["metadata"].get("resourceVersion", "")))
        return _http.answer(state.of(target.resource))

    def _target(self, group: str, version: str, parts: list[str]) -> _Target:
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
            namespace, parts = parts[1], parts[2:]
        resource = self._by_path.get((group, version, parts[0]))
        if resource is None or len(parts) > 3 or (namespace and not resource.namespaced):
            raise _http.Refused(404, _NOT_THERE)
        name = parts[1] if len(parts) > 1 else ""
        if name and resource.namespaced and not namespace:
            raise _http.Refused(404, _NOT_THERE)
        return _Target(resource, namespace, name, parts[2] if len(parts) > 2 else "")

    def _list(self, call: _http.Call, target: _Target) -> responses.Response:
        labels = _kubernetes_selectors.labels_test(call.get("labelSelector"))
        fields = _kubernetes_selectors.fields_test(call.get("fieldSelector"), target.resource)
        if _http.boolean(call, "watch", default=False):
            return responses.Response(b"", media_type="application/json")
        now_s = self._clock.now_s()
        states = self._store.states(target.resource, now_s, target.namespace)
        if labels is not None:
            states = [state for state in states if labels(state.labels)]
        if fields is not None:
            states = [state for state in states if fields(state.of(target.resource))]
        version = self._store.resource_version(now_s)
        shown, remaining = _kubernetes_store.page(states, _after(call.get("continue")), _http.integer(call, "limit", 0))
        meta: dict[str, Any] = {"resourceVersion": version}
        if remaining:
            meta["continue"] = _token(shown[-1].key, version)
            if labels is None and fields is None:
                meta["remainingItemCount"] = remaining
        if _wants_table(call):
            return _http.answer(self._table(call, target, shown, version, meta))
        head = {"kind": f"{target.resource.kind}List", "apiVersion": target.resource.api_version, "metadata": meta}
        items = b",".join(state.encoded(target.resource) for state in shown)
        body = _http.encode(head)[:-1] + b',"items":[' + items + b"]}"
        return responses.Response(body, media_type="application/json")

    def _table(
        self, call: _http.Call, target: _Target, states: Any, version: str, meta: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        bodies = [state.of(target.resource) for state in states]
        include = call.get("includeObject", "Metadata")
        return _kubernetes_table.table(
            target.resource, bodies, meta or {"resourceVersion": version}, self._clock.now_s(), include
        )

    def access_review(self, call: _http.Call) -> responses.Response:
        """`kubectl auth can-i`: reading is allowed, nothing else is."""
        try:
            spec = json.loads(call.get("spec", "{}"))
            verb = (
                spec["resourceAttributes"]["verb"]
                if "resourceAttributes" in spec
                else spec["nonResourceAttributes"]["verb"]
            )
        except (ValueError, KeyError, TypeError) as error:
            raise _http.Refused(
                422, "spec: exactly one of resourceAttributes or nonResourceAttributes is required", reason="Invalid"
            ) from error
        head = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
        return _http.answer({**head, "spec": spec, "status": {"allowed": verb in _READ_VERBS}}, 201)


def _qualified(resource: _kubernetes_resources.Resource) -> str:
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _not_found(target: _Target) -> _http.Refused:
    return _http.Refused(404, f'{_qualified(target.resource)} "{target.name}" not found', reason="NotFound")


def _forbidden(target: _Target, verb: str) -> _http.Refused:
    resource = target.resource
    what = f'{_qualified(resource)} "{target.name}"' if target.name else _qualified(resource)
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    message = f'{what} is forbidden: User "{_USER}" cannot {verb} resource "{resource.plural}" in API group "{resource.group}" {where}'
    return _http.Refused(403, message, reason="Forbidden")


def _wants_table(call: _http.Call) -> bool:
    return "as=Table" in call.headers.get("accept", "")


def _token(key: _kubernetes_store.Key, version: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": int(version), "start": "/".join(key)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _after(token: str) -> _kubernetes_store.Key | None:
    if not token:
        return None
    try:
        start = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["start"]
        namespace, _, name = start.partition("/")
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _http.Refused(400, "continue key is not valid: illegal base64 data", reason="BadRequest") from error
    return namespace, name
