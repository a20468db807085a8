"""What a Prometheus tells about itself: rules and their alerts, targets, configuration, build."""

import math
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import yaml
from starlette import responses

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine
from rootward.dojo.wire import _http, _prometheus_json

VERSION = "3.5.0"
_EVERY_S = 30.0  # evaluation interval
_UPTIME_S = 6 * 86400
_TOP = 10
_BUILD = {
    "version": VERSION,
    "revision": "8be3a9560fbdd18a94dedec4b747c35178177202",
    "branch": "HEAD",
    "buildUser": "root@4451b64cb451",
    "buildDate": "20250714-16:15:23",
    "goVersion": "go1.24.5",
}
_FLAGS = {
    "config.file": "/etc/prometheus/prometheus.yml",
    "query.lookback-delta": "5m",
    "query.max-concurrency": "20",
    "query.max-samples": "50000000",
    "query.timeout": "2m",
    "storage.tsdb.path": "/prometheus",
    "storage.tsdb.retention.time": "15d",
    "web.enable-admin-api": "false",
    "web.enable-lifecycle": "true",
    "web.listen-address": "0.0.0.0:9090",
    "web.max-connections": "512",
}


class Status:
    """Handlers of everything but queries; see prometheus.io/docs/prometheus/latest/querying/api."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, promql: engine.Engine) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._engine = promql

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

    def alerts(self, _call: _http.Call) -> responses.Response:
        return _prometheus_json.answer({"alerts": self._alerts_of()})

    def rules(self, call: _http.Call) -> responses.Response:
        kind = call.get("type")
        if kind not in ("", "alert", "record"):
            raise _http.Refused(400, f'invalid parameter "type": not supported value "{kind}"')
        names, groups = set(call.all("rule_name[]")), set(call.all("rule_group[]"))
        found: dict[str, list[dict[str, Any]]] = {}
        for rule in self._telemetry.rules if kind != "record" else ():
            if (not names or rule.name in names) and (not groups or rule.group in groups):
                found.setdefault(rule.group, []).append(self._rule(rule))
        shown = [
            {
                "name": name,
                "file": f"/etc/prometheus/rules/{name}.yml",
                "rules": rules,
                "interval": _whole(_EVERY_S),
                "limit": 0,
                "evaluationTime": round(sum(rule["evaluationTime"] for rule in rules) * 1.1, 9),
                "lastEvaluation": self._last_evaluation(name),
            }
            for name, rules in sorted(found.items())
        ]
        return _prometheus_json.answer({"groups": shown})

    def _rule(self, rule: records.AlertRule) -> dict[str, Any]:
        alerts = self._alerts_of(rule)
        states = {alert["state"] for alert in alerts}
        return {
            "state": "firing" if "firing" in states else "pending" if states else "inactive",
            "name": rule.name,
            "query": self._formatted(rule.expr),
            "duration": _whole(rule.for_s),
            "keepFiringFor": 0,
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
            "alerts": alerts,
            "health": "ok",
            "evaluationTime": (zlib.crc32(rule.name.encode()) % 900_000 + 100_000) / 1e9,
            "lastEvaluation": self._last_evaluation(rule.group),
            "type": "alerting",
        }

    def _formatted(self, expr: str) -> str:
        try:
            self._engine.parse(expr)
        except errors.EngineError:
            return expr  # a recorded system's rule may be of another dialect
        return " ".join(expr.split())

    def _last_evaluation(self, group: str) -> str:
        """Each group has its own moment within the interval, as the real one spreads them."""
        moment = zlib.crc32(group.encode()) % 30_000 / 1000
        return _clock.to_iso((self._clock.now_s() - moment) // _EVERY_S * _EVERY_S + moment)

    def _targets(self) -> Iterator[tuple[Mapping[str, str], float, float, float]]:
        """Scraped targets: labels, whether up, last scrape (s), scrape interval (s)."""
        now_s = self._clock.now_s()
        for series in self._engine.instant("up[1h]", now_s, until_s=now_s).series:
            labels = {name: value for name, value in series.labels if name != "__name__"}
            gaps = np.diff(series.times_ms) / 1000
            interval_s = float(np.median(gaps)) if len(gaps) else 15.0
            yield labels, float(series.values[-1]), float(series.times_ms[-1]) / 1000, interval_s

    def targets(self, call: _http.Call) -> responses.Response:
        state = call.get("state", "any").lower()
        active = [_target(*found) for found in self._targets()] if state in ("any", "active") else []
        return _prometheus_json.answer({"activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {}})

    def metadata(self, call: _http.Call) -> responses.Response:
        limit = _http.integer(call, "limit", -1, least=-1)
        wanted = call.get("metric")
        found = {
            name: [{"type": "unknown" if meta.kind == "untyped" else meta.kind, "help": meta.help, "unit": meta.unit}]
            for name, meta in self._telemetry.metrics.meta.items()
            if not wanted or name == wanted
        }
        names = list(found)[: limit if limit >= 0 else None]
        return _prometheus_json.answer({name: found[name] for name in names})

    def config(self, _call: _http.Call) -> responses.Response:
        jobs: dict[str, set[str]] = {}
        interval_s = 15.0
        for labels, _, _, every_s in self._targets():
            jobs.setdefault(labels.get("job", "prometheus"), set()).add(labels.get("instance", "localhost:9090"))
            interval_s = every_s
        document = {
            "global": {"scrape_interval": _seconds(interval_s), "evaluation_interval": _seconds(_EVERY_S)},
            "rule_files": ["/etc/prometheus/rules/*.yml"],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": sorted(hosts)}]} for job, hosts in sorted(jobs.items())
            ],
        }
        return _prometheus_json.answer({"yaml": yaml.safe_dump(document, sort_keys=False)})

    def runtime_info(self, _call: _http.Call) -> responses.Response:
        started = _clock.to_iso(self._telemetry.start_s - _UPTIME_S)
        return _prometheus_json.answer(
            {
                "startTime": started,
                "CWD": "/prometheus",
                "hostname": "prometheus-0",
                "serverTime": _clock.to_iso(self._clock.now_s()),
                "reloadConfigSuccess": True,
                "lastConfigTime": started,
                "corruptionCount": 0,
                "goroutineCount": 47,
                "GOMAXPROCS": 4,
                "GOMEMLIMIT": 7730941132,
                "GOGC": "75",
                "GODEBUG": "",
                "storageRetention": "15d",
            }
        )

    def build_info(self, _call: _http.Call) -> responses.Response:
        return _prometheus_json.answer(_BUILD)

    def flags(self, _call: _http.Call) -> responses.Response:
        return _prometheus_json.answer(_FLAGS)

    def tsdb(self, _call: _http.Call) -> responses.Response:
        now_s = self._clock.now_s()
        series = self._engine.all_series(now_s - 7200, now_s)
        counts: dict[str, dict[str, int]] = {"seriesCountByMetricName": {}, "seriesCountByLabelValuePair": {}}
        values: dict[str, set[str]] = {}
        for labels in series:
            for name, value in labels:
                values.setdefault(name, set()).add(value)
                for key, kind in (
                    (value, "seriesCountByMetricName"),
                    (f"{name}={value}", "seriesCountByLabelValuePair"),
                ):
                    if kind != "seriesCountByMetricName" or name == "__name__":
                        counts[kind][key] = counts[kind].get(key, 0) + 1
        pairs = sum(len(some) for some in values.values())
        size = {name: sum(len(value) for value in some) for name, some in values.items()}
        head = {
            "numSeries": len(series),
            "numLabelPairs": pairs,
            "chunkCount": len(series) * 2,
            "minTime": math.floor(max(self._telemetry.start_s, now_s - 7200) * 1000),
            "maxTime": math.floor(now_s * 1000),
        }
        return _prometheus_json.answer(
            {
                "headStats": head,
                "seriesCountByMetricName": _top(counts["seriesCountByMetricName"]),
                "labelValueCountByLabelName": _top({name: len(some) for name, some in values.items()}),
                "memoryInBytesByLabelName": _top(size),
                "seriesCountByLabelValuePair": _top(counts["seriesCountByLabelValuePair"]),
            }
        )


def _top(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"name": name, "value": count} for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:_TOP]
    ]


def _whole(value_s: float) -> float:
    """As Go writes a float: no ".0"."""
    return int(value_s) if value_s == int(value_s) else value_s


def _seconds(value_s: float) -> str:
    whole = round(value_s)
    return f"{whole // 60}m" if whole >= 60 and whole % 60 == 0 else f"{max(whole, 1)}s"


def _target(labels: Mapping[str, str], up: float, last_s: float, interval_s: float) -> dict[str, Any]:
    instance, job = labels.get("instance", ""), labels.get("job", "")
    url = f"http://{instance}/metrics"
    interval = _seconds(interval_s)
    return {
        "discoveredLabels": {
            "__address__": instance,
            "__metrics_path__": "/metrics",
            "__scheme__": "http",
            "__scrape_interval__": interval,
            "__scrape_timeout__": "10s",
            "job": job,
        },
        "labels": dict(labels),
        "scrapePool": job,
        "scrapeUrl": url,
        "globalUrl": url,
        "lastError": "" if up == 1 else f'Get "{url}": context deadline exceeded',
        "lastScrape": _clock.to_iso(last_s),
        "lastScrapeDuration": (zlib.crc32(instance.encode()) % 9_000_000 + 1_000_000) / 1e9,
        "health": "up" if up == 1 else "down",
        "scrapeInterval": interval,
        "scrapeTimeout": "10s",
    }
