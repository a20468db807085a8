"""A namespace's quota is used up: what runs stays, what has to be made again or more of is refused."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import quotas

KINDS = {"pods": "quota_pods", "limits.cpu": "quota_cpu", "limits.memory": "quota_memory"}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    component, namespace = layout.components[target], layout.namespace(target)
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    resource = quotas.RESOURCES[int(dice.rng.integers(0, len(quotas.RESOURCES)))]
    used, one = quotas.planned(layout, namespace, resource), quotas.asked(layout, target, resource)
    hard = float(round(used * dice["allowed_over_used"]))
    before = quotas.usual(layout, namespace, resource)
    draft.caps.append(dr.Cap(namespace, resource, hard, draft.onset, workload_kit.ends(draft)))
    numbers = {
        name: quotas.written(resource, amount) for name, amount in (("one", one), ("used", used), ("hard", hard))
    }
    message = (
        f'pods "{{pod}}" is forbidden: exceeded quota: {quotas.NAME}, requested: {resource}={numbers["one"]}, '
        f"used: {resource}={numbers['used']}, limited: {resource}={numbers['hard']}"
    )
    note = draft.note(
        -1, "config", f"Tighten quotas of namespace {namespace}", dice.rng, path=f"platform/namespaces/{namespace}/quota.yaml",
        patch=f"@@ -9,3 +9,3 @@\n \n-    {resource}: {quotas.written(resource, before)}\n+    {resource}: {numbers['hard']}\n ",
        details={"key": resource, "from": quotas.written(resource, before), "to": numbers["hard"]},
    )  # fmt: skip
    workload_kit.blocked(draft, target, pod_states.refused(message), dice)
    aliases = (("service", component.name), ("workload", component.name), ("workload", quotas.NAME))
    cause = oracle.Cause("namespace", namespace, KINDS[resource], kit.onset_s(draft), note.sha, aliases)
    return workload_kit.planted(draft, target, cause)


FAMILY = kit.Family(
    name="quota",
    summary="A namespace's quota is tightened below what is used: pods that have to be made again, or more of them, are refused.",
    parameters=(dr.Parameter("allowed_over_used", 0.5, 0.95, "of what is used", -1),),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(34,),
    kinds=("quota_pods", "quota_cpu", "quota_memory"),
)
