"""PagerDuty's REST API v2 over incidents and change events: developer.pagerduty.com/api-reference."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids

MAX_PAGE = 100
MAX_OFFSET = 10_000
_MONTH_S = 30 * 86400.0
_WEB = "https://acme.pagerduty.com"
_CODES = {400: 2001, 401: 2006, 403: 2010, 404: 2100, 405: 2001, 429: 2020, 503: 2007}


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.incidents` and `telemetry.change_events`."""
    face = _Face(telemetry, clock)
    handlers: list[tuple[str, _http.Handler]] = [
        ("/incidents", face.incidents),
        ("/incidents/{id}", face.incident),
        ("/incidents/{id}/alerts", face.alerts),
        ("/incidents/{id}/log_entries", face.log_entries),
        ("/incidents/{id}/notes", face.notes),
        ("/change_events", face.change_events),
        ("/change_events/{id}", face.change_event),
        ("/services", face.services),
        ("/services/{id}", face.service),
        ("/abilities", lambda _call: _http.answer({"abilities": ["teams", "service_support_hours"]})),
    ]
    routes = [_http.route(path, _authorized(handler), refuse) for path, handler in handlers]
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """`{"error": {message, code, errors}}`."""
    words = {400: "Invalid Input Provided", 401: "Unauthorized", 403: "Access Denied", 404: "Not Found"}
    body: dict[str, Any] = {"message": words.get(error.status, error.message), "code": _CODES.get(error.status, 2000)}
    if error.status == 400:
        body["errors"] = [error.message]
    return _http.answer({"error": body}, error.status)


def _authorized(handler: _http.Handler) -> _http.Handler:
    def checked(call: _http.Call) -> responses.Response:
        if not call.headers.get("authorization", "").startswith(("Token token=", "Bearer ")):
            raise _http.Refused(401, "Unauthorized")
        return handler(call)

    return checked


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self._start_s = telemetry.start_s
        self._incidents = sorted(telemetry.incidents, key=lambda one: (one.time_s, one.number))
        self._changes = sorted(telemetry.change_events, key=lambda one: one.time_s, reverse=True)

    def _known(self) -> list[records.Incident]:
        now_s = self._clock.now_s()
        return [one for one in self._incidents if one.time_s <= now_s]

    def _find(self, call: _http.Call) -> records.Incident:
        wanted = call.path["id"]
        for one in self._known():
            if wanted in (_incident_id(one), str(one.number)):
                return one
        raise _http.Refused(404, "Not Found")

    def _window(self, call: _http.Call) -> Callable[[float], bool]:
        if call.get("date_range") == "all":
            return lambda _time_s: True
        until_s = _http.parse_iso(call.get("until"), "until") if call.get("until") else self._clock.now_s() + 1
        since_s = _http.parse_iso(call.get("since"), "since") if call.get("since") else until_s - _MONTH_S
        if since_s > until_s:
            raise _http.Refused(400, "Since must be before until.")
        return lambda time_s: since_s <= time_s <= until_s

    def incidents(self, call: _http.Call) -> responses.Response:
        inside = self._window(call)
        statuses, services, urgencies = (_many(call, name) for name in ("statuses", "service_ids", "urgencies"))
        shown = [self._incident(one, call) for one in self._known() if inside(one.time_s)]
        kept = [
            one
            for one in shown
            if (not statuses or one["status"] in statuses)
            and (not services or one["service"]["id"] in services)
            and (not urgencies or one["urgency"] in urgencies)
        ]
        if "desc" in call.get("sort_by"):
            kept.reverse()
        return _page(call, "incidents", kept)

    def incident(self, call: _http.Call) -> responses.Response:
        return _http.answer({"incident": self._incident(self._find(call), call)})

    def _incident(self, one: records.Incident, call: _http.Call) -> dict[str, Any]:
        resolved_s = self._resolved_s(one)
        changed_s = one.time_s if resolved_s is None else resolved_s
        identity = _incident_id(one)
        return {
            "id": identity,
            "type": "incident",
            "summary": f"[#{one.number}] {one.title}",
            "self": f"{call.base}/incidents/{identity}",
            "html_url": f"{_WEB}/incidents/{identity}",
            "incident_number": one.number,
            "title": one.title,
            "description": one.title,
            "created_at": _http.iso_seconds(one.time_s),
            "updated_at": _http.iso_seconds(changed_s),
            "status": "triggered" if resolved_s is None else "resolved",
            "incident_key": _ids.opaque("", str(one.number), one.title, length=32, alphabet="0123456789abcdef"),
            "service": _reference(one.service, call),
            "assignments": [],
            "assigned_via": "escalation_policy",
            "last_status_change_at": _http.iso_seconds(changed_s),
            "resolved_at": None if resolved_s is None else _http.iso_seconds(resolved_s),
            "alert_counts": {"all": 1, "triggered": int(resolved_s is None), "resolved": int(resolved_s is not None)},
            "urgency": one.urgency,
            "priority": None,
            "teams": [],
            "acknowledgements": [],
            "pending_actions": [],
        }

    def _resolved_s(self, one: records.Incident) -> float | None:
        return one.resolved_s if one.resolved_s is not None and one.resolved_s <= self._clock.now_s() else None

    def alerts(self, call: _http.Call) -> responses.Response:
        one = self._find(call)
        identity = _ids.opaque("Q", "alert", str(one.number), length=14)
        severity = one.alert_labels.get("severity", "critical")
        alert = {
            "id": identity,
            "type": "alert",
            "summary": one.title,
            "self": f"{call.base}/incidents/{_incident_id(one)}/alerts/{identity}",
            "html_url": f"{_WEB}/alerts/{identity}",
            "created_at": _http.iso_seconds(one.time_s),
            "status": "triggered" if self._resolved_s(one) is None else "resolved",
            "alert_key": one.alert_labels.get("alertname", one.title),
            "service": _reference(one.service, call),
            "incident": {
                "id": _incident_id(one),
                "type": "incident_reference",
                "summary": f"[#{one.number}] {one.title}",
            },
            "severity": severity if severity in ("info", "warning", "error", "critical") else "critical",
            "suppressed": False,
            "body": {
                "type": "alert_body",
                "contexts": [],
                "details": {"firing": _alert_text(one.alert_labels), "labels": dict(one.alert_labels)},
                "cef_details": {"client": "Alertmanager", "details": dict(one.alert_labels), "message": one.title},
            },
        }
        return _page(call, "alerts", [alert])

    def log_entries(self, call: _http.Call) -> responses.Response:
        one = self._find(call)
        moments = [("trigger", one.time_s, f"Triggered through the API: {one.title}")]
        if (resolved_s := self._resolved_s(one)) is not None:
            moments.append(("resolve", resolved_s, "Resolved through the API"))
        entries = [
            {
                "id": _ids.opaque("R", kind, str(one.number), length=14),
                "type": f"{kind}_log_entry",
                "summary": text,
                "created_at": _http.iso_seconds(time_s),
                "channel": {"type": "api"},
                "agent": {**_reference(one.service, call), "type": "service_reference"},
                "incident": {"id": _incident_id(one), "type": "incident_reference"},
            }
            for kind, time_s, text in reversed(moments)
        ]
        return _page(call, "log_entries", entries)

    def notes(self, call: _http.Call) -> responses.Response:
        self._find(call)
        return _http.answer({"notes": []})

    def change_events(self, call: _http.Call) -> responses.Response:
        inside = self._window(call)
        services = _many(call, "service_ids")
        shown = [self._change(one, call) for one in self._known_changes() if inside(one.time_s)]
        return _page(
            call,
            "change_events",
            [one for one in shown if not services or services & {s["id"] for s in one["services"]}],
        )

    def _known_changes(self) -> list[records.ChangeEvent]:
        now_s = self._clock.now_s()
        return [one for one in self._changes if one.time_s <= now_s]

    def change_event(self, call: _http.Call) -> responses.Response:
        for one in self._known_changes():
            if one.id == call.path["id"]:
                return _http.answer({"change_event": self._change(one, call)})
        raise _http.Refused(404, "Not Found")

    def _change(self, one: records.ChangeEvent, call: _http.Call) -> dict[str, Any]:
        services = [_reference(one.service, call)] if one.service else []
        return {
            "id": one.id,
            "type": "change_event",
            "summary": one.summary,
            "self": f"{call.base}/change_events/{one.id}",
            "html_url": f"{_WEB}/change_events/{one.id}",
            "timestamp": _http.iso_seconds(one.time_s),
            "source": one.source,
            "services": services,
            "integration": None,
            "routing_key": None,
            "links": [],
            "images": [],
            "custom_details": dict(one.details),
        }

    def _services(self, call: _http.Call) -> list[dict[str, Any]]:
        known = self._known()
        names = {one.service for one in known} | {one.service for one in self._known_changes()}
        broken = {one.service for one in known if self._resolved_s(one) is None}
        return [
            {
                **_reference(name, call),
                "type": "service",
                "name": name,
                "description": "",
                "status": "critical" if name in broken else "active",
                "created_at": _http.iso_seconds(self._start_s - 200 * 86400),
                "alert_creation": "create_alerts_and_incidents",
                "teams": [],
                "integrations": [],
            }
            for name in sorted(names - {""})
        ]

    def services(self, call: _http.Call) -> responses.Response:
        return _page(
            call, "services", [one for one in self._services(call) if call.get("query").lower() in one["name"].lower()]
        )

    def service(self, call: _http.Call) -> responses.Response:
        for one in self._services(call):
            if one["id"] == call.path["id"]:
                return _http.answer({"service": one})
        raise _http.Refused(404, "Not Found")


def _incident_id(one: records.Incident) -> str:
    return _ids.opaque("Q", "incident", str(one.number), length=14)


def _reference(service: str, call: _http.Call) -> dict[str, Any]:
    identity = _ids.opaque("P", "service", service, length=7)
    return {
        "id": identity,
        "type": "service_reference",
        "summary": service,
        "self": f"{call.base}/services/{identity}",
        "html_url": f"{_WEB}/service-directory/{identity}",
    }


def _alert_text(labels: Mapping[str, str]) -> str:
    return "Labels:\n" + "".join(f" - {name} = {value}\n" for name, value in sorted(labels.items()))


def _many(call: _http.Call, name: str) -> set[str]:
    return {*call.all(f"{name}[]"), *call.all(name)} - {""}


def _page(call: _http.Call, name: str, items: Sequence[Any]) -> responses.Response:
    limit = min(_http.integer(call, "limit", 25, least=1), MAX_PAGE)
    offset = _http.integer(call, "offset", 0)
    if offset + limit > MAX_OFFSET:
        raise _http.Refused(400, "Offset and limit cannot exceed 10000.")
    total = len(items) if _http.boolean(call, "total", default=False) else None
    more = offset + limit < len(items)
    return _http.answer(
        {name: items[offset : offset + limit], "limit": limit, "offset": offset, "total": total, "more": more}
    )
