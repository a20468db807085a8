"""Cloud-OpsBench: kubectl text becomes Kubernetes objects as far as it tells, and the label stays sealed."""

import base64
import dataclasses
import json
import tarfile
from pathlib import Path
from typing import Any

import kubectl_texts as texts
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _kubectl_pods, _kubectl_text, cloudopsbench

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cloudopsbench_sample.tar.xz"


def one(root: Path) -> tuple[str, telemetry.Scenario, oracle.Truth]:
    (case,) = list(cloudopsbench.cases(root))
    return case


@pytest.fixture
def system(tmp_path: Path) -> telemetry.Telemetry:
    return one(texts.write_case(tmp_path))[1].telemetry


def body(system: telemetry.Telemetry, kind: str, name: str) -> Any:
    (found,) = [v.body for v in system.cluster.versions if (v.body["kind"], v.body["metadata"]["name"]) == (kind, name)]
    return found


def test_a_described_pod_reads_as_the_api_would_return_it(system: telemetry.Telemetry) -> None:
    pod = body(system, "Pod", "cart-79b49f5555-dmtxg")
    (container,) = pod["spec"]["containers"]
    assert pod["metadata"]["labels"] == {"app": "cart", "pod-template-hash": "79b49f5555"}
    assert pod["metadata"]["ownerReferences"][0]["name"] == "cart-79b49f5555"
    assert pod["metadata"]["creationTimestamp"] == "2025-11-29T12:46:19Z"
    assert (pod["spec"]["nodeName"], pod["status"]["hostIP"]) == ("worker-01", "192.168.0.222")
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert {"key": "critical", "value": "true", "effect": "NoSchedule"} in pod["spec"]["tolerations"]
    assert container["image"] == "registry.example:5000/shop/cart:v1"
    assert container["ports"] == [{"containerPort": 7070, "protocol": "TCP"}]
    assert container["resources"]["limits"] == {"cpu": "300m", "memory": "128Mi"}
    assert container["livenessProbe"]["grpc"] == {"port": 7071}
    assert container["readinessProbe"]["httpGet"] == {"scheme": "HTTP", "port": 7070, "path": "/_healthz"}
    assert container["envFrom"] == [{"secretRef": {"name": "cart-db"}}]
    assert {"name": "REDIS_ADDR", "value": "redis:6379"} in container["env"]
    assert {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "token"}}} in container["env"]
    assert pod["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "cart-pvc"}}]


def test_the_state_of_a_container_keeps_its_reason_and_last_exit(system: telemetry.Telemetry) -> None:
    (status,) = body(system, "Pod", "cart-79b49f5555-dmtxg")["status"]["containerStatuses"]
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff"}}
    assert status["lastState"]["terminated"]["exitCode"] == 137
    assert (status["ready"], status["restartCount"]) == (False, 3)


def test_nodes_services_quotas_and_accounts_are_read(system: telemetry.Telemetry) -> None:
    node = body(system, "Node", "worker-01")
    assert node["spec"]["taints"] == [{"key": "critical", "value": "true", "effect": "NoSchedule"}]
    assert node["status"]["conditions"][0]["reason"] == "KubeletReady"
    assert body(system, "Lease", "worker-01")["spec"]["renewTime"] == "2025-11-29T12:48:07Z"
    service = body(system, "Service", "cart")
    assert service["spec"]["ports"] == [{"port": 7070, "protocol": "TCP", "name": "grpc", "targetPort": 7070}]
    assert body(system, "ResourceQuota", "cpu-quota")["status"]["used"] == {"requests.cpu": "10"}
    assert body(system, "ServiceAccount", "cart")["metadata"]["namespace"] == "shop"
    assert body(system, "Pod", "kube-flannel-ds-v9qhx")["metadata"]["namespace"] == "kube-system"


def test_events_come_from_describe_and_from_get(system: telemetry.Telemetry) -> None:
    by_reason = {event["reason"]: event for event in system.cluster.events}
    assert by_reason["Unhealthy"]["count"] == 9
    assert by_reason["Unhealthy"]["lastTimestamp"] == "2025-11-29T12:47:57Z"
    assert by_reason["Unhealthy"]["firstTimestamp"] == "2025-11-29T12:46:47Z"
    assert by_reason["FailedCreate"]["involvedObject"] == {
        "kind": "ReplicaSet",
        "name": "web-8cbf5b9d4",
        "namespace": "shop",
    }


def test_secrets_tell_addresses_and_equality_and_nothing_else(tmp_path: Path) -> None:
    _, scenario, _ = one(texts.write_case(tmp_path))
    secret = body(scenario.telemetry, "Secret", "cart-db")
    assert base64.b64decode(secret["data"]["DB_HOST"]) == b"db"
    assert base64.b64decode(secret["data"]["DB_PASSWORD"]).startswith(b"sha256:")
    everything = json.dumps([version.body for version in scenario.telemetry.cluster.versions])
    assert "hunter2" not in everything
    assert "aHVudGVyMg==" not in everything


def test_log_lines_keep_their_time_their_stream_and_their_order(system: telemetry.Telemetry) -> None:
    logs = system.logs
    assert logs is not None
    assert list(logs.lines) == [
        "before the restart",
        "proxy",
        texts.LOGS["cart"][0],
        "a line that tells no time",
        texts.LOGS["cart"][2],
    ]
    assert (np.diff(logs.times_ns) >= 0).all()
    containers = {stream["container"] for stream in logs.streams}
    assert containers == {"server", "istio-proxy"}
    assert all(stream["pod"] == "cart-79b49f5555-dmtxg" for stream in logs.streams)


def test_metrics_are_gauges_as_they_were_recorded(system: telemetry.Telemetry) -> None:
    (block,) = system.metrics.blocks
    rows = {labels["__name__"]: row for labels, row in zip(block.labels, block.values, strict=True)}
    assert rows["container_cpu_usage_percent"].tolist() == [50.0, 50.0, 150.0]
    assert rows["request_rate_per_second"].tolist() == [10.0] * 3
    assert rows["request_error_ratio"] == pytest.approx([0.1, 0.1, 0.5])
    assert rows["request_duration_seconds"] == pytest.approx([0.02, 0.04, 0.06])
    assert rows["node_cpu_usage_percent"].tolist() == [3.0] * 3
    assert telemetry.is_stale(rows["container_memory_usage_bytes"]).tolist() == [False, True, False]
    assert block.times_s[0] == 1764420420.0
    assert {labels.get("quantile") for labels in block.labels} == {None, "0.95"}


def test_the_alert_says_the_query_and_no_more(tmp_path: Path) -> None:
    _, scenario, _ = one(texts.write_case(tmp_path))
    assert scenario.alert["version"] == "4"
    (alert,) = scenario.alert["alerts"]
    assert alert["labels"] == {"alertname": "ServiceAbnormalRestart", "namespace": "shop", "severity": "critical"}
    assert alert["annotations"] == {"summary": "Service abnormal restart."}


def test_the_truth_is_sealed_apart_from_the_telemetry(tmp_path: Path) -> None:
    case_id, scenario, truth = one(texts.write_case(tmp_path))
    (cause,) = truth.causes
    assert (cause.kind, cause.name, cause.fault) == ("service", "cart", "liveness_port")
    assert truth.original["result"] == texts.RESULT
    served = repr(dataclasses.replace(scenario.telemetry, metrics=telemetry.Metrics())) + json.dumps(scenario.alert)
    assert not [
        word for word in ("liveness_probe_incorrect", "Runtime_Fault", "GetSecretHint", "zebra") if word in served
    ]
    assert case_id == "cloudopsbench-boutique-runtime-7"
    assert "runtime" not in scenario.telemetry.name


def test_alerts_of_detectors_and_probes_are_kept(tmp_path: Path) -> None:
    alert = {
        "alerts": [
            {
                "type": "Service",
                "name": "cart",
                "time_range": "2025-11-29 20:47:00 ~ 2025-11-29 20:49:00",
                "evidence": ["THROUGHPUT_DROP [RPS] | Normal=9 -> Current=3", "LATENCY_DEGRADATION [Slow] | x"],
            },
            {"entry_service": "cart", "request_method": "POST", "url": "/cart", "raw_error": "503", "occurrences": 7},
        ]
    }
    system = one(texts.write_case(tmp_path, alert=alert))[1].telemetry
    names = [fired.rule for fired in system.alerts]
    assert names == ["ThroughputDrop", "LatencyDegradation", "ProbeFailed", "ServiceAbnormalRestart"]
    assert system.alerts[2].labels["method"] == "POST"
    assert system.now_s == system.alerts[0].ends_s


def test_an_unknown_label_is_kept_as_it_is(tmp_path: Path) -> None:
    metadata = {**texts.METADATA, "result": {"fault_object": "node/worker-01", "root_cause": "disk_on_fire"}}
    _, _, truth = one(texts.write_case(tmp_path, metadata=metadata))
    assert (truth.causes[0].kind, truth.causes[0].fault) == ("node", "disk_on_fire")


def test_each_label_has_a_kind_of_its_own() -> None:
    assert len(set(cloudopsbench.FAULTS.values())) == len(cloudopsbench.FAULTS)


def test_files_may_be_missing(tmp_path: Path) -> None:
    system = one(texts.write_case(tmp_path, logs=None, metrics=None))[1].telemetry
    assert system.logs is None
    assert system.access["loki"] == system.access["prometheus"] == "absent"


def test_an_archive_reads_like_its_directory(tmp_path: Path) -> None:
    root = texts.write_case(tmp_path / "sample")
    with tarfile.open(tmp_path / "sample.tar.xz", "w:xz") as archive:
        archive.add(root, "sample")
    case_id, scenario, _ = one(tmp_path / "sample.tar.xz")
    assert case_id == one(root)[0]
    assert scenario.telemetry.cluster == one(root)[1].telemetry.cluster


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": {"query": "x"}},
        {"metadata": ["a list"]},
        {"states": [1]},
        {"logs": "text"},
        {"metrics": "time,cart-cpu\n2025-11-29 20:47:00,abc\n2025-11-29 20:47:05,1\n"},
        {"metrics": "time,cart-cpu\n2025-11-29 20:47:05,1\n2025-11-29 20:47:00,1\n"},
        {"metrics": "", "states": {}},
        {"states": {}, "logs": None, "metrics": None},
    ],
)
def test_what_is_not_the_authors_layout_is_said(tmp_path: Path, broken: dict[str, Any]) -> None:
    root = texts.write_case(tmp_path, **broken)
    with pytest.raises(errors.DatasetError):
        list(cloudopsbench.cases(root))


def test_a_directory_without_cases_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.DatasetError, match=r"metadata\.json"):
        list(cloudopsbench.cases(tmp_path))


@given(st.text(max_size=400))
def test_no_text_breaks_the_parsers(text: str) -> None:
    root = _kubectl_text.tree(text)
    assert sum(1 for _ in root.walk()) <= len(text.splitlines())
    _kubectl_text.table(text)
    _kubectl_text.dashed_table(text)
    _kubectl_pods.probe(text)


@given(days=st.integers(0, 400), hours=st.integers(0, 23), minutes=st.integers(0, 59), seconds=st.integers(1, 59))
def test_ages_are_read_back(days: int, hours: int, minutes: int, seconds: int) -> None:
    written = f"{days}d{hours}h{minutes}m{seconds}s"
    assert _kubectl_text.age_s(written) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def test_words_that_are_no_ages_are_none() -> None:
    assert [_kubectl_text.age_s(text) for text in ("<unknown>", "", "soon")] == [None, None, None]
