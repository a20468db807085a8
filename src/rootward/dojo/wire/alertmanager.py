"""Alertmanager's API v2 over the alerts that fired: github.com/prometheus/alertmanager, api/v2/openapi.yaml."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette import applications, responses

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.logql import regex
from rootward.dojo.wire import _alertmanager_silences, _http

VERSION = "0.27.0"
RECEIVER = "default-receiver"
GROUP_BY = ("alertname", "namespace")
_RESEND_S = 240.0  # Prometheus tells Alertmanager "firing until" four evaluation intervals ahead
_MATCHER = re.compile(r'\s*"?([A-Za-z_:][\w:.]*)"?\s*(=~|!~|!=|=)\s*(.*?)\s*', re.DOTALL)
_CONFIG = f"""global:
  resolve_timeout: 5m
route:
  receiver: {RECEIVER}
  group_by: [{", ".join(GROUP_BY)}]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
receivers:
- name: {RECEIVER}
"""


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.alerts`; like the real one it knows only alerts that have not ended."""
    face = _Face(telemetry, clock)
    handlers: list[tuple[str, _http.Handler]] = [
        ("/api/v2/alerts", face.alerts),
        ("/api/v2/alerts/groups", face.groups),
        ("/api/v2/silence/{id}", face.silence),
        ("/api/v2/receivers", lambda _call: _http.answer([{"name": RECEIVER}])),
        ("/api/v2/status", face.status),
        ("/-/ready", lambda _call: responses.PlainTextResponse("OK")),
        ("/-/healthy", lambda _call: responses.PlainTextResponse("OK")),
    ]
    routes = [
        _http.route("/api/v2/silences", face.silences, refuse, ("GET", "POST")),
        _http.route("/api/v2/silence/{id}", face.expire, refuse, ("DELETE",)),
        _http.route("/api/v2/alerts", _not_allowed, refuse, ("POST",)),
    ]
    return _http.application([*(_http.route(path, handler, refuse) for path, handler in handlers), *routes], refuse)


def _not_allowed(_call: _http.Call) -> responses.Response:
    """Alerts come from Prometheus alone; the proxy before the others says so."""
    raise _http.Refused(403, "Forbidden")


def refuse(error: _http.Refused) -> responses.Response:
    """go-openapi's envelope for routing errors, a bare JSON text for everything else."""
    if error.status in (404, 405):
        return _http.answer({"code": error.status, "message": error.message}, error.status)
    return _http.answer(error.message, error.status)


def fingerprint(labels: Mapping[str, str]) -> str:
    """FNV-1a over sorted names and values, each ended by 0xff (prometheus/common, model/signature.go)."""
    total = 14695981039346656037
    for name, value in sorted(labels.items()):
        for byte in (*name.encode(), 255, *value.encode(), 255):
            total = ((total ^ byte) * 1099511628211) % 2**64
    return f"{total:016x}"


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._alerts = sorted(telemetry.alerts, key=lambda alert: alert.starts_s)
        self._start_s = telemetry.start_s
        self._clock = clock
        self._silences = _alertmanager_silences.Silences(clock)
        self._expr = {rule.name: rule.expr for rule in telemetry.rules}

    def _firing(self, call: _http.Call) -> list[dict[str, Any]]:
        matchers = [_matcher(text) for text in call.all("filter")]
        shows_active = _http.boolean(call, "active", default=True)
        shows_silenced = _http.boolean(call, "silenced", default=True)
        receiver = call.get("receiver")
        if receiver and not _matched(receiver, RECEIVER):
            return []
        now_s = self._clock.now_s()
        out = [
            self._alert(alert, now_s)
            for alert in self._alerts
            if alert.starts_s <= now_s and (alert.ends_s is None or alert.ends_s > now_s)
        ]
        kept = [
            alert
            for alert in out
            if all(test(alert["labels"]) for test in matchers)
            and (shows_silenced if alert["status"]["silencedBy"] else shows_active)
        ]
        return sorted(kept, key=lambda alert: alert["fingerprint"])

    def _alert(self, alert: records.FiredAlert, now_s: float) -> dict[str, Any]:
        labels = {"alertname": alert.rule, **alert.labels}
        silences = self._silences.over(labels)
        state = "suppressed" if silences else "active"
        updated_s = now_s - (now_s - alert.starts_s) % 60.0
        return {
            "annotations": dict(alert.annotations),
            "endsAt": _clock.to_iso(updated_s + _RESEND_S),
            "fingerprint": fingerprint(labels),
            "receivers": [{"name": RECEIVER}],
            "startsAt": _clock.to_iso(alert.starts_s),
            "status": {"inhibitedBy": [], "mutedBy": [], "silencedBy": silences, "state": state},
            "updatedAt": _clock.to_iso(updated_s),
            "generatorURL": f"http://prometheus:9090/graph?g0.expr={_quoted(self._expr.get(alert.rule, ''))}&g0.tab=1",
            "labels": dict(sorted(labels.items())),
        }

    def alerts(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._firing(call))

    def groups(self, call: _http.Call) -> responses.Response:
        groups: dict[str, dict[str, Any]] = {}
        for alert in self._firing(call):
            labels = {name: alert["labels"][name] for name in GROUP_BY if name in alert["labels"]}
            fresh = {"alerts": [], "labels": labels, "receiver": {"name": RECEIVER}}
            groups.setdefault(json.dumps(labels), fresh)["alerts"].append(alert)
        return _http.answer([groups[key] for key in sorted(groups)])

    def silences(self, call: _http.Call) -> responses.Response:
        if call.method == "POST":
            return _http.answer(self._silences.post(call))
        wanted = []
        for text in call.all("filter"):
            _matcher(text)
            found = _MATCHER.fullmatch(text.strip().removeprefix("{").removesuffix("}"))
            assert found is not None, "checked just before"
            wanted.append({found[1]: found[3].strip('"')})
        return _http.answer(self._silences.listed(wanted))

    def silence(self, call: _http.Call) -> responses.Response:
        return _http.answer(self._silences.find(call.path["id"]).to_json(self._clock.now_s()))

    def expire(self, call: _http.Call) -> responses.Response:
        self._silences.expire(call.path["id"])
        return responses.Response(b"", 200)

    def status(self, _call: _http.Call) -> responses.Response:
        return _http.answer(
            {
                "cluster": {"name": "01HWT5S6H8Q5V4G4R6Z5D5M1KX", "peers": [], "status": "ready"},
                "config": {"original": _CONFIG},
                "uptime": _clock.to_iso(self._start_s - 6 * 86400),
                "versionInfo": {
                    "branch": "HEAD",
                    "buildDate": "20240228-11:51:20",
                    "buildUser": "root@22cd11f671e9",
                    "goVersion": "go1.21.7",
                    "revision": "0aa3c2aad14cff039931923ab16b26b7481783b5",
                    "version": VERSION,
                },
            }
        )


def _quoted(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.~-]", lambda found: "".join(f"%{b:02X}" for b in found.group().encode()), text)


def _matched(pattern: str, text: str) -> bool:
    try:
        return regex.is_match(pattern, text, anchored=True)
    except errors.QuerySyntaxError as error:
        raise _http.Refused(400, f"failed to parse receiver param: {error}") from error


def _matcher(text: str) -> Callable[[Mapping[str, str]], bool]:
    found = _MATCHER.fullmatch(text.strip().removeprefix("{").removesuffix("}"))
    if found is None:
        raise _http.Refused(400, f"bad matcher format: {text}")
    name, op, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if op in ("=", "!="):
        return lambda labels: (labels.get(name, "") == value) == (op == "=")
    _matched(value, "")
    return lambda labels: _matched(value, labels.get(name, "")) == (op == "=~")
