"""What follows from what: a strong cause lessens the clues that usually follow from it, where the graph lets it.

A lock makes statements slow, slow statements empty pools, a lost cache floods the database behind it, a spike of traffic does all
of these. The lesser clue stays, as a symptom.
"""

import dataclasses
from collections.abc import Sequence

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture

# Other names of the same thing, at the same entity only: the more particular kind is kept.
SAME = {
    "bad_deploy": frozenset({"code_exception", "code_return", "crash_loop"}),
    "bad_config": frozenset({"code_exception", "code_return", "crash_loop"}),
    "feature_flag": frozenset({"code_exception", "code_return"}),
    "memory_leak": frozenset({"oom_killed", "memory_pressure", "crash_loop"}),
    "memory_pressure": frozenset({"cpu_overload"}),  # what fills memory works for it
    "cpu_overload": frozenset({"code_exception", "code_return", "network_delay"}),  # starved of CPU, all else fails too
    "network_delay": frozenset({"code_exception", "code_return"}),
    # What a release or a configuration did is more particular than that there was one.
    "n_plus_one": frozenset({"bad_deploy", "bad_config", "pool_exhaustion", "code_exception", "code_return"}),
    "version_skew": frozenset({"bad_deploy", "bad_config", "code_exception", "code_return"}),
    "consumer_lag": frozenset({"bad_deploy", "bad_config", "code_exception", "code_return", "retry_storm"}),
    "io_storm": frozenset({"slow_query"}),
    "batch_contention": frozenset({"io_storm", "slow_query", "cpu_overload", "cpu_throttling"}),
    "db_failover": frozenset({"slow_query", "code_exception", "code_return"}),
    "data_corruption": frozenset({"code_exception", "code_return"}),
    "integer_overflow": frozenset({"code_exception", "code_return"}),
    "gc_storm": frozenset({"memory_leak", "memory_pressure", "cpu_overload", "cpu_throttling", "code_exception"}),
    # What ran out is more particular than the release that uses it up.
    "fd_exhaustion": frozenset({"bad_deploy", "bad_config", "code_exception", "code_return"}),
    "port_exhaustion": frozenset({"bad_deploy", "bad_config", "code_exception", "code_return"}),
    "shm_exhaustion": frozenset({"disk_full", "bad_config", "bad_deploy", "code_exception", "code_return"}),
    "permission_revoked": frozenset({"bad_config", "bad_deploy", "code_exception", "code_return"}),
    "network_policy": frozenset({"bad_config", "bad_deploy", "code_exception", "code_return", "network_delay"}),
}
STRONG = 3.0  # nats from which a clue explains others
NAMED = 1.5  # nats from which a kind replaces lesser names of itself
EXPLAINED = 0.3  # the share of its weight that an explained clue keeps
_MISSING = frozenset({"cpu_throttling", "cpu_overload", "pool_exhaustion", "retry_storm", "code_exception"})
EVERYWHERE = frozenset({"traffic_spike", "traffic_drop", "dns_failure", "zone_outage"})
SHARED = frozenset({"signature.shared"})  # families whose clue is about what many read
OVERLOADS = frozenset({"n_plus_one"})  # causes that do to what they call what they do to themselves
FOLLOW = {
    "bad_config": frozenset({"crash_loop", "code_exception", "code_return", "retry_storm", "bad_deploy"}),
    "n_plus_one": frozenset({"slow_query", "pool_exhaustion", "retry_storm", "cpu_overload", "cpu_throttling"}),
    "io_storm": frozenset({"consumer_lag", "slow_query", "pool_exhaustion", "retry_storm"}),
    "batch_contention": frozenset({"consumer_lag", "slow_query", "pool_exhaustion", "retry_storm"}),
    "traffic_drop": frozenset({"code_return", "code_exception", "third_party_slow"}),
    "version_skew": frozenset({"code_exception", "code_return", "retry_storm"}),
    "db_failover": frozenset({"consumer_lag", "code_exception", "code_return", "pool_exhaustion", "retry_storm"}),
    "data_corruption": frozenset({"consumer_lag", "code_exception", "code_return", "retry_storm"}),
    "integer_overflow": frozenset({"code_exception", "code_return", "retry_storm"}),
    "broker_blocked": frozenset({"code_exception", "code_return", "third_party_slow", "retry_storm", "consumer_lag"}),
    "broker_partition": frozenset({"code_exception", "code_return", "retry_storm", "consumer_lag"}),
    "traffic_spike": frozenset(
        {
            "conntrack_full",
            "consumer_lag",
            "cpu_throttling",
            "cpu_overload",
            "pool_exhaustion",
            "slow_query",
            "retry_storm",
        }
    ),
    "cache_loss": frozenset(
        {"consumer_lag", "slow_query", "pool_exhaustion", "retry_storm", "cpu_overload", "cpu_throttling"}
    ),
    "lock_contention": frozenset({"consumer_lag", "slow_query", "pool_exhaustion", "retry_storm"}),
    "slow_query": frozenset({"consumer_lag", "pool_exhaustion", "retry_storm"}),
    "dns_failure": frozenset({"third_party_slow", "retry_storm", "code_exception", "code_return"}),
    "third_party_slow": frozenset({"consumer_lag", "pool_exhaustion", "retry_storm"}),
    "memory_leak": frozenset({"consumer_lag", "crash_loop", "cpu_overload", "cpu_throttling", "retry_storm"}),
    "cpu_throttling": frozenset({"consumer_lag", "pool_exhaustion", "retry_storm", "cpu_overload"}),
    "pool_exhaustion": frozenset({"consumer_lag", "retry_storm"}),
    # Pods that are not there leave their work to those that are.
    "pod_preempted": _MISSING,
    "pod_ips_exhausted": _MISSING,
    "admission_webhook": _MISSING,
    "zone_outage": frozenset({"kube_proxy_unavailable", "network_loss", "kubelet_unavailable", "retry_storm"}),
    "network_loss": frozenset({"kube_proxy_unavailable"}),
    "conntrack_full": frozenset({"kube_proxy_unavailable"}),
    "certificate_expiry": frozenset({"retry_storm", "third_party_slow", "code_exception", "code_return"}),
}


def explain(seen: picture.Picture, clues: Sequence[cases.Clue]) -> list[cases.Clue]:
    """The same clues in the same order, those that a stronger one explains lessened and marked."""
    strong = [
        clue
        for clue in clues
        if clue.weight >= STRONG and clue.fault in FOLLOW and (clue.fault != "bad_config" or clue.family in SHARED)
    ]
    named = {(clue.entity, other) for clue in clues if clue.weight >= NAMED for other in SAME.get(clue.fault, ())}
    return [
        dataclasses.replace(clue, weight=clue.weight * EXPLAINED, symptom=True)
        if clue.weight > 0
        and ((clue.entity, clue.fault) in named or any(_explains(seen, cause, clue) for cause in strong))
        else clue
        for clue in clues
    ]


def _explains(seen: picture.Picture, cause: cases.Clue, clue: cases.Clue) -> bool:
    if clue.fault not in FOLLOW[cause.fault]:
        return False
    if cause.fault in EVERYWHERE or cause.family in SHARED or cause.entity == clue.entity:
        return True
    if cause.fault in OVERLOADS and clue.entity in seen.graph.callees.get(cause.entity, ()):
        return True
    reached = seen.graph.below(clue.entity)
    if any(victim in reached for victim in cause.victims):
        return True
    return cause.entity in reached or any(caller in reached for caller in seen.graph.callers.get(cause.entity, {}))
