"""PagerDuty's users, teams, escalation policies and who is on call: made of the people there are and the teams that own services."""

import hashlib
from collections.abc import Mapping
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids, _organisation

_SHIFT_S = 7 * 86400.0


class People:
    """Who there is, as references and in full; the same people for the same telemetry."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, web: str) -> None:
        self._clock = clock
        self._web = web
        self._domain = _organisation.domain(telemetry)
        self._names = [name for name, _ in _organisation.people(telemetry)]
        teams = {one.labels.get("service", ""): one.labels.get("team", "") for one in telemetry.rules}
        self._team_of: Mapping[str, str] = {service: team for service, team in teams.items() if service and team}

    def reference(self, kind: str, name: str, call: _http.Call) -> dict[str, Any]:
        """`kind` is user, team or escalation_policy."""
        identity = _ids.opaque("P", kind, name, length=7)
        plural = {"escalation_policy": "escalation_policies"}.get(kind, f"{kind}s")
        return {
            "id": identity,
            "type": f"{kind}_reference",
            "summary": name,
            "self": f"{call.base}/{plural}/{identity}",
            "html_url": f"{self._web}/{plural}/{identity}",
        }

    def team(self, service: str) -> str:
        return self._team_of.get(service, "")

    def sender(self, mail: str, call: _http.Call) -> dict[str, Any]:
        """The user behind a From header."""
        return self.reference("user", mail.partition("@")[0], call)

    def users(self, call: _http.Call) -> list[dict[str, Any]]:
        wanted = call.get("query").lower()
        shown = [
            {
                **self.reference("user", name, call),
                "type": "user",
                "name": name,
                "email": f"{name}@{self._domain}",
                "time_zone": "Etc/UTC",
                "role": "user",
                "job_title": None,
                "teams": [],
                "contact_methods": [],
                "notification_rules": [],
            }
            for name in self._names
        ]
        return [one for one in shown if wanted in one["name"].lower() or wanted in one["email"]]

    def teams(self, call: _http.Call) -> list[dict[str, Any]]:
        names = sorted(set(self._team_of.values()))
        return [
            {**self.reference("team", name, call), "type": "team", "name": name, "description": None} for name in names
        ]

    def policies(self, call: _http.Call) -> list[dict[str, Any]]:
        return [self._policy(team, call) for team in sorted(set(self._team_of.values()))]

    def _policy(self, team: str, call: _http.Call) -> dict[str, Any]:
        rule = {"id": _ids.opaque("P", "rule", team, length=7), "escalation_delay_in_minutes": 15}
        targets = [self.reference("user", name, call) for name in self._on_call(team)]
        return {
            **self.reference("escalation_policy", team, call),
            "type": "escalation_policy",
            "name": team,
            "escalation_rules": [{**rule, "targets": targets}],
            "services": [],
            "num_loops": 2,
            "teams": [self.reference("team", team, call)],
        }

    def _on_call(self, team: str) -> list[str]:
        if not self._names:
            return []
        week = int(self._clock.now_s() // _SHIFT_S)
        place = int.from_bytes(hashlib.sha256(f"{team}/{week}".encode()).digest()[:4], "big")
        return [self._names[place % len(self._names)]]

    def on_calls(self, call: _http.Call) -> list[dict[str, Any]]:
        start_s = self._clock.now_s() // _SHIFT_S * _SHIFT_S
        return [
            {
                "escalation_policy": self.reference("escalation_policy", team, call),
                "escalation_level": 1,
                "schedule": None,
                "user": self.reference("user", name, call),
                "start": _http.iso_seconds(start_s),
                "end": _http.iso_seconds(start_s + _SHIFT_S),
            }
            for team in sorted(set(self._team_of.values()))
            for name in self._on_call(team)
        ]
