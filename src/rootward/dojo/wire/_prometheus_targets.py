"""What a Prometheus scrapes: targets, scrape pools, and the metadata of their metrics."""

import dataclasses
import functools
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from starlette import responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, values
from rootward.dojo.wire import _http, _prometheus_json, _prometheus_text

OWN = frozenset({"up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling", "scrape_series_added"})  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One that was scraped in the last hour: `up` 1 or 0, its last scrape, and how often it is scraped."""

    labels: Mapping[str, str]
    up: float
    last_s: float
    interval_s: float

    @property
    def job(self) -> str:
        return self.labels.get("job", "")

    @property
    def instance(self) -> str:
        return self.labels.get("instance", "")


class Scraped:
    """The targets that are scraped now: those of `up`, and those whose series come without one."""

    def __init__(self, promql: engine.Engine) -> None:
        self._engine = promql
        self._last: tuple[float, list[Target]] | None = None

    def at(self, now_s: float) -> list[Target]:
        if self._last is None or self._last[0] != now_s:
            self._last = now_s, self._found(now_s)
        return self._last[1]

    def _found(self, now_s: float) -> list[Target]:
        newest: dict[tuple[str, str], float] = {}
        watched: dict[values.LabelSet, None] = {}
        for one in self._engine.lookups.current((), now_s):
            own = dict(one.labels)
            if own[values.NAME] == "up":
                watched[one.labels] = None
            elif "job" in own and "instance" in own:
                key = own["job"], own["instance"]
                newest[key] = max(one.time_ms / 1000, newest.get(key, 0.0))
        found, interval_s = [], 15.0
        for series in self._engine.instant("up[1h]", now_s, until_s=now_s).series:
            if series.labels in watched:
                labels = {name: value for name, value in series.labels if name != values.NAME}
                gaps = np.diff(series.times_ms) / 1000
                interval_s = float(np.median(gaps)) if len(gaps) else interval_s
                last_s = float(series.times_ms[-1]) / 1000
                found.append(Target(labels, float(series.values[-1]), last_s, interval_s))
                newest.pop((labels.get("job", ""), labels.get("instance", "")), None)
        found += [
            Target({"instance": instance, "job": job}, 1.0, last_s, interval_s)
            for (job, instance), last_s in newest.items()
        ]
        return sorted(found, key=lambda one: (one.job, one.instance))


class Targets:
    """Handlers of /targets, /targets/metadata, /metadata and /scrape_pools."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, promql: engine.Engine) -> None:
        self._meta = telemetry.metrics.meta
        self._clock = clock
        self._engine = promql
        self._scraped = Scraped(promql)

    def targets(self, call: _http.Call) -> responses.Response:
        state, pool = call.get("state", "any").lower(), call.get("scrapePool")
        shown = self._scraped.at(self._clock.now_s()) if state in ("any", "active") else []
        active = [_target(one) for one in shown if not pool or one.job == pool]
        body: dict[str, Any] = {"activeTargets": active, "droppedTargets": []}
        if state != "active":
            body["droppedTargetCounts"] = {}
        return _prometheus_json.answer(body)

    def scrape_pools(self, _call: _http.Call) -> responses.Response:
        pools = sorted({one.job for one in self._scraped.at(self._clock.now_s())})
        return _prometheus_json.answer({"scrapePools": pools})

    def metadata(self, call: _http.Call) -> responses.Response:
        limit, each = _http.integer(call, "limit", -1, least=-1), _http.integer(call, "limit_per_metric", -1, least=-1)
        wanted = call.get("metric")
        names = [name for name in self._meta if not wanted or name == wanted]
        shown = {
            name: [_described(self._meta[name])] if each else [] for name in names[: limit if limit >= 0 else None]
        }
        return _prometheus_json.answer(shown)

    def of_targets(self, call: _http.Call) -> responses.Response:
        """Metadata by target; `match_target` chooses the targets by their labels."""
        limit, metric = _http.integer(call, "limit", -1, least=-1), call.get("metric")
        every = self._scraped.at(self._clock.now_s())
        wanted = [call.get("match_target")] if call.get("match_target") else []
        chosen = self._engine.lookups.chosen(wanted, [one.labels for one in every])
        found: list[dict[str, Any]] = []
        for target in (one for one, good in zip(every, chosen, strict=True) if good):
            for name in self._families.get((target.job, target.instance), ()):
                if metric and name != metric:
                    continue
                entry = {"target": dict(target.labels), **({} if metric else {"metric": name})}
                found.append(entry | _described(self._meta[name]))
        if metric and not found:
            raise _http.Refused(404, "specified metadata not found", reason="not_found")
        return _prometheus_json.answer(found[: limit if limit >= 0 else None])

    @functools.cached_property
    def _families(self) -> Mapping[tuple[str, str], list[str]]:
        """(job, instance) → the families with metadata that it ever showed."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for labels in self._engine.store.labels:
            own = dict(labels)
            name = _prometheus_text.family_of(own.get(values.NAME, ""), self._meta)
            if name in self._meta and name not in OWN:
                found.setdefault((own.get("job", ""), own.get("instance", "")), {})[name] = None
        return {key: list(names) for key, names in found.items()}


def _described(meta: records.MetricMeta) -> dict[str, str]:
    return {"type": "unknown" if meta.kind == "untyped" else meta.kind, "help": meta.help, "unit": meta.unit}


def seconds(value_s: float) -> str:
    whole = round(value_s)
    return f"{whole // 60}m" if whole >= 60 and whole % 60 == 0 else f"{max(whole, 1)}s"


def _target(target: Target) -> dict[str, Any]:
    url = f"http://{target.instance}/metrics"
    interval = seconds(target.interval_s)
    return {
        "discoveredLabels": {
            "__address__": target.instance,
            "__metrics_path__": "/metrics",
            "__scheme__": "http",
            "__scrape_interval__": interval,
            "__scrape_timeout__": "10s",
            "job": target.job,
        },
        "labels": dict(target.labels),
        "scrapePool": target.job,
        "scrapeUrl": url,
        "globalUrl": url,
        "lastError": "" if target.up == 1 else f'Get "{url}": context deadline exceeded',
        "lastScrape": _clock.to_iso(target.last_s),
        "lastScrapeDuration": (zlib.crc32(target.instance.encode()) % 9_000_000 + 1_000_000) / 1e9,
        "health": "up" if target.up == 1 else "down",
        "scrapeInterval": interval,
        "scrapeTimeout": "10s",
    }
