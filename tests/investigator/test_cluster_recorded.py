"""Invariants on recorded clusters: the first cases of the public sample, read from its archive without unpacking the rest."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from rootward import _clock
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import cloudopsbench
from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import inspect
from rootward.signals import alerts, entities, records, windows

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cloudopsbench_sample.tar.xz"
CASES = 6
MEMBERS_MAX = 60


def case_of(scenario: telemetry.Scenario) -> cases.Case:
    """What the probes would bring home of the cluster and its logs."""
    system = scenario.telemetry
    objects: dict[str, list[records.ClusterObject]] = {}
    for version in system.cluster.versions:
        metadata = version.body["metadata"]
        one = records.ClusterObject(version.body["kind"], metadata["name"], metadata.get("namespace", ""), version.body)
        objects.setdefault(one.kind, []).append(one)
    logs = []
    if system.logs is not None:
        for index, stream in enumerate(system.logs.streams):
            chosen = np.flatnonzero(system.logs.stream == index)[-2000:]
            times_s = system.logs.times_ns[chosen] / 1e9
            batch = records.LogBatch(times_s, [system.logs.lines[i] for i in chosen], [0] * len(chosen), [stream])
            logs.append(cases.LogsOf(entities.Entity(entities.EntityKind.SERVICE, stream["app"]), batch, f"L{index}"))
    alert = scenario.alert["alerts"][0]
    starts_s = _clock.from_iso(alert["startsAt"])
    return cases.Case(
        alerts.Alert(alert["labels"]["alertname"], starts_s, labels=alert["labels"]),
        windows.Window(starts_s - 3600.0, starts_s - 300.0),
        windows.Window(starts_s - 300.0, system.now_s),
        system.now_s,
        objects=objects,
        objects_evidence={kind: f"K.{kind}" for kind in objects},
        events=[(_event(body), "K.events") for body in system.cluster.events],
        logs=logs,
    )


def _event(body: dict) -> records.Event:
    involved = body["involvedObject"]
    kind = {"Pod": entities.EntityKind.POD, "Node": entities.EntityKind.NODE}.get(
        involved["kind"], entities.EntityKind.WORKLOAD
    )
    entity = entities.Entity(kind, involved["name"], involved.get("namespace", ""))
    last_s, first_s = _clock.from_iso(body["lastTimestamp"]), _clock.from_iso(body["firstTimestamp"])
    return records.Event(
        last_s, entity, body["reason"], body["message"], body["type"] == "Warning", body["count"], first_s
    )


@pytest.mark.skipif(not DATA.exists(), reason=f"no {DATA.name} beside the checkout (../shared/data)")
def test_recorded_faults_are_named(tmp_path: Path) -> None:
    """A loose floor: the measured figures are in docs/reference/cluster_invariants.md and printed by the benchmarks."""
    with tarfile.open(DATA, "r:xz") as archive:
        for number, member in enumerate(archive):
            if number >= MEMBERS_MAX:
                break
            archive.extract(member, tmp_path, filter="data")
    found = []
    for path in sorted(tmp_path.rglob("metadata.json")):
        if len(found) == CASES or not (path.parent / "raw_data" / "k8s_states.json").exists():
            continue
        ((case_id, scenario, truth),) = list(cloudopsbench.cases(path.parent))
        if "performance" in case_id:
            continue  # nothing in the cluster's state tells of these
        (cause,) = truth.causes
        best = inspect.clues(case_of(scenario))[:1]
        found.append((case_id, [(clue.entity.name, clue.fault) for clue in best] == [(cause.name, cause.fault)]))
    assert found
    assert sum(right for _case_id, right in found) >= len(found) - 1, found
