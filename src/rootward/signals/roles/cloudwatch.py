"""CloudWatch and X-Ray through exporters (YACE, cloudwatch_exporter): aws_<namespace>_<metric>_<statistic>, or a label `statistic`."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_KINDS = entities.EntityKind


def _dimension(kind: entities.EntityKind, *names: str) -> tuple[rules.EntityLabel, ...]:
    """The spellings that exporters give a dimension: dimension_DBInstanceIdentifier, dbinstance_identifier …"""
    return tuple(rules.EntityLabel(label, kind) for name in names for label in (f"dimension_{name}", name))


_ANY = rules.EntityRule(
    (
        *_dimension(_KINDS.SERVICE, "service", "ServiceName", "service_name"),
        *_dimension(_KINDS.FUNCTION, "FunctionName", "function_name"),
        *_dimension(_KINDS.DATABASE, "DBInstanceIdentifier", "dbinstance_identifier", "DBClusterIdentifier", "dbcluster_identifier", "TableName", "table_name"),
        *_dimension(_KINDS.CACHE, "CacheClusterId", "cache_cluster_id"),
        *_dimension(_KINDS.QUEUE, "QueueName", "queue_name", "TopicName", "topic_name", "StreamName", "stream_name", "Topic"),
        *_dimension(_KINDS.SERVICE, "TargetGroup", "target_group", "LoadBalancer", "load_balancer", "ApiName", "api_name", "ClusterName", "cluster_name", "InstanceId", "instance_id", "name"),
    ),
    namespaces=("account_id", "region"),
    pods=False,
)  # fmt: skip
_STATISTIC = r"(_(average|sum|maximum|minimum|samplecount|sample_count))?"
_AVERAGE = r"(_(average|p\d\d|maximum))?"


def _gauge(
    name: str, role: Role, *, scale: float = 1.0, unit: str = "", across: str = "sum", statistic: str = _STATISTIC
) -> table.Pattern:
    return table.pattern(rf"aws_\w*?_{name}{statistic}", measures.gauge(role, scale=scale, unit=unit, across=across))


def _latency(quantile: str, role: Role) -> table.Pattern:
    names = r"(latency|response_?time|target_response_time|duration|integration_latency)"
    return table.pattern(
        rf"aws_(?!lambda)\w*?_?{names}_{quantile}", measures.gauge(role, across="max", unit="s", scale=1.0)
    )


CONVENTION = table.Convention(
    "CloudWatch",
    (
        # Lambda's and API Gateway's durations are in milliseconds, X-Ray's and the load balancers' in seconds.
        table.pattern(
            r"aws_lambda_duration(_average)?", measures.gauge(Role.DURATION_MEAN, scale=1e-3, unit="s", across="max")
        ),
        table.pattern(
            r"aws_lambda_duration_(p9\d|maximum)", measures.gauge(Role.DURATION_P99, scale=1e-3, unit="s", across="max")
        ),
        table.pattern(
            r"aws_apigateway_(integration_)?latency(_average)?",
            measures.gauge(Role.DURATION_MEAN, scale=1e-3, unit="s", across="max"),
        ),
        table.pattern(
            r"aws_apigateway_(integration_)?latency_(p9\d|maximum)",
            measures.gauge(Role.DURATION_P99, scale=1e-3, unit="s", across="max"),
        ),
        table.pattern(
            r"aws_dynamodb_successful_request_latency(_average)?",
            measures.gauge(Role.DURATION_MEAN, scale=1e-3, unit="s", across="max"),
        ),
        table.pattern(
            r"aws_(rds|docdb)_(read|write)_latency(_average|_maximum)?",
            measures.gauge(Role.DB_STATEMENT_TIME, scale=1.0, unit="s", across="max"),
        ),
        _latency("p50", Role.DURATION_P50),
        _latency("(p90|p95)", Role.DURATION_P90),
        _latency("(p99|p99_9|maximum)", Role.DURATION_P99),
        _latency("average", Role.DURATION_MEAN),
        table.pattern(rf"aws_\w*?_availability{_STATISTIC}", measures.gauge(Role.AVAILABILITY, across="avg", unit="1")),
        _gauge(
            "(throttles|throttled_requests|user_errors_throttled|write_throttle_events|read_throttle_events)",
            Role.THROTTLED_REQUESTS,
        ),
        _gauge("(error_?rate|fault_?rate)", Role.ERROR_RATIO, across="max"),
        _gauge(
            "(httpcode_(target|elb)_5_?xx(_count)?|5_?xx_?error|5xx|errors|faults?|fault_count|error_count|system_errors)",
            Role.ERROR_RATE,
        ),
        _gauge("(request_?count|requests?|invocations|count|request_count_per_target)", Role.RATE),
        _gauge("cpu_?utilization", Role.CPU_USAGE, scale=0.01, unit="1", across="avg"),
        _gauge("memory_?utilization", Role.MEMORY_LIMIT_RATIO, scale=0.01, unit="1", across="avg"),
        _gauge("database_connections", Role.DB_CONNECTIONS),
        _gauge("concurrent_executions", Role.IN_FLIGHT),
        _gauge("approximate_number_of_messages_visible", Role.QUEUE_DEPTH),
        _gauge("approximate_age_of_oldest_message", Role.OTHER, unit="s", across="max"),
        _gauge("number_of_messages_sent", Role.QUEUE_PUBLISH_RATE),
        _gauge("iterator_age(_milliseconds)?", Role.OTHER, unit="ms", across="max"),
        _gauge("cache_hit_rate", Role.CACHE_HIT_RATIO, scale=0.01, unit="1", across="avg"),
        _gauge("evictions", Role.CACHE_EVICTIONS),
        _gauge("healthy_host_count", Role.REPLICAS_READY),
        table.pattern(r"aws_\w+_info|yace_.*|cloudwatch_.*"),
    ),
    views=(table.View(_ANY),),
)
