"""A validating webhook does not answer or cannot be trusted: running pods are fine, no new one is let in."""

from typing import Any

from rootward import _rng
from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import objects

NAME = "policy-webhook"
WHYS = (
    "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "tls: failed to verify certificate: x509: certificate is valid for policy-webhook.policy.svc, not policy-webhook.platform.svc",
    "context deadline exceeded",
    "dial tcp 172.20.61.40:443: connect: connection refused",
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    why = WHYS[int(dice.rng.integers(0, len(WHYS)))]
    domain, component = draft.layout.plan.domain, draft.layout.components[target]
    draft.objects.append(dr.ObjectChange(-1, _configuration(draft, "policy", 900.0)))
    summary = (
        "Rotate the certificate authority of the policy webhook"
        if "tls" in why
        else "Move the policy webhook to its own node pool"
    )
    note = draft.note(
        -1, "config", summary, dice.rng, path="platform/webhooks/policy.yaml",
        patch="@@ -12,3 +12,3 @@\n \n-      namespace: policy\n+      namespace: platform\n ", details={"key": NAME},
    )  # fmt: skip
    draft.objects.append(dr.ObjectChange(draft.onset, _configuration(draft, "platform", float(dice.rng.uniform(0, 1)))))
    called = f'failed calling webhook "validate.policy.{domain}": failed to call webhook: Post "https://{NAME}.platform.svc:443/validate?timeout=10s": {why}'
    state = pod_states.refused(f"Internal error occurred: {called}")
    workload_kit.blocked(draft, target, state, dice, component=-1)
    aliases = (("service", NAME), ("service", component.name), ("workload", component.name))
    cause = oracle.Cause("workload", NAME, "admission_webhook", kit.onset_s(draft), note.sha, aliases)
    return workload_kit.planted(draft, target, cause)


def _configuration(draft: dr.Draft, namespace: str, salt: float) -> dict[str, Any]:
    hook = {
        "name": f"validate.policy.{draft.layout.plan.domain}",
        "clientConfig": {
            "service": {"namespace": namespace, "name": NAME, "path": "/validate", "port": 443},
            "caBundle": _rng.token(draft.rng("ca", namespace, str(salt)), 64),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 10,
    }
    api, made_s = "admissionregistration.k8s.io/v1", float(draft.times_s[0]) - 86_400.0 * 90
    return objects.body(api, "ValidatingWebhookConfiguration", "", "policy", made_s, webhooks=[hook])


FAMILY = kit.Family(
    name="admission_webhook",
    summary="A webhook that every new pod must pass cannot be called: running pods are fine, new ones are not let in.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(19,),
)
