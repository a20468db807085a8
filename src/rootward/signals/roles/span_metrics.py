"""Metrics made from spans: service graphs and span metrics of Tempo and of the OpenTelemetry Collector's connectors."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVER = rules.EntityRule((rules.EntityLabel("server", entities.EntityKind.SERVICE),), namespaces=(), pods=False)
_CLIENT = rules.EntityRule((rules.EntityLabel("client", entities.EntityKind.SERVICE),), namespaces=(), pods=False)
_GRAPH = (table.View(_SERVER, observer=_CLIENT, name="graph"),)
_OWN = rules.EntityRule(
    tuple(rules.EntityLabel(label, entities.EntityKind.SERVICE) for label in ("service_name", "service")),
    namespaces=("k8s_namespace_name", "namespace"),
)
_SERVED = (
    table.View(
        _OWN,
        matchers=(table.matcher("span_kind", "=~", "SPAN_KIND_SERVER|SPAN_KIND_CONSUMER|server|consumer"),),
        name="server",
    ),
)

CONVENTION = table.Convention(
    "span metrics",
    (
        table.pattern(
            r"traces_service_graph_request_total", measures.counter(Role.RATE, unit="{request}/s"), views=_GRAPH
        ),
        table.pattern(
            r"traces_service_graph_request_failed_total",
            measures.counter(Role.ERROR_RATE, unit="{request}/s"),
            measures.ratio(Role.ERROR_RATIO, r"_failed_total$", "_total", combine=table.Combine.FAILURE_RATIO),
            views=_GRAPH,
        ),
        table.pattern(
            r"traces_service_graph_request_server(_seconds)?", measures.durations(default_scale=1.0), views=_GRAPH
        ),
        table.pattern(r"traces_service_graph_request_(client|messaging_system)(_seconds)?"),
        table.pattern(r"traces_service_graph_.*"),
        table.pattern(
            r"(traces_span_?metrics_)?calls(_total)?",
            measures.requests(duration=False, statuses=("status_code",)),
            views=_SERVED,
        ),
        table.pattern(
            r"traces_span_?metrics_(latency|duration)(_seconds|_milliseconds)?", measures.durations(), views=_SERVED
        ),
        table.pattern(
            r"(duration|latency)_(seconds|milliseconds)", measures.durations(), kinds=("histogram",), views=_SERVED
        ),
        table.pattern(r"traces_span_?metrics_.*"),
    ),
)
