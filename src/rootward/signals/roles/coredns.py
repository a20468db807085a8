"""CoreDNS: answers, their codes and their time (coredns.io/plugins/metrics)."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_FAILED = (table.matcher("rcode", "=~", "SERVFAIL|REFUSED|NOTIMP|FORMERR"),)
_SERVER = (
    table.View(rules.EntityRule((*rules.server_of(entities.EntityKind.SERVICE, "k8s_app").labels, *rules.POD.labels))),
)

CONVENTION = table.Convention(
    "CoreDNS",
    (
        table.pattern(
            r"coredns_dns_responses_total|coredns_dns_response_rcode_count_total",
            measures.failures_of(Role.DNS_ERRORS, _FAILED, unit="{answer}/s"),
        ),
        table.pattern(
            r"coredns_dns_requests_total|coredns_dns_request_count_total",
            measures.counter(Role.RATE, unit="{request}/s"),
        ),
        table.pattern(r"coredns_dns_request_duration_seconds", measures.durations(mean=Role.DNS_DURATION)),
        table.pattern(r"coredns_forward_request_duration_seconds|coredns_proxy_request_duration_seconds"),
        table.pattern(
            r"coredns_forward_healthcheck_(failures|broken)_total",
            measures.counter(Role.DNS_ERRORS, unit="{failure}/s"),
        ),
        table.pattern(r"coredns_panics_total", measures.counter(Role.ERROR_RATE, unit="{panic}/s")),
        table.pattern(
            r"coredns_(build|cache|plugin|hosts|health|kubernetes|reload|local|template|autopath|grpc)_.*|coredns_dns_.*"
        ),
    ),
    views=_SERVER,
)
