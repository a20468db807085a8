"""New pods do not survive their start: a setting that is missing, a command that is wrong, a secret or config map that is not there."""

from collections.abc import Callable
from typing import Any

from rootward.dojo.faults import kit, pod_states, workload_kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import troubles as tr

LAST_WORDS = {
    "java": (
        "Application run failed",
        "!org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'pricingClient': Could not resolve placeholder 'PRICING_REGION' in value \"${{PRICING_REGION}}\"\n\tat org.springframework.beans.factory.support.AbstractBeanFactory.doGetBean(AbstractBeanFactory.java:326)\n\tat org.springframework.boot.SpringApplication.run(SpringApplication.java:1352)",
    ),
    "go": ("!panic: required environment variable PRICING_REGION is not set\n\ngoroutine 1 [running]:\nmain.mustEnv(...)\n\t/src/cmd/server/main.go:41\nmain.main()\n\t/src/cmd/server/main.go:77 +0x1d4",),
    "python": (
        '!Traceback (most recent call last):\n  File "/app/app/__main__.py", line 12, in <module>\n    settings = Settings.from_environment()\n  File "/app/app/settings.py", line 58, in from_environment\n    region = os.environ["PRICING_REGION"]\nKeyError: \'PRICING_REGION\'',
    ),
    "node": (
        "!/app/src/config.js:22\n    throw new Error(`missing configuration: ${{name}}`);\n    ^\n\nError: missing configuration: PRICING_REGION\n    at required (/app/src/config.js:22:11)\n    at Object.<anonymous> (/app/src/server.js:4:16)\n\nNode.js v20.11.1",
    ),
}  # fmt: skip

Made = tuple[str, tr.State, str]
"""Kind of fault, state of the pods, the change behind it."""


def _setting(draft: dr.Draft, target: int, _dice: dr.Dice) -> Made:
    component = draft.layout.components[target]
    release = workload_kit.release(
        draft, target, "Read the pricing region from the environment",
        (['-    region = "eu"'], ['+    region = required("PRICING_REGION")']),
    )  # fmt: skip
    state = pod_states.crash(
        LAST_WORDS.get(component.language, LAST_WORDS["go"]), exit_code=2 if component.language == "go" else 1
    )
    return "crash_loop", state, release.sha


def _command(draft: dr.Draft, target: int, dice: dr.Dice) -> Made:
    component = draft.layout.components[target]

    def change(spec: dict[str, Any]) -> None:
        spec["containers"][0]["args"] = ["--config", "/etc/app/config.yml", "--worker-pool=auto"]

    workload_kit.edit(draft, target, change)
    note = workload_kit.manifest(
        draft, target, f"Size the worker pool of {component.name} automatically", dice,
        (["-  - --worker-pool=8"], ["+  - --worker-pool=auto"]), details={"key": "args", "to": "--worker-pool=auto"},
    )  # fmt: skip
    line = '!invalid argument "auto" for "--worker-pool" flag: strconv.ParseInt: parsing "auto": invalid syntax'
    return "crash_loop", pod_states.crash((line,), exit_code=2), note.sha


def _reference(kind: str) -> Callable[[dr.Draft, int, dr.Dice], Made]:
    def made(draft: dr.Draft, target: int, dice: dr.Dice) -> Made:
        component = draft.layout.components[target]
        mounted = bool(dice.rng.uniform() < 0.5)
        name = f"{component.name}-{'credentials-v2' if kind == 'secret' else 'settings-v2'}"

        def change(spec: dict[str, Any]) -> None:
            if mounted:
                source = {"secret": {"secretName": name}} if kind == "secret" else {"configMap": {"name": name}}
                spec.setdefault("volumes", []).append({"name": "settings", **source})
                spec["containers"][0].setdefault("volumeMounts", []).append(
                    {"name": "settings", "mountPath": "/etc/app"}
                )
            else:
                key = "secretRef" if kind == "secret" else "configMapRef"
                spec["containers"][0].setdefault("envFrom", []).append({key: {"name": name}})

        workload_kit.edit(draft, target, change)
        what = "secret" if kind == "secret" else "config map"
        note = workload_kit.manifest(
            draft, target, f"Point {component.name} at the {what} {name}", dice,
            ([f"-    name: {name.removesuffix('-v2')}"], [f"+    name: {name}"]), details={"key": what, "to": name},
        )  # fmt: skip
        word = f'{kind} "{name}" not found'
        state = pod_states.unmounted("settings", word) if mounted else pod_states.config_error(word)
        return f"missing_{kind}", state, note.sha

    return made


VARIANTS = (_setting, _command, _reference("secret"), _reference("configmap"))


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    fault, state, change = VARIANTS[int(dice.rng.integers(0, len(VARIANTS)))](draft, target, dice)
    workload_kit.stuck(draft, target, state, dice)
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, fault, change))


FAMILY = kit.Family(
    name="crash_loop",
    summary="New pods of a service do not survive their start: a setting, argument, secret or config map is missing or wrong.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(32,),
    kinds=("crash_loop", "missing_secret", "missing_configmap"),
)
