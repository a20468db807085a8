"""Containers that never start: images that cannot be pulled, secrets and config maps that are referred to and do not exist."""

import re
from collections.abc import Iterator, Sequence

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import state
from rootward.signals import records

FAMILY = "cluster.startup"
REFUSED = 7.5  # the kubelet names the reason, the container is still waiting
ABSENT = 7.0  # the reference dangles and its workload is short of pods
BLOCKED = 6.5  # the pod itself says what it waits for
INIT_PATIENCE_S = 120.0
PULL_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


def clues(view: state.View) -> Iterator[cases.Clue]:
    for workload in view.workloads:
        if workload.desired and not workload.lacking:
            continue
        yield from _image(view, workload)
        yield from _references(view, workload)
        yield from _unstartable(view, workload)
        yield from _initialising(view, workload)


def _waiting(workload: state.Workload) -> dict[str, str]:
    """Container → reason it waits for, over pods that are not ready."""
    found = {}
    for pod in workload.pods:
        for status in pod.containers:
            waiting = state.part(state.part(status, "state"), "waiting")
            if not pod.ready and waiting.get("reason"):
                found[str(status.get("name", ""))] = str(waiting["reason"])
    return found


_RESOLVES = re.compile(
    r"no such host|dial \w+: lookup |name resolution|Name or service not known|could not resolve", re.IGNORECASE
)
_UNAUTHORISED = re.compile(
    r"failed to authorize|unauthorized|authentication required|\b40[13]\b|denied|no basic auth", re.IGNORECASE
)
_UNKNOWN = re.compile(
    r"not ?found|manifest unknown|does not exist|invalid reference|InvalidImageName|couldn't parse", re.IGNORECASE
)


def _image(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    waits = [name for name, reason in _waiting(workload).items() if reason in PULL_REASONS]
    warnings = view.warnings(workload)
    pulls = [pair for pair in warnings if "pull image" in pair[0].message or pair[0].reason == "InspectFailed"]
    pulls = [pair for pair in pulls if any(pair[0].entity.name == pod.name and not pod.ready for pod in workload.pods)]
    if not waits and not pulls:
        return
    said = pulls[-1][0].message if pulls else ""
    images = {str(one.get("name")): str(one.get("image", "")) for one in workload.containers}
    image = next((images[name] for name in waits if name in images), next(iter(images.values()), ""))
    secret = _pull_secret(view, workload, warnings)
    if _RESOLVES.search(said):
        fault, why = "image_registry_dns", "the registry's name does not resolve"
    elif secret:
        fault, why = "image_pull_secret", f"the pull secret {secret} does not exist"
    elif _UNAUTHORISED.search(said):
        fault, why = "image_pull_secret", "the registry does not authorise it"
    elif _UNKNOWN.search(said) or "InvalidImageName" in _waiting(workload).values():
        fault, why = "image_reference", "the registry does not know it"
    else:
        fault, why = "image_reference", said[:120] or "the pull fails"
    yield cases.Clue(
        workload.entity,
        fault,
        REFUSED if said else ABSENT,
        f"{workload.name} cannot pull {image}: {why}",
        (*(evidence for _event, evidence in pulls[-1:]), *view.evidence("Pod")),
        FAMILY,
        onset_s=(pulls[0][0].first_s or pulls[0][0].time_s) if pulls else None,
    )


def _pull_secret(view: state.View, workload: state.Workload, warnings: Sequence[tuple[records.Event, str]]) -> str:
    for event, _evidence in warnings:
        if event.reason == "FailedToRetrieveImagePullSecret":
            match = re.search(r"\(([^)]+)\)", event.message)
            return match.group(1) if match else "it names"
    existing = view.names("Secret", workload.namespace)
    named = [str(one.get("name", "")) for one in state.items(workload.spec, "imagePullSecrets")]
    return next((name for name in named if name not in existing and view.knows("Secret")), "")


def references(workload: state.Workload) -> Iterator[tuple[str, str, str]]:
    """(kind, name, where) of every Secret and ConfigMap that the pod template needs to start; optional ones are left out."""
    for container in workload.containers:
        for source in state.items(container, "envFrom"):
            for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
                yield from _needed(state.part(source, key), kind, "environment")
        for variable in state.items(container, "env"):
            value = state.part(variable, "valueFrom")
            for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                yield from _needed(state.part(value, key), kind, f"variable {variable.get('name')}")
    for volume in state.items(workload.spec, "volumes"):
        secret = state.part(volume, "secret")
        if secret.get("secretName"):
            yield from _needed({**secret, "name": secret["secretName"]}, "Secret", f"volume {volume.get('name')}")
        yield from _needed(state.part(volume, "configMap"), "ConfigMap", f"volume {volume.get('name')}")


def _needed(reference: state.Json, kind: str, where: str) -> Iterator[tuple[str, str, str]]:
    if reference.get("name") and not reference.get("optional"):
        yield kind, str(reference["name"]), where


_NOT_FOUND = re.compile(r"(secret|configmap) \"([^\"]+)\" not found")


def _references(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    said: dict[tuple[str, str], str] = {}
    for event, evidence in view.warnings(workload):
        match = _NOT_FOUND.search(event.message)
        if match:
            said[("Secret" if match.group(1) == "secret" else "ConfigMap", match.group(2))] = evidence
    wanted = {(kind, name): where for kind, name, where in references(workload)}
    for key in {**wanted, **said}:
        kind, name = key
        existing = view.names(kind, workload.namespace)
        dangling = bool(existing) and name not in existing
        if (not dangling and key not in said) or name in existing:
            continue
        yield cases.Clue(
            workload.entity,
            "missing_secret" if kind == "Secret" else "missing_configmap",
            REFUSED if key in said else ABSENT,
            f"{workload.name} needs the {kind} {name} ({wanted.get(key, 'as the kubelet says')}), which does not exist",
            (*((said[key],) if key in said else ()), *view.evidence(kind)),
            FAMILY,
        )


def _unstartable(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """The container cannot be executed at all: a wrong command, user or mount."""
    for name, reason in _waiting(workload).items():
        if reason in ("RunContainerError", "CreateContainerError", "StartError"):
            warnings = [pair for pair in view.warnings(workload) if pair[0].reason in ("Failed", "BackOff")]
            said = warnings[-1][0].message if warnings else reason
            denied = "permission denied" in said and "mount" in said
            yield cases.Clue(
                workload.entity,
                "volume_permission" if denied else "bad_config",
                6.0,
                f"container {name} of {workload.name} cannot be started: {said[:160]}",
                (*(evidence for _event, evidence in warnings[-1:]), *view.evidence("Pod")),
                FAMILY,
            )


def _initialising(view: state.View, workload: state.Workload) -> Iterator[cases.Clue]:
    """An init container that has been running for longer than one should: the pod waits for whatever it waits for."""
    for pod in workload.pods:
        old = pod.created_s is not None and view.case.now_s - pod.created_s > INIT_PATIENCE_S
        if pod.phase != "Pending" or not pod.live or not old:
            continue
        for status in state.items(pod.status, "initContainerStatuses"):
            running = state.part(state.part(status, "state"), "running")
            if running and not status.get("ready"):
                yield cases.Clue(
                    workload.entity,
                    "init_blocked",
                    BLOCKED,
                    f"{pod.name} has not started: its init container {status.get('name')} does not finish",
                    view.evidence("Pod"),
                    FAMILY,
                    onset_s=pod.created_s,
                )
                return
