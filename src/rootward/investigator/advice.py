"""What to look at next, by kind of fault: one sentence that a person on call can act on. Never an action of ours."""

from types import MappingProxyType

CHECKS = MappingProxyType(
    {
        "bad_deploy": "Compare the release before {entity}'s onset with the one running now; a roll-back should clear the errors within minutes.",
        "bad_config": "Diff the configuration of {entity} before and after the onset.",
        "feature_flag": "Turn the flag off for a share of traffic and watch the error ratio of {entity}.",
        "memory_leak": "Take a heap profile of {entity} before the next kill; compare growth per request with the previous release.",
        "oom_killed": "Compare {entity}'s memory limit with its working set before the kill.",
        "cpu_throttling": "Compare {entity}'s CPU limit with what it asks for; look at throttled periods after raising it.",
        "cpu_overload": "Profile {entity}'s CPU: which code or neighbour burns it.",
        "traffic_spike": "Split {entity}'s requests by client, route and country: who sends more.",
        "pool_exhaustion": "List what holds {entity}'s connections (idle in transaction, slow calls) and the pool's maximum.",
        "slow_query": "EXPLAIN the statement that slowed down on {entity}; compare with the schema change before it.",
        "lock_contention": "Look at {entity}'s blocking sessions (pg_blocking_pids) and the statement that holds the lock.",
        "cache_loss": "Check {entity} for restarts, evictions and maxmemory; watch reads move back from the database.",
        "certificate_expiry": "Read the certificate that {entity} serves (notAfter) and its renewal job.",
        "dns_failure": "Resolve the failing names from a pod of {entity}; look at CoreDNS's configuration and errors.",
        "retry_storm": "Cut {entity}'s retries (or shed load) and watch whether its callee recovers.",
        "third_party_slow": "Check {entity}'s status page, and its latency from another network.",
        "network_delay": "Measure round trips between {entity} and its callers; look at the node's network and policies.",
        "disk_full": "See what grew on {entity}'s disk.",
        "consumer_lag": "Look for one message that fails again and again on {entity}'s slowest partition.",
    }
)

FALLBACK = "Look at {entity}'s own logs and changes around the onset."


def next_check(fault: str, entity_name: str) -> str:
    return CHECKS.get(fault, FALLBACK).format(entity=entity_name)
