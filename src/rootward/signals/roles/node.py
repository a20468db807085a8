"""node_exporter: the machines (github.com/prometheus/node_exporter)."""

from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_BUSY = (table.matcher("mode", "!~", "idle|iowait|steal"),)
_REAL_DISKS = (table.matcher("fstype", "!~", "tmpfs|overlay|squashfs|ramfs|devtmpfs"),)
_REAL_NETWORK = (table.matcher("device", "!~", "lo|veth.*|docker.*|cni.*|flannel.*|cali.*|br-.*"),)

CONVENTION = table.Convention(
    "node_exporter",
    (
        table.pattern(r"node_cpu_seconds_total", measures.counter(Role.CPU_USAGE, unit="{cpu}", matchers=_BUSY)),
        table.pattern(
            r"instance:node_cpu_utili[sz]ation:rate\w+",
            measures.gauge(Role.CPU_USAGE, across="avg", unit="1", scale=1.0),
        ),
        table.pattern(
            r"node_memory_MemAvailable_bytes",
            measures.ratio(
                Role.MEMORY_LIMIT_RATIO, "MemAvailable", "MemTotal", counted=False, combine=table.Combine.REMAINDER
            ),
        ),
        table.pattern(
            r"node_memory_Active_bytes",
            measures.unless("node_memory_MemAvailable_bytes", measures.gauge(Role.MEMORY_USAGE, unit="By")),
        ),
        table.pattern(
            r"node_filesystem_avail_bytes",
            measures.ratio(
                Role.DISK_USED_RATIO,
                "avail",
                "size",
                counted=False,
                combine=table.Combine.REMAINDER,
                matchers=_REAL_DISKS,
                detail=("mountpoint",),
            ),
        ),
        table.pattern(
            r"node_filesystem_files_free",
            measures.ratio(
                Role.DISK_USED_RATIO,
                "files_free",
                "files",
                counted=False,
                combine=table.Combine.REMAINDER,
                matchers=_REAL_DISKS,
                detail=("mountpoint",),
            ),
        ),
        table.pattern(r"node_disk_io_time_seconds_total", measures.counter(Role.SATURATION, unit="1")),
        table.pattern(r"node_disk_(read|written)_bytes_total", measures.counter(Role.DISK_IO)),
        table.pattern(
            r"node_network_receive_bytes(_total)?", measures.counter(Role.NETWORK_RECEIVE, matchers=_REAL_NETWORK)
        ),
        table.pattern(
            r"node_network_transmit_bytes(_total)?", measures.counter(Role.NETWORK_TRANSMIT, matchers=_REAL_NETWORK)
        ),
        table.pattern(
            r"node_network_(receive|transmit)_(errs|drop)_total",
            measures.counter(Role.OTHER, unit="{packet}/s", matchers=_REAL_NETWORK),
        ),
        table.pattern(
            r"node_netstat_Tcp_RetransSegs", measures.gauge_rate(Role.NETWORK_RETRANSMITS, unit="{segment}/s")
        ),
        table.pattern(r"node_load1", measures.gauge(Role.OTHER, across="max")),
        table.pattern(r"node_pressure_(cpu|memory|io)_waiting_seconds_total", measures.counter(Role.OTHER, unit="s/s")),
        table.pattern(
            r"node_nf_conntrack_entries", measures.ratio(Role.SATURATION, "_entries", "_entries_limit", counted=False)
        ),
        table.pattern(r"node_vmstat_oom_kill", measures.gauge_rate(Role.OTHER, unit="{kill}/s")),
        table.pattern(
            r"node_\w+_(total|info|celsius)|node_load\d+|node_memory_[A-Z]\w*|node_(netstat|sockstat|vmstat)_\w+|node_filesystem_"
            r"((size|free|avail)_bytes|files(_free)?|readonly|device_error)|node_(boot|time)_\w*seconds|node_(procs|forks|entropy|filefd"
            r"|arp|timex|nf|os|uname|scrape|textfile|schedstat|softnet|pressure|disk|thermal|hwmon|network)_(?!receive|transmit)\w*"
        ),
    ),
    views=(table.View(rules.NODE),),
)
