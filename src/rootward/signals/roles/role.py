"""The vocabulary of metric roles: what a number says about the entity it was measured on."""

import enum


class Role(enum.StrEnum):
    """Rate, errors, duration and saturation (Wilkie's RED, the four golden signals, Gregg's USE), then what is particular.

    The comment gives the unit that a question about the role answers in.
    """

    RATE = "rate"  # requests per second
    ERROR_RATE = "error_rate"  # failed requests per second
    ERROR_RATIO = "error_ratio"  # failed / all, 0..1
    DURATION_MEAN = "duration_mean"  # seconds
    DURATION_P50 = "duration_p50"  # seconds
    DURATION_P90 = "duration_p90"  # seconds (p90 or p95)
    DURATION_P99 = "duration_p99"  # seconds
    IN_FLIGHT = "in_flight"  # requests being served
    AVAILABILITY = "availability"  # 0..1, or percent as stored; low is bad
    CPU_USAGE = "cpu_usage"  # cores, or the share of a limit
    CPU_THROTTLED = "cpu_throttled"  # share of periods throttled, 0..1
    MEMORY_USAGE = "memory_usage"  # bytes
    MEMORY_LIMIT_RATIO = "memory_limit_ratio"  # usage / limit, 0..1
    GC_TIME = "gc_time"  # seconds per second
    THREADS = "threads"
    FILE_DESCRIPTORS = "file_descriptors"
    RESTARTS = "restarts"  # restarts per window (increase)
    REPLICAS_READY = "replicas_ready"
    REPLICAS_DESIRED = "replicas_desired"
    POOL_IN_USE = "pool_in_use"  # connections taken
    POOL_LIMIT = "pool_limit"
    POOL_WAITERS = "pool_waiters"  # callers waiting
    POOL_WAIT_TIME = "pool_wait_time"  # seconds
    DB_CONNECTIONS = "db_connections"
    DB_LOCK_WAITS = "db_lock_waits"  # sessions waiting for a lock
    DB_STATEMENT_TIME = "db_statement_time"  # seconds, mean per statement
    DB_QUERY_RATE = "db_query_rate"  # per second
    CACHE_HIT_RATIO = "cache_hit_ratio"  # 0..1; low is bad
    CACHE_EVICTIONS = "cache_evictions"  # per second
    QUEUE_DEPTH = "queue_depth"  # messages
    CONSUMER_LAG = "consumer_lag"  # messages
    QUEUE_PUBLISH_RATE = "queue_publish_rate"  # per second
    DISK_USED_RATIO = "disk_used_ratio"  # 0..1
    DISK_IO = "disk_io"  # bytes or operations per second
    NETWORK_RECEIVE = "network_receive"  # bytes per second
    NETWORK_TRANSMIT = "network_transmit"  # bytes per second
    NETWORK_RETRANSMITS = "network_retransmits"  # per second
    DNS_ERRORS = "dns_errors"  # per second
    DNS_DURATION = "dns_duration"  # seconds
    TLS_EXPIRY = "tls_expiry"  # seconds until the certificate expires; low is bad
    TLS_ERRORS = "tls_errors"  # failed handshakes per second
    RETRIES = "retries"  # per second
    THROTTLED_REQUESTS = "throttled_requests"  # 429s, CloudWatch throttles, per second
    JOB_DURATION = "job_duration"  # seconds
    JOB_FAILURES = "job_failures"  # per window
    JOB_LAST_SUCCESS = "job_last_success"  # seconds since the epoch
    SATURATION = "saturation"  # any other "how full", 0..1
    OTHER = "other"  # kept, compared with its own past, without a meaning

    __hash__ = str.__hash__  # Enum's own is written in Python


LOW_IS_BAD = frozenset(
    {Role.AVAILABILITY, Role.CACHE_HIT_RATIO, Role.REPLICAS_READY, Role.TLS_EXPIRY, Role.JOB_LAST_SUCCESS}
)
DURATIONS = frozenset({Role.DURATION_MEAN, Role.DURATION_P50, Role.DURATION_P90, Role.DURATION_P99})
ERRORS = frozenset({Role.ERROR_RATE, Role.ERROR_RATIO, Role.AVAILABILITY})
