"""What an alert's labels tell: the thing that it is about, and the measured quantity.

Label names are those that alerting rules carry over from metrics: Prometheus jobs, kube-state-metrics, OpenTelemetry.
"""

import re
from collections.abc import Mapping

from rootward.signals import entities

# The first label present decides: from what people own and page for to what it runs on.
_KINDS: tuple[tuple[str, entities.EntityKind], ...] = (
    ("service", entities.EntityKind.SERVICE),
    ("service_name", entities.EntityKind.SERVICE),
    ("service.name", entities.EntityKind.SERVICE),
    ("destination_service_name", entities.EntityKind.SERVICE),
    ("destination_workload", entities.EntityKind.WORKLOAD),
    ("app", entities.EntityKind.SERVICE),
    ("app_kubernetes_io_name", entities.EntityKind.SERVICE),
    ("application", entities.EntityKind.SERVICE),
    ("component", entities.EntityKind.SERVICE),
    ("microservice", entities.EntityKind.SERVICE),
    ("deployment", entities.EntityKind.WORKLOAD),
    ("statefulset", entities.EntityKind.WORKLOAD),
    ("daemonset", entities.EntityKind.WORKLOAD),
    ("cronjob", entities.EntityKind.WORKLOAD),
    ("job_name", entities.EntityKind.WORKLOAD),
    ("workload", entities.EntityKind.WORKLOAD),
    ("function_name", entities.EntityKind.FUNCTION),
    ("FunctionName", entities.EntityKind.FUNCTION),
    ("queue", entities.EntityKind.QUEUE),
    ("topic", entities.EntityKind.QUEUE),
    ("queue_name", entities.EntityKind.QUEUE),
    ("datname", entities.EntityKind.DATABASE),
    ("database", entities.EntityKind.DATABASE),
    ("db_instance", entities.EntityKind.DATABASE),
    ("cache", entities.EntityKind.CACHE),
    ("pod", entities.EntityKind.POD),
    ("pod_name", entities.EntityKind.POD),
    ("node", entities.EntityKind.NODE),
    ("nodename", entities.EntityKind.NODE),
    ("job", entities.EntityKind.SERVICE),
    ("host", entities.EntityKind.NODE),
    ("instance", entities.EntityKind.NODE),
    ("namespace", entities.EntityKind.NAMESPACE),
)
# Scrape jobs that name the exporter, not the thing that the alert is about.
_EXPORTERS = re.compile(
    r"(?:.*[-_/])?(?:kube-state-metrics|node[-_]exporter|cadvisor|kubelet|apiserver|kubernetes-[a-z-]+|prometheus|blackbox.*"
    r"|pushgateway|alertmanager|otel.*|opentelemetry.*|[a-z]+[-_]exporter)\Z",
    re.IGNORECASE,
)
_PORT = re.compile(r":\d+\Z")
_METRIC_LABELS = ("metric", "metric_name", "__metric__", "sli", "slo", "signal")
_IDENTIFIER = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?=\s*[{\[])|\b[a-zA-Z]+_[a-zA-Z0-9_:]+\b")
_THRESHOLD = re.compile(r"(?:>=|<=|==|!=|>|<)\s*(?:bool\s+)?([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*\)*\s*\Z")
_NOT_METRICS = frozenset({"group_left", "group_right", "count_values", "label_replace", "label_join", "histogram_quantile",
  "avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time", "last_over_time", "absent_over_time",
  "present_over_time", "quantile_over_time", "stddev_over_time", "predict_linear", "clamp_max", "clamp_min", "day_of_month",
  "day_of_week", "days_in_month", "histogram_count", "histogram_sum", "histogram_avg", "double_exponential_smoothing"})  # fmt: skip


def entity(labels: Mapping[str, str]) -> entities.Entity | None:
    """What the alert is about, by its most telling label; None when no label tells."""
    namespace = next(
        (labels[key] for key in ("namespace", "kubernetes_namespace", "exported_namespace") if labels.get(key)), ""
    )
    for label, kind in _KINDS:
        name = labels.get(label, "") or labels.get(f"exported_{label}", "")
        if not name or (label in ("job", "service", "app") and _EXPORTERS.match(name)):
            continue
        if label == "instance":
            name = _PORT.sub("", name)
        alone = kind in (entities.EntityKind.NODE, entities.EntityKind.NAMESPACE)
        return entities.Entity(kind, name, "" if alone else namespace)
    return None


def metric(labels: Mapping[str, str], annotations: Mapping[str, str], expr: str = "") -> str:
    """The measured thing: a label or annotation that names it, else the first metric of the expression, else ""."""
    for source in (labels, annotations):
        for key in _METRIC_LABELS:
            if source.get(key):
                return source[key]
    without_texts = re.sub(r"\"[^\"]*\"|'[^']*'", "", expr)
    without_grouping = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", without_texts)
    without_labels = re.sub(r"\{[^}]*\}", "{}", without_grouping)
    return next((one for one in _IDENTIFIER.findall(without_labels) if one not in _NOT_METRICS), "")


def threshold(expr: str) -> float | None:
    """The number that the expression compares with, when it ends in one: `… > 0.05`."""
    found = _THRESHOLD.search(expr)
    return float(found[1]) if found else None
