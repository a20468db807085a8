"""A process about itself: the standard metrics that Prometheus clients and OpenTelemetry SDKs expose (process_cpu_seconds_total …)."""

from rootward.signals.roles import measures, table
from rootward.signals.roles.role import Role

CONVENTION = table.Convention(
    "process",
    (
        table.pattern(r"process_cpu_(time_)?seconds_total", measures.counter(Role.CPU_USAGE, unit="{cpu}")),
        table.pattern(
            r"process_(cpu_usage|cpu_utilization|runtime_jvm_cpu_utilization)(_ratio)?",
            measures.gauge(Role.CPU_USAGE, across="avg", unit="1"),
        ),
        table.pattern(
            r"process_(resident_memory|memory_usage|memory_rss)(_bytes)?", measures.gauge(Role.MEMORY_USAGE, unit="By")
        ),
        table.pattern(
            r"process_open_fds",
            measures.gauge(Role.FILE_DESCRIPTORS, unit="{file}"),
            measures.ratio(Role.SATURATION, r"open_fds$", "max_fds", counted=False),
        ),
        table.pattern(
            r"process_(open_file_descriptor_count|files_open_files)",
            measures.gauge(Role.FILE_DESCRIPTORS, unit="{file}"),
        ),
        table.pattern(r"process_threads|process_thread_count", measures.gauge(Role.THREADS, unit="{thread}")),
        table.pattern(r"process_network_receive_bytes_total", measures.counter(Role.NETWORK_RECEIVE)),
        table.pattern(r"process_network_transmit_bytes_total", measures.counter(Role.NETWORK_TRANSMIT)),
        table.pattern(r"process_.*"),
    ),
)
