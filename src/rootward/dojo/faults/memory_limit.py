"""Containers that are killed for memory as soon as they start: a limit set too low, or lowered by a webhook behind the manifest's back."""

from typing import Any

from rootward import _rng
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, objects, texts

WEBHOOK = "pod-defaults"


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    low = max(16.0, float(round(dice["share_of_need"] * component.memory_mib / 8) * 8))
    state = pod_states.crash((), exit_code=137, reason="OOMKilled", runs_s=8.0)
    if dice.rng.uniform() < 0.4:
        return _mutated(draft, target, dice, low)
    before = round(component.memory_limit_mib)
    note = workload_kit.manifest(
        draft, target, f"Right-size memory of {component.name}", dice,
        ([f"-    memory: {before}Mi"], [f"+    memory: {low:.0f}Mi"]),
        details={"key": "resources.limits.memory", "from": f"{before}Mi", "to": f"{low:.0f}Mi"},
    )  # fmt: skip
    draft.limits.append(dr.Limit(target, draft.onset, memory_mib=low))
    workload_kit.stuck(draft, target, state, dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "oom_killed", note.sha))


def _mutated(draft: dr.Draft, target: int, dice: dr.Dice, low: float) -> dr.Planted:
    """A platform change installs the webhook; the next release of the service is the first to meet it."""
    component = draft.layout.components[target]
    at = max(1, draft.onset - draft.steps_in(float(dice.rng.uniform(240.0, 900.0))))
    note = draft.note(
        -1, "config", "Default resources for pods that ask for too much", dice.rng, at=at,
        path="platform/webhooks/pod-defaults.yaml", patch=texts.hunk([], [f"+  limits.memory: {low:.0f}Mi"]),
        details={"key": WEBHOOK, "kind": "MutatingWebhookConfiguration"},
    )  # fmt: skip
    draft.objects.append(dr.ObjectChange(at, _configuration(draft, at, dice)))
    history.release(draft, target, draft.onset, texts.innocent(component, dice.rng))
    draft.limits.append(dr.Limit(target, draft.onset, memory_mib=low, unsaid=True))
    state = pod_states.crash((), exit_code=137, reason="OOMKilled", runs_s=8.0)
    workload_kit.stuck(draft, target, state, dice)
    also = (("workload", WEBHOOK), ("service", WEBHOOK))
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "oom_killed", note.sha, also=also))


def _configuration(draft: dr.Draft, at: int, dice: dr.Dice) -> dict[str, Any]:
    hook = {
        "name": f"{WEBHOOK}.platform.{draft.layout.plan.domain}",
        "clientConfig": {
            "service": {"namespace": "platform", "name": WEBHOOK, "path": "/mutate", "port": 443},
            "caBundle": _rng.token(dice.rng, 64),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": "Ignore",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }
    return objects.body(
        "admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", WEBHOOK, float(draft.times_s[at]), webhooks=[hook]
    )  # fmt: skip


FAMILY = kit.Family(
    name="memory_limit",
    summary="New pods of a service are killed for memory as they start: a limit set too low, or lowered by a webhook.",
    parameters=(dr.Parameter("share_of_need", 0.1, 0.5, "of the working set", -1),),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(4,),
    kinds=("oom_killed",),
)
