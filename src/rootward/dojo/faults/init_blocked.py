"""New pods wait in an init container for something that will not come: a name that does not resolve, a migration that nobody runs."""

from typing import Any

from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    component, namespace = draft.layout.components[target], draft.layout.namespace(target)
    host = f"{component.name}-{('settings', 'schema', 'bootstrap')[int(dice.rng.integers(0, 3))]}.{namespace}.svc.cluster.local"
    if dice.rng.uniform() < 0.5:
        container = f"wait-for-{host.split('.', maxsplit=1)[0].removeprefix(component.name + '-')}"
        command = ["sh", "-c", f"until nc -z -w 2 {host} 8080; do echo waiting for {host}:8080; sleep 2; done"]
        line = f"nc: bad address '{host}'\nwaiting for {host}:8080"
    else:
        container, version = "check-migrations", int(dice.rng.integers(40, 400))
        command = ["/app/migrate", "status", "--wait", f"--version={version}"]
        line = f"schema is at version {version - 1}, waiting for version {version}"

    def change(spec: dict[str, Any]) -> None:
        image = "busybox:1.36" if container.startswith("wait") else spec["containers"][0]["image"]
        spec["initContainers"] = [{"name": container, "image": image, "command": command}]

    note = workload_kit.manifest(
        draft, target, f"Start {component.name} only when its dependencies are there", dice,
        ([], ["+      initContainers:", f"+        - name: {container}"]),
        path=f"deploy/{component.name}/templates/deployment.yaml", details={"key": "initContainers", "to": container},
    )  # fmt: skip
    workload_kit.edit(draft, target, change)
    workload_kit.stuck(draft, target, pod_states.initialising(container, line), dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "init_blocked", note.sha))


FAMILY = kit.Family(
    name="init_blocked",
    summary="New pods of a service hang in an init container that waits for something which will not come.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(33,),
)
