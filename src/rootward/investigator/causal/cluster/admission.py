"""Pods that the API server refuses to create: quotas, service accounts, admission policies; and what a quota keeps away."""

import re
from collections.abc import Iterator

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import configured, state
from rootward.signals import entities

FAMILY = "cluster.admission"
DENIED = 8.0  # the API server itself says so, for a workload that is short of pods now
MISSING_BEHIND_QUOTA = 6.5  # nothing was logged, but what is missing is what the full quota counts
FULL = 0.7  # a full quota that stops nobody


def clues(view: state.View) -> Iterator[cases.Clue]:
    for workload in view.workloads:
        yield from _service_account(view, workload)
        if workload.lacking:
            yield from _denied(view, workload)
    yield from _full(view)


_WEBHOOK = re.compile(r'failed calling webhook "([^"]+)": (?:.*?https://([a-z0-9.-]+)\S*)?\W*(.*)', re.DOTALL)
_QUOTA = re.compile(r"exceeded quota: ([^,]+), requested: (.+?), used: (.+?), limited: (.+)$")


def quota_fault(resource: str) -> str:
    """The kind of fault for a quota's resource name (`requests.cpu`, `count/services`, `persistentvolumeclaims` …)."""
    for part, fault in (
        ("storage", "quota_storage"),
        ("persistentvolumeclaim", "quota_storage"),
        ("cpu", "quota_cpu"),
        ("memory", "quota_memory"),
        ("pods", "quota_pods"),
        ("services", "quota_services"),
        ("configmaps", "quota_configmaps"),
        ("secrets", "quota_secrets"),
    ):
        if part in resource:
            return fault
    return "quota_" + re.sub(r"\W+", "_", resource)


def _denied(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    refusals = [pair for pair in view.warnings(workload) if pair[0].reason in ("FailedCreate", "FailedUpdate")]
    if not refusals:
        return
    event, evidence = refusals[-1]
    cited = (evidence, *view.evidence("ResourceQuota"))
    match = _QUOTA.search(event.message)
    if match:
        namespace = entities.Entity(entities.EntityKind.NAMESPACE, workload.namespace)
        resource = match.group(2).partition("=")[0]
        yield cases.Clue(
            namespace,
            quota_fault(resource),
            DENIED,
            f"pods of {workload.name} are refused: quota {match.group(1)} is used up "
            f"(asked {match.group(2)}, used {match.group(3)}, allowed {match.group(4)})",
            cited,
            FAMILY,
            onset_s=event.first_s or event.time_s,
        )
    elif called := _WEBHOOK.search(event.message):
        yield _webhook(view, workload, called, evidence, event.first_s or event.time_s)
    elif "service account" in event.message:
        if workload.spec.get("serviceAccountName") in view.names("ServiceAccount", workload.namespace):
            return  # it was created a moment after its workload
        yield _no_account(view, workload, (evidence,), event.first_s or event.time_s)
    elif "forbidden" in event.message or "admission webhook" in event.message:
        yield cases.Clue(
            workload.entity,
            "bad_config",
            6.0,
            f"pods of {workload.name} are refused by admission: {event.message[:200]}",
            (evidence,),
            FAMILY,
            onset_s=event.first_s or event.time_s,
        )


def _webhook(
    view: state.View, workload: state.Workload, called: re.Match[str], evidence: str, onset_s: float
) -> cases.Clue:
    """A webhook that must be asked and cannot be: the place to look is the service that it points to."""
    name, host, why = called.group(1), called.group(2), called.group(3)
    service, _, rest = (host or name).partition(".")
    namespace = rest.partition(".")[0] if host else ""
    known = next((one.entity for one in view.workloads if (one.name, one.namespace) == (service, namespace)), None)
    return cases.Clue(
        known or entities.Entity(entities.EntityKind.WORKLOAD, service, namespace),
        "admission_webhook",
        DENIED,
        f"pods of {workload.name} are refused because the webhook {name} cannot be called: {why[:160]}",
        (evidence,),
        FAMILY,
        onset_s=onset_s,
        victims=(workload.entity,),
    )


def _service_account(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """The account that the template names, against the accounts that exist."""
    account = workload.spec.get("serviceAccountName")
    existing = view.names("ServiceAccount", workload.namespace)
    if account and existing and account not in existing and not (workload.desired and not workload.short):
        yield _no_account(view, workload, view.evidence("ServiceAccount", workload.kind), None)


def _no_account(
    view: state.View, workload: state.Workload, evidence: tuple[str, ...], onset_s: float | None
) -> cases.Clue:
    account = workload.spec.get("serviceAccountName")
    return cases.Clue(
        workload.entity,
        "missing_service_account",
        DENIED,
        f"{workload.name} runs as service account {account}, which does not exist in {workload.namespace}",
        (*evidence, *view.evidence("ServiceAccount")),
        FAMILY,
        onset_s=onset_s,
    )


def _full(view: state.View) -> Iterator[cases.Clue]:
    for quota in view.bodies("ResourceQuota"):
        status, metadata = state.part(quota, "status"), state.part(quota, "metadata")
        namespace = entities.Entity(entities.EntityKind.NAMESPACE, str(metadata.get("namespace", "")))
        hard, used = state.part(status, "hard"), state.part(status, "used")
        for resource, limit in hard.items():
            missing = _kept_away(view, resource, namespace.name)
            full = (state.quantity(used.get(resource, 0)) or 0.0) >= (state.quantity(limit) or 0.0)
            tight = full or (missing and "storage" in resource)
            if not tight:
                continue
            what = f"quota {metadata.get('name')} allows {limit} {resource} and {used.get(resource, 0)} are used"
            yield cases.Clue(
                namespace,
                quota_fault(resource),
                MISSING_BEHIND_QUOTA if missing else FULL,
                f"{what}; missing: {', '.join(missing)}" if missing else what,
                view.evidence("ResourceQuota"),
                FAMILY,
            )


def _kept_away(view: state.View, resource: str, namespace: str) -> list[str]:
    """What a quota on `resource` may have refused: it is referred to, or all its like have one, and it is not there."""
    fault = quota_fault(resource)
    if fault == "quota_storage":
        claims = view.names("PersistentVolumeClaim", namespace)
        return [name for name in claimed(view, namespace) if name not in claims]
    if fault == "quota_services":
        return unserved(view, namespace)
    return []


def claimed(view: state.View, namespace: str) -> list[str]:
    """Names of the volume claims that pods of the namespace mount."""
    found = []
    for workload in view.workloads:
        if workload.namespace == namespace:
            for volume in state.items(workload.spec, "volumes"):
                name = state.part(volume, "persistentVolumeClaim").get("claimName")
                if name:
                    found.append(str(name))
    return sorted(set(found))


def unserved(view: state.View, namespace: str) -> list[str]:
    """Workloads that open a port and that no service selects, where most such workloads have one and others name it."""
    services = view.names("Service", namespace)
    open_ports = [
        one
        for one in view.workloads
        if one.namespace == namespace and any(state.items(container, "ports") for container in one.containers)
    ]
    addressed = {address.host for one in open_ports for address in configured.addresses(one)}
    return [one.name for one in open_ports if one.name not in services and one.name in addressed] or [
        one.name
        for one in open_ports
        if one.name not in services
        and len([o for o in open_ports if o.name in services]) >= 3
        and not _selected(view, one)
    ]


def _selected(view: state.View, workload: state.Workload) -> bool:
    for service in view.bodies("Service"):
        selector = state.part(state.part(service, "spec"), "selector")
        if selector and any(state.matches(dict(selector), labels) for labels in state.label_sets(workload)):
            return True
    return False
