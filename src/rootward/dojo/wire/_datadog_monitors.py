"""Monitors: the alert rules as Datadog has them, with queries in its own language, and their states at a moment."""

import re
from collections.abc import Mapping
from typing import Any

from starlette import responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _datadog_metrics as metrics
from rootward.dojo.wire import _datadog_naming as naming
from rootward.dojo.wire import _datadog_replies as replies
from rootward.dojo.wire import _http, _ids

_CREATOR = {"email": "sre@corp.internal", "handle": "sre@corp.internal", "id": 3_304_118, "name": "SRE"}
_COMPARISON = re.compile(r"(>=|<=|==|>|<)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^{}]*)\}")
_BARE = re.compile(r"\b([a-z_:][\w:]*_[\w:]+)\b")
_MATCHER = re.compile(r'(\w+)\s*=\s*"([^"]*)"')
_WORD = re.compile(r"[a-zA-Z_:][\w:]*")
_QUANTILE = re.compile(r"histogram_quantile\(\s*0?\.(\d+)")
_RANGE = re.compile(r"\[(\d+)([smh])\]")
_VALUE = re.compile(r"\{\{\s*\$value[^}]*\}\}")
_LABEL = re.compile(r"\{\{\s*\$labels\.(\w+)\s*\}\}")


class Monitors:
    """Monitors of the rules of one telemetry."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, source: metrics.Metrics) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._source = source

    def _all(self) -> list[dict[str, Any]]:
        return [self._monitor(rule) for rule in self._telemetry.rules]

    def _firing(self, rule: records.AlertRule) -> list[records.FiredAlert]:
        now_s = self._clock.now_s()
        return [
            one
            for one in self._telemetry.alerts
            if one.rule == rule.name and one.starts_s <= now_s and (one.ends_s is None or one.ends_s > now_s)
        ]

    def _last(self, rule: records.AlertRule) -> float | None:
        now_s = self._clock.now_s()
        times = [one.starts_s for one in self._telemetry.alerts if one.rule == rule.name and one.starts_s <= now_s]
        return max(times, default=None)

    def _monitor(self, rule: records.AlertRule) -> dict[str, Any]:
        found = _COMPARISON.search(rule.expr)
        threshold = float(found[2]) if found else 0.0
        firing = self._firing(rule)
        tags = [f"{key}:{naming.tag_value(value)}" for key, value in sorted(rule.labels.items())] + ["env:production"]
        modified = self._telemetry.start_s - 86_400 * (3 + _ids.number(rule.name, digits=2))
        message = rule.annotations.get("description") or rule.annotations.get("summary", rule.name)
        message = _LABEL.sub(lambda label: f"{{{{{label[1]}.name}}}}", _VALUE.sub("{{value}}", message))
        return {
            "id": 40_000_000 + _ids.number("monitor", rule.name, digits=7),
            "org_id": replies.ORGANISATION,
            "name": rule.annotations.get("summary", rule.name),
            "type": "query alert",
            "query": monitor_query(rule, self._source),
            "message": f"{message} @pagerduty-{rule.labels.get('team', 'oncall')}",
            "tags": tags,
            "multi": False,
            "priority": {"critical": 1, "page": 1, "warning": 3}.get(rule.labels.get("severity", ""), 4),
            "overall_state": "Alert" if firing else "OK",
            "overall_state_modified": replies.iso(1000 * (self._last(rule) or modified)).replace("Z", "+00:00"),
            "created": replies.iso(1000 * (modified - 86_400 * 30)).replace("Z", "+00:00"),
            "created_at": int(1000 * (modified - 86_400 * 30)),
            "modified": replies.iso(1000 * modified).replace("Z", "+00:00"),
            "deleted": None,
            "restricted_roles": None,
            "matching_downtimes": [],
            "creator": _CREATOR,
            "options": {
                "thresholds": {"critical": threshold},
                "notify_no_data": False,
                "notify_audit": False,
                "include_tags": True,
                "new_group_delay": 60,
                "renotify_interval": 0,
                "silenced": {},
                "require_full_window": False,
            },
            "state": {"groups": self._groups(rule, firing)},
        }

    def _groups(self, rule: records.AlertRule, firing: list[records.FiredAlert]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for one in firing:
            service = one.labels.get("service")
            name = f"service:{naming.tag_value(service)}" if service else "*"
            out[name] = {
                "name": name,
                "status": "Alert",
                "last_triggered_ts": int(one.starts_s),
                "last_notified_ts": int(one.starts_s),
                "last_nodata_ts": None,
                "last_resolved_ts": None,
            }
        last = self._last(rule)
        if not out and last is not None:
            out["*"] = {
                "name": "*",
                "status": "OK",
                "last_triggered_ts": int(last),
                "last_nodata_ts": None,
                "last_resolved_ts": None,
            }
        return out

    def listed(self, call: _http.Call) -> responses.Response:
        found = self._all()
        name = call.get("name").lower()
        tags = {tag for tag in call.get("monitor_tags").split(",") if tag}
        found = [one for one in found if name in one["name"].lower() and tags <= set(one["tags"])]
        size = _http.integer(call, "page_size", 100, least=1)
        if call.get("page"):
            page = _http.integer(call, "page", 0)
            found = found[page * size : (page + 1) * size]
        states = {state for state in call.get("group_states").lower().split(",") if state}
        return replies.answer([_stated(one, states) for one in found], family="monitor")

    def one(self, call: _http.Call) -> responses.Response:
        number = call.path["id"]
        if not (number.isascii() and number.isdigit()):
            raise _http.Refused(400, "monitor_id must be an integer")
        for one in self._all():
            if str(one["id"]) == number:
                states = {state for state in call.get("group_states").lower().split(",") if state}
                return replies.answer(_stated(one, states), family="monitor")
        raise _http.Refused(404, "Monitor not found")

    def search(self, call: _http.Call) -> responses.Response:
        found = [one for one in self._all() if matches(one, call.get("query"))]
        key, _, direction = call.get("sort", "name,asc").partition(",")
        found.sort(
            key=lambda one: str(one["overall_state"] if key == "status" else one["name"]), reverse=direction == "desc"
        )
        size = min(_http.integer(call, "per_page", 30, least=1), 1000)
        page = _http.integer(call, "page", 0)
        shown = [self._found(one) for one in found[page * size : (page + 1) * size]]
        metadata = {"page": page, "per_page": size, "page_count": -(-len(found) // size), "total_count": len(found)}
        states = sorted({one["overall_state"] for one in found})
        counts = {
            "status": [
                {"name": state, "count": sum(one["overall_state"] == state for one in found)} for state in states
            ],
            "muted": [{"name": False, "count": len(found)}],
            "type": [{"name": "metric", "count": len(found)}],
            "tag": [],
        }
        return replies.answer({"monitors": shown, "metadata": metadata, "counts": counts}, family="monitor")

    def _found(self, one: Mapping[str, Any]) -> dict[str, Any]:
        triggered = [group.get("last_triggered_ts") or 0 for group in one["state"]["groups"].values()]
        return {
            "id": one["id"],
            "org_id": one["org_id"],
            "name": one["name"],
            "query": one["query"],
            "type": one["type"],
            "classification": "metric",
            "status": one["overall_state"],
            "tags": one["tags"],
            "scopes": re.findall(r"\{([^{}]+)\}", one["query"])[:1],
            "metrics": re.findall(r":([a-z][\w.]*)\{", one["query"]),
            "last_triggered_ts": max(triggered, default=0) or None,
            "creator": {key: one["creator"][key] for key in ("id", "name", "handle")},
            "notifications": [{"handle": one["message"].rpartition("@")[2], "name": one["message"].rpartition("@")[2]}],
        }


def matches(monitor: Mapping[str, Any], text: str) -> bool:
    """The search of the manage-monitors page: `status:alert tag:"service:x" latency`."""
    for word in re.findall(r'[^\s"]*"[^"]*"|\S+', text)[:50]:
        key, colon, value = word.partition(":")
        value = value.strip('"').lower()
        if not colon:
            known = word.strip('"').lower() in f"{monitor['name']} {monitor['query']}".lower()
        elif key == "status":
            known = monitor["overall_state"].lower() == value
        elif key in ("tag", "tags"):
            known = value in monitor["tags"]
        else:
            known = f"{key}:{value}" in monitor["tags"] or (key == "name" and value in monitor["name"].lower())
        if not known:
            return False
    return True


def _stated(monitor: dict[str, Any], states: set[str]) -> dict[str, Any]:
    """With `group_states`, the groups in those states; without, no groups."""
    if not states:
        return {key: value for key, value in monitor.items() if key != "state"}
    groups = monitor["state"]["groups"]
    kept = {name: one for name, one in groups.items() if "all" in states or one["status"].lower() in states}
    return {**monitor, "state": {"groups": kept}}


def monitor_query(rule: records.AlertRule, source: metrics.Metrics) -> str:
    """A rule's expression as a metric monitor: the same family, tags and threshold in Datadog's names."""
    found = _COMPARISON.search(rule.expr)
    compared = f"{found[1].replace('==', '>=')} {found[2]}" if found else "> 0"
    window = _RANGE.search(rule.expr)
    span = f"last_{window[1]}{window[2]}" if window and window[2] != "s" else "last_5m"
    selector = _SELECTOR.search(rule.expr)
    family = (
        selector[1]
        if selector
        else next((name for name in _BARE.findall(rule.expr) if source.metric_of_family(name)), "")
    )
    tags = naming.tags(dict(_MATCHER.findall(selector[2]))) if selector else {}
    wanted = {
        key: value
        for key, value in tags.items()
        if key in ("service", "kube_namespace", "kube_deployment", "host", "pod_name")
    }
    wanted = wanted or {key: naming.tag_value(value) for key, value in rule.labels.items() if key == "service"}
    scope = ",".join(f"{key}:{value}" for key, value in sorted(wanted.items())) or "*"
    traced = next(
        (one for base, one in naming.TRACED.items() if family.startswith(base) or family == (one.counter or "-")), None
    )
    if traced is not None:
        return f"{_traced(rule, traced, scope, span)} {compared}"
    families = dict.fromkeys(name for name in _WORD.findall(rule.expr) if source.metric_of_family(name))
    parts = [_part(source, name, scope) for name in families][:2] or [f"avg:kubernetes.pods.running{{{scope}}}"]
    if len(parts) == 2 and "/" in rule.expr:
        return f"avg({span}):{parts[0]} / {parts[1]} {compared}"
    if len(parts) == 2 and "!=" in rule.expr:
        return f"avg({span}):abs({parts[0]} - {parts[1]}) > 0"
    return f"avg({span}):{parts[0]} {compared}"


def _part(source: metrics.Metrics, family: str, scope: str) -> str:
    name = source.metric_of_family(family)
    counts = source.known[name][0].kind == "count"
    return f"sum:{name}{{{scope}}}.as_rate()" if counts else f"avg:{name}{{{scope}}}"


def _traced(rule: records.AlertRule, traced: naming.Traced, scope: str, span: str) -> str:
    """A rule on requests: a quantile of their latency, the share that fail, or how many come."""
    name = f"trace.{traced.operation}"
    quantile = _QUANTILE.search(rule.expr)
    if quantile:
        return f"percentile({span}):p{quantile[1].ljust(2, '0')[:2]}:{name}{{{scope}}}"
    hits = f"sum:{name}.hits{{{scope}}}.as_count()"
    if "offset" in rule.expr:
        return f"sum({span}):{hits} / timeshift({hits}, -1800)"
    if "/" in rule.expr:
        return f"sum({span}):sum:{name}.errors{{{scope}}}.as_count() / {hits}"
    return f"avg({span}):sum:{name}.hits{{{scope}}}.as_rate()"
