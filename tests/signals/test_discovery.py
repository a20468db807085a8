"""Discovery of metric roles: real catalogues, convention by convention, and what must hold for any catalogue."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.signals import entities, roles
from rootward.signals.roles import discovery, rules
from rootward.signals.roles.role import Role
from rootward.signals.series import MetricInfo

Kind = entities.EntityKind


def histogram(name: str, *labels: str, unit: str = "", **values: tuple[str, ...]) -> list[MetricInfo]:
    seen = {**dict.fromkeys(labels, ("x",)), **values}
    return [
        MetricInfo(f"{name}_bucket", "histogram", unit, labels={**seen, "le": ("1",)}),
        MetricInfo(f"{name}_count", "histogram", unit, labels=seen),
        MetricInfo(f"{name}_sum", "histogram", unit, labels=seen),
    ]


def metric(name: str, kind: str, *labels: str, unit: str = "", **values: tuple[str, ...]) -> list[MetricInfo]:
    return [MetricInfo(name, kind, unit, labels={**dict.fromkeys(labels, ("x",)), **values})]


REQUESTS = {"rate", "error_ratio", "error_rate", "duration_mean", "duration_p50", "duration_p90", "duration_p99"}
TIMED = {"duration_mean", "duration_p50", "duration_p90", "duration_p99"}

# (convention, catalogue, the roles expected of its first metric's family)
CATALOGUES = [
    ("OpenTelemetry HTTP", histogram("http_server_request_duration_seconds", "service_name", "http_response_status_code"), REQUESTS),
    ("OpenTelemetry HTTP", histogram("http_server_duration_milliseconds", "service_name", "http_status_code"), REQUESTS),
    ("OpenTelemetry HTTP", histogram("http_client_request_duration_seconds", "service_name", "server_address", "http_response_status_code"), REQUESTS),
    ("RPC", histogram("rpc_server_duration_milliseconds", "service_name", "rpc_grpc_status_code"), REQUESTS),
    ("RPC", metric("grpc_server_handled_total", "counter", "app", "grpc_code"), {"rate", "error_ratio", "error_rate"}),
    ("RPC", histogram("grpc_server_handling_seconds", "app"), TIMED),
    ("OpenTelemetry database clients", histogram("db_client_operation_duration_seconds", "service_name", "server_address", "db_system_name"), REQUESTS - {"error_ratio", "error_rate"}),
    ("OpenTelemetry database clients", metric("db_client_connections_usage", "gauge", "service_name", "state"), {"pool_in_use"}),
    ("OpenTelemetry database clients", metric("db_client_connection_pending_requests", "gauge", "service_name"), {"pool_waiters"}),
    ("OpenTelemetry messaging", histogram("messaging_process_duration_seconds", "service_name", "error_type"), REQUESTS),
    ("span metrics", metric("traces_service_graph_request_total", "counter", "client", "server"), {"rate"}),
    ("span metrics", [*metric("traces_service_graph_request_failed_total", "counter", "client", "server"), *metric("traces_service_graph_request_total", "counter", "client", "server")], {"error_rate", "error_ratio"}),
    ("span metrics", metric("calls_total", "counter", "service_name", "span_kind", "status_code"), {"rate", "error_ratio", "error_rate"}),
    ("Istio", metric("istio_requests_total", "counter", "destination_workload", "source_workload", "response_code", "reporter", reporter=("destination", "source")), {"rate", "error_ratio", "error_rate"}),
    ("Istio", histogram("istio_request_duration_milliseconds", "destination_workload", "source_workload", reporter=("source",)), TIMED),
    ("Envoy", metric("envoy_cluster_upstream_rq_xx", "counter", "app", "envoy_cluster_name", "envoy_response_code_class"), {"rate", "error_ratio", "error_rate"}),
    ("Prometheus clients", metric("http_requests_total", "counter", "job", "instance", "code"), {"rate", "error_ratio", "error_rate"}),
    ("Prometheus clients", metric("http_requests_total", "unknown", "job", "instance", "code"), {"rate", "error_ratio", "error_rate"}),
    ("Prometheus clients", histogram("checkout_http_request_duration_seconds", "job", "instance"), TIMED | {"rate"}),
    ("Prometheus clients", metric("request_duration_seconds", "summary", "service", quantile=("0.5", "0.9", "0.99")), TIMED - {"duration_mean"}),
    ("Prometheus clients", histogram("http_server_requests_seconds", "application", "status", "outcome"), REQUESTS),
    ("Prometheus clients", histogram("http_client_requests_seconds", "application", "client_name", "status"), REQUESTS),
    ("process", metric("process_cpu_seconds_total", "counter", "job", "instance"), {"cpu_usage"}),
    ("process", metric("process_resident_memory_bytes", "gauge", "job", "instance"), {"memory_usage"}),
    ("kube-state-metrics", metric("kube_pod_container_status_restarts_total", "counter", "namespace", "pod"), {"restarts"}),
    ("kube-state-metrics", metric("kube_deployment_status_replicas_available", "gauge", "namespace", "deployment"), {"replicas_ready"}),
    ("cAdvisor", metric("container_cpu_usage_seconds_total", "counter", "namespace", "pod", "container"), {"cpu_usage"}),
    ("cAdvisor", [*metric("container_cpu_cfs_throttled_periods_total", "counter", "namespace", "pod", "container"), *metric("container_cpu_cfs_periods_total", "counter", "namespace", "pod", "container")], {"cpu_throttled"}),
    ("cAdvisor", [*metric("container_memory_working_set_bytes", "gauge", "pod", "container"), *metric("container_spec_memory_limit_bytes", "gauge", "pod", "container")], {"memory_usage", "memory_limit_ratio"}),
    ("cAdvisor", metric("container_cpu_cfs_throttled_seconds_total", "counter", "pod", "container"), {"cpu_throttled"}),
    ("node_exporter", metric("node_cpu_seconds_total", "counter", "instance", "mode"), {"cpu_usage"}),
    ("node_exporter", [*metric("node_filesystem_avail_bytes", "gauge", "instance", "mountpoint"), *metric("node_filesystem_size_bytes", "gauge", "instance", "mountpoint")], {"disk_used_ratio"}),
    ("node_exporter", metric("node_netstat_Tcp_RetransSegs", "unknown", "instance"), {"network_retransmits"}),
    ("JVM", [*metric("jvm_memory_used_bytes", "gauge", "application", "area"), *metric("jvm_memory_max_bytes", "gauge", "application", "area")], {"memory_usage", "memory_limit_ratio"}),
    ("JVM", metric("jvm_gc_pause_seconds_sum", "summary", "application") + metric("jvm_gc_pause_seconds_count", "summary", "application"), {"gc_time"}),
    ("connection pools", metric("hikaricp_connections_pending", "gauge", "application", "pool"), {"pool_waiters"}),
    ("connection pools", metric("pgxpool_acquired_conns", "gauge", "service"), {"pool_in_use"}),
    ("connection pools", metric("sqlalchemy_pool_checkedout", "gauge", "service"), {"pool_in_use"}),
    ("postgres_exporter", metric("pg_stat_activity_count", "gauge", "server", "state", "wait_event_type"), {"db_connections", "db_lock_waits"}),
    ("postgres_exporter", [*metric("pg_stat_statements_seconds_total", "counter", "server", "queryid"), *metric("pg_stat_statements_calls_total", "counter", "server", "queryid")], {"db_statement_time"}),
    ("mysqld_exporter", metric("mysql_global_status_threads_connected", "unknown", "instance"), {"db_connections"}),
    ("redis_exporter", [*metric("redis_keyspace_hits_total", "counter", "instance"), *metric("redis_keyspace_misses_total", "counter", "instance")], {"cache_hit_ratio"}),
    ("Kafka", metric("kafka_consumergroup_lag", "gauge", "consumergroup", "topic"), {"consumer_lag"}),
    ("RabbitMQ", metric("rabbitmq_queue_messages_ready", "gauge", "queue"), {"queue_depth"}),
    ("nginx", metric("nginx_ingress_controller_requests", "counter", "ingress", "exported_service", "status"), {"rate", "error_ratio", "error_rate"}),
    ("CoreDNS", metric("coredns_dns_responses_total", "counter", "job", "rcode"), {"dns_errors"}),
    ("CoreDNS", histogram("coredns_dns_request_duration_seconds", "job"), {"dns_duration"}),
    ("certificates and probes", metric("probe_ssl_earliest_cert_expiry", "gauge", "instance"), {"tls_expiry"}),
    ("CloudWatch", metric("aws_xray_latency_p99", "gauge", "service"), {"duration_p99"}),
    ("CloudWatch", metric("aws_applicationelb_target_response_time_average", "gauge", "dimension_LoadBalancer"), {"duration_mean"}),
    ("CloudWatch", metric("aws_rds_cpuutilization_average", "gauge", "dimension_DBInstanceIdentifier"), {"cpu_usage"}),
    ("CloudWatch", metric("aws_xray_availability_average", "gauge", "service"), {"availability"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("convention", "catalogue", "expected"), CATALOGUES, ids=[f"{row[0]}: {row[1][0].name}" for row in CATALOGUES]
)
def test_each_convention_knows_its_metrics(convention: str, catalogue: list[MetricInfo], expected: set[str]) -> None:
    names = {catalogue[0].name, re.sub("_(bucket|sum|count)$", "", catalogue[0].name)}
    found = [one for one in roles.discover(catalogue) if one.metric in names]
    assert {str(one.role) for one in found} == expected
    assert {one.convention for one in found} == {convention}


# Names that no convention knows: words, units and quantiles must do.
GENERIC = [
    ("service_cpu_usage_percent", ("service",), Role.CPU_USAGE, 0.01),
    ("pod_server_latency_p90_seconds", ("pod",), Role.DURATION_P90, 1.0),
    ("pod_success_rate_percent", ("pod",), Role.AVAILABILITY, 0.01),
    ("pod_workload_ops", ("pod",), Role.RATE, 1.0),
    ("service_memory_usage_mebibytes", ("service",), Role.MEMORY_USAGE, 2.0**20),
    ("orders_latency_p99_ms", ("service",), Role.DURATION_P99, 1e-3),
    ("http_5xx_ratio", ("service",), Role.ERROR_RATIO, 1.0),
    ("http_server_5xx_rate_pct", ("service",), Role.ERROR_RATIO, 0.01),
    ("upstream_call_error_ratio", ("service",), Role.ERROR_RATIO, 1.0),
    ("requests_per_sec", ("service",), Role.RATE, 1.0),
    ("disk_used_pct", ("service",), Role.DISK_USED_RATIO, 0.01),
    ("pod_restart_total", ("service",), Role.RESTARTS, 1.0),
    ("request_queue_depth", ("service",), Role.QUEUE_DEPTH, 1.0),
    ("tls_cert_seconds_until_expiry", ("service",), Role.TLS_EXPIRY, 1.0),
    ("coredns_servfail_ratio", ("service",), Role.DNS_ERRORS, 1.0),
    ("orders_cache_hit_ratio", ("service",), Role.CACHE_HIT_RATIO, 1.0),
    ("billing_pool_connections_pending", ("service",), Role.POOL_WAITERS, 1.0),
    ("events_consumer_lag", ("topic",), Role.CONSUMER_LAG, 1.0),
    ("node_network_receive_bytes", ("node",), Role.NETWORK_RECEIVE, 1.0),
    ("nightly_job_duration_seconds", ("service",), Role.JOB_DURATION, 1.0),
    ("search_result_count_avg", ("service",), Role.OTHER, 1.0),
]


@pytest.mark.parametrize(("name", "labels", "role", "scale"), GENERIC, ids=[row[0] for row in GENERIC])
def test_words_and_units_tell_what_an_unknown_gauge_means(name, labels, role, scale) -> None:
    (found,) = roles.discover(metric(name, "gauge", *labels))
    assert found.role is role
    assert found.scale == pytest.approx(scale)


def test_metrics_about_nobody_are_left_alone() -> None:
    assert roles.discover([MetricInfo("strange_thing", "gauge", labels={"colour": ("red",)})]) == ()


def test_what_exporters_say_about_themselves_is_left_alone() -> None:
    names = (
        "go_memstats_heap_alloc_bytes",
        "prometheus_tsdb_head_series",
        "scrape_duration_seconds",
        "kube_pod_info",
        "node_exporter_build_info",
    )
    catalogue = [one for name in names for one in metric(name, "gauge", "job", "instance")]
    assert roles.discover(catalogue) == ()


def test_client_views_say_who_measured_whom() -> None:
    found = roles.discover(histogram("http_client_request_duration_seconds", "service_name", "server_address"))
    labels = {"service_name": "web", "server_address": "cart.shop.svc.cluster.local:8080"}
    assert {one.observer.entity(labels) for one in found if one.observer} == {entities.Entity(Kind.SERVICE, "web")}
    assert {one.rule.entity(labels) for one in found} == {entities.Entity(Kind.SERVICE, "cart", "shop")}


def test_client_that_is_never_told_whom_it_called_is_not_mistaken_for_a_server() -> None:
    found = roles.discover(metric("pod_client_latency_p90_seconds", "gauge", "pod"))
    assert [one.variant for one in found] == ["client"]


def test_a_mesh_that_only_reports_from_the_source_is_not_asked_for_the_destination() -> None:
    labels = ("destination_workload", "source_workload", "response_code")
    found = roles.discover(metric("istio_requests_total", "counter", *labels, reporter=("source",)))
    assert {one.variant for one in found} == {"source"}


def test_overrides_stand_above_conventions() -> None:
    catalogue = metric("http_requests_total", "counter", "job", "code") + metric("weird", "gauge", "squad")
    overrides = [
        roles.Override("http_requests_total"),
        roles.Override("weird", "queue_depth", entity_label="squad", entity_kind=Kind.QUEUE, scale=2.0),
    ]
    (found,) = roles.discover(catalogue, overrides)
    assert (found.metric, found.role, found.scale) == ("weird", Role.QUEUE_DEPTH, 2.0)
    assert found.rule.entity({"squad": "red"}) == entities.Entity(Kind.QUEUE, "red")


def test_an_override_of_a_histogram_names_a_quantile() -> None:
    (found,) = roles.discover(histogram("foo_seconds", "service"), [roles.Override("foo_seconds", "duration_p99")])
    assert found.terms[0].quantile == 0.99


def test_an_override_with_an_unknown_role_is_an_error() -> None:
    with pytest.raises(ValueError, match="no_such_role"):
        roles.discover(metric("weird", "gauge", "service"), [roles.Override("weird", "no_such_role")])


EVERYTHING = [info for _, catalogue, _ in CATALOGUES for info in catalogue]


@given(st.permutations(EVERYTHING))
def test_the_order_of_a_catalogue_does_not_matter(shuffled: list[MetricInfo]) -> None:
    unique = list({info.name: info for info in EVERYTHING}.values())
    names = {info.name: place for place, info in enumerate(shuffled)}
    assert roles.discover(sorted(unique, key=lambda info: names[info.name])) == roles.discover(unique)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,40}", fullmatch=True)
LABELS = st.dictionaries(
    st.sampled_from(["service", "pod", "le", "quantile", "instance", "job", "code", "x"]), st.just(("1",))
)


@given(
    st.lists(
        st.builds(
            MetricInfo,
            NAMES,
            st.sampled_from(["counter", "gauge", "histogram", "summary", "unknown", "junk"]),
            labels=LABELS,
        ),
        max_size=12,
    )
)
def test_any_catalogue_is_understood_or_left_alone(catalogue: list[MetricInfo]) -> None:
    unique = list({info.name: info for info in catalogue}.values())
    for found in roles.discover(unique):
        assert found.terms
        assert all(term.quantile is None or term.aggregate is None for term in found.terms)


def test_terms_ask_only_for_metrics_that_exist() -> None:
    names = {info.name for info in EVERYTHING}
    assert {term.metric for one in roles.discover(EVERYTHING) for term in one.terms} <= names


def test_every_convention_file_is_registered() -> None:
    from pathlib import Path

    vocabulary = {
        "__init__",
        "binding",
        "combine",
        "discovery",
        "family",
        "role",
        "rules",
        "status",
        "table",
        "measures",
    }
    files = {path.stem for path in Path(discovery.__file__).parent.glob("*.py")}
    assert files - vocabulary == set(discovery.CONVENTION_MODULES)


def test_an_exporter_is_not_its_server() -> None:
    rule = rules.server_of(Kind.DATABASE)
    asked = {"instance": "10.0.0.7:9187", "job": "postgres-exporter", "server": "orders-db:5432"}
    assert rule.entity(asked) == entities.Entity(Kind.DATABASE, "orders-db")
    assert rule.entity({"job": "postgres-exporter", "instance": "10.0.0.7:9187"}) == entities.Entity(
        Kind.DATABASE, "postgres"
    )
