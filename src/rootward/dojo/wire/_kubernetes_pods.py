"""What `kubectl get pods` says of a pod: readiness, the status word and restarts (printPod in k8s.io/kubernetes)."""

from collections.abc import Mapping, Sequence
from typing import Any

Body = Mapping[str, Any]


def _statuses(pod: Body, field: str = "containerStatuses") -> Sequence[Body]:
    return (pod.get("status") or {}).get(field) or ()


def ready(pod: Body) -> str:
    """`1/2`: ready containers of all."""
    containers = (pod.get("spec") or {}).get("containers") or _statuses(pod)
    return f"{sum(bool(one.get('ready')) for one in _statuses(pod))}/{len(containers)}"


def restarts(pod: Body) -> tuple[int, str]:
    """How often containers restarted, and when one last ended ("" if none did)."""
    ends = [
        (one.get("lastState") or {}).get("terminated", {}).get("finishedAt", "") or ""
        for one in _statuses(pod)
        if one.get("restartCount")
    ]
    return sum(int(one.get("restartCount") or 0) for one in _statuses(pod)), max(ends, default="")


def status(pod: Body) -> str:
    """The most telling word: a container's reason before the pod's phase."""
    about = pod.get("status") or {}
    word = about.get("reason") or about.get("phase") or "Unknown"
    starting = _init_word(pod)
    word = starting or _container_word(pod, str(word))
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return "Unknown" if about.get("reason") == "NodeLost" else "Terminating"
    return str(word)


def _init_word(pod: Body) -> str:
    found = _statuses(pod, "initContainerStatuses")
    for i, one in enumerate(found):
        state = one.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None:
            if ended.get("exitCode", 0) == 0:
                continue
            return f"Init:{ended.get('reason') or 'ExitCode:' + str(ended.get('exitCode'))}"
        if waiting.get("reason") and waiting["reason"] != "PodInitializing":
            return f"Init:{waiting['reason']}"
        return f"Init:{i}/{len(found)}"
    return ""


def _container_word(pod: Body, word: str) -> str:
    has_running = False
    for one in reversed(_statuses(pod)):
        state = one.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            word = str(waiting["reason"])
        elif ended is not None:
            signal = ended.get("signal")
            fallback = f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"
            word = str(ended.get("reason") or fallback)
        elif one.get("ready") and state.get("running") is not None:
            has_running = True
    if word == "Completed" and has_running:
        conditions = {c.get("type"): c.get("status") for c in (pod.get("status") or {}).get("conditions") or ()}
        return "Running" if conditions.get("Ready") == "True" else "NotReady"
    return word
