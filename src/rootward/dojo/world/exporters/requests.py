"""Rate, errors and duration as each component's own instrumentation exposes them, per pod and route."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import sheet, styles

META = {
    "http_server_request_duration_seconds": tm.MetricMeta("histogram", "Duration of HTTP server requests.", "seconds"),
    "http_request_duration_seconds": tm.MetricMeta("histogram", "A histogram of latencies for requests.", "seconds"),
    "http_requests_total": tm.MetricMeta("counter", "A counter for requests to the wrapped handler."),
    "grpc_server_handling_seconds": tm.MetricMeta(
        "histogram",
        "Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.",
        "seconds",
    ),
    "grpc_server_handled_total": tm.MetricMeta(
        "counter", "Total number of RPCs completed on the server, regardless of success or failure."
    ),
    "http_server_requests_seconds": tm.MetricMeta("histogram", "", "seconds"),
    "nginx_ingress_controller_request_duration_seconds": tm.MetricMeta(
        "histogram", "The request processing time in milliseconds", "seconds"
    ),
    "nginx_ingress_controller_requests": tm.MetricMeta("counter", "The total number of client requests"),
}
PORTS = {"otel": 9464, "prometheus": 8080, "grpc": 9090, "micrometer": 8081, "nginx": 10254}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "requests")
    for i, component in enumerate(frame.layout.components):
        if component.style and i not in frame.draft.hidden:
            _component(frame, page, i, styles.STYLES[component.style])
    return page.blocks()


def codes(frame: fr.Frame, i: int, *, edge: bool) -> dict[str, lay.FloatArray]:
    """Requests per step [T] by status code; a proxy at the `edge` tells timeouts and bad answers apart."""
    counts = frame.counts
    failed, rejected, late = counts.failed[:, i], counts.rejected[:, i], counts.late[:, i]
    client = counts.client[:, i]
    parts = {"200": counts.total[:, i] - failed - client, "404": client, "503": rejected}
    if edge:
        parts |= {"504": late, "502": failed - rejected - late}
    else:
        parts["500"] = failed - rejected
    return {code: row for code, row in parts.items() if row.any()}


def _component(frame: fr.Frame, page: sheet.Sheet, i: int, style: styles.Style) -> None:
    component = frame.layout.components[i]
    pods = frame.fleet.of(i)
    share, failing = frame.fleet.share[pods], frame.failing(i)
    by_code = codes(frame, i, edge=style.name == "nginx")
    total = frame.counts.total[:, i]
    latency = frame.state.latency[:, i]
    shape = frame.counts.shape[i]
    scale = latency / fr.mean_factor(shape)
    bases = [styles.target(frame, i, p, PORTS[style.name]) | style.naming(component.name) for p in pods]
    whole = sum(route.share for route in component.routes)
    for route in component.routes:
        mix = route.share / whole
        part, bad = share * mix, failing * mix
        below = [1.0 / (1.0 + (scale * route.slowness / bound) ** shape) for bound in style.buckets]
        if style.counter:
            for code, row in by_code.items():
                heads = [{"__name__": style.counter, **styles.labels(style, base, route, code)} for base in bases]
                page.counters(list(heads), (bad if code[0] == "5" else part) * row, pods)
        for code, row in (by_code if style.coded else {"": total}).items():
            if style.coded and code == "404":
                mean_s = np.full(frame.steps, 0.004)
                quick = [np.full(frame.steps, bound / (bound + 0.002)) for bound in style.buckets]
                _histogram(
                    page,
                    style,
                    [styles.labels(style, base, route, code) for base in bases],
                    part * row,
                    quick,
                    mean_s,
                    pods,
                )
            else:
                heads = [styles.labels(style, base, route, code) for base in bases]
                pods_of = bad if code[:1] == "5" else part
                _histogram(page, style, list(heads), pods_of * row, below, latency * route.slowness, pods)


def _histogram(
    page: sheet.Sheet,
    style: styles.Style,
    heads: list[dict[str, str]],
    steps: lay.FloatArray,
    below: list[lay.FloatArray],
    mean_s: lay.FloatArray,
    pods: list[int],
) -> None:
    family = style.histogram
    rows = sheet.buckets(steps, below)
    labels: list[tm.Labels] = [
        {"__name__": f"{family}_bucket", **head, "le": bound}
        for bound in (*map(styles.number, style.buckets), "+Inf")
        for head in heads
    ]
    labels += [{"__name__": f"{family}_count", **head} for head in heads]
    page.counters(labels, rows, pods * (len(below) + 2), given=True)
    spent = steps * mean_s * page.luck(steps)
    page.counters([{"__name__": f"{family}_sum", **head} for head in heads], spent, pods, whole=False)
