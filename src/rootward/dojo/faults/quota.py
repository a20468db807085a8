"""A namespace's quota is used up: what runs stays, what has to be made again or more of is refused."""

from collections.abc import Callable

from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, quotas, texts
from rootward.dojo.world import troubles as tr

KINDS = {"pods": "quota_pods", "limits.cpu": "quota_cpu", "limits.memory": "quota_memory"}


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    component, namespace = layout.components[target], layout.namespace(target)
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    resource = quotas.RESOURCES[int(dice.rng.integers(0, len(quotas.RESOURCES)))]
    used = quotas.planned(layout, namespace, resource)
    hard = float(round(used * dice["allowed_over_used"]))
    before = quotas.usual(layout, namespace, resource)
    draft.caps.append(dr.Cap(namespace, resource, hard, draft.onset, workload_kit.ends(draft)))
    note = draft.note(
        -1, "config", f"Tighten quotas of namespace {namespace}", dice.rng, path=f"platform/namespaces/{namespace}/quota.yaml",
        patch=f"@@ -9,3 +9,3 @@\n \n-    {resource}: {quotas.written(resource, before)}\n+    {resource}: {quotas.written(resource, hard)}\n ",
        details={"key": resource, "from": quotas.written(resource, before), "to": quotas.written(resource, hard)},
    )  # fmt: skip

    def refused(i: int) -> tr.State:
        numbers = {"requested": quotas.asked(layout, i, resource), "used": used, "limited": hard}
        said = ", ".join(f"{word}: {resource}={quotas.written(resource, n)}" for word, n in numbers.items())
        return pod_states.refused(f'pods "{{pod}}" is forbidden: exceeded quota: {quotas.NAME}, {said}')

    workload_kit.blocked(draft, target, refused(target), dice)
    _others(draft, target, refused, dice)
    aliases = (("service", component.name), ("workload", component.name), ("workload", quotas.NAME))
    cause = oracle.Cause("namespace", namespace, KINDS[resource], kit.onset_s(draft), note.sha, aliases)
    return workload_kit.planted(draft, target, cause)


def _others(draft: dr.Draft, target: int, refused: Callable[[int], tr.State], dice: dr.Dice) -> None:
    """The quota is the whole namespace's: whoever wants a new pod there is refused, the next release of a neighbour too."""
    layout, until = draft.layout, workload_kit.ends(draft)
    sharing = [
        i
        for i, component in enumerate(layout.components)
        if i != target and component.kind is not bp.Kind.EXTERNAL and layout.namespace(i) == layout.namespace(target)
    ]
    for i in sharing:
        draft.troubles.append(tr.Trouble(i, draft.onset, until, refused(i)))
    services = [i for i in sharing if layout.components[i].kind is bp.Kind.SERVICE and i not in layout.entries]
    if services and dice.rng.uniform() < 0.7:
        place = services[int(dice.rng.integers(0, len(services)))]
        at = draft.onset + draft.steps_in(float(dice.rng.uniform(30.0, 400.0)))
        history.release(draft, place, at, texts.innocent(layout.components[place], dice.rng))


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
