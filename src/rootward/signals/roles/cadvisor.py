"""cAdvisor, as the kubelet serves it: what each container uses of CPU, memory, network and disk."""

from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

# A pod's cgroup repeats its containers' sum (container="") and the pause container does nothing (container="POD").
_REAL = (table.matcher("container", "!=", ""), table.matcher("container", "!=", "POD"))
_VIEWS = (table.View(rules.POD, matchers=_REAL),)
_WHOLE_POD = (table.View(rules.POD),)  # network is counted on the pod's own cgroup

CONVENTION = table.Convention(
    "cAdvisor",
    (
        table.pattern(r"container_cpu_usage_seconds_total", measures.counter(Role.CPU_USAGE, unit="{cpu}")),
        table.pattern(
            r"container_cpu_cfs_throttled_periods_total",
            measures.ratio(Role.CPU_THROTTLED, r"throttled_periods", "periods"),
        ),
        table.pattern(
            r"container_cpu_cfs_throttled_seconds_total",
            # Without periods, seconds throttled per second: not a share, but as telling when it moves.
            measures.unless(
                "container_cpu_cfs_throttled_periods_total", measures.counter(Role.CPU_THROTTLED, unit="1")
            ),
        ),
        table.pattern(
            r"container_memory_working_set_bytes",
            measures.gauge(Role.MEMORY_USAGE, unit="By"),
            measures.ratio(
                Role.MEMORY_LIMIT_RATIO,
                r"container_memory_working_set_bytes",
                "container_spec_memory_limit_bytes",
                counted=False,
            ),
        ),
        table.pattern(
            r"container_memory_(usage_bytes|rss)",
            measures.unless("container_memory_working_set_bytes", measures.gauge(Role.MEMORY_USAGE, unit="By")),
        ),
        table.pattern(
            r"container_memory_failcnt|container_oom_events_total",
            measures.counter(Role.OTHER, increase=True, unit="{event}"),
        ),
        table.pattern(
            r"container_network_receive_(bytes|packets)_total", measures.counter(Role.NETWORK_RECEIVE), views=_WHOLE_POD
        ),
        table.pattern(
            r"container_network_transmit_(bytes|packets)_total",
            measures.counter(Role.NETWORK_TRANSMIT),
            views=_WHOLE_POD,
        ),
        table.pattern(
            r"container_network_(receive|transmit)_(errors|packets_dropped)_total",
            measures.counter(Role.OTHER, unit="{packet}/s"),
            views=_WHOLE_POD,
        ),
        table.pattern(r"container_fs_(reads|writes)_bytes_total", measures.counter(Role.DISK_IO)),
        table.pattern(
            r"container_fs_usage_bytes",
            measures.ratio(Role.DISK_USED_RATIO, r"usage_bytes", "limit_bytes", counted=False),
        ),
        table.pattern(r"container_threads", measures.gauge(Role.THREADS, unit="{thread}")),
        table.pattern(r"container_file_descriptors", measures.gauge(Role.FILE_DESCRIPTORS, unit="{file}")),
        table.pattern(
            r"container_(spec|fs|cpu|memory|tasks|network|start|last|ulimits|sockets|processes|blkio|scrape)_.*_(total|bytes|seconds|shares|period|quota|state|error|cache|swap)"
        ),
    ),
    views=_VIEWS,
)
