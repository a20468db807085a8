"""What Datadog's agent, integrations and tracers call the metrics and tags that exporters have under other names.

Names follow docs.datadoghq.com/integrations (kubernetes, kubernetes_state_core, postgres, redisdb, kafka_consumer, nginx ingress,
coredns, java) and /tracing/metrics. What no integration knows is collected by the OpenMetrics check under `openmetrics.`.
"""

import dataclasses
import re
from collections.abc import Mapping

SAME, RATE, COUNT, PERCENT = "gauge", "rate", "count", "percent"


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """A family's metric at Datadog. `how`: gauge as it is, rate (per second), count (since the last scrape), percent (share of
    the family's rate over all values of the label `of`). `where` are labels that a series must have; they give no tags."""

    metric: str
    how: str = SAME
    scale: float = 1.0
    where: tuple[tuple[str, str], ...] = ()
    of: str = ""
    unit: str = ""


def _where(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(labels.items())


RULES: dict[str, tuple[Rule, ...]] = {
    "container_cpu_usage_seconds_total": (
        Rule("kubernetes.cpu.usage.total", RATE, 1e9, unit="nanocore"),
        Rule("container.cpu.usage", RATE, 1e9, unit="nanocore"),
    ),
    "container_cpu_cfs_periods_total": (Rule("kubernetes.cpu.cfs.periods", RATE),),
    "container_cpu_cfs_throttled_periods_total": (
        Rule("kubernetes.cpu.cfs.throttled.periods", RATE),
        Rule("container.cpu.throttled.periods", RATE),
    ),
    "container_cpu_cfs_throttled_seconds_total": (
        Rule("kubernetes.cpu.cfs.throttled.seconds", RATE, unit="second"),
        Rule("container.cpu.throttled", RATE, 1e9, unit="nanosecond"),
    ),
    "container_memory_working_set_bytes": (
        Rule("kubernetes.memory.working_set", unit="byte"),
        Rule("kubernetes.memory.usage", unit="byte"),
        Rule("container.memory.usage", unit="byte"),
    ),
    "container_memory_rss": (Rule("kubernetes.memory.rss", unit="byte"), Rule("container.memory.rss", unit="byte")),
    "container_spec_memory_limit_bytes": (
        Rule("kubernetes.memory.limits", unit="byte"),
        Rule("container.memory.limit", unit="byte"),
    ),
    "container_network_receive_bytes_total": (Rule("kubernetes.network.rx_bytes", RATE, unit="byte"),),
    "container_network_transmit_bytes_total": (Rule("kubernetes.network.tx_bytes", RATE, unit="byte"),),
    "kube_pod_container_resource_limits": (
        Rule("kubernetes.cpu.limits", where=_where(resource="cpu"), unit="core"),
        Rule("kubernetes_state.container.cpu_limit", where=_where(resource="cpu"), unit="core"),
        Rule("kubernetes_state.container.memory_limit", where=_where(resource="memory"), unit="byte"),
    ),
    "kube_pod_container_status_restarts_total": (
        Rule("kubernetes.containers.restarts"),
        Rule("kubernetes_state.container.restarts"),
    ),
    "kube_pod_container_status_ready": (Rule("kubernetes_state.container.ready"),),
    "kube_pod_info": (Rule("kubernetes.pods.running"),),
    "kube_deployment_spec_replicas": (Rule("kubernetes_state.deployment.replicas_desired"),),
    "kube_deployment_status_replicas_available": (Rule("kubernetes_state.deployment.replicas_available"),),
    "kube_statefulset_replicas": (Rule("kubernetes_state.statefulset.replicas_desired"),),
    "kube_statefulset_status_replicas_ready": (Rule("kubernetes_state.statefulset.replicas_ready"),),
    "node_cpu_seconds_total": (
        Rule("system.cpu.user", PERCENT, 100.0, _where(mode="user"), "mode", "percent"),
        Rule("system.cpu.system", PERCENT, 100.0, _where(mode="system"), "mode", "percent"),
        Rule("system.cpu.iowait", PERCENT, 100.0, _where(mode="iowait"), "mode", "percent"),
        Rule("system.cpu.idle", PERCENT, 100.0, _where(mode="idle"), "mode", "percent"),
    ),
    "node_memory_MemAvailable_bytes": (Rule("system.mem.usable", unit="byte"),),
    "node_memory_MemTotal_bytes": (Rule("system.mem.total", unit="byte"),),
    "node_load1": (Rule("system.load.1"),),
    "node_filesystem_avail_bytes": (Rule("system.disk.free", unit="byte"),),
    "node_filesystem_size_bytes": (Rule("system.disk.total", unit="byte"),),
    "node_network_receive_bytes_total": (Rule("system.net.bytes_rcvd", RATE, unit="byte"),),
    "node_network_transmit_bytes_total": (Rule("system.net.bytes_sent", RATE, unit="byte"),),
    "node_netstat_Tcp_RetransSegs": (Rule("system.net.tcp.retrans_segs", RATE),),
    "pg_up": (Rule("postgresql.running"),),
    "pg_stat_activity_count": (Rule("postgresql.connections_by_state"), Rule("postgresql.activity.by_state")),
    "pg_stat_activity_max_tx_duration": (Rule("postgresql.activity.xact_start_age", unit="second"),),
    "pg_stat_database_numbackends": (Rule("postgresql.connections"),),
    "pg_stat_database_xact_commit": (Rule("postgresql.commits", RATE),),
    "pg_stat_database_tup_returned": (Rule("postgresql.rows_returned", RATE),),
    "pg_stat_database_blks_read": (Rule("postgresql.disk_read", RATE),),
    "pg_settings_max_connections": (Rule("postgresql.max_connections"),),
    "pg_locks_count": (Rule("postgresql.locks"),),
    "pg_stat_statements_calls_total": (Rule("postgresql.queries.count", COUNT),),
    "pg_stat_statements_seconds_total": (Rule("postgresql.queries.time", COUNT, 1e9, unit="nanosecond"),),
    "redis_keyspace_hits_total": (Rule("redis.stats.keyspace_hits", RATE),),
    "redis_keyspace_misses_total": (Rule("redis.stats.keyspace_misses", RATE),),
    "redis_evicted_keys_total": (Rule("redis.keys.evicted", RATE),),
    "redis_commands_processed_total": (Rule("redis.net.commands", RATE),),
    "redis_memory_used_bytes": (Rule("redis.mem.used", unit="byte"),),
    "redis_memory_max_bytes": (Rule("redis.mem.maxmemory", unit="byte"),),
    "redis_connected_clients": (Rule("redis.net.clients"),),
    "redis_db_keys": (Rule("redis.keys"),),
    "kafka_consumergroup_lag": (Rule("kafka.consumer_lag"),),
    "kafka_consumergroup_current_offset": (Rule("kafka.consumer_offset"),),
    "kafka_topic_partition_current_offset": (Rule("kafka.broker_offset"),),
    "jvm_memory_used_bytes": (
        Rule("jvm.heap_memory", where=_where(area="heap"), unit="byte"),
        Rule("jvm.non_heap_memory", where=_where(area="nonheap"), unit="byte"),
    ),
    "jvm_memory_max_bytes": (Rule("jvm.heap_memory_max", where=_where(area="heap"), unit="byte"),),
    "jvm_threads_live_threads": (Rule("jvm.thread_count"),),
    "jvm_gc_pause_seconds_count": (Rule("jvm.gc.minor_collection_count", COUNT),),
    "jvm_gc_pause_seconds_sum": (Rule("jvm.gc.minor_collection_time", COUNT, 1e3, unit="millisecond"),),
    "go_goroutines": (Rule("runtime.go.num_goroutine"),),
    "process_resident_memory_bytes": (Rule("runtime.process.mem.rss", unit="byte"),),
    "process_open_fds": (Rule("runtime.process.open_file_descriptors"),),
    "coredns_dns_requests_total": (Rule("coredns.request_count", COUNT),),
    "coredns_dns_responses_total": (Rule("coredns.response_code_count", COUNT),),
    "coredns_forward_healthcheck_failures_total": (Rule("coredns.forward_healthcheck_failure_count", COUNT),),
    "nginx_ingress_controller_requests": (Rule("nginx_ingress.controller.requests", RATE),),
    "kubelet_volume_stats_available_bytes": (Rule("kubernetes.kubelet.volume.stats.available_bytes", unit="byte"),),
    "kubelet_volume_stats_capacity_bytes": (Rule("kubernetes.kubelet.volume.stats.capacity_bytes", unit="byte"),),
    "kubelet_volume_stats_used_bytes": (Rule("kubernetes.kubelet.volume.stats.used_bytes", unit="byte"),),
    "kubelet_volume_stats_inodes": (Rule("kubernetes.kubelet.volume.stats.inodes"),),
    "kubelet_volume_stats_inodes_used": (Rule("kubernetes.kubelet.volume.stats.inodes_used"),),
    "container_fs_usage_bytes": (Rule("kubernetes.filesystem.usage", unit="byte"),),
    "kube_deployment_status_replicas": (Rule("kubernetes_state.deployment.replicas"),),
    "kube_deployment_status_replicas_ready": (Rule("kubernetes_state.deployment.replicas_ready"),),
    "kube_deployment_status_replicas_unavailable": (Rule("kubernetes_state.deployment.replicas_unavailable"),),
    "kube_deployment_status_replicas_updated": (Rule("kubernetes_state.deployment.replicas_updated"),),
    "kube_statefulset_status_replicas": (Rule("kubernetes_state.statefulset.replicas"),),
    "kube_statefulset_status_replicas_updated": (Rule("kubernetes_state.statefulset.replicas_updated"),),
    "kube_pod_status_phase": (Rule("kubernetes_state.pod.status_phase"),),
    "kube_pod_status_ready": (Rule("kubernetes_state.pod.ready"),),
    "node_timex_offset_seconds": (Rule("ntp.offset", unit="second"),),
    "node_nf_conntrack_entries": (Rule("system.net.conntrack.count"),),
    "node_nf_conntrack_entries_limit": (Rule("system.net.conntrack.max"),),
    "node_sockstat_TCP_tw": (Rule("system.net.tcp4.time_wait"),),
    "node_network_receive_drop_total": (Rule("system.net.packets_in.drop", RATE),),
    "node_network_receive_errs_total": (Rule("system.net.packets_in.error", RATE),),
    "pg_database_size_bytes": (Rule("postgresql.database_size", unit="byte"),),
    "pg_replication_lag_seconds": (Rule("postgresql.replication_delay", unit="second"),),
    "pg_stat_bgwriter_checkpoints_req_total": (Rule("postgresql.bgwriter.checkpoints_requested", COUNT),),
    "pg_stat_bgwriter_checkpoints_timed_total": (Rule("postgresql.bgwriter.checkpoints_timed", COUNT),),
    "pg_stat_bgwriter_buffers_checkpoint_total": (Rule("postgresql.bgwriter.buffers_checkpoint", COUNT),),
    "pg_stat_bgwriter_buffers_backend_total": (Rule("postgresql.bgwriter.buffers_backend", COUNT),),
    "pg_stat_database_xact_rollback": (Rule("postgresql.rollbacks", RATE),),
    "pg_stat_database_temp_bytes": (Rule("postgresql.temp_bytes", RATE, unit="byte"),),
    "pg_stat_user_tables_n_dead_tup": (Rule("postgresql.dead_rows"),),
    "pg_stat_user_tables_n_live_tup": (Rule("postgresql.live_rows"),),
    "pg_wal_size_bytes": (Rule("postgresql.wal_size", unit="byte"),),
    "probe_success": (Rule("network.http.can_connect"),),
    "probe_duration_seconds": (Rule("network.http.response_time", unit="second"),),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Traced:
    """A family of request durations as trace metrics: the operation, the labels that make a resource, the one with the status."""

    operation: str
    resource: tuple[str, ...]
    status: str = ""
    counter: str = ""  # a family of its own that counts by status


TRACED: dict[str, Traced] = {
    "http_server_request_duration_seconds": Traced(
        "http.request", ("http_request_method", "http_route"), "http_response_status_code"
    ),
    "http_request_duration_seconds": Traced("http.request", ("method", "handler"), "code", "http_requests_total"),
    "grpc_server_handling_seconds": Traced(
        "grpc.server", ("grpc_service", "grpc_method"), "grpc_code", "grpc_server_handled_total"
    ),
    "http_server_requests_seconds": Traced("http.request", ("method", "uri"), "status"),
    "nginx_ingress_controller_request_duration_seconds": Traced(
        "http.request", ("method", "path"), "status", "nginx_ingress_controller_requests"
    ),
    "http_client_request_duration_seconds": Traced(
        "http.client.request", ("http_request_method", "server_address"), "http_response_status_code"
    ),
    "http_client_requests_seconds": Traced("http.client.request", ("method", "client_name"), "status"),
}
GRPC_ERRORS = frozenset(("Internal", "Unavailable", "DeadlineExceeded", "ResourceExhausted", "Unknown", "DataLoss"))

_TAGS = {
    **dict.fromkeys(("service_name", "application", "app", "ingress"), "service"),
    "namespace": "kube_namespace",
    "pod": "pod_name",
    "container": "kube_container_name",
    "node": "host",
    "deployment": "kube_deployment",
    "statefulset": "kube_stateful_set",
    "image": "image_name",
    "datname": "db",
    "consumergroup": "consumer_group",
    "mountpoint": "mount_point",
    "server_address": "peer.hostname",
    "client_name": "peer.hostname",
    "http_response_status_code": "http.status_code",
    "code": "http.status_code",
    "grpc_code": "rpc.grpc.status_code",
    "http_request_method": "http.method",
    "http_route": "http.route",
}
_DROPPED = frozenset(("__name__", "job", "instance", "le", "metrics_path", "quantile"))
_NOT_TAG = re.compile(r"[^\w\-:./]+")
_REPLICA = re.compile(r"(.+)-[a-z0-9]{8,10}-[a-z0-9]{5}")


def tag_value(text: str) -> str:
    """Datadog keeps letters, digits and `_-:./`, in lower case, up to 200 characters."""
    return _NOT_TAG.sub("_", text.lower()).strip("_")[:200]


def tags(labels: Mapping[str, str], *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Labels as tags."""
    out = {"env": "production"}
    for name, value in labels.items():
        if name in _DROPPED or name in without or not value:
            continue
        out[_TAGS.get(name, name.lower())] = tag_value(value)
    pod = out.get("pod_name", "")
    if pod and "kube_deployment" not in out:
        found = _REPLICA.fullmatch(pod)
        if found:
            out["kube_deployment"] = found[1]
    if "service" not in out and out.get("kube_container_name"):
        out["service"] = out["kube_container_name"]
    return out
