"""What pipelines and alerting mark on Grafana's graphs: deployments, other changes, and alerts that fired."""

import json
from collections.abc import Iterator
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids

_DEFAULT_LIMIT = 100
MAX_SHOWN = 10_000


class Annotations:
    """Reads a telemetry; nothing after the clock's now."""

    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._clock = clock
        self._all = sorted(_marks(telemetry), key=lambda one: -int(one["time"]))

    def _known(self) -> list[dict[str, Any]]:
        now_ms = self._clock.now_s() * 1000
        return [
            {**one, "timeEnd": one["timeEnd"] if one["timeEnd"] <= now_ms else one["time"]}
            for one in self._all
            if one["time"] <= now_ms
        ]

    def listed(self, call: _http.Call) -> list[dict[str, Any]]:
        """Newest first, as the parameters from, to (ms), tags, matchAny, type and limit say."""
        since, until = _http.integer(call, "from", 0), _http.integer(call, "to", 2**62)
        wanted, some = call.all("tags"), _http.boolean(call, "matchAny", default=False)
        kind = call.get("type")
        found = [
            one
            for one in self._known()
            if one["timeEnd"] >= since
            and one["time"] <= until
            and (kind != "alert" or one["alertName"])
            and (kind != "annotation" or not one["alertName"])
            and (not wanted or (any if some else all)(tag in one["tags"] for tag in wanted))
        ]
        return found[: min(_http.integer(call, "limit", _DEFAULT_LIMIT, least=1), MAX_SHOWN)]

    def tags(self, part: str) -> list[dict[str, Any]]:
        counts: dict[str, int] = {}
        for one in self._known():
            for tag in one["tags"]:
                counts[tag] = counts.get(tag, 0) + 1
        return [{"tag": tag, "count": count} for tag, count in sorted(counts.items()) if part in tag][:_DEFAULT_LIMIT]


def _marks(telemetry: records.Telemetry) -> Iterator[dict[str, Any]]:
    for deployment in telemetry.code.deployments:
        tags = ["deployment", deployment.environment]
        tags += [deployment.payload["service"]] if "service" in deployment.payload else []
        text = deployment.description or f"Deploy {deployment.sha[:7]} of {deployment.repository}"
        yield _mark(str(deployment.id), deployment.time_s, deployment.finished_s, text, tags, deployment.creator)
    for change in telemetry.change_events:
        tags = [change.source, *([change.service] if change.service else [])]
        yield _mark(change.id, change.time_s, None, change.summary, tags, change.source)
    for alert in telemetry.alerts:
        labels = {"alertname": alert.rule, **alert.labels}
        text = f"{alert.rule} {json.dumps(dict(sorted(labels.items())))}"
        made = _mark(f"{alert.rule}{alert.starts_s}", alert.starts_s, alert.ends_s, text, [], "")
        yield {**made, "alertName": alert.rule, "prevState": "Pending", "newState": "Alerting"}


def _mark(name: str, start_s: float, end_s: float | None, text: str, tags: list[str], login: str) -> dict[str, Any]:
    start_ms = round(start_s * 1000)
    return {
        "id": _ids.number("annotation", name, digits=6),
        "alertId": 0,
        "alertName": "",
        "dashboardId": 0,
        "dashboardUID": "",
        "panelId": 0,
        "userId": 0,
        "newState": "",
        "prevState": "",
        "created": start_ms,
        "updated": start_ms,
        "time": start_ms,
        "timeEnd": start_ms if end_s is None else round(end_s * 1000),
        "text": text,
        "tags": tags,
        "login": login,
        "email": "",
        "avatarUrl": "",
        "data": {},
    }
