"""What Prometheus client libraries and frameworks count about requests: http_requests_total{code}, *_request_duration_seconds …"""

from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_STATUS = ("code",)
_CLIENT = (table.View(rules.CALLEE, observer=rules.SERVICE, name="client"),)
# Libraries that talk about themselves: scrapes, remote writes, the API server's own clients.
_SELF = r"(promhttp|prometheus|scrape|net_conntrack|go|python|nodejs|otelcol|loki|tempo|alertmanager|grafana|cortex|thanos)_.*|up|ALERTS.*"
# A caller's view is not the service's own; without the callee's name the words of the name have to tell it.
_OWN = r"(?!\w*(client|upstream|outbound|egress|downstream))"
_SECONDS = r"(_seconds|_milliseconds|_ms)"

CONVENTION = table.Convention(
    "Prometheus clients",
    (
        table.pattern(r"go_goroutines|jvm_threads_current", measures.gauge(Role.THREADS, unit="{thread}")),
        table.pattern(
            r"go_gc_duration_seconds", measures.counter(Role.GC_TIME, part="_sum"), kinds=("summary", "mean")
        ),
        table.pattern(r"nodejs_eventloop_lag_p99_seconds", measures.gauge(Role.OTHER, across="max")),
        table.pattern(
            r"up", measures.gauge(Role.AVAILABILITY, across="avg", unit="1"), views=(table.View(rules.TARGET),)
        ),
        table.pattern(_SELF),
        table.pattern(r"(apiserver|kubelet|etcd|scheduler|workqueue|rest_client|storage_operation|authentication)_.*"),
        table.pattern(
            rf"http_client_requests?(_duration)?{_SECONDS}", measures.requests(statuses=_STATUS), views=_CLIENT
        ),
        table.pattern(
            rf"{_OWN}(\w+_)?(http|grpc|rpc|api|server|web)?_?requests?(_duration|_latency|_time|_processing){_SECONDS}?",
            measures.requests(statuses=_STATUS),
            kinds=("histogram", "summary", "mean"),
        ),
        table.pattern(
            rf"(\w+_)?(http|api)_server_requests{_SECONDS}",
            measures.requests(statuses=("status",)),
            kinds=("histogram", "summary", "mean"),
        ),
        table.pattern(r"(\w+_)?http_server_requests_seconds_max"),
        table.pattern(
            r"(\w+_)?(client|upstream|outbound|egress)_requests_total",
            measures.requests(duration=False, statuses=_STATUS),
            views=_CLIENT,
        ),
        table.pattern(
            _OWN
            + r"(\w+_)?(http_server|http|grpc|rpc|api|server|web|gateway)_requests?(_handled|_processed)?(_total)?",
            measures.requests(duration=False, statuses=_STATUS),
            kinds=("counter",),
        ),
        table.pattern(r"requests?_total", measures.requests(duration=False, statuses=_STATUS), kinds=("counter",)),
        table.pattern(
            r"(\w+_)?(http_)?(requests_(in_flight|in_progress|inflight|active)|in_?flight_requests|active_requests)",
            measures.gauge(Role.IN_FLIGHT, unit="{request}"),
        ),
        table.pattern(
            r"(\w+_)?(retries|retry|retry_attempts)_total", measures.counter(Role.RETRIES, unit="{request}/s")
        ),
    ),
)
