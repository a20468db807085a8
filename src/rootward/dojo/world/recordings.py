"""The recording rules that a platform team keeps: the request rate and error ratio of every service, whatever it is instrumented
with, and how busy machines and workloads are. Names are level:metric:operations, as
https://prometheus.io/docs/practices/rules asks for, and those of the Kubernetes and node mixins.
"""

from collections.abc import Iterator

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import styles

WINDOW = "5m"
NODES = "node-exporter.rules"
CONTAINERS = "k8s.rules.container_cpu_usage_seconds_total"
SERVICES = "services.rules"
LEVEL = "service"


def rules(frame: fr.Frame) -> tuple[tm.RecordingRule, ...]:
    """In the order in which they stand in their files; only over what this system's components expose."""
    used = {component.style for component in frame.layout.components if component.style}
    found = [rule for name, style in styles.STYLES.items() if name in used for rule in _requests(style)]
    return (*found, *_usage())


def _requests(style: styles.Style) -> Iterator[tm.RecordingRule]:
    family = style.counter or f"{style.histogram}_count"
    rate = _by_service(style, f"rate({family}[{WINDOW}])")
    bad = _by_service(style, f"rate({family}{{{style.failing}}}[{WINDOW}])")
    yield tm.RecordingRule("service:http_requests:rate5m", rate, group=SERVICES)
    yield tm.RecordingRule("service:http_request_errors:ratio_rate5m", f"{bad} / {rate}", group=SERVICES)


def _by_service(style: styles.Style, rates: str) -> str:
    """Summed by what names the service, under one name for all."""
    if style.by != LEVEL:
        rates = f'label_replace({rates}, "{LEVEL}", "$1", "{style.by}", "(.+)")'
    return f"sum by ({LEVEL}, namespace) ({rates})"


def _usage() -> Iterator[tm.RecordingRule]:
    spent = f'node_cpu_seconds_total{{job="node-exporter"}}[{WINDOW}]'
    idle = spent.replace("}", ',mode="idle"}')
    yield tm.RecordingRule(
        "instance:node_cpu_utilisation:rate5m",
        f"1 - sum without (cpu, mode) (rate({idle})) / sum without (cpu, mode) (rate({spent}))",
        group=NODES,
    )
    memory = '{job="node-exporter"}'
    yield tm.RecordingRule(
        "instance:node_memory_utilisation:ratio",
        f"1 - node_memory_MemAvailable_bytes{memory} / node_memory_MemTotal_bytes{memory}",
        group=NODES,
    )
    used = f'container_cpu_usage_seconds_total{{container!=""}}[{WINDOW}]'
    yield tm.RecordingRule(
        "namespace_container:container_cpu_usage_seconds:sum_rate5m",
        f"sum by (namespace, container) (rate({used}))",
        group=CONTAINERS,
    )
