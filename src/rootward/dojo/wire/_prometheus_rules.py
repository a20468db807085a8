"""Alerting rules with their alerts, and recording rules, as Prometheus's API shows them."""

import math
import zlib
from collections.abc import Mapping
from typing import Any

from starlette import responses

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, recording
from rootward.dojo.wire import _http, _prometheus_json, _prometheus_recorded

EVERY_S = _prometheus_recorded.EVERY_S
Rule = records.AlertRule | records.RecordingRule


class Rules:
    """Handlers of /rules and /alerts."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, promql: engine.Engine) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._engine = promql

    def alerts(self, _call: _http.Call) -> responses.Response:
        return _prometheus_json.answer({"alerts": self._alerts_of()})

    def _alerts_of(self, rule: records.AlertRule | None = None) -> list[dict[str, Any]]:
        """Pending and firing alerts, of one rule or of all."""
        now_s = self._clock.now_s()
        return [
            {
                "labels": {"alertname": alert.rule, **alert.labels},
                "annotations": dict(alert.annotations),
                "state": "firing" if alert.starts_s <= now_s else "pending",
                "activeAt": _clock.to_iso(alert.active_s),
                "value": _prometheus_json.exponent(alert.value),
            }
            for alert in self._telemetry.alerts
            if alert.active_s < now_s
            and (alert.ends_s is None or alert.ends_s > now_s)
            and (rule is None or alert.rule == rule.name)
        ]

    def rules(self, call: _http.Call) -> responses.Response:
        kind = call.get("type").lower()
        if kind not in ("", "alert", "record"):
            raise _http.Refused(400, f'invalid parameter "type": not supported value "{call.get("type")}"')
        bare = _prometheus_json.boolean(call, "exclude_alerts")
        names, groups, files = (set(call.all(f"{one}[]")) for one in ("rule_name", "rule_group", "file"))
        every: list[Rule] = [
            *(self._telemetry.rules if kind != "record" else ()),
            *(self._telemetry.recordings if kind != "alert" else ()),
        ]
        fitting = self._engine.lookups.chosen(call.all("match[]"), [rule.labels for rule in every])
        found: dict[str, list[dict[str, Any]]] = {}
        for rule, fits in zip(every, fitting, strict=True):
            if (names and rule.name not in names) or (groups and rule.group not in groups):
                continue
            if (files and _file(rule.group) not in files) or not fits:
                continue
            shown = self._rule(rule, bare=bare) if isinstance(rule, records.AlertRule) else self._recording(rule)
            found.setdefault(rule.group, []).append(shown)
        groups_of = [self._group(name, some) for name, some in sorted(found.items())]
        return _prometheus_json.answer(self._page(groups_of, call))

    def _page(self, groups: list[dict[str, Any]], call: _http.Call) -> dict[str, Any]:
        """`group_limit` groups at a time; the token names the group that the next page begins with."""
        limit = _http.integer(call, "group_limit", 0, least=0)
        token = call.get("group_next_token")
        if token and not limit:
            raise _http.Refused(
                400, 'invalid parameter "group_limit": group_limit needs to be set in order to paginate over the groups'
            )
        begin = 0
        if token:
            begin = next((number for number, one in enumerate(groups) if _token(one) == token), -1)
            if begin < 0:
                words = f"invalid group_next_token '{token}'. were rule groups changed?"
                raise _http.Refused(400, f'invalid parameter "group_next_token": {words}')
        page: dict[str, Any] = {"groups": groups[begin : begin + limit if limit else None]}
        if limit and begin + limit < len(groups):
            page["groupNextToken"] = _token(groups[begin + limit])
        return page

    def _group(self, name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
        records_only = all(rule["type"] == "recording" for rule in rules)
        every_s = _prometheus_recorded.RECORDED_EVERY_S if records_only else EVERY_S
        return {
            "name": name,
            "file": _file(name),
            "rules": rules,
            "interval": whole(every_s),
            "limit": 0,
            "evaluationTime": round(math.fsum(rule["evaluationTime"] for rule in rules) * 1.1, 9),
            "lastEvaluation": self._last_evaluation(name, every_s),
        }

    def _rule(self, rule: records.AlertRule, *, bare: bool) -> dict[str, Any]:
        alerts = self._alerts_of(rule)
        states = {alert["state"] for alert in alerts}
        shown = {
            "state": "firing" if "firing" in states else "pending" if states else "inactive",
            "name": rule.name,
            "query": self._formatted(rule.expr),
            "duration": whole(rule.for_s),
            "keepFiringFor": 0,
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
            "alerts": alerts,
            "health": "ok",
            "evaluationTime": (zlib.crc32(rule.name.encode()) % 900_000 + 100_000) / 1e9,
            "lastEvaluation": self._last_evaluation(rule.group, EVERY_S),
            "type": "alerting",
        }
        return {key: value for key, value in shown.items() if key != "alerts" or not bare}

    def _recording(self, rule: records.RecordingRule) -> dict[str, Any]:
        why = recording.failure(rule, self._engine.settings)
        return {
            "name": rule.name,
            "query": self._formatted(rule.expr),
            **({"labels": dict(rule.labels)} if rule.labels else {}),
            "health": "err" if why else "ok",
            **({"lastError": why} if why else {}),
            "evaluationTime": (zlib.crc32(f"{rule.name}{rule.expr}".encode()) % 9_000_000 + 400_000) / 1e9,
            "lastEvaluation": self._last_evaluation(rule.group, _prometheus_recorded.RECORDED_EVERY_S),
            "type": "recording",
        }

    def _formatted(self, expr: str) -> str:
        try:
            return self._engine.printed(expr)
        except errors.EngineError:
            return expr  # a recorded system's rule may be of another dialect

    def _last_evaluation(self, group: str, every_s: float) -> str:
        """Each group has its own moment within the interval, as the real one spreads them."""
        moment = _prometheus_recorded.moment_s(group)
        return _clock.to_iso((self._clock.now_s() - moment) // every_s * every_s + moment)


def _file(group: str) -> str:
    return f"/etc/prometheus/rules/{group}.yml"


def _token(group: Mapping[str, Any]) -> str:
    text = f"{group['file']};{group['name']}".encode()
    return "".join(f"{zlib.crc32(text, salt):08x}" for salt in range(5))


def whole(value_s: float) -> float:
    """As Go writes a float: no ".0"."""
    return int(value_s) if value_s == int(value_s) else value_s
