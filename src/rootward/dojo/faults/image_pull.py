"""New pods cannot pull their image: a tag that was never pushed, a registry that refuses; the old ones serve on, if any are left."""

from typing import Any

from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    registry = f"registry.{draft.layout.plan.domain}"
    repository = f"{registry}/{component.name}"
    if dice.rng.uniform() < 0.6:
        release = workload_kit.release(
            draft, target, f"Publish {component.name} from the new pipeline", (["-  push: true"], ["+  push: ${{ matrix.push }}"]), ".github/workflows/release.yaml"
        )  # fmt: skip
        why = 'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        workload_kit.stuck(draft, target, pod_states.image(why), dice)
        found = workload_kit.cause(draft, target, "image_reference", release.sha)
        return workload_kit.planted(draft, target, found)

    def other_secret(spec: dict[str, Any]) -> None:
        spec["imagePullSecrets"] = [{"name": "registry-pull"}]

    note = workload_kit.manifest(
        draft, target, f"Move {component.name} to the new pull secret", dice, (["-  - name: registry"], ["+  - name: registry-pull"]),
        details={"key": "imagePullSecrets", "to": "registry-pull"},
    )  # fmt: skip
    workload_kit.edit(draft, target, other_secret)
    why = f'rpc error: code = Unknown desc = failed to pull and unpack image "{{image}}": failed to resolve reference "{{image}}": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials for {repository}'
    workload_kit.stuck(draft, target, pod_states.image(why), dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "image_pull_secret", note.sha))


FAMILY = kit.Family(
    name="image_pull",
    summary="New pods of a service cannot pull their image: a tag that does not exist, or a registry that refuses.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(31,),
    kinds=("image_reference", "image_pull_secret"),
)
