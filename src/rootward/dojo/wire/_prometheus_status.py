"""What a Prometheus tells about itself: configuration, flags, build, run time, its database."""

import math
from collections.abc import Mapping
from typing import Any

import yaml
from starlette import responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import _http, _prometheus_json, _prometheus_rules, _prometheus_targets, _prometheus_text

VERSION = "3.5.0"
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
_INFO = (("branch", "branch"), ("goversion", "goVersion"), ("revision", "revision"), ("version", "version"))
_FLAGS = {
    "config.file": "/etc/prometheus/prometheus.yml",
    "query.lookback-delta": "5m",
    "query.max-concurrency": "20",
    "query.max-samples": str(options.Limits().samples),
    "query.timeout": "2m",
    "storage.tsdb.path": "/prometheus",
    "storage.tsdb.retention.time": "15d",
    "web.enable-admin-api": "false",
    "web.enable-lifecycle": "false",
    "web.listen-address": "0.0.0.0:9090",
    "web.max-connections": "512",
}


class Status:
    """Handlers of /status and the like; see prometheus.io/docs/prometheus/latest/querying/api."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, promql: engine.Engine) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._engine = promql

    def config(self, _call: _http.Call) -> responses.Response:
        jobs: dict[str, set[str]] = {}
        interval_s = 15.0
        for one in _prometheus_targets.Scraped(self._engine).at(self._clock.now_s()):
            jobs.setdefault(one.job or "prometheus", set()).add(one.instance or "localhost:9090")
            interval_s = one.interval_s
        document = {
            "global": {
                "scrape_interval": _prometheus_targets.seconds(interval_s),
                "evaluation_interval": _prometheus_targets.seconds(_prometheus_rules.EVERY_S),
            },
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

    def wal_replay(self, _call: _http.Call) -> responses.Response:
        return _prometheus_json.answer({"min": 0, "max": 0, "current": 0})

    def own_metrics(self, _call: _http.Call) -> responses.Response:
        """What the server says of itself to whoever scrapes it."""
        now_s = self._clock.now_s()
        labels = ",".join(f'{name}="{_BUILD[key]}"' for name, key in _INFO)
        head = len(self._engine.lookups.series((), now_s - 7200, now_s))
        lines = (
            ("prometheus_build_info", "gauge", f"{{{labels}}}", 1.0),
            ("prometheus_config_last_reload_successful", "gauge", "", 1.0),
            ("prometheus_ready", "gauge", "", 1.0),
            ("prometheus_tsdb_head_series", "gauge", "", float(head)),
            ("process_start_time_seconds", "gauge", "", self._telemetry.start_s - _UPTIME_S),
        )
        text = "".join(
            f"# TYPE {name} {kind}\n{name}{shown} {_prometheus_json.number(value)}\n"
            for name, kind, shown, value in lines
        )
        return responses.PlainTextResponse(text, media_type=_prometheus_text.PLAIN_TYPE)

    def tsdb(self, call: _http.Call) -> responses.Response:
        limit = _http.integer(call, "limit", _TOP, least=1)
        now_s = self._clock.now_s()
        series = self._engine.lookups.series((), now_s - 7200, now_s)
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
                "seriesCountByMetricName": _top(counts["seriesCountByMetricName"], limit),
                "labelValueCountByLabelName": _top({name: len(some) for name, some in values.items()}, limit),
                "memoryInBytesByLabelName": _top(size, limit),
                "seriesCountByLabelValuePair": _top(counts["seriesCountByLabelValuePair"], limit),
            }
        )


def _top(counts: Mapping[str, int], limit: int) -> list[dict[str, Any]]:
    return [
        {"name": name, "value": count} for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))[:limit]
    ]
