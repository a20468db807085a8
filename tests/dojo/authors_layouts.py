"""Tiny data sets in each authors' layout, written to disk by tests of importers."""

import csv
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ISSUE_START_S = 1_681_350_000
NORMAL_START_S = 1_693_922_400  # months later, as published
PETSHOP_COLUMNS = [
    (node, metric, statistic)
    for metric, statistic in (
        ("latency", "Average"),
        ("latency", "p99"),
        ("requests", "Sum"),
        ("availability", "Average"),
    )
    for node in ("PetSite", "PetSearch_AWS::ECS::Fargate", "adopt_AWS::Lambda::Function")
]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def table(rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def petshop_metrics(start_s: int, rows: int, latency: float) -> str:
    head = [
        [name, *(column[i] for column in PETSHOP_COLUMNS)]
        for i, name in enumerate(("microservice", "metric", "statistic"))
    ]
    value = {"latency": latency, "requests": 500.0, "availability": 100.0}
    body = [
        [
            float(start_s + 300 * row),
            *("" if node.startswith("adopt") and row == 1 else value[metric] for node, metric, _ in PETSHOP_COLUMNS),
        ]
        for row in range(rows)
    ]
    return table([*head, ["unix_timestamp", *[""] * len(PETSHOP_COLUMNS)], *body])


def petshop(root: Path, cause: str = "PetSearch_AWS::ECS::Fargate") -> Path:
    traffic = root / "dataset" / "low_traffic"
    nodes = sorted({node for node, _, _ in PETSHOP_COLUMNS})
    calls = {("PetSite", "PetSearch_AWS::ECS::Fargate"), ("PetSite", "adopt_AWS::Lambda::Function")}
    write(traffic / "graph.csv", table([["", *nodes], *([a, *(float((a, b) in calls) for b in nodes)] for a in nodes)]))
    write(traffic / "noissue" / "metrics.csv", petshop_metrics(NORMAL_START_S, 588, 0.1))
    issue = traffic / "train" / "issue_0"
    write(issue / "metrics.csv", petshop_metrics(ISSUE_START_S, 5, 1.0))
    target = {"node": "PetSite", "metric": "latency", "agg": "Average", "timestamp": ISSUE_START_S + 548}
    write(
        issue / "target.json",
        json.dumps({"target": target, "root_cause": {"node": cause, "metric": None}, "metadata": {"x": 1}}),
    )
    return root


SOCK_COLUMNS = ["carts_cpu", "carts-db_cpu", "carts_mem", "carts_lod", "carts_lat_50", "carts_lat_99"]


def sockshop(root: Path, folder: str = "carts-cpu", gap_s: int = 86_400 * 3) -> Path:
    for name, start_s, value in (("normal", 1_652_565_600, 1.0), ("anomalous", 1_652_565_600 + 60 + gap_s, 100.0)):
        rows = [[start_s + i, *[value] * (len(SOCK_COLUMNS) - 1), ""] for i in range(60)]
        write(root / folder / "1" / f"{name}.csv", table([["time", *SOCK_COLUMNS], *rows]))
    return root


DAY = "2023-01-29"
MIDNIGHT_S = 1_674_950_400
PODS = ("ts-gateway-service-6f6cfc45b-h5m2n", "ts-order-service-5b67c48447-mv5hb")
INJECT_S = MIDNIGHT_S + 8 * 3600 + 43 * 60 + 4  # 08:43:04
POD_COLUMNS = ["CpuUsage(m)", "MemoryUsage(Mi)", "PodServerLatencyP90(s)", "PodSuccessRate(%)", "NodeCpuUsageRate(%)"]


def go_time(time_s: float) -> str:
    minutes, seconds = divmod(int(time_s - MIDNIGHT_S), 60)
    return f"{DAY} {minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}.104907624 +0000 UTC m=+0.181069486"


def nezha(root: Path, *, zone_s: int = 0, stamp_off_s: int = 0) -> Path:
    """A day with one fault at 08:43:04; `zone_s` puts logs' and spans' clocks off, `stamp_off_s` the TimeStamp column."""
    day = root / "rca_data" / DAY
    fault = {
        "inject_time": f"{DAY} 08:43:04",
        "inject_timestamp": "1674953044",
        "inject_pod": PODS[1],
        "inject_type": "return",
    }
    write(day / f"{DAY}-fault_list.json", json.dumps({"08": [fault]}))
    times = [MIDNIGHT_S + 8 * 3600 + 9 + 60 * i for i in range(240)]
    for pod in PODS:
        rows = [[go_time(t), t + stamp_off_s, pod, 2.5, 300, 0.2, 100, 50] for t in times]
        write(day / "metric" / f"{pod}_metric.csv", table([["Time", "TimeStamp", "PodName", *POD_COLUMNS], *rows]))
    front = [[go_time(t), t, "Frontend", 100, 0.1, 0.9] for t in times]
    header = ["Time", "TimeStamp", "ServiceName", "SuccessRate(%)", "LatencyP50(s)", "LatencyP99(s)"]
    write(day / "metric" / "front_service.csv", table([header, *front]))
    edge = "ts-gateway-service_ts-order-service"
    write(
        day / "metric" / "source_50.csv", table([["time", "timestamp", edge], *([go_time(t), t, 0.05] for t in times)])
    )
    pairs = [["ts-gateway-service", "ts-order-service", 1], ["ts-gateway-service", "10.0.0.7", 1]]
    write(day / "metric" / "dependency.csv", table([["Source", "Target", "Weight"], *pairs]))
    for minute in (43, 44, 45):
        _nezha_minute(day, minute, zone_s)
    return root


def _nezha_minute(day: Path, minute: int, zone_s: int) -> None:
    start_s = MIDNIGHT_S + 8 * 3600 + (minute - 1) * 60 + 9
    logs, spans = [], []
    for i in range(50):
        time_ns = (start_s + i + zone_s) * 10**9 + 5
        trace, root, child = f"{minute:02d}{i:030x}", f"{i:016x}", f"{i + 1000:016x}"
        envelope = json.dumps({"log": f"INFO order {i} é\n", "stream": "stdout"})
        text = f"{DAY}T08:{minute - 1:02d}:{9 + i:02d}.000Z"
        logs.append([text, time_ns, "10.0.0.8", PODS[1], "server", trace, child, envelope])
        spans.append([trace, root, "root", PODS[0], "/*", time_ns, time_ns + 5_000_000, 5000])
        spans.append([trace, child, root, PODS[1], "GET /order", time_ns + 1000, time_ns + 3_000_000, 3000])
    logs.append([*logs[0]])  # recorders overlap
    logs.append(
        [f"{DAY}T08:{minute - 1:02d}:40.295", -6795364578871345152, "10.0.0.8", PODS[1], "server", "", "", "not JSON"]
    )
    log_header = ["Timestamp", "TimeUnixNano", "Node", "PodName", "Container", "TraceID", "SpanID", "Log"]
    write(day / "log" / f"08_{minute}_log.csv", table([log_header, *logs, ["torn", "row"]]))
    header = [
        "TraceID",
        "SpanID",
        "ParentID",
        "PodName",
        "OperationName",
        "StartTimeUnixNano",
        "EndTimeUnixNano",
        "Duration",
    ]
    write(day / "trace" / f"08_{minute}_trace.csv", table([header, *reversed(spans)]))


CULPRIT = "559e94ce37a7b4b6053149c40ba8a5bc9113ca6e"
DECOY = "78ad41355be70805bbf2985d5642a80ed842e056"


def rootcausebench(root: Path, commit: str = CULPRIT) -> Path:
    scenario = root / "checkout-latency"
    truth = {
        "root_cause_commit": commit,
        "first_failing_service": "checkout",
        "decoy_deploy_commits": [DECOY],
        "notes": "n",
    }
    write(scenario / "ground_truth.json", json.dumps(truth))
    data = scenario / "data"
    alert = {
        "service": "checkout",
        "metric": "p99_ms",
        "threshold": 800,
        "observed": 4120,
        "fired_at": "2026-06-18T15:06:00Z",
    }
    write(data / "alert.json", json.dumps({**alert, "severity": "critical", "monitor": "p99", "summary": "slow"}))
    lines = [
        {
            "timestamp": f"2026-06-18T15:0{i}:00Z",
            "service": "checkout",
            "severity_text": "INFO",
            "msg": f"m{i}",
            "trace_id": "same",
        }
        for i in (3, 1, 2)
    ]
    write(data / "logs.ndjson", "\n".join(json.dumps(line) for line in lines) + "\n")
    rows = [
        [f"2026-06-18T14:{i:02d}:00Z", s, "err-or_total", i]
        for i in range(30)
        for s in ("checkout", "cart")
        if (i, s) != (3, "cart")
    ]
    write(data / "metrics.csv", table([["timestamp", "service", "metric", "value"], *rows]))
    span = {"start": "2026-06-18T15:02:42Z", "duration_ms": 80.5, "status": "ERROR"}
    write(data / "traces.json", json.dumps([
        {"trace_id": "4cc84c02d84493ebb3627463cd734b40", "span_id": "a1", "parent_id": None, "service": "web", "name": "GET", **span},
        {"trace_id": "same", "span_id": "b1", "parent_id": "a1", "service": "checkout", "name": "Place", "error": "x", **span},
    ]))  # fmt: skip
    context = data / "context"
    write(
        context / "commits.json",
        json.dumps([_commit(DECOY, "15:00:55", None), _commit(CULPRIT, "14:58:00", "@@ -1 +1 @@")]),
    )
    deploy = {"timestamp": "2026-06-18T14:59:30Z", "service": "checkout", "commit_sha": CULPRIT, "version": "v1"}
    write(context / "deploys.json", json.dumps([deploy]))
    flag = {"timestamp": "2026-06-18T14:45:00Z", "flag": "rail", "service": "web", "change": "off->on", "actor": "lena"}
    write(context / "flags.json", json.dumps([flag]))
    event = {"timestamp": "2026-06-18T15:00:00Z", "status": "degraded", "detail": "slow"}
    write(data / "status_feed.json", json.dumps({"source": "dns-status", "component": "dns", "events": [event]}))
    return root


def _commit(sha: str, time: str, diff: str | None) -> Mapping[str, Any]:
    files = ["a.go", "b.go"]
    return {
        "sha": sha,
        "author": "d",
        "timestamp": f"2026-06-18T{time}Z",
        "message": "m",
        "files_changed": files,
        "diff": diff,
    }


def archived(folder: Path, to: Path) -> Path:
    with tarfile.open(to, "w:xz", preset=0) as tar:
        tar.add(folder, arcname="data")
    return to
