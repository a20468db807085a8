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
        "network_loss": "Compare {entity}'s interface errors and retransmits with those of other machines; cordon it and watch the errors move.",
        "network_policy": "List the network policies that select {entity}'s callee and test the connection from a pod of the caller.",
        "conntrack_full": "Compare nf_conntrack_count with its maximum on {entity}; see which pods there open the connections.",
        "port_exhaustion": "Count {entity}'s sockets in TIME_WAIT by peer; look for a client that opens a connection per request.",
        "clock_drift": "Compare {entity}'s time with another machine's and look at its time service.",
        "zone_outage": "Compare success by zone; shift traffic away from {entity} and check the provider's status.",
        "permission_revoked": "Read the denied action in {entity}'s 403 and the last change of that role.",
        "batch_contention": "Compare the minutes in which {entity} runs with those in which statements wait.",
        "data_corruption": "Check {entity}'s volume for read errors, and restore the blocks that its log names from a replica.",
        "traffic_drop": "Ask for {entity}'s address from outside and see where DNS and the load balancer send it.",
        "disk_full": "See what grew on {entity}'s disk.",
        "db_failover": "Look at {entity}'s failover log and at which clients still hold connections to the old primary.",
        "replication_lag": "Compare {entity}'s write-ahead log rate with what its replica replays; look for a bulk write, and send reads that must be fresh to the primary.",
        "integer_overflow": "Look at the largest key of the table that {entity}'s failing inserts name, and at the column's type.",
        "io_storm": "Look at {entity}'s checkpoints and running vacuums, and at the disk's wait time beside them.",
        "broker_blocked": "Look at {entity}'s memory alarm and at which queue holds the memory.",
        "broker_partition": "Ask each node of {entity} which peers it sees; look at the network between them, then let the minority rejoin.",
        "gc_storm": "Look at {entity}'s heap after collection against its maximum; shed load or restart a pod and watch whether it recovers.",
        "fd_exhaustion": "List what {entity}'s open descriptors are (sockets by peer), and compare with the release before.",
        "shm_exhaustion": "Look at the size of {entity}'s /dev/shm and at the parallel plans that ask for it.",
        "version_skew": "Compare the versions on both sides of {entity}'s failing messages; finish the roll-out or take it back.",
        "n_plus_one": "Count {entity}'s statements per request before and after its release; look for a query inside a loop.",
        "db_credentials": "Compare the secret that {entity}'s clients run with and the one that holds now; restart those that started before the rotation.",
        "consumer_lag": "Look for one message that fails again and again on {entity}'s slowest partition.",
        "missing_configmap": "Create the config map that {entity}'s pods refer to, or take the reference back.",
        "missing_secret": "Create the secret that {entity}'s pods refer to, or take the reference back.",
        "image_reference": "Look whether the tag that {entity}'s pods ask for was ever pushed.",
        "image_pull_secret": "Try {entity}'s pull secret against the registry; compare it with those of its neighbours.",
        "crash_loop": "Read the first lines that {entity}'s container wrote before it ended (kubectl logs --previous).",
        "hpa_broken": "Read the conditions of {entity}'s HorizontalPodAutoscaler, and which metric it scales on.",
        "admission_webhook": "Call {entity} from the API server's side; look at its certificate, its endpoints and its failurePolicy.",
        "pod_ips_exhausted": "Count free addresses in the pods' subnets; see what else took them since the onset.",
        "init_blocked": "Read what {entity}'s init container waits for (kubectl logs -c), and whether it exists.",
        "readiness_port": "Compare the port that {entity}'s readiness probe asks with the one its container listens on.",
        "readiness_protocol": "Compare the scheme of {entity}'s readiness probe with what its container speaks.",
        "readiness_timing": "Give {entity}'s readiness probe the patience that its neighbours' have.",
        "liveness_port": "Compare the port that {entity}'s liveness probe asks with the one its container listens on.",
        "liveness_protocol": "Compare the scheme of {entity}'s liveness probe with what its container speaks.",
        "liveness_timing": "Give {entity}'s liveness probe the patience that its neighbours' have.",
        "service_selector": "Compare the selector of {entity}'s Service with the labels of its pods; look at its endpoints.",
        "service_port": "Compare the target port of {entity}'s Service with the port that its container opens.",
        "service_dns": "Look whether {entity}'s Service exists and its name resolves from a client's pod.",
        "zero_replicas": "See who set {entity}'s replicas to zero; scale it back.",
    }
)

FALLBACK = "Look at {entity}'s own logs and changes around the onset."


def next_check(fault: str, entity_name: str) -> str:
    return CHECKS.get(fault, FALLBACK).format(entity=entity_name)
