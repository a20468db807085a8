"""The subnet has no addresses left: new pods get no sandbox on any node, and an autoscaler of nodes tries in vain."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import node_objects, pods

PLUGIN = "aws-cni"


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    component, namespace = draft.layout.components[target], draft.layout.namespace(target)
    refused = (
        f'plugin type="{PLUGIN}" name="{PLUGIN}" failed (add): add cmd: failed to assign an IP address to container'
    )
    note = draft.note(
        -1, "infrastructure", "Share the pod subnets with the analytics cluster", dice.rng, path="infra/network.tf",
        patch='@@ -52,3 +52,3 @@\n \n-  pod_subnets = ["10.64.0.0/12"]\n+  pod_subnets = ["10.64.0.0/20"]\n ',
        details={"plan": "3 to add, 1 to change, 0 to destroy"},
    )  # fmt: skip
    workload_kit.blocked(draft, target, pod_states.without_sandbox(refused), dice, component=-1)
    nodes = pods.node_names(draft)
    for n, name in enumerate(nodes):
        text = f"InsufficientCidrBlocks: The specified subnet does not have enough free cidr blocks to satisfy the request. ({node_objects.zone(n)})"
        workload_kit.repeated(
            draft,
            ("", "Node", name),
            "InsufficientFreeAddresses",
            text,
            source="aws-node",
            at=draft.onset + 2 + n,
            every_s=60.0,
        )
    here = (("service", component.name), ("workload", component.name), ("namespace", namespace))
    aliases = (*here, *(("node", name) for name in nodes))
    cause = oracle.Cause("workload", PLUGIN, "pod_ips_exhausted", kit.onset_s(draft), note.sha, aliases)
    return workload_kit.planted(draft, target, cause)


FAMILY = kit.Family(
    name="pod_ips_exhausted",
    summary="The pods' subnets have no addresses left: new pods get no network and stay in creation on every node.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(57,),
)
