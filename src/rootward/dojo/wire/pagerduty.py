"""PagerDuty's REST API v2 over incidents and change events: developer.pagerduty.com/api-reference.

Acknowledgements, resolutions and notes that clients write are seen from then on (`_pagerduty_writes`); a read changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids, _organisation, _pagerduty_people, _pagerduty_writes

MAX_PAGE = 100
MAX_OFFSET = 10_000
_MONTH_S = 30 * 86400.0
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
        ("/incidents/{id}/related_change_events", face.change_events),
        ("/log_entries", face.all_log_entries),
        ("/change_events", face.change_events),
        ("/change_events/{id}", face.change_event),
        ("/services", face.services),
        ("/services/{id}", face.service),
        ("/services/{id}/change_events", face.change_events),
        ("/users", lambda call: _page(call, "users", face.people.users(call))),
        ("/users/{id}", lambda call: _one("user", call.path["id"], face.people.users(call))),
        ("/teams", lambda call: _page(call, "teams", face.people.teams(call))),
        ("/escalation_policies", lambda call: _page(call, "escalation_policies", face.people.policies(call))),
        ("/oncalls", lambda call: _page(call, "oncalls", face.people.on_calls(call))),
        ("/priorities", lambda call: _page(call, "priorities", [])),
        ("/abilities", lambda _call: _http.answer({"abilities": ["teams", "service_support_hours"]})),
    ]
    written: list[tuple[str, _http.Handler, str]] = [
        ("/incidents", face.update_many, "PUT"),
        ("/incidents/{id}", face.update, "PUT"),
        ("/incidents/{id}/notes", face.add_note, "POST"),
        ("/{path:path}", _not_allowed, "POST"),
        ("/{path:path}", _not_allowed, "PUT"),
        ("/{path:path}", _not_allowed, "DELETE"),
    ]
    routes = [_http.route(path, _authorized(handler), refuse) for path, handler in handlers]
    routes += [_http.route(path, _authorized(handler), refuse, (method,)) for path, handler, method in written]
    routes.append(_http.route("/{path:path}", _not_there, refuse))
    return _http.application(routes, refuse)


def _not_allowed(_call: _http.Call) -> responses.Response:
    raise _http.Refused(403, "Access Denied")


def _not_there(_call: _http.Call) -> responses.Response:
    raise _http.Refused(404, "Not Found")


def _one(name: str, identity: str, items: Sequence[Mapping[str, Any]]) -> responses.Response:
    for one in items:
        if one["id"] == identity:
            return _http.answer({name: one})
    raise _http.Refused(404, "Not Found")


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
        self._web = f"https://{_organisation.short_name(telemetry)}.pagerduty.com"
        self._desk = _pagerduty_writes.Desk(clock)
        self.people = _pagerduty_people.People(telemetry, clock, self._web)
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
        status, changed = self._desk.status(one), self._desk.of(one)
        resolved_s, last = self._resolved_s(one), changed.last("acknowledge", "resolve", "unacknowledge")
        changed_s = resolved_s if resolved_s is not None else last.time_s if last else one.time_s
        updated_s = max([changed_s, *(entry.time_s for entry in changed.entries)])
        title = changed.fields.get("title", one.title)
        team = self.people.team(one.service)
        acknowledged = changed.last("acknowledge") if status == "acknowledged" else None
        identity = _incident_id(one)
        return {
            "id": identity,
            "type": "incident",
            "summary": f"[#{one.number}] {title}",
            "self": f"{call.base}/incidents/{identity}",
            "html_url": f"{self._web}/incidents/{identity}",
            "incident_number": one.number,
            "title": title,
            "description": title,
            "created_at": _http.iso_seconds(one.time_s),
            "updated_at": _http.iso_seconds(updated_s),
            "status": status,
            "incident_key": _ids.opaque("", str(one.number), one.title, length=32, alphabet="0123456789abcdef"),
            "service": self._reference(one.service, call),
            "assignments": [],
            "assigned_via": "escalation_policy",
            "last_status_change_at": _http.iso_seconds(changed_s),
            "resolved_at": None if resolved_s is None else _http.iso_seconds(resolved_s),
            "alert_counts": {"all": 1, "triggered": int(resolved_s is None), "resolved": int(resolved_s is not None)},
            "urgency": changed.fields.get("urgency", one.urgency),
            "priority": None,
            "teams": [self.people.reference("team", team, call)] if team else [],
            "acknowledgements": [
                {"at": _http.iso_seconds(entry.time_s), "acknowledger": self.people.sender(entry.user, call)}
                for entry in [acknowledged]
                if entry is not None
            ],
            "pending_actions": [],
        }

    def _resolved_s(self, one: records.Incident) -> float | None:
        if one.resolved_s is not None and one.resolved_s <= self._clock.now_s():
            return one.resolved_s
        done = self._desk.of(one).last("acknowledge", "resolve", "unacknowledge")
        return done.time_s if done is not None and done.kind == "resolve" else None

    def alerts(self, call: _http.Call) -> responses.Response:
        one = self._find(call)
        identity = _ids.opaque("Q", "alert", str(one.number), length=14)
        severity = one.alert_labels.get("severity", "critical")
        alert = {
            "id": identity,
            "type": "alert",
            "summary": one.title,
            "self": f"{call.base}/incidents/{_incident_id(one)}/alerts/{identity}",
            "html_url": f"{self._web}/alerts/{identity}",
            "created_at": _http.iso_seconds(one.time_s),
            "status": "triggered" if self._resolved_s(one) is None else "resolved",
            "alert_key": one.alert_labels.get("alertname", one.title),
            "service": self._reference(one.service, call),
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

    def _entries(self, one: records.Incident, call: _http.Call) -> list[dict[str, Any]]:
        """What happened to an incident, newest first."""
        service = {**self._reference(one.service, call), "type": "service_reference"}
        recorded = [("trigger", one.time_s, f"Triggered through the API: {one.title}")]
        if one.resolved_s is not None and one.resolved_s <= self._clock.now_s():
            recorded.append(("resolve", one.resolved_s, "Resolved through the API"))
        entries = [
            (time_s, kind, _ids.opaque("R", kind, str(one.number), length=14), text, service)
            for kind, time_s, text in recorded
        ]
        for entry in self._desk.of(one).entries:
            who = self.people.sender(entry.user, call)
            text = entry.text if entry.kind == "annotate" else f"{entry.kind.capitalize()}d by {who['summary']}"
            entries.append((entry.time_s, entry.kind, entry.id, text, who))
        entries.sort(key=lambda found: found[0], reverse=True)
        reference = {"id": _incident_id(one), "type": "incident_reference", "summary": f"[#{one.number}] {one.title}"}
        return [
            {
                "id": identity,
                "type": f"{kind}_log_entry",
                "summary": text,
                "created_at": _http.iso_seconds(time_s),
                "channel": {"type": "note", "summary": text} if kind == "annotate" else {"type": "api"},
                "agent": agent,
                "service": service,
                "incident": reference,
            }
            for time_s, kind, identity, text, agent in entries
        ]

    def log_entries(self, call: _http.Call) -> responses.Response:
        return _page(call, "log_entries", self._entries(self._find(call), call))

    def all_log_entries(self, call: _http.Call) -> responses.Response:
        found = [entry for one in self._known() for entry in self._entries(one, call)]
        return _page(call, "log_entries", sorted(found, key=lambda entry: str(entry["created_at"]), reverse=True))

    def notes(self, call: _http.Call) -> responses.Response:
        notes = self._desk.of(self._find(call)).notes()
        return _http.answer({"notes": [self._note(entry, call) for entry in reversed(notes)]})

    def _note(self, entry: _pagerduty_writes.Entry, call: _http.Call) -> dict[str, Any]:
        return {
            "id": entry.id,
            "user": self.people.sender(entry.user, call),
            "channel": {"summary": "The PagerDuty website or APIs"},
            "content": entry.text,
            "created_at": _http.iso_seconds(entry.time_s),
        }

    def add_note(self, call: _http.Call) -> responses.Response:
        entry = self._desk.note(self._find(call), call, _pagerduty_writes.requester(call))
        return _http.answer({"note": self._note(entry, call)})

    def update(self, call: _http.Call) -> responses.Response:
        user, one = _pagerduty_writes.requester(call), self._find(call)
        self._desk.update(one, _pagerduty_writes.decoded(call, "incident"), user)
        return _http.answer({"incident": self._incident(one, call)})

    def update_many(self, call: _http.Call) -> responses.Response:
        user = _pagerduty_writes.requester(call)
        wanted = _pagerduty_writes.decoded_list(call, "incidents")
        by_id = {_incident_id(one): one for one in self._known()}
        for change in wanted:
            if str(change.get("id")) not in by_id:
                raise _http.Refused(404, "Not Found")
        for change in wanted:
            self._desk.update(by_id[str(change["id"])], change, user)
        return _page(call, "incidents", [self._incident(by_id[str(change["id"])], call) for change in wanted])

    def change_events(self, call: _http.Call) -> responses.Response:
        inside = self._window(call)
        services = _many(call, "service_ids")
        if identity := call.path.get("id", ""):
            inside = self._window_of(identity, call, services)
        shown = [self._change(one, call) for one in self._known_changes() if inside(one.time_s)]
        return _page(
            call,
            "change_events",
            [one for one in shown if not services or services & {s["id"] for s in one["services"]}],
        )

    def _window_of(self, identity: str, call: _http.Call, services: set[str]) -> Callable[[float], bool]:
        """Changes of one service, or those in the day before one incident; raises Refused (404)."""
        if any(one["id"] == identity for one in self._services(call)):
            services.add(identity)
            return self._window(call)
        one = self._find(call)
        return lambda time_s: one.time_s - 86400 <= time_s <= one.time_s

    def _known_changes(self) -> list[records.ChangeEvent]:
        now_s = self._clock.now_s()
        return [one for one in self._changes if one.time_s <= now_s]

    def change_event(self, call: _http.Call) -> responses.Response:
        for one in self._known_changes():
            if one.id == call.path["id"]:
                return _http.answer({"change_event": self._change(one, call)})
        raise _http.Refused(404, "Not Found")

    def _change(self, one: records.ChangeEvent, call: _http.Call) -> dict[str, Any]:
        services = [self._reference(one.service, call)] if one.service else []
        return {
            "id": one.id,
            "type": "change_event",
            "summary": one.summary,
            "self": f"{call.base}/change_events/{one.id}",
            "html_url": f"{self._web}/change_events/{one.id}",
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
                **self._reference(name, call),
                "type": "service",
                "name": name,
                "description": "",
                "status": "critical" if name in broken else "active",
                "created_at": _http.iso_seconds(self._start_s - 200 * 86400),
                "alert_creation": "create_alerts_and_incidents",
                "teams": [self.people.reference("team", team, call)] if (team := self.people.team(name)) else [],
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

    def _reference(self, service: str, call: _http.Call) -> dict[str, Any]:
        identity = _ids.opaque("P", "service", service, length=7)
        return {
            "id": identity,
            "type": "service_reference",
            "summary": service,
            "self": f"{call.base}/services/{identity}",
            "html_url": f"{self._web}/service-directory/{identity}",
        }


def _incident_id(one: records.Incident) -> str:
    return _ids.opaque("Q", "incident", str(one.number), length=14)


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
