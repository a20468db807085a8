"""A read-only Kubernetes API server over the cluster's object history, events and container logs.

Objects are as they stand at the clock's time; events live for an hour, as in etcd. Writes are refused as RBAC refuses a
viewer. Paths, Status, Table and pagination follow kubernetes.io/docs/reference/using-api.
"""

import base64
import binascii
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from starlette import applications, responses, routing

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import (
    _http,
    _kubernetes_discovery,
    _kubernetes_logs,
    _kubernetes_metrics,
    _kubernetes_resources,
    _kubernetes_selectors,
    _kubernetes_store,
    _kubernetes_table,
    _kubernetes_watch,
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
_ACCESS = (
    # what may be created to ask about oneself, and nothing else done with
    _kubernetes_resources.Resource(
        "authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False
    ),
    _kubernetes_resources.Resource(
        "authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False
    ),
    _kubernetes_resources.Resource(
        "authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False
    ),
)


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
        *(
            _http.route(path, handler, refuse, ("POST",))
            for path, handler in (
                ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", face.access_review),
                ("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", face.rules_review),
                ("/apis/authentication.k8s.io/v1/selfsubjectreviews", face.self_review),
            )
        ),
        _http.route("/openapi/v3", face.openapi_index, refuse),
        _http.route("/openapi/v3/{path:path}", face.openapi, refuse),
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
        self._usage = _kubernetes_metrics.UsageStore(telemetry.metrics)
        self._resources = (
            *self._store.resources,
            *_ACCESS,
            *(_kubernetes_metrics.RESOURCES if self._usage.is_there else ()),
        )
        self._by_path = {(one.group, one.version, one.plural): one for one in self._resources}

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
        if not parts and _kubernetes_discovery.wants_aggregated(call):
            return _aggregated(self._resources, core=True)
        if not parts:
            return _http.answer(_kubernetes_resources.core_versions(call.base.partition("://")[2]))
        if parts[0] != "v1":
            raise _http.Refused(404, _NOT_THERE)
        if len(parts) == 1:
            return _http.answer(_kubernetes_resources.resource_list("v1", self._resources))
        return self._resource(call, "", "v1", parts[1:])

    def _groups(self, call: _http.Call, parts: list[str]) -> responses.Response:
        resources = self._resources
        if not parts and _kubernetes_discovery.wants_aggregated(call):
            return _aggregated(resources, core=False)
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
        if target.resource.group == "metrics.k8s.io":
            return self._usages(call, target)
        if target.resource in _ACCESS:
            raise _http.Refused(405, "the server does not allow this method on the requested resource")
        if not target.name:
            return self._list(call, target)
        state = self._store.state(target.resource, self._clock.now_s(), (target.namespace, target.name))
        if state is None:
            raise _not_found(target)
        if target.part == "log" and (group, target.resource.kind) == ("", "Pod"):
            return self._log(call, state.body)
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
            return self._watch(call, target, labels, fields)
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

    def _log(self, call: _http.Call, pod: Mapping[str, Any]) -> responses.Response:
        text = self._logs.text(pod, call, self._clock.now_s())
        if not _http.boolean(call, "follow", default=False):
            return responses.PlainTextResponse(text)
        return _kubernetes_watch.following(
            text, lambda after_s, until_s: self._logs.between(pod, call, after_s, until_s), self._clock.now_s
        )

    def _watch(
        self,
        call: _http.Call,
        target: _Target,
        labels: _kubernetes_selectors.LabelTest | None,
        fields: _kubernetes_selectors.BodyTest | None,
    ) -> responses.Response:
        def snapshot(now_s: float) -> Iterator[_kubernetes_store.State]:
            for state in self._store.states(target.resource, now_s, target.namespace):
                if (labels is None or labels(state.labels)) and (fields is None or fields(state.of(target.resource))):
                    yield state

        def written(state: _kubernetes_store.State) -> dict[str, Any]:
            if _wants_table(call):
                version = state.body["metadata"].get("resourceVersion", "")
                return self._table(call, target, [state], version)
            return state.of(target.resource)

        version = _http.integer(call, "resourceVersion", 0)
        since_s = self._store.moment_s(version) if version else None
        limit_s = _kubernetes_watch.timeout_s(call)
        return _kubernetes_watch.watching(snapshot, written, since_s, self._clock.now_s, limit_s)

    def _usages(self, call: _http.Call, target: _Target) -> responses.Response:
        """metrics.k8s.io: as fresh as the clock, selected by the labels of the pod or node."""
        labels = _kubernetes_selectors.labels_test(call.get("labelSelector"))
        now_s, kind = self._clock.now_s(), target.resource.kind
        objects = self._store.states(self._by_path["", "v1", target.resource.plural], now_s, target.namespace)
        items = []
        if kind == "PodMetrics":
            usages = self._usage.pods(now_s)
            for state in objects:
                containers = usages.get(state.key)
                if containers and (labels is None or labels(state.labels)):
                    made = _kubernetes_metrics.body(kind, *state.key, state.labels, now_s)
                    shown = [{"name": name, "usage": one.to_json()} for name, one in sorted(containers.items())]
                    items.append({**made, "containers": shown})
        else:
            by_node = self._usage.nodes(now_s, _node_names(objects))
            for state in objects:
                usage = by_node.get(state.key[1])
                if usage is not None and (labels is None or labels(state.labels)):
                    made = _kubernetes_metrics.body(kind, "", state.key[1], state.labels, now_s)
                    items.append({**made, "usage": usage.to_json()})
        meta = {"resourceVersion": self._store.resource_version(now_s)}
        if target.name:
            items = [one for one in items if one["metadata"]["name"] == target.name]
            if not items:
                raise _not_found(target)
            return _http.answer(items[0])
        if _wants_table(call):
            include = call.get("includeObject", "Metadata")
            return _http.answer(_kubernetes_table.table(target.resource, items, meta, now_s, include))
        head = {"kind": f"{kind}List", "apiVersion": target.resource.api_version, "metadata": meta}
        return _http.answer({**head, "items": items})

    def openapi_index(self, _call: _http.Call) -> responses.Response:
        return _http.answer(_kubernetes_discovery.openapi_index(self._resources))

    def openapi(self, call: _http.Call) -> responses.Response:
        """Schemas of one group and version, as its objects have them now."""
        name = call.path["path"].strip("/")
        api_version = name.removeprefix("apis/").removeprefix("api/")
        known = [one for one in self._store.resources if one.api_version == api_version]
        if not known or not name.startswith("apis/" if known[0].group else "api/"):
            raise _http.Refused(404, _NOT_THERE)
        now_s = self._clock.now_s()
        samples = ((one, [state.of(one) for state in self._store.states(one, now_s)]) for one in known)
        return _http.answer(_kubernetes_discovery.openapi(api_version, samples))

    def rules_review(self, _call: _http.Call) -> responses.Response:
        """`kubectl auth can-i --list`."""
        verbs = list(_READ_VERBS)
        everything = {"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}
        paths = {"verbs": ["get"], "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/version"]}
        status = {"resourceRules": [everything], "nonResourceRules": [paths], "incomplete": False}
        head = {"kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {}}
        return _http.answer({**head, "status": status}, 201)

    def self_review(self, _call: _http.Call) -> responses.Response:
        """`kubectl auth whoami`."""
        who = {"username": _USER, "groups": ["viewers", "system:authenticated"]}
        head = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "metadata": {}}
        return _http.answer({**head, "status": {"userInfo": who}}, 201)

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
            spec = _http.decode(call.get("spec", "{}"))
            verb = (
                spec["resourceAttributes"]["verb"]
                if "resourceAttributes" in spec
                else spec["nonResourceAttributes"]["verb"]
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _http.Refused(
                422, "spec: exactly one of resourceAttributes or nonResourceAttributes is required", reason="Invalid"
            ) from error
        head = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}}
        return _http.answer({**head, "spec": spec, "status": {"allowed": verb in _READ_VERBS}}, 201)


def _aggregated(resources: Sequence[_kubernetes_resources.Resource], *, core: bool) -> responses.Response:
    document = _kubernetes_discovery.aggregated(resources, core=core)
    return responses.Response(_http.encode(document), media_type=_kubernetes_discovery.AGGREGATED)


def _node_names(nodes: Sequence[_kubernetes_store.State]) -> dict[str, str]:
    """Every way in which metrics name a node → its name."""
    out: dict[str, str] = {}
    for state in nodes:
        name = state.key[1]
        addresses = [one.get("address", "") for one in (state.body.get("status") or {}).get("addresses") or ()]
        out |= {address: name for address in addresses if address}
        out[name] = name
    return out


def _qualified(resource: _kubernetes_resources.Resource) -> str:
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _not_found(target: _Target) -> _http.Refused:
    return _http.Refused(404, f'{_qualified(target.resource)} "{target.name}" not found', reason="NotFound")


def _forbidden(target: _Target, verb: str) -> _http.Refused:
    resource = target.resource
    what = f'{_qualified(resource)} "{target.name}"' if target.name else _qualified(resource)
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    named = f"{resource.plural}/{target.part}" if target.part else resource.plural
    message = (
        f'{what} is forbidden: User "{_USER}" cannot {verb} resource "{named}" in API group "{resource.group}" {where}'
    )
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
