"""Rules over nodes: not ready, under pressure, cordoned for long. They warn; whoever suffers pages.

https://github.com/kubernetes-monitoring/kubernetes-mixin/blob/master/alerts/kubelet.libsonnet
"""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching

JOB = 'job="kube-state-metrics"'


def watches(frame: fr.Frame) -> list[watching.Watch]:
    found = []
    for n in range(len(frame.fleet.nodes)):
        found += [
            _condition(frame, n, "Ready", "KubeNodeNotReady"),
            _condition(frame, n, "DiskPressure", "KubeNodePressure"),
        ]
    return found


def _condition(frame: fr.Frame, n: int, condition: str, name: str) -> watching.Watch:
    holds = np.zeros(frame.steps, dtype=np.bool_)
    for mark in frame.draft.marks:
        if mark.node == n and mark.condition[0] == condition:
            holds[mark.at : mark.until] = True
    expr = f'kube_node_status_condition{{{JOB},condition="{condition}",status="true"}} == {0 if condition == "Ready" else 1}'
    state = "has not been ready" if condition == "Ready" else f"reports {condition}"
    summary = f"Node {{{{ $labels.node }}}} {state}"
    rule = tm.AlertRule(
        name,
        expr,
        300.0,
        {"severity": "warning"},
        {
            "summary": summary,
            "description": f"{summary} for more than 5 minutes.",
            "runbook_url": f"https://runbooks.prometheus-operator.dev/runbooks/kubernetes/{name.lower()}",
        },
        group="kubernetes-system-kubelet",
    )
    series = {"node": frame.fleet.nodes[n], "condition": condition, "status": "true"}
    here = [frame.fleet.pods[p].component for p in range(len(frame.fleet.pods)) if frame.fleet.pods[p].node == n]
    value = watching.number(~holds if condition == "Ready" else holds)
    return watching.Watch(rule, here[0] if here else 0, False, holds, value, series)
