"""A release keeps references that it should drop: memory grows until the kernel kills the container, again and again."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, pods, texts

TITLES = (
    "Keep recent responses in memory",
    "Cache rendered fragments per customer",
    "Collect request context for audit trail",
    "Remember resolved templates",
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    patch = texts.Patch(
        TITLES[int(dice.rng.integers(0, len(TITLES)))],
        {
            texts.source(component): texts.hunk(
                [], ["+    recent.append(response)", "+    index[request.key] = response"], line=77
            )
        },
        feature=True,
    )
    release = history.release(draft, target, draft.onset, patch)
    room = (component.memory_limit_mib - 0.6 * component.memory_mib) * pods.MIB
    draft.leaks.append(dr.Leak(target, draft.onset, room / (dice["minutes_to_limit"] * 60.0)))
    cause = oracle.Cause(
        "service", component.name, "memory_leak", kit.onset_s(draft), release.sha, (("workload", component.name),)
    )
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="memory_leak",
    summary="Memory of a service grows after a release until its containers are killed (OOM) in a loop.",
    parameters=(dr.Parameter("minutes_to_limit", 2.5, 9.0, "min", -1),),
    targets=kit.busy_services,
    plant=plant,
    group="resources",
    rows=(3,),
)
