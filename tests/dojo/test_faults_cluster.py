"""Families about the cluster: what tells each from the others is there, what does not belong is not, and the page follows."""

import dataclasses
import functools
import re
from collections.abc import Callable

import numpy as np
import pytest

from rootward.dojo import faults, oracle, world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.engines.promql import engine

HOURS = 1.5


@functools.cache
def built(name: str, fault: str, seed: int) -> tuple[tm.Scenario, oracle.Truth]:
    return world.build(name, fault, seed, hours=HOURS)


@dataclasses.dataclass(frozen=True)
class Seen:
    """A scenario as somebody sees it who looks at its now."""

    scenario: tm.Scenario
    truth: oracle.Truth

    @property
    def cause(self) -> oracle.Cause:
        return self.truth.causes[0]

    @property
    def telemetry(self) -> tm.Telemetry:
        return self.scenario.telemetry

    @property
    def onset_s(self) -> float:
        assert self.cause.onset_s is not None
        return self.cause.onset_s

    def events(self, reason: str, text: str = "", *, about: str = "") -> list[dict[str, object]]:
        """Events of a reason seen between the onset and now, about objects whose name begins with `about`."""
        found = []
        for event in self.telemetry.cluster.events:
            at = np.datetime64(event["lastTimestamp"].rstrip("Z")).astype("datetime64[s]").astype(float)
            late = self.onset_s - 10 <= at <= self.telemetry.now_s
            named = event["involvedObject"]["name"].startswith(about)
            if late and named and event["reason"] == reason and re.search(text, event["message"]):
                found.append(event)
        return found

    def objects(self, kind: str, name: str = "") -> list[dict[str, object]]:
        """Objects as they stand now, of names that begin with `name`."""
        latest: dict[tuple[str, str], tm.ObjectVersion] = {}
        for version in self.telemetry.cluster.versions:
            body = version.body
            if version.time_s <= self.telemetry.now_s and body["kind"] == kind:
                latest[body["metadata"].get("namespace", ""), body["metadata"]["name"]] = version
        return [v.body for key, v in latest.items() if key[1].startswith(name) and not v.deleted]

    def query(self, expr: str) -> list[float]:
        found = engine.Engine(self.telemetry.metrics).instant(expr, self.telemetry.now_s)
        return [float(series.values[-1]) for series in found.series]

    def pods(self) -> list[dict[str, object]]:
        return [
            pod
            for pod in self.objects("Pod", f"{self.cause.name}-")
            if pod["metadata"]["labels"]["app"] == self.cause.name
        ]

    def waiting(self) -> set[str]:
        """Reasons that containers of the culprit's pods wait for."""
        states = [one["state"] for pod in self.pods() for one in pod["status"].get("containerStatuses", ())]
        return {state["waiting"]["reason"] for state in states if "waiting" in state}

    def serving(self) -> int:
        ready = [c for pod in self.pods() for c in pod["status"].get("conditions", ()) if c["type"] == "Ready"]
        return sum(condition["status"] == "True" for condition in ready)

    def lines(self, text: str, *, anywhere: bool = False) -> int:
        logs = self.telemetry.logs
        assert logs is not None
        mine = [k for k, labels in enumerate(logs.streams) if anywhere or labels["app"] == self.cause.name]
        return sum(bool(re.search(text, line)) for s, line in zip(logs.stream, logs.lines, strict=True) if s in mine)

    def changed(self) -> bool:
        """The change behind it is in the history of code."""
        return any(commit.sha == self.cause.change for commit in self.telemetry.code.commits)

    def replicas_before(self) -> float:
        """What the culprit's deployment asked for before the onset."""
        expr = f'kube_deployment_spec_replicas{{deployment="{self.cause.name}"}}'
        found = engine.Engine(self.telemetry.metrics).instant(expr, self.onset_s - 60.0)
        return float(found.series[0].values[-1])

    def restarts(self) -> float:
        return sum(self.query(f'kube_pod_container_status_restarts_total{{container="{self.cause.name}"}}'))


Check = Callable[[Seen], object]


@dataclasses.dataclass(frozen=True)
class Case:
    """A family that shows as `kind` in `world` with `seed`; `there` are true of it, `absent` are not."""

    fault: str
    kind: str
    world: str
    seed: int
    there: tuple[Check, ...]
    absent: tuple[Check, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.fault}-{self.kind}"


CRASHES = r"PRICING_REGION|worker-pool"
CASES = (
    Case("image_pull", "image_reference", "web-shop", 2,
         (lambda s: s.waiting() == {"ImagePullBackOff"}, lambda s: s.events("Failed", "not found", about=s.cause.name),
          lambda s: s.query(f'kube_pod_container_status_waiting_reason{{container="{s.cause.name}",reason="ImagePullBackOff"}} == 1'),
          Seen.changed),
         (Seen.restarts, lambda s: s.events("OOMKilling"))),
    Case("image_pull", "image_pull_secret", "web-shop", 1,
         (lambda s: s.events("Failed", "authorization failed", about=s.cause.name), Seen.changed),
         (Seen.restarts, lambda s: s.events("Failed", ": not found$"))),
    Case("crash_loop", "crash_loop", "web-shop", 0,
         (lambda s: "CrashLoopBackOff" in s.waiting(), lambda s: s.lines(CRASHES) >= 3, Seen.restarts,
          lambda s: s.events("BackOff", "Back-off restarting failed container", about=s.cause.name), Seen.changed),
         (lambda s: s.events("OOMKilling"), lambda s: s.events("Failed", "pull"))),
    Case("crash_loop", "missing_secret", "web-shop", 1,
         (lambda s: s.events("FailedMount", 'secret ".*" not found') or s.events("Failed", 'secret ".*" not found'),
          Seen.changed),
         (Seen.restarts, lambda s: s.lines(CRASHES))),
    Case("memory_limit", "oom_killed", "web-shop", 0,
         (lambda s: s.events("OOMKilling", re.escape(s.cause.name)), Seen.restarts, lambda s: "CrashLoopBackOff" in s.waiting(),
          lambda s: s.query(f'kube_pod_container_status_last_terminated_reason{{container="{s.cause.name}",reason="OOMKilled"}}'),
          Seen.changed),
         (lambda s: s.events("Unhealthy", "Liveness"), lambda s: s.events("Failed", "pull"))),
    Case("readiness_probe", "readiness_port", "web-shop", 1,
         (lambda s: s.events("Unhealthy", r"Readiness probe failed: .*connection refused", about=s.cause.name), Seen.changed,
          lambda s: any(pod["status"]["phase"] == "Running" and not pod["status"]["containerStatuses"][0]["ready"] for pod in s.pods())),
         (Seen.restarts, lambda s: s.waiting(), lambda s: s.events("Killing", "failed liveness"))),
    Case("readiness_probe", "readiness_timing", "web-shop", 0,
         (lambda s: s.events("Unhealthy", "Readiness probe failed: .*deadline exceeded", about=s.cause.name), Seen.changed),
         (Seen.restarts, lambda s: s.events("Killing", "failed liveness"))),
    Case("liveness_probe", "liveness_timing", "web-shop", 0,
         (lambda s: s.events("Killing", "failed liveness probe", about=s.cause.name), Seen.restarts, Seen.changed,
          lambda s: s.events("Unhealthy", "Liveness probe failed: .*deadline exceeded", about=s.cause.name)),
         (lambda s: s.events("OOMKilling"), lambda s: s.lines(CRASHES))),
    Case("init_blocked", "init_blocked", "web-shop", 0,
         (lambda s: s.waiting() == {"PodInitializing"}, lambda s: s.lines("waiting for") >= 3, Seen.changed,
          lambda s: any("running" in one["state"] for pod in s.pods() for one in pod["status"].get("initContainerStatuses", ()))),
         (Seen.restarts, lambda s: s.events("Failed"))),
    Case("service_routing", "service_selector", "web-shop", 0,
         (lambda s: s.objects("Service", s.cause.name)[0]["spec"]["selector"] != {"app": s.cause.name}, Seen.serving, Seen.changed),
         (Seen.restarts, Seen.waiting, lambda s: s.events("Unhealthy", "connection refused"))),
    Case("service_routing", "service_port", "web-shop", 3,
         (lambda s: s.objects("Endpoints", s.cause.name)[0]["subsets"][0]["ports"][0]["port"] == 8081, Seen.serving, Seen.changed),
         (Seen.restarts, Seen.waiting)),
    Case("service_routing", "service_dns", "web-shop", 1,
         (lambda s: s.cause.name not in {one["metadata"]["name"] for one in s.objects("Service", s.cause.name)}, Seen.serving, Seen.changed),
         (Seen.restarts, Seen.waiting)),
    Case("quota", "quota_memory", "web-shop", 0,
         (lambda s: s.events("FailedCreate", r"exceeded quota: compute-quota, requested: limits.memory=\d+Mi"), Seen.changed,
          lambda s: any(q["spec"]["hard"]["limits.memory"] in e["message"] for q in s.objects("ResourceQuota") for e in s.events("FailedCreate")),
          lambda s: s.query('kube_resourcequota{type="used",resource="limits.memory"} > 0'),
          lambda s: len({e["involvedObject"]["name"].rsplit("-", 1)[0] for e in s.events("FailedCreate", "exceeded quota")}) > 1),
         (lambda s: s.events("FailedScheduling"), lambda s: s.events("BackOff"))),
    Case("unschedulable", "node_selector", "web-shop", 0,
         (lambda s: s.events("FailedScheduling", r"^0/(\d+) nodes are available: \1 node\(s\) didn't match", about=s.cause.name), Seen.changed,
          lambda s: any(pod["status"]["phase"] == "Pending" and "nodeName" not in pod["spec"] for pod in s.pods()),
          lambda s: s.query(f'kube_pod_status_unschedulable{{pod=~"{s.cause.name}-.*"}} == 1')),
         (Seen.restarts, lambda s: s.events("FailedCreate"))),
    Case("unschedulable", "taint_toleration", "web-shop", 3,
         (lambda s: s.events("FailedScheduling", r"untolerated taint \{dedicated: batch\}"), Seen.changed,
          lambda s: all(node["spec"].get("taints") for node in s.objects("Node"))),
         (lambda s: s.events("FailedScheduling", "Insufficient"),)),
    Case("unschedulable", "capacity_cpu", "web-shop", 3,
         (lambda s: s.events("FailedScheduling", "Insufficient cpu"), Seen.changed,
          lambda s: any(pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "16" for pod in s.pods())),
         (lambda s: s.events("FailedScheduling", "taint"),)),
    Case("admission_webhook", "admission_webhook", "web-shop", 0,
         (lambda s: s.events("FailedCreate", 'failed calling webhook "validate'), Seen.changed,
          lambda s: s.objects("ValidatingWebhookConfiguration")[0]["webhooks"][0]["failurePolicy"] == "Fail"),
         (lambda s: s.events("FailedCreate", "exceeded quota"), lambda s: s.events("FailedScheduling"), lambda s: s.events("BackOff"))),
    Case("pod_ips_exhausted", "pod_ips_exhausted", "web-shop", 0,
         (lambda s: s.events("FailedCreatePodSandBox", "failed to assign an IP address"), Seen.changed,
          lambda s: s.query('kube_pod_container_status_waiting_reason{reason="ContainerCreating"} == 1')),
         (lambda s: s.events("Failed"), lambda s: s.events("FailedScheduling"))),
    Case("hpa_broken", "hpa_broken", "web-shop", 0,
         (lambda s: s.objects("HorizontalPodAutoscaler", s.cause.name), Seen.changed,
          lambda s: sum(s.query(f'kube_deployment_spec_replicas{{deployment="{s.cause.name}"}}')) <= s.replicas_before()),
         (lambda s: s.events("FailedCreate"), lambda s: s.events("OOMKilling"))),
    Case("node_not_ready", "kubelet_unavailable", "web-shop", 1,
         (lambda s: s.events("NodeNotReady"), lambda s: s.query(f'kube_node_status_condition{{node="{s.cause.name}",condition="Ready",status="unknown"}} == 1'),
          lambda s: any(t["key"] == "node.kubernetes.io/unreachable" for node in s.objects("Node", s.cause.name) for t in node["spec"]["taints"])),
         (lambda s: s.cause.change, lambda s: s.events("Evicted"), lambda s: s.events("OOMKilling"))),
    Case("disk_pressure", "eviction_threshold", "web-shop", 1,
         (lambda s: s.events("Evicted", "The node was low on resource"), Seen.changed,
          lambda s: any(pod["status"].get("reason") == "Evicted" for pod in s.objects("Pod")),
          lambda s: min(s.query('node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes')) > 0.3),
         (lambda s: s.events("OOMKilling"), lambda s: s.events("NodeNotReady"))),
    Case("disk_pressure", "disk_full", "web-shop", 0,
         (lambda s: s.events("Evicted", "The node was low on resource"), Seen.changed,
          lambda s: min(s.query('node_filesystem_avail_bytes{mountpoint="/"} / node_filesystem_size_bytes')) < 0.12),
         (lambda s: s.events("NodeNotReady"),)),
    Case("pod_preempted", "pod_preempted", "web-shop", 0,
         (lambda s: s.events("Preempted", "^Preempted by pod"), Seen.changed, lambda s: s.objects("PriorityClass", "analytics-critical"),
          lambda s: s.events("FailedScheduling", "Insufficient cpu")),
         (lambda s: s.events("Evicted"), lambda s: s.events("OOMKilling"))),
    Case("volume_pending", "storage_class", "web-shop", 0,
         (lambda s: s.events("ProvisioningFailed", "storageclass.storage.k8s.io .* not found"), Seen.changed,
          lambda s: any(claim["status"]["phase"] == "Pending" for claim in s.objects("PersistentVolumeClaim", s.cause.name))),
         (lambda s: s.events("FailedAttachVolume"), Seen.restarts)),
    Case("volume_pending", "volume_access_mode", "web-shop", 3,
         (lambda s: s.events("FailedAttachVolume", "Multi-Attach error", about=s.cause.name), Seen.changed, lambda s: not s.serving()),
         (lambda s: s.events("ProvisioningFailed"), lambda s: s.events("OOMKilling"))),
    Case("ingress_misroute", "ingress_misroute", "web-shop", 0,
         (lambda s: any(path["backend"]["service"]["name"] not in {one["metadata"]["name"] for one in s.objects("Service")}
                        or path["backend"]["service"]["port"]["number"] != 8080
                        for path in s.objects("Ingress", s.cause.name)[0]["spec"]["rules"][0]["http"]["paths"]), Seen.changed),
         (Seen.waiting, Seen.restarts)),
    Case("ingress_misroute", "ingress_misroute", "payments", 1,
         (lambda s: s.objects("Ingress", s.cause.name)[0]["spec"]["ingressClassName"] not in {one["metadata"]["name"] for one in s.objects("IngressClass")},
          Seen.changed, lambda s: s.lines("no object matching key"), lambda s: s.query('probe_success{job="blackbox"}') == [0.0],
          lambda s: min(s.query('sum(rate(nginx_ingress_controller_requests{status="404"}[2m])) / sum(rate(nginx_ingress_controller_requests[2m]))')) > 0.9),
         (Seen.waiting, Seen.restarts, lambda s: s.query('sum(rate(nginx_ingress_controller_requests{status=~"5.."}[2m])) > 1'))),
    Case("mesh_policy", "mesh_policy_denied", "payments", 0,
         (lambda s: s.objects("AuthorizationPolicy", s.cause.name), Seen.changed, Seen.serving, lambda s: s.lines("RBAC: access denied", anywhere=True)),
         (Seen.waiting, Seen.restarts)),
    Case("mesh_policy", "mtls_strict", "payments", 0,
         (lambda s: s.objects("PeerAuthentication", s.cause.name), Seen.changed, Seen.serving),
         (lambda s: s.lines("RBAC: access denied", anywhere=True),)),
    Case("mesh_policy", "traffic_policy_local", "web-shop", 0,
         (lambda s: s.objects("Service", s.cause.name)[0]["spec"]["internalTrafficPolicy"] == "Local", Seen.changed, Seen.serving),
         (Seen.waiting, lambda s: s.lines("RBAC: access denied", anywhere=True))),
    Case("zero_replicas", "zero_replicas", "web-shop", 1,
         (lambda s: s.events("ScalingReplicaSet", "to 0 from", about=s.cause.name), lambda s: not s.pods(), Seen.changed,
          lambda s: s.query(f'kube_deployment_spec_replicas{{deployment="{s.cause.name}"}}') == [0.0]),
         (Seen.restarts, lambda s: s.events("BackOff", about=s.cause.name))),
)  # fmt: skip


@functools.cache
def seen(case: Case) -> Seen:
    """The first seed from the case's own on at which the family shows as that kind."""
    for seed in range(case.seed, case.seed + 12):
        found = Seen(*built(case.world, case.fault, seed))
        if found.cause.fault == case.kind:
            return found
    raise AssertionError(f"{case.id} does not come up in {case.world} from seed {case.seed} on")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_tells_it_from_others_is_there_and_what_does_not_belong_is_not(case: Case) -> None:
    found = seen(case)
    assert [k for k, check in enumerate(case.there) if not check(found)] == []
    assert [k for k, check in enumerate(case.absent) if check(found)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_page_follows_the_onset_and_its_rule_holds_over_the_data_served(case: Case) -> None:
    found = seen(case)
    telemetry, label = found.telemetry, found.scenario.alert["alerts"][0]["labels"]
    assert found.truth.status == "found"
    assert found.cause.fault in faults.kinds(case.fault)
    fired = [a for a in telemetry.alerts if a.rule == label["alertname"] and a.starts_s <= telemetry.now_s]
    fired = [a for a in fired if all(label.get(key) == value for key, value in a.labels.items())]
    assert found.onset_s < fired[-1].active_s <= fired[-1].starts_s < telemetry.now_s
    assert found.truth.path[-1] == label["service"]
    rule = next(one for one in telemetry.rules if one.name == label["alertname"])
    result = engine.Engine(telemetry.metrics).instant(rule.expr, fired[-1].starts_s)
    mine = [s for s in result.series if all(label.get(k) == v for k, v in s.labels if k in label)]
    assert mine


def test_every_family_of_the_cluster_has_a_case() -> None:
    assert {case.fault for case in CASES} == set(faults.groups()["cluster"])


@pytest.mark.parametrize("fault", ["image_pull", "zero_replicas", "service_routing"])
def test_any_seed_is_built_and_paged_for(fault: str) -> None:
    """A property over seeds; a failure names its seed."""
    for seed in range(100, 106):
        scenario, truth = world.build("web-shop", fault, seed, hours=HOURS, noise="drawn")
        onset_s = truth.causes[0].onset_s
        assert onset_s is not None
        starts = [a.starts_s for a in scenario.telemetry.alerts if a.rule == scenario.alert["groupLabels"]["alertname"]]
        assert any(onset_s < start < scenario.telemetry.now_s for start in starts), f"seed {seed}"
        assert truth.causes[0].name not in truth.decoys, f"seed {seed}"
        pods = [v.body for v in scenario.telemetry.cluster.versions if v.body["kind"] == "Pod"]
        assert all(pod["status"]["phase"] in ("Pending", "Running", "Failed") for pod in pods), f"seed {seed}"
