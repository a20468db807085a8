"""The vocabulary of kinds of fault: plain strings, as findings and sealed truths spell them.

Only strings, so that a connector, a plug-in or a recorded data set may bring a kind that this list does not have; the
sentence is what a person reads. Sources: shared reference `faults.md` (AIOpsLab, ITBench, SREGym, post-mortems) and the
Cloud-OpsBench taxonomy (arXiv 2603.00468).
"""

from types import MappingProxyType

SENTENCES = MappingProxyType(
    {
        # software and releases
        "bad_deploy": "a release introduced the failure",
        "bad_config": "a configuration change introduced the failure",
        "feature_flag": "a feature-flag change introduced the failure",
        "n_plus_one": "a change multiplied the queries made per request",
        "code_exception": "the code throws an exception",
        "code_return": "the code returns a wrong result",
        "version_skew": "two versions that run together do not understand each other",
        # resources
        "memory_leak": "memory grows until the container is killed (OOM)",
        "oom_killed": "the memory limit is too low and the container is killed (OOM)",
        "cpu_throttling": "the container is throttled at its CPU limit",
        "cpu_overload": "something burns CPU on this workload",
        "memory_pressure": "something consumes memory on this workload",
        "disk_full": "a disk is full",
        "gc_storm": "garbage collection takes the processor's time",
        "fd_exhaustion": "file descriptors are used up",
        "shm_exhaustion": "shared memory is used up",
        "traffic_spike": "more traffic than the system can serve",
        "traffic_drop": "requests stopped arriving",
        # data stores, caches, queues
        "pool_exhaustion": "the connection pool is exhausted",
        "slow_query": "a database statement became slow",
        "lock_contention": "sessions wait for a database lock",
        "cache_loss": "the cache stopped absorbing reads",
        "consumer_lag": "a consumer does not keep up with its queue",
        "db_read_only": "the database refuses writes",
        "db_credentials": "the database rejects the credentials",
        "batch_contention": "a batch job contends for the database",
        "data_corruption": "data on the volume cannot be read",
        "db_port": "clients use the wrong port of the database",
        "db_failover": "the database failed over to a standby",
        "replication_lag": "a replica is behind its primary",
        "integer_overflow": "a number no longer fits its column",
        "io_storm": "checkpoints or vacuum keep the disk busy",
        "broker_blocked": "the broker blocks its publishers",
        "broker_partition": "the broker's nodes have lost one another",
        # network and third parties
        "certificate_expiry": "a TLS certificate expired",
        "dns_failure": "names do not resolve",
        "network_delay": "the network adds latency",
        "network_loss": "the network loses packets",
        "network_policy": "a network policy blocks the connection",
        "conntrack_full": "the machine's connection tracking table is full",
        "port_exhaustion": "the service has no ephemeral ports left",
        "clock_drift": "the machine's clock is wrong",
        "zone_outage": "a zone lost its network",
        "permission_revoked": "a permission was taken away",
        "retry_storm": "retries keep the callee overloaded after the trigger has gone",
        "third_party_slow": "a third party is slow or failing",
        # Kubernetes
        "quota_cpu": "the namespace's CPU quota is used up",
        "quota_memory": "the namespace's memory quota is used up",
        "quota_pods": "the namespace's pod quota is used up",
        "quota_services": "the namespace's service quota is used up",
        "quota_storage": "the namespace's storage quota is used up",
        "missing_service_account": "the service account does not exist",
        "containerd_unavailable": "the container runtime is not working on the node",
        "kube_proxy_unavailable": "kube-proxy is not working",
        "kube_scheduler_unavailable": "the scheduler is not working",
        "kubelet_unavailable": "the kubelet is not working on the node",
        "zero_replicas": "the workload is scaled to zero",
        "liveness_port": "the liveness probe asks the wrong port",
        "liveness_protocol": "the liveness probe speaks the wrong protocol",
        "liveness_timing": "the liveness probe is too impatient",
        "readiness_port": "the readiness probe asks the wrong port",
        "readiness_protocol": "the readiness probe speaks the wrong protocol",
        "readiness_timing": "the readiness probe is too impatient",
        "port_conflict": "two containers of the pod claim the same port",
        "capacity_cpu": "no node has the CPU that the pod requests",
        "capacity_memory": "no node has the memory that the pod requests",
        "node_affinity": "no node satisfies the pod's node affinity",
        "node_cordon": "the nodes are cordoned",
        "node_selector": "no node has the label that the pod selects",
        "pod_anti_affinity": "pod anti-affinity leaves no node",
        "taint_toleration": "the pod does not tolerate the nodes' taints",
        "service_dns": "the service's name does not resolve",
        "service_address": "an environment variable points to a wrong address",
        "service_port": "the service's port mapping is wrong",
        "service_selector": "the service's selector matches no pod",
        "image_registry_dns": "the image registry's name does not resolve",
        "image_reference": "the image does not exist",
        "image_pull_secret": "the image pull secret is missing",
        "missing_secret": "a referenced secret is missing",
        "missing_configmap": "a referenced config map is missing",
        "volume_permission": "the volume's permissions deny the container",
        "crash_loop": "the container crashes at start",
        "hpa_broken": "the autoscaler does not scale the workload",
        "admission_webhook": "an admission webhook keeps new pods away",
        "pod_ips_exhausted": "there are no addresses left for new pods",
        "pod_preempted": "pods of higher priority took the place of the workload's",
        "storage_class": "the storage class does not exist",
        "volume_access_mode": "the volume cannot be attached where the pod is",
        "eviction_threshold": "the kubelet evicts at a threshold that healthy disks do not meet",
        "ingress_misroute": "an ingress leads to a service or port that does not exist, or no controller serves it",
        "mesh_policy_denied": "an authorisation policy denies the calls",
        "mtls_strict": "mutual TLS is required and the caller does not speak it",
        "traffic_policy_local": "traffic stays on the caller's node, where nobody answers",
        "init_blocked": "an init container waits for something that does not come",
        # none of them
        "unknown": "the kind of fault could not be told",
    }
)


def sentence(kind: str) -> str:
    """What a person reads for `kind`; the kind itself, spaced, when it is not in the vocabulary."""
    return SENTENCES.get(kind, kind.replace("_", " "))
