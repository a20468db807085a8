"""The last resort: what the words of a name and its unit say, when no convention knows the metric.

Recorded gauges (`service_cpu_usage_percent`, `pod_server_latency_p90_seconds`) and home-made counters are understood this way. Rules
are asked in order, so the more particular word decides: an *error* of the *cache* is an error.
"""

import dataclasses
import itertools
import re
from collections.abc import Iterable, Sequence

from rootward.signals import naming
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_QUANTILE = re.compile(r"(?:p|q|quantile|percentile)_?(50|75|90|95|98|99|999)(?:th)?|(50|75|90|95|99)(?:th)?p?")
_UNIT_WORDS = frozenset(
    [
        "seconds",
        "second",
        "milliseconds",
        "ms",
        "microseconds",
        "us",
        "nanoseconds",
        "ns",
        "minutes",
        "bytes",
        "kb",
        "mb",
        "gb",
        "mib",
        "kib",
        "ratio",
        "percent",
        "percentage",
        "pct",
        "millicores",
        "cores",
    ]
)
_RATIO_WORDS = frozenset(["ratio", "percent", "percentage", "pct", "share", "fraction", "utilization", "utilisation"])


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """`role` when every set of `every` shares a word with the name and `none` does not. `ratio`: role when the unit is a share instead.
    `across` of instances; `increase` for counters that are asked per window."""

    role: Role
    every: tuple[frozenset[str], ...]
    none: frozenset[str] = frozenset()
    ratio: Role | None = None
    across: str = "sum"
    increase: bool = False

    def says(self, words: frozenset[str]) -> bool:
        return all(group & words for group in self.every) and not self.none & words


def _rule(
    role: Role, *every: str, none: str = "", ratio: Role | None = None, across: str = "sum", increase: bool = False
) -> Rule:
    return Rule(
        role, tuple(frozenset(group.split()) for group in every), frozenset(none.split()), ratio, across, increase
    )


_FAILED = "error errors err errs fault faults failure failures failed fail fails exception exceptions panic panics 5xx 500 servfail rejected aborted timeouts timeout"
_TIME = "latency latencies duration durations time lat elapsed rt responsetime response_time delay rtt"
_COUNTED = "requests request rps qps tps ops workload throughput calls call invocations invocation hits transactions traffic operations load"
_DNS = "dns coredns nxdomain servfail"
_TLS = "tls ssl cert certificate certificates x509 handshake"
_NET = "network net nic eth interface socket tcp udp"

RULES: tuple[Rule, ...] = (
    _rule(Role.TLS_EXPIRY, _TLS, "expiry expires expire expiration until remaining notafter left valid", across="min"),
    _rule(Role.TLS_ERRORS, _TLS, _FAILED),
    _rule(Role.AVAILABILITY, "availability available success successes healthy uptime sli", none="pods replicas bytes memory mem disk connections nodes instances", across="avg"),
    _rule(Role.DNS_ERRORS, _DNS, f"{_FAILED} nxdomain"),
    _rule(Role.DNS_DURATION, _DNS, _TIME, across="max"),
    _rule(Role.JOB_FAILURES, "job jobs batch cron cronjob", _FAILED, increase=True),
    _rule(Role.JOB_DURATION, "job jobs batch cron cronjob", _TIME, across="max"),
    _rule(Role.JOB_LAST_SUCCESS, "job jobs batch cron cronjob backup", "last"),
    _rule(Role.CPU_THROTTLED, "cpu cfs", "throttled throttling throttle throttles"),
    _rule(Role.THROTTLED_REQUESTS, "throttled throttling throttles throttle throttledrequests 429 ratelimited limited"),
    _rule(Role.NETWORK_RETRANSMITS, "retransmit retransmits retrans retransmitted retransmission retransmissions retranssegs"),
    _rule(Role.RETRIES, "retry retries retried resend resends"),
    _rule(Role.DB_LOCK_WAITS, "lock locks deadlock deadlocks blocked", "wait waits waiting waiters deadlock deadlocks sessions blocked count"),
    _rule(Role.ERROR_RATE, _FAILED, ratio=Role.ERROR_RATIO),
    _rule(Role.CACHE_EVICTIONS, "eviction evictions evicted"),
    _rule(Role.CACHE_HIT_RATIO, "hit hits hitrate", f"cache redis memcached {' '.join(_RATIO_WORDS)} rate", across="avg"),
    _rule(Role.GC_TIME, "gc garbage"),
    _rule(Role.POOL_WAIT_TIME, "pool hikari", "wait acquire acquisition", f"{_TIME} seconds ms milliseconds", across="max"),
    _rule(Role.POOL_WAITERS, "pool hikari connections connection", "pending waiting waiters wait queued"),
    _rule(Role.POOL_LIMIT, "pool", "max limit size capacity maximum"),
    _rule(Role.POOL_IN_USE, "pool hikari", "active used use busy acquired checkedout inuse borrowed usage utilization utilisation", ratio=Role.SATURATION),
    _rule(Role.CONSUMER_LAG, "lag lags", none="replication replica seconds", across="sum"),
    _rule(Role.QUEUE_PUBLISH_RATE, "published publish produced sent", "messages message events queue topic records"),
    _rule(Role.QUEUE_DEPTH, "queue queued backlog mailbox", none=f"{_TIME} published consumed", ratio=Role.SATURATION),
    _rule(Role.QUEUE_DEPTH, "messages message", "visible ready unacked unacknowledged pending depth"),
    _rule(Role.RESTARTS, "restart restarts restarted", increase=True),
    _rule(Role.REPLICAS_DESIRED, "replicas pods instances", "desired spec wanted expected"),
    _rule(Role.REPLICAS_READY, "replicas pods instances hosts", "ready available running healthy current"),
    _rule(Role.DISK_USED_RATIO, "disk filesystem volume storage fs inode inodes buffer", f"used usage full utilization utilisation {' '.join(_RATIO_WORDS)}", none="io read write reads writes"),
    _rule(Role.DISK_IO, "disk filesystem volume storage fs diskio syscall", "io iops read reads write writes written throughput bytes read_bytes write_bytes"),
    _rule(Role.NETWORK_RECEIVE, f"{_NET} bytes packets", "receive received rx in ingress incoming inbound"),
    _rule(Role.NETWORK_TRANSMIT, f"{_NET} bytes packets", "transmit transmitted tx out egress outgoing outbound sent"),
    _rule(Role.CPU_USAGE, "cpu", " ".join(sorted(_RATIO_WORDS)), across="avg"),
    _rule(Role.MEMORY_LIMIT_RATIO, "memory mem heap", " ".join(sorted(_RATIO_WORDS)), none="free available", across="avg"),
    _rule(Role.CPU_USAGE, "cpu cpus millicores load1", none="limit limits request requests quota shares"),
    _rule(Role.MEMORY_USAGE, "memory mem heap rss workingset", none="limit limits request requests quota free available", ratio=Role.MEMORY_LIMIT_RATIO),
    _rule(Role.FILE_DESCRIPTORS, "fds fd descriptors"),
    _rule(Role.THREADS, "threads thread goroutines"),
    _rule(Role.DB_STATEMENT_TIME, "sql statement query queries database db mysql postgres", _TIME, across="max"),
    _rule(Role.DURATION_MEAN, _TIME, none="uptime last start created timestamp since limit"),
    _rule(Role.DB_QUERY_RATE, "sql statements query queries", none="size"),
    _rule(Role.DB_CONNECTIONS, "db database mysql postgres postgresql sql", "connections connection backends sessions"),
    _rule(Role.IN_FLIGHT, "requests request connections calls", "active inflight flight progress concurrent concurrency open"),
    _rule(Role.RATE, _COUNTED, none="size body bytes limit max log logs lines"),
    _rule(Role.SATURATION, "saturation utilization utilisation usage used", " ".join(_RATIO_WORDS), across="max"),
)  # fmt: skip
_UNITS = {Role.RATE: "{request}/s", Role.ERROR_RATE: "{error}/s"}
_MEANINGLESS = frozenset(
    ["info", "created", "build", "version", "labels", "metadata", "timestamp", "config", "spec", "expected", "birth"]
)
_CLIENT_WORDS = frozenset(["client", "upstream", "outbound", "downstream", "dependency", "egress"])
_DATABASE_ROLES = frozenset(
    {Role.DB_CONNECTIONS, Role.DB_LOCK_WAITS, Role.DB_QUERY_RATE, Role.CACHE_EVICTIONS, Role.CACHE_HIT_RATIO}
)
_QUEUE_ROLES = frozenset({Role.QUEUE_DEPTH, Role.QUEUE_PUBLISH_RATE, Role.CONSUMER_LAG})


def _expand(context: table.Context) -> Iterable[table.Binding]:
    family = context.family
    words = _words(family.name)
    bag = frozenset(words)
    ratio = family.unit == "1" or bool(bag & _RATIO_WORDS)
    rule = next((rule for rule in RULES if rule.says(bag)), None)
    role = Role.OTHER if rule is None else (rule.ratio if ratio and rule.ratio is not None else rule.role)
    if role is Role.OTHER and bag & _MEANINGLESS:
        return
    placed = _placed(context, role, bag)
    if placed is not None:
        yield from _of_role(placed, role, rule, ratio)


def _words(name: str) -> list[str]:
    """The name's words; "5xx" and "p99" stay one word, `in_use` becomes "inuse" too."""
    found = list(naming.words(name))
    joined = ["".join(pair) for pair in itertools.pairwise(found)]
    return found + [
        pair for pair in joined if pair in ("inuse", "inflight", "workingset", "responsetime", "diskio", "hitrate")
    ]


def _placed(context: table.Context, role: Role, words: frozenset[str]) -> table.Context | None:
    """The context with the view that the role and the words ask for: queues before services for queue depth, and so on."""
    rule = rules.GENERAL
    if role in _QUEUE_ROLES:
        rule = rules.QUEUES
    elif role in _DATABASE_ROLES:
        rule = rules.STORES
    elif "node" in words or "host" in words:
        rule = rules.GENERAL_NODE
    elif "pod" in words:
        rule = rules.GENERAL_POD
    client = bool(words & _CLIENT_WORDS)
    called = table.View(rules.CALLEE, observer=rule, name="client")
    if client and context.family.present is not None and called.applies(context.family):
        return dataclasses.replace(context, view=called)
    view = table.View(rule, name="client" if client else "")
    known = context.family.present is not None and view.applies(context.family)
    return dataclasses.replace(context, view=view) if known else None


def _of_role(context: table.Context, role: Role, rule: Rule | None, ratio: bool) -> Iterable[table.Binding]:
    family = context.family
    across = "sum" if rule is None else rule.across
    if role is Role.DURATION_MEAN:
        yield from _duration(context)
    elif family.kind in ("histogram", "mean", "summary"):
        timed = role in (Role.DB_STATEMENT_TIME, Role.DNS_DURATION, Role.JOB_DURATION, Role.POOL_WAIT_TIME)
        if role is Role.RATE:
            yield from measures.requests()(context)
        elif timed or role is Role.GC_TIME:
            yield from measures.durations(mean=role if timed else Role.OTHER)(context)
    elif role is Role.RATE and family.counts:
        yield from measures.requests(duration=False)(context)
    elif role is Role.ERROR_RATE and family.counts:
        yield from measures.counter(role, unit="{error}/s", scale=1.0)(context)
        yield from _ratio_of_errors(context)
    elif family.counts:
        # So many successes a second are no share of anything, and fewer of them no failure.
        counted = Role.OTHER if role is Role.AVAILABILITY else role
        yield from measures.counter(counted, increase=rule is not None and rule.increase)(context)
    else:
        if ratio and across == "sum":
            across = "avg"
        yield from measures.gauge(role, across=across, unit=_UNITS.get(role, ""))(context)


def _ratio_of_errors(context: table.Context) -> Iterable[table.Binding]:
    """Errors per request where a counter of the same prefix counts requests: `orders_errors_total` by `orders_requests_total`."""
    for find, replace in (
        (r"(errors|failures|failed|faults)", "requests"),
        (r"_(errors|failures|failed)(?=_total)", ""),
        (r"(errors|failures|failed)", "processed"),
    ):
        found = list(measures.ratio(Role.ERROR_RATIO, find, replace, combine=table.Combine.FAILURE_RATIO)(context))
        if found:
            yield from found
            return


def _duration(context: table.Context) -> Iterable[table.Binding]:
    family = context.family
    if family.kind in ("histogram", "mean", "summary"):
        yield from measures.requests()(context)
        return
    if family.counts:
        return  # a total of seconds says nothing without a count
    role = quantile_role(naming.words(family.name))
    yield from measures.gauge(role, across="max", unit="s" if family.unit in ("", "s") else family.unit)(context)


def quantile_role(words: Sequence[str]) -> Role:
    """Which quantile (or the mean) of a duration the words say."""
    for word in words:
        match = _QUANTILE.fullmatch(word)
        if match:
            digits = match[1] or match[2]
            if digits in ("50", "75"):
                return Role.DURATION_P50
            return Role.DURATION_P90 if digits in ("90", "95") else Role.DURATION_P99
    if "median" in words:
        return Role.DURATION_P50
    return Role.DURATION_P99 if {"max", "maximum"} & set(words) else Role.DURATION_MEAN


CONVENTION = table.Convention("words of the name", (table.pattern(r".*", _expand),), views=(table.View(rules.GENERAL),))
