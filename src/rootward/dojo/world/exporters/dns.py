"""CoreDNS: requests and responses by code, and how long they took."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import sheet, styles

META = {
    "coredns_dns_requests_total": tm.MetricMeta(
        "counter", "Counter of DNS requests made per zone, protocol and family."
    ),
    "coredns_dns_responses_total": tm.MetricMeta("counter", "Counter of response status codes."),
    "coredns_dns_request_duration_seconds": tm.MetricMeta(
        "histogram", "Histogram of the time (in seconds) each request took per zone.", "seconds"
    ),
    "coredns_forward_healthcheck_failures_total": tm.MetricMeta(
        "counter", "Counter of the number of failed healthchecks."
    ),
}
BUCKETS = (0.00025, 0.001, 0.004, 0.016, 0.064, 0.256, 1.024, 4.096)
LOOKUPS = 0.04
"""Lookups per call: most reuse a connection or a cached answer."""


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "coredns")
    rng = frame.rng("coredns")
    failing = frame.draft.zone_errors if frame.draft.zone_errors is not None else np.zeros(frame.steps)
    lookups = frame.state.calls.sum(axis=1) * LOOKUPS * frame.step_s / 2
    for address, name in (("10.100.0.4", "coredns-5d78c9869d-7wq2m"), ("10.100.1.9", "coredns-5d78c9869d-x8hzd")):
        base = {"job": "coredns", "instance": f"{address}:9153", "namespace": "kube-system", "pod": name}
        seen = np.maximum(np.rint(lookups * (1 + 0.05 * rng.standard_normal(frame.steps))), 0)
        missing = seen * 0.18  # search paths make clients ask for names that do not exist
        servfail = (seen - missing) * failing + rng.poisson(0.01, frame.steps)
        page.counter(
            {
                "__name__": "coredns_dns_requests_total",
                **base,
                "server": "dns://:53",
                "zone": ".",
                "proto": "udp",
                "type": "A",
            },
            seen,
        )
        for code, row in (("NOERROR", seen - missing - servfail), ("NXDOMAIN", missing), ("SERVFAIL", servfail)):
            page.counter(
                {"__name__": "coredns_dns_responses_total", **base, "server": "dns://:53", "zone": ".", "rcode": code},
                np.maximum(row, 0),
            )
        page.counter(
            {"__name__": "coredns_forward_healthcheck_failures_total", **base, "to": "10.0.0.53:53"},
            failing * frame.step_s * 2,
        )
        head = {**base, "server": "dns://:53", "zone": "."}
        slow = failing * 0.9
        rows = [
            seen * ((1 - slow) * min(1.0, 0.55 + 0.1 * k) + slow * (bound > 2)) for k, bound in enumerate(BUCKETS)
        ] + [seen, seen]
        family = "coredns_dns_request_duration_seconds"
        labels: list[tm.Labels] = [
            {"__name__": f"{family}_bucket", **head, "le": bound} for bound in (*map(styles.number, BUCKETS), "+Inf")
        ]
        page.counters([*labels, {"__name__": f"{family}_count", **head}], np.array(rows), [-1] * len(rows))
        page.counter({"__name__": f"{family}_sum", **head}, seen * (0.0008 + slow * 3), whole=False)
    return page.blocks()
