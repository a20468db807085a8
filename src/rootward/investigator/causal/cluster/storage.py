"""Volume claims: what pods mount against the claims that exist, and claims against the volumes that could satisfy them."""

from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import state

FAMILY = "cluster.storage"
MISSING = 5.5  # below a quota that would explain it
UNBOUND = 6.0


def clues(view: state.View) -> Iterator[cases.Clue]:
    for workload in view.workloads:
        if workload.ready and not workload.lacking:
            continue
        for volume in state.items(workload.spec, "volumes"):
            name = str(state.part(volume, "persistentVolumeClaim").get("claimName") or "")
            if name:
                yield from _claim(view, workload, name)
        yield from _mounts(view, workload)


def _claim(view: state.View, workload: state.Workload, name: str) -> Iterator[cases.Clue]:
    claims = {
        str(state.part(one, "metadata").get("name")): one
        for one in view.bodies("PersistentVolumeClaim")
        if state.part(one, "metadata").get("namespace") == workload.namespace
    }
    evidence = view.evidence("PersistentVolumeClaim", "PersistentVolume")
    claim = claims.get(name)
    if claim is None:
        said = any(name in event.message for event, _evidence in view.warnings(workload))
        if claims or said or view.knows("PersistentVolumeClaim"):
            sentence = f"{workload.name} mounts the claim {name}, which does not exist"
            yield cases.Clue(workload.entity, "missing_claim", MISSING, sentence, evidence, FAMILY)
    elif state.part(claim, "status").get("phase") not in ("Bound", None):
        fault, why = _unbound(view, claim)
        sentence = f"{workload.name} waits for the claim {name}, which is not bound: {why}"
        yield cases.Clue(workload.entity, fault, UNBOUND, sentence, evidence, FAMILY)


def _unbound(view: state.View, claim: state.Json) -> tuple[str, str]:
    """Why no volume satisfies the claim: class, access mode, size, selector; the first that no volume meets."""
    spec = state.part(claim, "spec")
    storage_class = spec.get("storageClassName")
    if storage_class and view.knows("StorageClass") and storage_class not in view.names("StorageClass", ""):
        return "storage_class", f"storage class {storage_class} does not exist"
    offered = [
        state.part(one, "spec")
        for one in view.bodies("PersistentVolume")
        if state.part(one, "status").get("phase") == "Available"
    ]
    same = [one for one in offered if (one.get("storageClassName") or "") == (storage_class or "")]
    if not same:
        return "volume_unavailable", "no volume of its class is available"
    modes = set(spec.get("accessModes") or ())
    if not any(modes <= set(one.get("accessModes") or ()) for one in same):
        return "volume_access_mode", f"no available volume offers {', '.join(sorted(modes))}"
    wanted = state.quantity(state.part(state.part(spec, "resources"), "requests").get("storage", 0)) or 0.0
    if all((state.quantity(state.part(one, "capacity").get("storage", 0)) or 0.0) < wanted for one in same):
        return "volume_capacity", "no available volume is large enough"
    return "volume_unavailable", "no available volume matches"


def _mounts(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """The kubelet says that it cannot mount, for a reason other than a missing secret or config map."""
    warnings = view.warnings(workload)
    absent = {
        event.entity.name for event, _ in warnings if event.reason == "FailedMount" and "not found" in event.message
    }
    for event, evidence in warnings[::-1]:
        if event.entity.name in absent:
            continue  # that the mount timed out is for want of what was not found
        if event.reason not in ("FailedMount", "FailedAttachVolume") or "not found" in event.message:
            continue
        if not any(pod.name == event.entity.name and not pod.ready for pod in workload.pods):
            continue
        denied = "permission denied" in event.message.lower()
        elsewhere = any("Multi-Attach" in one.message for one, _ in warnings if one.entity.name == event.entity.name)
        yield cases.Clue(
            workload.entity,
            "volume_access_mode" if elsewhere else "volume_permission" if denied else "volume_unavailable",
            6.0,
            f"a volume of {event.entity.name} cannot be mounted: {event.message[:160]}",
            (evidence,),
            FAMILY,
            onset_s=event.first_s or event.time_s,
        )
        return
