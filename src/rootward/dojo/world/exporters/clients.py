"""What callers measure of their callees, third parties included: OpenTelemetry and Micrometer HTTP clients, gRPC clients."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import requests, sheet, styles

META = {
    "http_client_request_duration_seconds": tm.MetricMeta("histogram", "Duration of HTTP client requests.", "seconds"),
    "http_client_requests_seconds": tm.MetricMeta("histogram", "Timer of RestClient operation", "seconds"),
    "grpc_client_handled_total": tm.MetricMeta(
        "counter", "Total number of RPCs completed by the client, regardless of success or failure."
    ),
}
BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SHAPE = 3.6


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "clients")
    layout = frame.layout
    for e, call in enumerate(layout.calls):
        i = int(layout.source[e])
        caller, callee = layout.components[i], layout.components[layout.target[e]]
        if (
            {i, int(layout.target[e])} & frame.draft.hidden
            or not call.waits
            or callee.kind not in (bp.Kind.SERVICE, bp.Kind.EXTERNAL)
        ):
            continue
        if call.protocol == "grpc":
            _grpc(frame, page, e, i)
        elif caller.style in ("otel", "micrometer"):
            _http(frame, page, e, i)
    return page.blocks()


def address(frame: fr.Frame, component: int) -> str:
    """The name by which clients reach a component."""
    described = frame.layout.components[component]
    return described.host or described.name


def outcomes(frame: fr.Frame, e: int) -> dict[str, lay.FloatArray]:
    """Attempts per step by what the client saw: a status, or the error that it met; [T] each."""
    state, knobs = frame.state, frame.draft.knobs
    attempts = state.calls[:, e] * frame.step_s
    callee_error = state.error[:, frame.layout.target[e]]
    refused = 1 - (1 - knobs.refused[:, e]) * (1 - state.pool_refused[:, e])
    late = (1 - refused) * state.timeouts[:, e]
    bad = (1 - refused) * (1 - state.timeouts[:, e]) * callee_error
    return {
        "200": attempts * (1 - refused - late - bad),
        "500": attempts * bad,
        "timeout": attempts * late,
        "refused": attempts * refused,
    }


def _http(frame: fr.Frame, page: sheet.Sheet, e: int, i: int) -> None:
    component, target = frame.layout.components[i], int(frame.layout.target[e])
    style = styles.STYLES[component.style]
    route = frame.layout.components[target].routes[0]
    pods = frame.fleet.of(i)
    share = frame.fleet.share[pods]
    limit_s = float(frame.draft.knobs.timeout_s[e])
    latency = frame.state.call_latency[:, e]
    scale = latency / float(fr.mean_factor(np.array(SHAPE)))
    ordinary = [1.0 / (1.0 + (scale / bound) ** SHAPE) for bound in BUCKETS]
    for outcome, row in outcomes(frame, e).items():
        if row.sum() < 0.5:
            continue
        if outcome == "timeout":
            below, mean_s = (
                [np.full(frame.steps, float(limit_s <= bound)) for bound in BUCKETS],
                np.full(frame.steps, limit_s),
            )
        elif outcome == "refused":
            took_s = 0.003 + float(frame.draft.knobs.hang_s[e])
            below, mean_s = (
                [np.full(frame.steps, float(took_s <= bound)) for bound in BUCKETS],
                np.full(frame.steps, took_s),
            )
        else:
            below, mean_s = ordinary, latency
        heads = [_labels(frame, style, i, p, target, route, outcome) for p in pods]
        family = "http_client_request_duration_seconds" if style.name == "otel" else "http_client_requests_seconds"
        steps = share * row
        rows = sheet.buckets(steps, below)
        labels: list[tm.Labels] = [
            {"__name__": f"{family}_bucket", **head, "le": bound}
            for bound in (*map(styles.number, BUCKETS), "+Inf")
            for head in heads
        ]
        labels += [{"__name__": f"{family}_count", **head} for head in heads]
        page.counters(labels, rows, pods * (len(BUCKETS) + 2), given=True)
        page.counters([{"__name__": f"{family}_sum", **head} for head in heads], steps * mean_s, pods, whole=False)


def _labels(
    frame: fr.Frame, style: styles.Style, i: int, p: int, target: int, route: bp.Route, outcome: str
) -> dict[str, str]:
    base = styles.target(frame, i, p, requests.PORTS[style.name]) | style.naming(frame.layout.components[i].name)
    where = address(frame, target)
    if style.name == "otel":
        met = {"timeout": "timeout", "refused": "connection_error"}.get(outcome)
        status = {"error_type": met} if met else {"http_response_status_code": outcome}
        return {
            **base,
            "server_address": where,
            "server_port": "443" if "." in where else "8080",
            "http_request_method": route.method,
            **status,
        }
    known = outcome.isdigit()
    return {
        **base,
        "client_name": where,
        "uri": route.path,
        "method": route.method,
        "status": outcome if known else "CLIENT_ERROR",
        "outcome": styles.OUTCOMES[outcome[0]] if known else "UNKNOWN",
        "exception": "none" if known else {"timeout": "SocketTimeoutException", "refused": "ConnectException"}[outcome],
    }


def _grpc(frame: fr.Frame, page: sheet.Sheet, e: int, i: int) -> None:
    component, target = frame.layout.components[i], int(frame.layout.target[e])
    route = frame.layout.components[target].routes[0]
    style = styles.STYLES[component.style]
    pods = frame.fleet.of(i)
    share = frame.fleet.share[pods]
    codes = {"200": "OK", "500": "Internal", "timeout": "DeadlineExceeded", "refused": "Unavailable"}
    for outcome, row in outcomes(frame, e).items():
        if row.sum() < 0.5:
            continue
        labels: list[tm.Labels] = [
            {
                "__name__": "grpc_client_handled_total",
                **styles.target(frame, i, p, requests.PORTS[style.name]),
                **style.naming(component.name),
                "grpc_service": route.method,
                "grpc_method": route.path,
                "grpc_type": "unary",
                "grpc_code": codes[outcome],
            }
            for p in pods
        ]
        page.counters(labels, share * row, pods)
