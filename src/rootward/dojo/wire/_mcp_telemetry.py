"""MCP tools over metrics, logs and traces: names and docstrings are what an agent is told of them."""

import math
from typing import Any

from rootward.dojo.wire import _mcp_asking

_POINTS = 240


class Metrics:
    """Prometheus."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def prometheus_query(self, query: str, time: str = "now") -> str:
        """Evaluate a PromQL expression at one moment.

        time: now (default), -15m, RFC 3339, or seconds since 1970.
        """
        fields = {"query": query, "time": self._asking.time_s(time)}
        return _mcp_asking.compact((await self._asking.json("prometheus", "/api/v1/query", fields))["data"])

    async def prometheus_query_range(self, query: str, start: str = "-1h", end: str = "now", step_s: float = 0) -> str:
        """Evaluate a PromQL expression over a window. step_s: seconds between points; 0 chooses one.

        start, end: now, -15m, RFC 3339, or seconds since 1970.
        """
        first, last = self._asking.time_s(start), self._asking.time_s(end)
        step = step_s if step_s > 0 else max(math.ceil((last - first) / _POINTS / 15) * 15, 15)
        fields = {"query": query, "start": first, "end": last, "step": step}
        return _mcp_asking.compact((await self._asking.json("prometheus", "/api/v1/query_range", fields))["data"])

    async def prometheus_labels(self, match: str = "") -> str:
        """Names of labels, of all series or of those that a selector such as up{job="node"} matches."""
        return await self._data("/api/v1/labels", {"match[]": match})

    async def prometheus_label_values(self, label: str, match: str = "") -> str:
        """Values of one label; label __name__ lists the metrics. match: only of series that this selector matches."""
        return await self._data(f"/api/v1/label/{label}/values", {"match[]": match})

    async def prometheus_series(self, match: str, limit: int = 200) -> str:
        """Series (label sets) that a selector matches."""
        return await self._data("/api/v1/series", {"match[]": match, "limit": limit})

    async def prometheus_metadata(self, metric: str = "") -> str:
        """Type and help of a metric, or of all."""
        return await self._data("/api/v1/metadata", {"metric": metric})

    async def prometheus_rules(self) -> str:
        """Alerting rules: expressions, thresholds, state, and the alerts that they hold active."""
        return await self._data("/api/v1/rules", {})

    async def prometheus_targets(self) -> str:
        """What is scraped, and whether it answers."""
        data = (await self._asking.json("prometheus", "/api/v1/targets", {"state": "active"}))["data"]
        kept = ("labels", "health", "lastError", "lastScrape")
        return _mcp_asking.compact([{name: one[name] for name in kept} for one in data["activeTargets"]])

    async def _data(self, path: str, fields: dict[str, Any]) -> str:
        return _mcp_asking.compact((await self._asking.json("prometheus", path, fields))["data"])


class Logs:
    """Loki."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    def _window(self, start: str, end: str) -> dict[str, Any]:
        return {
            "start": round(self._asking.time_s(start) * 1e9),
            "end": round(self._asking.time_s(end) * 1e9),
        }

    async def loki_query(
        self, query: str, start: str = "-1h", end: str = "now", limit: int = 100, oldest_first: bool = False
    ) -> str:
        """Run LogQL: {app="checkout"} |= "error" gives lines, sum by (app) (count_over_time({app=~".+"}[5m])) numbers.

        start, end: now, -15m, RFC 3339, or seconds since 1970. limit: lines at most.
        """
        fields = {"query": query, **self._window(start, end), "limit": limit}
        fields["direction"] = "forward" if oldest_first else "backward"
        data = (await self._asking.json("loki", "/loki/api/v1/query_range", fields))["data"]
        return _mcp_asking.compact(data["result"])

    async def loki_labels(self, start: str = "-1h", end: str = "now") -> str:
        """Names of the labels by which log streams are selected."""
        return await self._listed("/loki/api/v1/labels", self._window(start, end))

    async def loki_label_values(self, label: str, start: str = "-1h", end: str = "now") -> str:
        """Values of one label of log streams."""
        return await self._listed(f"/loki/api/v1/label/{label}/values", self._window(start, end))

    async def loki_series(self, match: str, start: str = "-1h", end: str = "now") -> str:
        """Log streams that a selector matches."""
        return await self._listed("/loki/api/v1/series", {"match[]": match, **self._window(start, end)})

    async def _listed(self, path: str, fields: dict[str, Any]) -> str:
        return _mcp_asking.compact((await self._asking.json("loki", path, fields)).get("data", []))


class Traces:
    """Jaeger, or Tempo where there is no Jaeger."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def traces_services(self) -> str:
        """Services that report spans."""
        return _mcp_asking.compact((await self._asking.json("jaeger", "/api/services"))["data"])

    async def traces_search(
        self,
        service: str,
        operation: str = "",
        tags: str = "",
        start: str = "-1h",
        end: str = "now",
        min_duration: str = "",
        limit: int = 20,
    ) -> str:
        """Find traces that a service took part in, as one line of facts each; read one with traces_get.

        tags: JSON such as {"error":"true"}. min_duration: such as 250ms.
        """
        fields = {
            "service": service,
            "operation": operation,
            "tags": tags,
            "start": round(self._asking.time_s(start) * 1e6),
            "end": round(self._asking.time_s(end) * 1e6),
            "minDuration": min_duration,
            "limit": limit,
        }
        found = (await self._asking.json("jaeger", "/api/traces", fields))["data"]
        return _mcp_asking.compact([_summary(one) for one in found])

    async def traces_get(self, trace_id: str) -> str:
        """All spans of one trace: service, operation, start and duration in microseconds, parent, tags."""
        (trace,) = (await self._asking.json("jaeger", f"/api/traces/{trace_id}"))["data"]
        return _mcp_asking.compact([_span(one, trace) for one in trace["spans"]])

    async def traces_dependencies(self, minutes: int = 60) -> str:
        """Who called whom and how often, from spans of the last minutes."""
        fields = {"endTs": round(self._asking.clock.now_s() * 1000), "lookback": minutes * 60_000}
        return _mcp_asking.compact((await self._asking.json("jaeger", "/api/dependencies", fields))["data"])


class TraceQL:
    """Tempo."""

    def __init__(self, asking: _mcp_asking.Asking) -> None:
        self._asking = asking

    async def tempo_search(self, query: str, start: str = "-1h", end: str = "now", limit: int = 20) -> str:
        """Find traces by TraceQL, such as {resource.service.name="checkout" && status=error}."""
        window = {"start": math.floor(self._asking.time_s(start)), "end": math.ceil(self._asking.time_s(end))}
        found = await self._asking.json("tempo", "/api/search", {"q": query, **window, "limit": limit})
        return _mcp_asking.compact(found.get("traces", []))


def _summary(trace: dict[str, Any]) -> dict[str, Any]:
    spans = trace["spans"]
    first = min(spans, key=lambda one: one["startTime"])
    end = max(one["startTime"] + one["duration"] for one in spans)
    failed = [one for one in spans if any(tag["key"] == "error" and tag["value"] is True for tag in one["tags"])]
    return {
        "trace_id": trace["traceID"],
        "root": f"{trace['processes'][first['processID']]['serviceName']}: {first['operationName']}",
        "start_us": first["startTime"],
        "duration_us": end - first["startTime"],
        "spans": len(spans),
        "failed": sorted({trace["processes"][one["processID"]]["serviceName"] for one in failed}),
    }


def _span(span: dict[str, Any], trace: dict[str, Any]) -> dict[str, Any]:
    return {
        "span_id": span["spanID"],
        "parent": next((one["spanID"] for one in span["references"]), ""),
        "service": trace["processes"][span["processID"]]["serviceName"],
        "operation": span["operationName"],
        "start_us": span["startTime"],
        "duration_us": span["duration"],
        "tags": {tag["key"]: tag["value"] for tag in span["tags"]},
    }
