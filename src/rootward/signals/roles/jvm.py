"""The Java virtual machine: Micrometer's names, the JMX and Java client's names, and OpenTelemetry's runtime metrics."""

from rootward.signals.roles import measures, table
from rootward.signals.roles.role import Role

_HEAP = table.matcher("area", "=", "heap")
_HEAP_TYPE = table.matcher("jvm_memory_type", "=", "heap")

CONVENTION = table.Convention(
    "JVM",
    (
        table.pattern(
            r"jvm_gc_(pause|duration|collection)_?seconds",
            measures.counter(Role.GC_TIME, part="_sum", scale=1.0, unit="s/s"),
            kinds=("summary", "mean", "histogram"),
        ),
        table.pattern(r"jvm_gc_collection_seconds_sum", measures.counter(Role.GC_TIME, scale=1.0, unit="s/s")),
        table.pattern(r"jvm_gc_overhead(_percent)?", measures.gauge(Role.GC_TIME, across="max", unit="1")),
        table.pattern(
            r"jvm_memory_used_bytes",
            measures.gauge(Role.MEMORY_USAGE, matchers=(_HEAP,)),
            measures.ratio(Role.MEMORY_LIMIT_RATIO, "used", "max", counted=False, matchers=(_HEAP,)),
        ),
        table.pattern(
            r"jvm_memory_bytes_used",
            measures.gauge(Role.MEMORY_USAGE, matchers=(_HEAP,)),
            measures.ratio(Role.MEMORY_LIMIT_RATIO, "used", "max", counted=False, matchers=(_HEAP,)),
        ),
        table.pattern(
            r"jvm_memory_(usage|heap_used)(_bytes)?", measures.gauge(Role.MEMORY_USAGE, matchers=(_HEAP_TYPE,))
        ),
        table.pattern(
            r"jvm_threads_(live_threads|current|live)|jvm_thread_count|jvm_threads_live_threads",
            measures.gauge(Role.THREADS, unit="{thread}"),
        ),
        table.pattern(r"jvm_threads_deadlocked", measures.gauge(Role.OTHER, unit="{thread}")),
        table.pattern(
            r"(tomcat_threads_busy|tomcat_threads_busy_threads)",
            measures.ratio(Role.SATURATION, "busy", "config_max", counted=False),
        ),
        table.pattern(r"system_cpu_usage", measures.gauge(Role.OTHER, across="avg", unit="1")),
        table.pattern(
            r"process_files_open_files",
            measures.gauge(Role.FILE_DESCRIPTORS, unit="{file}"),
            measures.ratio(Role.SATURATION, r"open_files$", "max_files", counted=False),
        ),
        table.pattern(
            r"logback_events_total",
            measures.counter(Role.OTHER, unit="{line}/s", matchers=(table.matcher("level", "=", "error"),)),
        ),
        table.pattern(
            r"jvm_.*|tomcat_.*|executor_.*|logback_.*|disk_(free|total)_bytes|application_(started|ready)_time_seconds"
        ),
    ),
)
