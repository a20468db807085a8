"""Rules over pods and what controls them, as the kubernetes-mixin has them; a platform team adds whose service it is.

https://github.com/kubernetes-monitoring/kubernetes-mixin/blob/master/alerts/apps_alerts.libsonnet
"""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import troubles as tr
from rootward.dojo.world import workloads
from rootward.dojo.world.rules import watching

GROUP = "kubernetes-apps"
JOB = 'job="kube-state-metrics"'
PATIENCE_S = (300.0, 600.0, 600.0)
OWNER = "(.+?)(-[a-z0-9]{8,10}-[a-z0-9]{5}|-[0-9]+)"
"""Pod names of Deployments and StatefulSets, with the workload's name first."""


def watches(frame: fr.Frame) -> list[watching.Watch]:
    found: list[watching.Watch] = []
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            counts = workloads.count(frame, i)
            found += _mismatch(frame, i, counts)
            if component.kind is bp.Kind.SERVICE:
                found += _rollout(frame, i, counts)
    for p in range(len(frame.fleet.pods)):
        found += [*_not_ready(frame, p), *_crash_looping(frame, p), *_waiting(frame, p)]
    return found


def _rule(frame: fr.Frame, name: str, expr: str, severity: str, summary: str, *, for_s: float = 0.0) -> tm.AlertRule:
    patience_s = for_s or PATIENCE_S[int(frame.rng("patience", name).integers(0, len(PATIENCE_S)))]
    return tm.AlertRule(
        name,
        expr,
        patience_s,
        {"severity": severity},
        {
            "summary": summary,
            "description": f"{summary} for longer than {round(patience_s / 60)} minutes.",
            "runbook_url": f"https://runbooks.prometheus-operator.dev/runbooks/kubernetes/{name.lower()}",
        },
        group=GROUP,
    )


def _service(expr: str, label: str, pattern: str = "(.+)") -> str:
    return f'label_replace({expr}, "service", "$1", "{label}", "{pattern}")'


def _within(frame: fr.Frame, marks: lay.BoolArray, seconds: float) -> lay.BoolArray:
    """Whether any of `marks` [T] lies in the window of `seconds` that ends at each step."""
    width = max(1, round(seconds / frame.step_s))
    total = np.cumsum(marks)
    before = np.concatenate((np.zeros(width, dtype=total.dtype), total[:-width]))[: len(marks)]
    return np.asarray(total - before > 0, dtype=np.bool_)


def _mismatch(frame: fr.Frame, i: int, counts: workloads.Counts) -> list[watching.Watch]:
    component = frame.layout.components[i]
    kind = workloads.kind_of(component)
    changed = np.concatenate(([False], np.diff(counts.updated) != 0))
    holds = (counts.desired > counts.ready) & ~_within(frame, changed, 570.0)
    names = {
        "Deployment": ("kube_deployment_spec_replicas", "kube_deployment_status_replicas_available"),
        "StatefulSet": ("kube_statefulset_replicas", "kube_statefulset_status_replicas_ready"),
    }[kind]
    label = kind.lower()
    updated = f"kube_{label}_status_replicas_updated"
    expr = _service(f"(({names[0]}{{{JOB}}} > {names[1]}{{{JOB}}}) and (changes({updated}{{{JOB}}}[10m]) == 0))", label)
    summary = (
        f"{kind} {{{{ $labels.namespace }}}}/{{{{ $labels.{label} }}}} has not matched the expected number of replicas"
    )
    rule = _rule(frame, f"Kube{kind}ReplicasMismatch", expr, "critical", summary)
    series = {**_own(frame, i), label: component.name}
    return [watching.Watch(rule, i, True, holds, watching.number(counts.desired), series)]


def _rollout(frame: fr.Frame, i: int, counts: workloads.Counts) -> list[watching.Watch]:
    if not counts.late.any():
        return []
    condition = f'kube_deployment_status_condition{{condition="Progressing",status="false",{JOB}}} != 0'
    summary = "Rollout of deployment {{ $labels.namespace }}/{{ $labels.deployment }} is not progressing"
    rule = _rule(frame, "KubeDeploymentRolloutStuck", _service(condition, "deployment"), "critical", summary)
    series = {**_own(frame, i), "deployment": frame.layout.components[i].name}
    series |= {"condition": "Progressing", "status": "false"}
    return [watching.Watch(rule, i, True, counts.late, watching.number(counts.late), series)]


def _own(frame: fr.Frame, i: int) -> dict[str, str]:
    return {"namespace": frame.layout.namespace(i), "service": frame.layout.components[i].name}


def _not_ready(frame: fr.Frame, p: int) -> list[watching.Watch]:
    pod = frame.fleet.pods[p]
    holds = np.zeros(frame.steps, dtype=np.bool_)
    for spell in pod.spells:
        if spell.state.kind in tr.PENDING:
            holds[spell.start : spell.end] = True
    if not holds.any():
        return []
    phases = f'max by (namespace, pod) (kube_pod_status_phase{{phase=~"Pending|Unknown",{JOB}}}) > 0'
    summary = "Pod {{ $labels.namespace }}/{{ $labels.pod }} has been in a non-ready state"
    rule = _rule(frame, "KubePodNotReady", _service(phases, "pod", OWNER), "critical", summary)
    return [
        watching.Watch(
            rule, pod.component, True, holds, watching.number(holds), {**_own(frame, pod.component), "pod": pod.name}
        )
    ]


def _crash_looping(frame: fr.Frame, p: int) -> list[watching.Watch]:
    pod = frame.fleet.pods[p]
    if not pod.restarts:
        return []
    waiting = np.zeros(frame.steps, dtype=np.bool_)
    for restart in pod.restarts:
        waiting[restart.at : restart.ready] = True
    holds = _within(frame, waiting & frame.fleet.exists[p], 300.0) & frame.fleet.exists[p]
    reason = f'kube_pod_container_status_waiting_reason{{reason="CrashLoopBackOff",{JOB}}}'
    summary = "Pod {{ $labels.namespace }}/{{ $labels.pod }} ({{ $labels.container }}) is in waiting state (reason: CrashLoopBackOff)"
    expr = _service(f"max_over_time({reason}[5m]) >= 1", "container")
    rule = _rule(frame, "KubePodCrashLooping", expr, "critical", summary)
    series = {**_own(frame, pod.component), "pod": pod.name, "reason": "CrashLoopBackOff"}
    series["container"] = frame.layout.components[pod.component].name
    return [watching.Watch(rule, pod.component, True, holds, watching.number(holds), series)]


def _waiting(frame: fr.Frame, p: int) -> list[watching.Watch]:
    pod = frame.fleet.pods[p]
    found = []
    for spell in pod.spells:
        if spell.state.kind != tr.WAITING:
            continue
        holds = np.zeros(frame.steps, dtype=np.bool_)
        holds[spell.start : spell.end] = True
        reason = f'kube_pod_container_status_waiting_reason{{reason!="CrashLoopBackOff",{JOB}}} > 0'
        summary = "Container {{ $labels.container }} of pod {{ $labels.namespace }}/{{ $labels.pod }} waits (reason: {{ $labels.reason }})"
        rule = _rule(frame, "KubeContainerWaiting", _service(reason, "container"), "warning", summary, for_s=900.0)
        series = {**_own(frame, pod.component), "pod": pod.name, "reason": spell.state.reason}
        series["container"] = frame.layout.components[pod.component].name
        found.append(watching.Watch(rule, pod.component, False, holds, watching.number(holds), series))
    return found
