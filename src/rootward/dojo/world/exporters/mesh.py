"""Istio's standard metrics, as the callee's proxies report them: who called whom, with which result, how fast."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import clients, sheet, styles

META = {
    "istio_requests_total": tm.MetricMeta("counter", "Total requests."),
    "istio_request_duration_milliseconds": tm.MetricMeta("histogram", "Request duration.", "milliseconds"),
}
BUCKETS_MS = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)
CODES = {"200": ("200", "-"), "500": ("500", "-"), "timeout": ("504", "UT"), "refused": ("503", "UF,URX")}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "istio")
    if not frame.layout.plan.mesh:
        return []
    for e, call in enumerate(frame.layout.calls):
        callee = frame.layout.components[frame.layout.target[e]]
        hidden = {int(frame.layout.source[e]), int(frame.layout.target[e])} & frame.draft.hidden
        if call.waits and callee.kind is bp.Kind.SERVICE and not hidden:
            _edge(frame, page, e)
    return page.blocks()


def _edge(frame: fr.Frame, page: sheet.Sheet, e: int) -> None:
    layout = frame.layout
    i, target = int(layout.source[e]), int(layout.target[e])
    caller, callee = layout.components[i], layout.components[target]
    # One series per caller workload: mesh set-ups commonly drop the pod to bound cardinality.
    base = {
        "job": "envoy-stats",
        "instance": "istio-proxy",
        "reporter": "source",
        "source_workload": caller.name,
        "source_workload_namespace": layout.namespace(i),
        "destination_workload": callee.name,
        "destination_workload_namespace": layout.namespace(target),
        "destination_service_name": callee.name,
        "destination_service": f"{callee.name}.{layout.namespace(target)}.svc.cluster.local",
        "request_protocol": "grpc" if layout.calls[e].protocol == "grpc" else "http",
        "connection_security_policy": "mutual_tls",
    }
    for outcome, row in clients.outcomes(frame, e).items():
        if row.sum() < 0.5:
            continue
        code, flags = CODES[outcome]
        page.counter({"__name__": "istio_requests_total", **base, "response_code": code, "response_flags": flags}, row)
    latency_ms = np.minimum(frame.state.call_latency[:, e], frame.draft.knobs.timeout_s[e]) * 1e3
    scale = latency_ms / float(fr.mean_factor(np.array(clients.SHAPE)))
    row = frame.state.calls[:, e] * frame.step_s
    family = "istio_request_duration_milliseconds"
    head = {**base, "response_code": "200"}
    rows = [row / (1.0 + (scale / bound) ** clients.SHAPE) for bound in BUCKETS_MS] + [row, row]
    labels: list[tm.Labels] = [
        {"__name__": f"{family}_bucket", **head, "le": bound} for bound in (*map(styles.number, BUCKETS_MS), "+Inf")
    ]
    page.counters([*labels, {"__name__": f"{family}_count", **head}], np.array(rows), [-1] * len(rows))
    page.counter({"__name__": f"{family}_sum", **head}, row * latency_ms, whole=False)
