"""blackbox_exporter and x509 exporter: whether the site answers from outside, and when certificates end."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import sheet

META = {
    "probe_success": tm.MetricMeta("gauge", "Displays whether or not the probe was a success"),
    "probe_duration_seconds": tm.MetricMeta("gauge", "Returns how long the probe took to complete in seconds"),
    "probe_ssl_earliest_cert_expiry": tm.MetricMeta("gauge", "Returns last SSL chain expiry in unixtime"),
    "x509_cert_not_after": tm.MetricMeta("gauge", "Indicates the certificate's not after timestamp"),
}
DAY_S = 86_400.0


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "probes")
    layout, plan = frame.layout, frame.layout.plan
    rng = frame.rng("probes")
    entry = layout.entries[0]
    outside = {"job": "blackbox", "instance": f"https://www.{plan.domain}/"}
    reach = frame.draft.reach
    inside = (rng.uniform(size=frame.steps) >= frame.state.error[:, entry]).astype(np.float64)
    took = (
        frame.draft.reach_s
        if frame.draft.reach_s is not None
        else 0.12 * np.exp(0.1 * rng.standard_normal(frame.steps))
    )
    page.gauge({"__name__": "probe_success", **outside}, inside * (reach if reach is not None else 1.0))
    page.gauge({"__name__": "probe_duration_seconds", **outside}, took + frame.state.latency[:, entry])
    start_s = float(frame.times_s[0])
    site = np.rint(start_s + float(rng.uniform(20, 70)) * DAY_S)
    page.gauge({"__name__": "probe_ssl_earliest_cert_expiry", **outside}, np.full(frame.steps, site))
    for i in layout.of_kind(bp.Kind.SERVICE):
        name, namespace = layout.components[i].name, layout.namespace(i)
        ends_s = np.floor(frame.draft.expiries.get(i, start_s + float(rng.uniform(12, 85)) * DAY_S))
        row = np.full(frame.steps, ends_s)
        page.gauge(
            {
                "__name__": "probe_ssl_earliest_cert_expiry",
                "job": "blackbox-internal",
                "instance": f"{name}.{namespace}.svc:8443",
                "service": name,
                "namespace": namespace,
            },
            row,
        )
        page.gauge(
            {
                "__name__": "x509_cert_not_after",
                "job": "x509-certificate-exporter",
                "instance": "x509-exporter:9793",
                "secret_namespace": namespace,
                "secret_name": f"{name}-tls",
                "secret_key": "tls.crt",
                "subject_CN": f"{name}.{namespace}.svc",
            },
            row,
        )
    return page.blocks()
