"""Grafana's HTTP API (version 11.3) before the other faces: data sources and their proxy, queries as frames, dashboards, rules.

Shapes follow grafana.com/docs/grafana/latest/developers/http_api; the visitor is an anonymous viewer, who may look and not write.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette import applications, requests, responses, routing, types

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import (
    _grafana_annotations,
    _grafana_dashboards,
    _grafana_query,
    _grafana_sources,
    _http,
    _inside,
)

VERSION = "11.3.1"
MAX_SEARCH = 5_000
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_TIME = re.compile(r"\d{1,13}", re.ASCII)
Answering = Callable[[_http.Call], Awaitable[responses.Response]]


def app(
    telemetry: records.Telemetry, clock: _clock.Clock, faces: Mapping[str, types.ASGIApp]
) -> applications.Starlette:
    """The face over `faces` (vendor → application): what Grafana has a plugin for becomes a data source."""
    face = _Face(telemetry, clock, faces)
    handlers: list[tuple[str, _http.Handler]] = [
        ("/api/health", face.health),
        ("/api/frontend/settings", face.settings),
        ("/api/org", lambda _call: _http.answer({"id": 1, "name": "Main Org.", "address": {}})),
        ("/api/user", face.user),
        ("/api/datasources", face.data_sources),
        ("/api/datasources/uid/{uid}", face.by_uid),
        ("/api/datasources/uid/{uid}/health", face.source_health),
        ("/api/datasources/name/{name}", face.by_name),
        ("/api/datasources/id/{name}", lambda call: _http.answer({"id": face.named(call).id})),
        ("/api/datasources/{id}", face.by_id),
        ("/api/search", face.search),
        ("/api/folders", lambda _call: _http.answer([])),
        ("/api/dashboards/uid/{uid}", lambda call: _http.answer(face.dashboards.page(call.path["uid"]))),
        ("/api/dashboards/home", face.home),
        ("/api/dashboards/tags", face.tags),
        ("/api/annotations", face.annotations),
        ("/api/annotations/tags", face.annotation_tags),
        ("/api/v1/provisioning/contact-points", face.contact_points),
        ("/api/teams/search", lambda _call: _http.answer({"totalCount": 0, "teams": [], "page": 1, "perPage": 1000})),
    ]
    routes: list[routing.BaseRoute] = list(face.proxies())
    routes += [
        _answering("/api/ds/query", face.query, ("POST",)),
        _answering("/api/prometheus/{uid}/api/v1/rules", face.rules, ("GET",)),
        _answering("/api/prometheus/{uid}/api/v1/alerts", face.rules, ("GET",)),
        _answering("/api/v1/provisioning/alert-rules", face.provisioned_rules, ("GET",)),
        _answering("/api/ruler/{uid}/api/v1/rules", face.ruler, ("GET",)),
    ]
    routes += [_http.route(path, handler, refuse) for path, handler in handlers]
    routes.append(_http.route("/api/{path:path}", _not_allowed, refuse, ("GET", *_WRITES)))
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """`{"message": …}`, with a message id and a trace id as Grafana has them."""
    words = {403: "You'll need additional permissions to perform this action.", 404: "Not found"}
    message = words.get(error.status, error.message) if error.message in ("Forbidden", "Not Found") else error.message
    body: dict[str, Any] = {"message": message, "traceID": ""}
    if error.status == 403:
        body = {"accessErrorId": "ACE7351684201", "message": message, "title": "Access denied"}
    elif error.reason and error.status != 503:
        body |= {"messageId": error.reason, "statusCode": error.status}
    return _http.answer(body, error.status)


def _not_allowed(call: _http.Call) -> responses.Response:
    raise _http.Refused(404, "Not Found") if call.method in ("GET", "HEAD") else _http.Refused(403, "Forbidden")


def _answering(path: str, handler: Answering, methods: tuple[str, ...]) -> routing.Route:
    async def endpoint(request: requests.Request) -> responses.Response:
        try:
            return await handler(await _http.read(request))
        except _http.Refused as error:
            return refuse(error)

    return routing.Route(path, endpoint, methods=list(methods))


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, faces: Mapping[str, types.ASGIApp]) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._faces = faces
        self.sources = _grafana_sources.sources(faces)
        self.dashboards = _grafana_dashboards.Dashboards(telemetry, self.sources)
        self._annotations = _grafana_annotations.Annotations(telemetry, clock)

    def proxies(self) -> list[routing.Mount]:
        """Each source under the three addresses at which Grafana passes requests on, and Alertmanager under its own."""
        out = []
        for source in self.sources:
            passed = [f"/api/datasources/proxy/uid/{source.uid}", f"/api/datasources/proxy/{source.id}"]
            plugin = [f"/api/datasources/uid/{source.uid}/resources", f"/api/datasources/{source.id}/resources"]
            own = [f"/api/alertmanager/{uid}" for uid in ("grafana", source.uid)]
            out += [routing.Mount(prefix, app=source.app) for prefix in passed]
            out += [routing.Mount(prefix, app=_resources(source)) for prefix in plugin]
            out += [routing.Mount(prefix, app=source.app) for prefix in own if source.face == "alertmanager"]
        return out

    def health(self, _call: _http.Call) -> responses.Response:
        commit = "9eb9ef8a2b6a2b3d1cb0a7f1fb44dd7d0f3eb1f4"
        return _http.answer({"commit": commit, "database": "ok", "version": VERSION})

    def settings(self, _call: _http.Call) -> responses.Response:
        default = next((source.name for source in self.sources if source.to_json()["isDefault"]), "")
        build = {"version": VERSION, "commit": "9eb9ef8a2b", "env": "production", "edition": "Open Source"}
        listed = {source.name: source.to_json() for source in self.sources}
        return _http.answer({"buildInfo": build, "datasources": listed, "defaultDatasource": default})

    def user(self, _call: _http.Call) -> responses.Response:
        return _http.answer(
            {
                "id": 2,
                "uid": "bdrm7x1kq3z0gf",
                "email": "viewer",
                "name": "viewer",
                "login": "viewer",
                "theme": "",
                "orgId": 1,
                "isGrafanaAdmin": False,
                "isDisabled": False,
                "isExternal": False,
                "authLabels": [],
            }
        )

    def data_sources(self, _call: _http.Call) -> responses.Response:
        return _http.answer([source.to_json() for source in sorted(self.sources, key=lambda one: one.name)])

    def _source(self, **wanted: Any) -> _grafana_sources.Source:
        for source in self.sources:
            if all(getattr(source, name) == value for name, value in wanted.items()):
                return source
        raise _http.Refused(404, "Data source not found", reason="datasources.notFound")

    def named(self, call: _http.Call) -> _grafana_sources.Source:
        return self._source(name=call.path["name"])

    def by_uid(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._source(uid=call.path["uid"]).to_json(detail=True))

    def by_name(self, call: _http.Call) -> responses.Response:
        return _http.answer(self.named(call).to_json(detail=True))

    def by_id(self, call: _http.Call) -> responses.Response:
        text = call.path["id"]
        if not _TIME.fullmatch(text):
            raise _http.Refused(400, "id is invalid")
        return _http.answer(self._source(id=int(text)).to_json(detail=True))

    def source_health(self, call: _http.Call) -> responses.Response:
        source = self._source(uid=call.path["uid"])
        return _http.answer({"message": f"Successfully queried the {source.name} API.", "status": "OK"})

    def search(self, call: _http.Call) -> responses.Response:
        if call.get("type") == "dash-folder":
            return _http.answer([])
        uids = [*call.all("dashboardUIDs"), *call.all("dashboardUID")]
        found = self.dashboards.search(call.get("query"), call.all("tag"), uids)
        limit = min(_http.integer(call, "limit", 1000, least=1), MAX_SEARCH)
        page = _http.integer(call, "page", 1, least=1)
        return _http.answer(found[(page - 1) * limit : page * limit])

    def home(self, _call: _http.Call) -> responses.Response:
        return _http.answer({"redirectUri": next(iter(self.dashboards.search("", (), ())), {"url": "/"})["url"]})

    def tags(self, _call: _http.Call) -> responses.Response:
        counts: dict[str, int] = {}
        for one in self.dashboards.by_uid.values():
            for tag in one["tags"]:
                counts[tag] = counts.get(tag, 0) + 1
        return _http.answer([{"term": tag, "count": count} for tag, count in sorted(counts.items())])

    def annotations(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._annotations.listed(call))

    def annotation_tags(self, call: _http.Call) -> responses.Response:
        return _http.answer({"result": {"tags": self._annotations.tags(call.get("tag"))}})

    def contact_points(self, _call: _http.Call) -> responses.Response:
        return _http.answer(
            [
                {
                    "uid": "",
                    "name": "grafana-default-email",
                    "type": "email",
                    "settings": {"addresses": "<your@email.address>"},
                    "disableResolveMessage": False,
                }
            ]
        )

    async def query(self, call: _http.Call) -> responses.Response:
        by_uid = {source.uid: source for source in self.sources}
        return await _grafana_query.answer(call, by_uid, self._clock.now_s())

    async def _rules_of(self, call: _http.Call, what: str = "rules") -> Any:
        wanted = call.path.get("uid", "grafana")
        source = next((s for s in self.sources if s.face == "prometheus" and wanted in ("grafana", s.uid)), None)
        if source is None:
            raise _http.Refused(404, "unknown datasource", reason="notFound")
        reply = await _inside.ask(source.app, f"/api/v1/{what}", {"type": call.get("type")})
        if reply.status != 200 or reply.json() is None:
            raise _http.Refused(502, "Bad Gateway")
        return reply.json()

    async def rules(self, call: _http.Call) -> responses.Response:
        return _http.answer(await self._rules_of(call, call.url.partition("?")[0].rpartition("/")[2]))

    async def ruler(self, call: _http.Call) -> responses.Response:
        """Rules as files have them: folder → groups."""
        groups = (await self._rules_of(call))["data"]["groups"]
        shown = [
            {
                "name": group["name"],
                "interval": f"{round(group['interval'])}s",
                "rules": [_in_file(rule) for rule in group["rules"]],
            }
            for group in groups
        ]
        return _http.answer({"alerts": shown} if shown else {})

    async def provisioned_rules(self, _call: _http.Call) -> responses.Response:
        """None: this system's rules are Prometheus's own."""
        return _http.answer([])


def _resources(source: _grafana_sources.Source) -> types.ASGIApp:
    """What a plugin's backend passes on: Loki's paths come without their prefix, the others' as they are."""
    if source.face != "loki":
        return source.app
    below = routing.Mount("", app=source.app)

    async def asgi(scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        if scope["type"] == "http" and not path.startswith("/loki/"):
            scope = {**scope, "path": f"{root}/loki/api/v1{path}"}
        await below.app(scope, receive, send)

    return asgi


def _in_file(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as a rule file has it."""
    if rule["type"] == "recording":
        return {
            "record": rule["name"],
            "expr": rule["query"],
            **({"labels": rule["labels"]} if "labels" in rule else {}),
        }
    return {
        "alert": rule["name"],
        "expr": rule["query"],
        "for": f"{round(rule.get('duration', 0))}s",
        "labels": rule["labels"],
        "annotations": rule.get("annotations", {}),
    }
