"""Rules over room to grow: autoscalers that are at their end or cannot follow, quotas that are used up. Nobody is paged for them.

https://github.com/kubernetes-monitoring/kubernetes-mixin/blob/master/alerts/resource_alerts.libsonnet
"""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import quotas, scaling
from rootward.dojo.world.rules import watching

JOB = 'job="kube-state-metrics"'
SCALER = "kube_horizontalpodautoscaler"
FULL = 0.98


def watches(frame: fr.Frame) -> list[watching.Watch]:
    found: list[watching.Watch] = []
    for i, scaler in scaling.scalers(frame.layout).items():
        found += [_maxed(frame, i, scaler), _blind(frame, i)]
    for namespace in sorted({frame.layout.namespace(i) for i in range(len(frame.layout.components))}):
        found += [_quota(frame, namespace, resource) for resource in quotas.RESOURCES]
    return found


def _rule(name: str, expr: str, for_s: float, severity: str, summary: str) -> tm.AlertRule:
    return tm.AlertRule(
        name,
        expr,
        for_s,
        {"severity": severity},
        {
            "summary": summary,
            "description": f"{summary}.",
            "runbook_url": f"https://runbooks.prometheus-operator.dev/runbooks/kubernetes/{name.lower()}",
        },
        group="kubernetes-resources",
    )


def _named(expr: str) -> str:
    return f'label_replace({expr}, "service", "$1", "horizontalpodautoscaler", "(.+)")'


def _series(frame: fr.Frame, i: int) -> dict[str, str]:
    name = frame.layout.components[i].name
    return {"namespace": frame.layout.namespace(i), "service": name, "horizontalpodautoscaler": name}


def _maxed(frame: fr.Frame, i: int, scaler: scaling.Scaler) -> watching.Watch:
    held = frame.fleet.exists[frame.fleet.of(i)].sum(axis=0)
    expr = _named(f"({SCALER}_status_current_replicas{{{JOB}}} == {SCALER}_spec_max_replicas{{{JOB}}})")
    summary = "HPA {{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} has been running at max replicas"
    rule = _rule("KubeHpaMaxedOut", expr, 900.0, "warning", summary)
    return watching.Watch(rule, i, False, held == scaler.high, watching.number(held), _series(frame, i))


def _blind(frame: fr.Frame, i: int) -> watching.Watch:
    holds = np.zeros(frame.steps, dtype=np.bool_)
    broken = frame.draft.scaling.get(i)
    if broken is not None and broken.condition[0] == "ScalingActive":
        holds[broken.at : broken.until] = True
    condition = f'{SCALER}_status_condition{{condition="ScalingActive",status="false",{JOB}}} == 1'
    summary = "HPA {{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} cannot read its metrics"
    rule = _rule("KubeHpaScalingInactive", _named(condition), 600.0, "warning", summary)
    series = {**_series(frame, i), "condition": "ScalingActive", "status": "false"}
    return watching.Watch(rule, i, False, holds, watching.number(holds), series)


def _quota(frame: fr.Frame, namespace: str, resource: str) -> watching.Watch:
    share = quotas.used(frame, namespace, resource) / quotas.hard(frame, namespace, resource)
    expr = f'kube_resourcequota{{{JOB},type="used"}} / ignoring(instance, job, type) (kube_resourcequota{{{JOB},type="hard"}} > 0) >= {FULL}'
    summary = "Namespace {{ $labels.namespace }} uses up its quota of {{ $labels.resource }}"
    rule = _rule("KubeQuotaFullyUsed", expr, 600.0, "warning", summary)
    first = next(i for i in range(len(frame.layout.components)) if frame.layout.namespace(i) == namespace)
    series = {"namespace": namespace, "resource": resource, "resourcequota": quotas.NAME}
    return watching.Watch(rule, first, False, share >= FULL, share, series)
