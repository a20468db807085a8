"""kube-state-metrics: what the cluster wants and what it has (github.com/kubernetes/kube-state-metrics, docs/metrics)."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_KINDS = entities.EntityKind
_NAMESPACES = ("exported_namespace", "namespace")


def _named(kind: entities.EntityKind, *labels: str) -> tuple[table.View, ...]:
    return (
        table.View(rules.EntityRule(tuple(rules.EntityLabel(label, kind) for label in labels), namespaces=_NAMESPACES)),
    )


_PODS = _named(_KINDS.POD, "exported_pod", "pod")
_DEPLOYMENT = _named(_KINDS.WORKLOAD, "deployment")
_STATEFUL = _named(_KINDS.WORKLOAD, "statefulset")
_DAEMON = _named(_KINDS.WORKLOAD, "daemonset")
_REPLICAS = _named(_KINDS.WORKLOAD, "horizontalpodautoscaler", "hpa")
_JOB = _named(_KINDS.WORKLOAD, "job_name", "exported_job")
_CRON = _named(_KINDS.WORKLOAD, "cronjob")
_NODE = _named(_KINDS.NODE, "exported_node", "node")
_VOLUME = _named(_KINDS.WORKLOAD, "persistentvolumeclaim")
_QUOTA = (
    table.View(
        rules.EntityRule(tuple(rules.EntityLabel(label, _KINDS.NAMESPACE) for label in _NAMESPACES), namespaces=())
    ),
)
_TRUE = table.matcher("condition", "=", "true")

CONVENTION = table.Convention(
    "kube-state-metrics",
    (
        table.pattern(
            r"kube_pod_container_status_restarts_total",
            measures.counter(Role.RESTARTS, increase=True, unit="{restart}"),
            views=_PODS,
        ),
        table.pattern(
            r"kube_pod_container_status_waiting_reason",
            measures.gauge(Role.OTHER, unit="{container}", detail=("reason",)),
            views=_PODS,
        ),
        table.pattern(
            r"kube_pod_container_status_last_terminated_reason",
            measures.gauge(Role.OTHER, unit="{container}", detail=("reason",)),
            views=_PODS,
        ),
        table.pattern(
            r"kube_pod_container_status_ready",
            measures.unless("kube_pod_status_ready", measures.gauge(Role.REPLICAS_READY, unit="{container}")),
            views=_PODS,
        ),
        table.pattern(
            r"kube_pod_status_ready", measures.gauge(Role.REPLICAS_READY, unit="{pod}", matchers=(_TRUE,)), views=_PODS
        ),
        table.pattern(
            r"kube_deployment_status_replicas_(available|ready)",
            measures.gauge(Role.REPLICAS_READY, unit="{pod}"),
            views=_DEPLOYMENT,
        ),
        table.pattern(
            r"kube_deployment_spec_replicas", measures.gauge(Role.REPLICAS_DESIRED, unit="{pod}"), views=_DEPLOYMENT
        ),
        table.pattern(
            r"kube_statefulset_status_replicas_ready",
            measures.gauge(Role.REPLICAS_READY, unit="{pod}"),
            views=_STATEFUL,
        ),
        table.pattern(
            r"kube_statefulset_replicas", measures.gauge(Role.REPLICAS_DESIRED, unit="{pod}"), views=_STATEFUL
        ),
        table.pattern(
            r"kube_daemonset_status_number_(ready|available)",
            measures.gauge(Role.REPLICAS_READY, unit="{pod}"),
            views=_DAEMON,
        ),
        table.pattern(
            r"kube_daemonset_status_desired_number_scheduled",
            measures.gauge(Role.REPLICAS_DESIRED, unit="{pod}"),
            views=_DAEMON,
        ),
        table.pattern(
            r"kube_(horizontalpodautoscaler|hpa)_status_current_replicas",
            measures.ratio(Role.SATURATION, r"status_current_replicas$", "spec_max_replicas", counted=False),
            views=_REPLICAS,
        ),
        table.pattern(r"kube_job_status_failed", measures.gauge(Role.JOB_FAILURES, unit="{pod}"), views=_JOB),
        table.pattern(
            r"kube_cronjob_status_last_successful_time",
            measures.gauge(Role.JOB_LAST_SUCCESS, across="max", unit="s"),
            views=_CRON,
        ),
        table.pattern(
            r"kube_job_status_completion_time",
            measures.ratio(
                Role.JOB_DURATION,
                r"completion_time$",
                "start_time",
                counted=False,
                combine=table.Combine.DIFFERENCE,
                unit="s",
                across="max",
            ),
            views=_JOB,
        ),
        table.pattern(
            r"kube_node_status_condition",
            measures.gauge(
                Role.AVAILABILITY,
                unit="1",
                across="min",
                matchers=(table.matcher("condition", "=", "Ready"), table.matcher("status", "=", "true")),
            ),
            views=_NODE,
        ),
        table.pattern(
            r"kubelet_volume_stats_used_bytes",
            measures.ratio(Role.DISK_USED_RATIO, r"used_bytes$", "capacity_bytes", counted=False),
            views=_VOLUME,
        ),
        table.pattern(r"kubelet_volume_stats_.*"),
        table.pattern(
            r"kube_resourcequota",
            measures.gauge(Role.OTHER, detail=("resource", "type")),
            views=_QUOTA,
        ),
        table.pattern(r"kube_.*"),
    ),
)
