"""The dashboards that a platform team keeps: one a service, from what its rules watch, and two of the whole cluster."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _grafana_sources, _http, _ids

MAX_DASHBOARDS = 200
_THRESHOLD = re.compile(r"\s*(?:==|!=|>=|<=|>|<)\s*(?:bool\s+)?[-+]?[\d.]+(?:e[-+]?\d+)?\s*$", re.IGNORECASE)
_WORDS = re.compile(r"[^a-z0-9]+")
_UNITS = (("seconds", "s"), ("bytes", "bytes"), ("ratio", "percentunit"), ("cpu", "short"))
_EDITED_S = 21 * 86400.0
_CLUSTER = (
    ("CPU by pod", "sum by (pod) (rate(container_cpu_usage_seconds_total[$__rate_interval]))"),
    ("Memory by pod", "sum by (pod) (container_memory_working_set_bytes)"),
    ("CPU throttling by pod", "sum by (pod) (rate(container_cpu_cfs_throttled_periods_total[$__rate_interval]))"),
    ("Restarts", "sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[1h]))"),
    ("Node CPU", '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))'),
    ("Node memory available", "node_memory_MemAvailable_bytes"),
)


class Dashboards:
    """All dashboards of the system, made once from its rules and metrics."""

    def __init__(self, telemetry: records.Telemetry, sources: Sequence[_grafana_sources.Source]) -> None:
        self._sources = {source.face: source for source in sources}
        self._edited_s = telemetry.start_s - _EDITED_S
        self._metrics = set(telemetry.metrics.meta)
        by_service: dict[str, list[records.AlertRule]] = {}
        for rule in telemetry.rules:
            by_service.setdefault(rule.labels.get("service", ""), []).append(rule)
        made = [self._cluster()] + [self._of_service(*pair) for pair in sorted(by_service.items()) if pair[0]]
        self._all = [one for one in made if one["panels"]][:MAX_DASHBOARDS]
        self.by_uid = {one["uid"]: {**one, "id": i + 1} for i, one in enumerate(self._all)}

    def _of_service(self, service: str, rules: Iterable[records.AlertRule]) -> dict[str, Any]:
        panels = [self._graph(rule.name, _THRESHOLD.sub("", rule.expr)) for rule in rules]
        if "container_memory_working_set_bytes" in self._metrics:
            mine = f'{{pod=~"{service}-.*"}}'
            panels += [
                self._graph("CPU", f"sum by (pod) (rate(container_cpu_usage_seconds_total{mine}[$__rate_interval]))"),
                self._graph("Memory", f"sum by (pod) (container_memory_working_set_bytes{mine})"),
            ]
        if "loki" in self._sources:
            panels.append(self._logs("Errors and warnings", f'{{app="{service}"}} |~ "(?i)(error|warn)"'))
        return self._board(f"{service} / overview", ["service", service], panels)

    def _cluster(self) -> dict[str, Any]:
        names = re.compile(r"[a-z_]+_(?:total|bytes)")
        panels = [
            self._graph(title, expr)
            for title, expr in _CLUSTER
            if all(name in self._metrics for name in names.findall(expr))
        ]
        return self._board("Kubernetes / compute resources", ["kubernetes"], panels)

    def _graph(self, title: str, expr: str) -> dict[str, Any]:
        source = self._sources.get("prometheus")
        if source is None:
            return {}
        unit = next((unit for word, unit in _UNITS if word in expr), "short")
        target = {
            "datasource": source.reference(),
            "editorMode": "code",
            "expr": expr,
            "legendFormat": "__auto",
            "range": True,
            "refId": "A",
        }
        return {
            "title": title,
            "type": "timeseries",
            "datasource": source.reference(),
            "fieldConfig": {"defaults": {"unit": unit, "custom": {"drawStyle": "line"}}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
            "targets": [target],
        }

    def _logs(self, title: str, expr: str) -> dict[str, Any]:
        source = self._sources["loki"]
        return {
            "title": title,
            "type": "logs",
            "datasource": source.reference(),
            "options": {"showTime": True, "sortOrder": "Descending", "wrapLogMessage": True},
            "targets": [{"datasource": source.reference(), "expr": expr, "queryType": "range", "refId": "A"}],
        }

    def _board(self, title: str, tags: list[str], panels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        laid = [
            {"id": i + 1, "gridPos": {"h": 8, "w": 12, "x": 12 * (i % 2), "y": 8 * (i // 2)}, **panel}
            for i, panel in enumerate(panel for panel in panels if panel)
        ]
        return {
            "annotations": {"list": []},
            "editable": True,
            "fiscalYearStartMonth": 0,
            "graphTooltip": 1,
            "links": [],
            "panels": laid,
            "refresh": "30s",
            "schemaVersion": 39,
            "tags": tags,
            "templating": {"list": []},
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "utc",
            "title": title,
            "uid": hashlib.sha256(title.encode()).hexdigest()[:14],
            "version": 1 + _ids.number("dashboard", title, digits=1),
        }

    def search(self, text: str, tags: Sequence[str], uids: Sequence[str]) -> list[dict[str, Any]]:
        """Hits as `/api/search` shows them."""
        return [
            self._hit(one)
            for one in self.by_uid.values()
            if text.lower() in one["title"].lower()
            and all(tag in one["tags"] for tag in tags)
            and (not uids or one["uid"] in uids)
        ]

    def _hit(self, one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": one["id"],
            "uid": one["uid"],
            "title": one["title"],
            "uri": f"db/{_slug(one['title'])}",
            "url": _url(one),
            "slug": "",
            "type": "dash-db",
            "tags": one["tags"],
            "isStarred": False,
            "sortMeta": 0,
        }

    def page(self, uid: str) -> dict[str, Any]:
        """What `/api/dashboards/uid/<uid>` answers; raises Refused (404)."""
        one = self.by_uid.get(uid)
        if one is None:
            raise _http.Refused(404, "Dashboard not found", reason="not-found")
        edited = _http.iso_seconds(self._edited_s)
        meta = {
            "type": "db",
            "canSave": False,
            "canEdit": False,
            "canAdmin": False,
            "canStar": True,
            "canDelete": False,
            "slug": _slug(one["title"]),
            "url": _url(one),
            "expires": "0001-01-01T00:00:00Z",
            "created": edited,
            "updated": edited,
            "updatedBy": "admin",
            "createdBy": "admin",
            "version": one["version"],
            "hasAcl": False,
            "isFolder": False,
            "folderId": 0,
            "folderUid": "",
            "folderTitle": "General",
            "folderUrl": "",
            "provisioned": True,
            "provisionedExternalId": "",
        }
        return {"meta": meta, "dashboard": one}


def _slug(title: str) -> str:
    return _WORDS.sub("-", title.lower()).strip("-")


def _url(one: Mapping[str, Any]) -> str:
    return f"/d/{one['uid']}/{_slug(one['title'])}"
