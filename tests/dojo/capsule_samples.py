"""A scenario with one of everything, small, for tests of capsules: what survives, what is refused."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry

START_S = 1_700_000_000.0
NAN_PAYLOAD = np.array([0x7FF800000000BEEF], dtype=np.uint64).view(np.float64)[0]


def metrics() -> telemetry.Metrics:
    values = np.array([[1.0, 2.0, 3.0], [0.0, np.nan, np.inf]])
    values[0, 2:] = telemetry.STALE
    values[1, :1] = NAN_PAYLOAD
    times_s = START_S + np.array([0.0, 15.0, 30.0])
    first = telemetry.MetricBlock(times_s, values, ({"__name__": "up", "job": "a"}, {"__name__": "up", "job": "ü\n"}))
    second = telemetry.MetricBlock(np.array([START_S + 1.5]), np.array([[7.0]]), ({"__name__": "one"},))
    empty = telemetry.MetricBlock(np.array([START_S]), np.empty((0, 1)), ())
    return telemetry.Metrics((first, empty, second), {"up": telemetry.MetricMeta("gauge", "is it up", "bool")})


def logs() -> telemetry.Logs:
    return telemetry.Logs(
        times_ns=np.array([1, 2, 2], dtype=np.int64),
        stream=np.array([0, 1, 0], dtype=np.int32),
        lines=["first", "", "third\twith é and \x00"],
        streams=({"app": "a"}, {"app": "b", "pod": "b-1"}),
        trace_ids=["", "0" * 32, ""],
    )


def spans() -> telemetry.Spans:
    return telemetry.Spans(
        trace_ids=["a" * 32] * 2,
        span_ids=["1" * 16, "2" * 16],
        parent_ids=["", "1" * 16],
        process=np.array([0, 1], dtype=np.int32),
        name=np.array([0, 0], dtype=np.int32),
        kind=np.array([2, 3], dtype=np.int8),
        start_ns=np.array([10, 20], dtype=np.int64),
        duration_ns=np.array([100, 50], dtype=np.int64),
        status=np.array([0, 2], dtype=np.int8),
        attributes=[{}, {"http.status_code": 500, "tags": ["x"]}],
        processes=(telemetry.Process("a"), telemetry.Process("b", {"k8s.pod.name": "b-1", "cpus": 2})),
        names=("GET /",),
    )


def scenario() -> telemetry.Scenario:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a-1"}, "status": {"phase": "Running"}}
    data = telemetry.Telemetry(
        name="sample",
        start_s=START_S,
        end_s=START_S + 60,
        now_s=START_S + 45,
        metrics=metrics(),
        logs=logs(),
        spans=spans(),
        cluster=telemetry.Cluster(
            (telemetry.ObjectVersion(START_S, pod),), ({"kind": "Event", "count": 3},), "v1.30.0"
        ),
        code=telemetry.Code(
            (telemetry.Commit(START_S, "c0ffee", "ann", "fix", "o/r", {"a.py": "@@ -1 +1 @@"}, "beef"),),
            (telemetry.Pull(7, "Fix", "ann", "o/r", START_S, None),),
            (telemetry.Deployment(START_S, 1, "c0ffee", "o/r", "production", "ann", payload={"service": "a"}),),
        ),
        change_events=(telemetry.ChangeEvent(START_S, "e1", "flag on", "flags", "a", {"kind": "flag"}),),
        messages=(telemetry.ChatMessage(START_S, "alerts", "ann", "looking", thread_s=START_S - 1),),
        rules=(telemetry.AlertRule("Down", "up == 0", 60.0, {"severity": "critical"}, {"summary": "down"}),),
        alerts=(telemetry.FiredAlert("Down", {"alertname": "Down"}, {}, START_S, START_S + 1),),
        incidents=(telemetry.Incident(START_S, 3, "Down", "a"),),
        access={"loki": "down"},
    )
    return telemetry.Scenario(data, {"version": "4", "alerts": [{"labels": {"alertname": "Down"}}]})


def truth() -> oracle.Truth:
    cause = oracle.Cause("service", "a", "bad_deploy", START_S, "c0ffee", (("pod", "a-1"),))
    return oracle.Truth("found", (cause,), ("a", "b"), ("beef",), "why", {"label": ["kept", "as it was"]})
