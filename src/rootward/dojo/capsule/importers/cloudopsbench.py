"""Cloud-OpsBench (arXiv 2603.00468): recorded kubectl output, logs, 5-second metrics and alerts of broken clusters, as scenarios.

A case is a directory with `metadata.json` (namespace, query, the label) and `raw_data/` (k8s_states.json: command → output;
logs.json, metrics.csv, alert.json where recorded). The label and the authors' solution paths go into the sealed truth only.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _cloudopsbench_signals as signals
from rootward.dojo.capsule.importers import _kubectl_cluster as kubectl
from rootward.dojo.capsule.importers import _sources, _webhook

Json = dict[str, Any]

EXPECTED = "Cloud-OpsBench's <system>/<category>/<number>/metadata.json beside raw_data/"

FAULTS = {
    "missing_service_account": "missing_service_account",
    "namespace_cpu_quota_exceeded": "quota_cpu",
    "namespace_memory_quota_exceeded": "quota_memory",
    "namespace_pod_quota_exceeded": "quota_pods",
    "namespace_service_quota_exceeded": "quota_services",
    "namespace_storage_quota_exceeded": "quota_storage",
    "containerd_unavailable": "containerd_unavailable",
    "kube_proxy_unavailable": "kube_proxy_unavailable",
    "kube_scheduler_unavailable": "kube_scheduler_unavailable",
    "kubelet_unavailable": "kubelet_unavailable",
    "pod_cpu_overload": "cpu_overload",
    "pod_memory_overload": "memory_pressure",
    "pod_network_delay": "network_delay",
    "pod_network_loss": "network_loss",
    "deployment_zero_replicas": "zero_replicas",
    "db_read_only": "db_read_only",
    "mysql_invalid_credentials": "db_credentials",
    "mysql_invalid_port": "db_port",
    "service_sidecar_port_conflict": "port_conflict",
    "liveness_probe_incorrect_port": "liveness_port",
    "liveness_probe_incorrect_protocol": "liveness_protocol",
    "liveness_probe_incorrect_timing": "liveness_timing",
    "readiness_probe_incorrect_port": "readiness_port",
    "readiness_probe_incorrect_protocol": "readiness_protocol",
    "readiness_probe_incorrect_timing": "readiness_timing",
    "oom_killed": "oom_killed",
    "cpu_capacity_mismatch": "capacity_cpu",
    "memory_capacity_mismatch": "capacity_memory",
    "node_affinity_mismatch": "node_affinity",
    "node_cordon_mismatch": "node_cordon",
    "node_selector_mismatch": "node_selector",
    "pod_anti_affinity_conflict": "pod_anti_affinity",
    "taint_toleration_mismatch": "taint_toleration",
    "service_dns_resolution_failure": "service_dns",
    "service_env_var_address_mismatch": "service_address",
    "service_port_mapping_mismatch": "service_port",
    "service_selector_mismatch": "service_selector",
    "image_registry_dns_failure": "image_registry_dns",
    "incorrect_image_reference": "image_reference",
    "missing_image_pull_secret": "image_pull_secret",
    "missing_secret_binding": "missing_secret",
    "volume_mount_permission_denied": "volume_permission",
}
"""The data set's root causes in our vocabulary of kinds of fault, one to one; a label not listed is kept as it is."""

_ENTITIES = {"app": "service", "service": "service", "node": "node", "namespace": "namespace", "pod": "pod"}
_LOGS_LATER_S = 600.0
_ALERT_DELAY_S = 60.0  # the data set says only that the alert has fired; a minute of it is before "now"


def cases(src: Path) -> Iterator[tuple[str, telemetry.Scenario, oracle.Truth]]:
    """Every case under `src` (the archive, its directory, or any part of it), in order of path: id, scenario, sealed truth.

    Raises:
        DatasetError: `src` does not exist or holds no case, or a case's files are not what the authors publish.
    """
    with _sources.opened(src) as root:
        for path in _sources.find(root, "metadata.json", expected=EXPECTED):
            case_id = "-".join(["cloudopsbench", *path.parent.parts[-3:]])
            yield case_id, *_case(path.parent, case_id)


def count(src: Path) -> int:
    """How many cases lie in the folder `src`."""
    return len(_sources.find(src, "metadata.json", expected=EXPECTED))


def _json(path: Path) -> Json:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise errors.DatasetError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise errors.DatasetError(f"{path}: expected an object, not {type(document).__name__}")
    return document


def _optional(path: Path) -> Json:
    return _json(path) if path.exists() else {}


def _case(directory: Path, case_id: str) -> tuple[telemetry.Scenario, oracle.Truth]:
    metadata = _json(directory / "metadata.json")
    namespace, query = metadata.get("namespace"), metadata.get("query")
    if not isinstance(namespace, str) or not isinstance(query, str):
        raise errors.DatasetError(f"{directory}: metadata.json must hold the texts `namespace` and `query`")
    raw = directory / "raw_data"
    states = _optional(raw / "k8s_states.json")
    states = {command: output for command, output in states.items() if isinstance(output, str)}
    name = f"{namespace}-{hashlib.sha256(case_id.encode()).hexdigest()[:8]}"
    system = _telemetry(raw, states, namespace, name)
    labels, annotations = _alert(query, namespace)
    starts_s = _starts_s(system)
    fired = _webhook.fired(labels, annotations, starts_s=starts_s)
    system = dataclasses.replace(system, alerts=(*system.alerts, fired))
    system = dataclasses.replace(system, access=_webhook.absent(system))
    return telemetry.Scenario(system, _webhook.payload(labels, annotations, starts_s=starts_s)), _truth(
        metadata, namespace
    )


def _telemetry(raw: Path, states: dict[str, str], namespace: str, name: str) -> telemetry.Telemetry:
    at_s, zone = kubectl.now_s(states), kubectl.utc_offset(states)
    cluster = kubectl.cluster(states, at_s) if at_s is not None else telemetry.Cluster()
    bodies = [version.body for version in cluster.versions]
    pods = [dict(body) for body in bodies if body["kind"] == "Pod" and body["metadata"].get("namespace") == namespace]
    nodes = [dict(body) for body in bodies if body["kind"] == "Node"]
    lines = signals.logs(_optional(raw / "logs.json"), pods, namespace, at_s or 0.0)
    metrics = telemetry.Metrics()
    if (path := raw / "metrics.csv").exists():
        metrics = signals.metrics(path.read_text(encoding="utf-8-sig"), zone, nodes, namespace)
    if at_s is None:
        ends = [float(block.times_s[-1]) for block in metrics.blocks]
        ends += [float(lines.times_ns[-1]) / 1e9] if lines is not None else []
        if not ends:
            raise errors.DatasetError(f"{raw}: nothing in the recordings tells when they were made")
        at_s = max(ends)
    fired = signals.alerts(_optional(raw / "alert.json"), zone, namespace, at_s)
    now_s = max([at_s, *(alert.ends_s for alert in fired if alert.ends_s is not None)])
    if lines is not None and float(lines.times_ns[-1]) / 1e9 < now_s + _LOGS_LATER_S:
        now_s = max(now_s, float(lines.times_ns[-1]) / 1e9)  # logs were fetched after the objects were
    starts = [now_s - 3600.0, *(float(block.times_s[0]) for block in metrics.blocks)]
    starts += [float(lines.times_ns[0]) / 1e9] if lines is not None else []
    return telemetry.Telemetry(
        name=name,
        start_s=min(starts),
        end_s=now_s + 1.0,
        now_s=now_s,
        metrics=metrics,
        logs=lines,
        cluster=cluster,
        alerts=fired,
    )


def _starts_s(system: telemetry.Telemetry) -> float:
    """When the alert began to fire: as soon as any recorded detector did, else shortly before "now"."""
    return min((alert.starts_s for alert in system.alerts), default=system.now_s - _ALERT_DELAY_S)


def _alert(query: str, namespace: str) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and annotations that say no more than the query does."""
    name = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", query)) or "Alert"
    return {"alertname": name, "namespace": namespace, "severity": "critical"}, {"summary": query}


def _truth(metadata: Json, namespace: str) -> oracle.Truth:
    """The label; an application counts as its service, its workload, or the data store that it is."""
    result = metadata.get("result")
    original: Json = {key: metadata[key] for key in ("result", "process") if key in metadata}
    if not isinstance(result, dict) or "/" not in str(result.get("fault_object", "")):
        return oracle.Truth(status="found", note="the case carries no label", original=original)
    kind, _, name = str(result["fault_object"]).partition("/")
    label = str(result.get("root_cause", ""))
    aliases: tuple[tuple[str, str], ...] = ()
    if _ENTITIES.get(kind, kind) == "service":
        aliases = (("workload", name), ("database", name), ("cache", name))
    cause = oracle.Cause(_ENTITIES.get(kind, kind), name, FAULTS.get(label, label), aliases=aliases)
    return oracle.Truth(status="found", causes=(cause,), note=f"namespace {namespace}", original=original)
