"""Autoscalers that do not scale: their status says why; it matters where it is new."""

from collections.abc import Iterator

from rootward import _clock
from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import state
from rootward.signals import entities

FAMILY = "cluster.autoscaling"
NEW = 6.5  # the controller says that it cannot scale since about when trouble began
STALE = 0.7  # it has not been able to for long, and nobody missed it
BEFORE_S = 3600.0
HEALTHY = frozenset({"ScalingDisabled"})
"""Reasons of a condition that is False by intention: nothing is asked for."""


def clues(view: state.View) -> Iterator[cases.Clue]:
    for scaler in view.bodies("HorizontalPodAutoscaler"):
        metadata, spec = state.part(scaler, "metadata"), state.part(scaler, "spec")
        namespace, name = str(metadata.get("namespace", "")), str(metadata.get("name", ""))
        target = str(state.part(spec, "scaleTargetRef").get("name") or name)
        for condition in state.items(state.part(scaler, "status"), "conditions"):
            kind, status = condition.get("type"), condition.get("status")
            reason = str(condition.get("reason", ""))
            if kind not in ("ScalingActive", "AbleToScale") or status != "False" or reason in HEALTHY:
                continue
            since_s = _since(condition)
            new = since_s is not None and since_s >= view.case.focus.start_s - BEFORE_S
            yield cases.Clue(
                _entity(view, (target, name), namespace),
                "hpa_broken",
                NEW if new else STALE,
                f"the autoscaler {name} does not scale ({reason}: {str(condition.get('message', ''))[:160]})",
                view.evidence("HorizontalPodAutoscaler"),
                FAMILY,
                onset_s=since_s if new else None,
            )
            break


def _since(condition: state.Json) -> float | None:
    text = condition.get("lastTransitionTime")
    try:
        return _clock.from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _entity(view: state.View, names: tuple[str, str], namespace: str) -> entities.Entity:
    """The workload that it scales, or that it is named after when its target does not exist."""
    for name in names:
        for one in view.workloads:
            if (one.name, one.namespace) == (name, namespace):
                return one.entity
    return entities.Entity(entities.EntityKind.WORKLOAD, names[0], namespace)
