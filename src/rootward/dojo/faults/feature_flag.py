"""A feature flag is turned on for a share of the traffic and takes it down a path that fails; nothing was deployed."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import flags
from rootward.dojo.world import layout as lay

TRACES = {
    "go": (
        "evaluate {flag}: no handler registered for variant on",
        "goroutine 2217 [running]:\nmain.(*Rollout).dispatch(...)\n\t/src/internal/rollout/dispatch.go:58 +0x9c",
    ),
    "java": (
        "java.lang.UnsupportedOperationException: variant 'on' of {flag} has no implementation for this tenant",
        "\tat app.flags.Variants.resolve(Variants.java:71)\n\tat app.Service.handle(Service.java:96)",
    ),
    "python": (
        "NotImplementedError: {flag}: variant 'on'",
        'Traceback (most recent call last):\n  File "/app/app/service.py", line 96, in handle\n    return variants[flag](request)\n  File "/app/app/variants.py", line 40, in on\n    raise NotImplementedError(flag)\nNotImplementedError',
    ),
    "node": (
        "TypeError: variants.on is not a function ({flag})",
        "    at dispatch (/app/src/rollout.js:40:18)\n    at handle (/app/src/server.js:96:14)",
    ),
}


def targets(layout: lay.Layout) -> list[int]:
    """Busy services with a flag."""
    return [i for i in kit.busy_services(layout) if layout.components[i].style in flags.STYLES]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    flag = flags.of(draft.layout, target, draft.seed)
    assert flag is not None, "targets only lists services with one"
    before = flag.on if flag.on < 1.0 else 0.0
    share = max(dice["on_share"], before + 0.05)
    acting = draft.acting(dice, ramp_s=dice["seconds_to_spread"])  # SDKs poll for their flags
    draft.levels[flags.LEVEL, target] = before + (share - before) * acting
    failing = acting * (share - before) * dice["failing"]
    kit.fail(draft, target, failing)
    text, trace = TRACES.get(component.language, TRACES["go"])
    rate = failing * draft.layout.rate[target] * draft.traffic_at_onset()
    draft.voices.append(dr.Voice(target, "error", rate, (text.format(flag=flag.key),), trace, steady=True))
    draft.note(
        target,
        "flag",
        f"Flag {flag.key} enabled for {share * 100:.0f}% of requests",
        dice.rng,
        details={"flag": flag.key, "from": f"{before * 100:.0f}%", "to": f"{share * 100:.0f}%"},
    )
    cause = oracle.Cause(
        "service",
        component.name,
        "feature_flag",
        kit.onset_s(draft),
        "",
        (("workload", component.name), ("flag", flag.key)),
    )
    return dr.Planted((cause,), target, note=f"flag {flag.key}")


FAMILY = kit.Family(
    name="feature_flag",
    summary="A feature flag sends a share of the requests down a path that fails; nothing was deployed.",
    parameters=(
        dr.Parameter("on_share", 0.1, 0.6, "of requests", +1),
        dr.Parameter("failing", 0.55, 1.0, "of those with the flag on", +1),
        dr.Parameter("seconds_to_spread", 10, 60, "s"),
    ),
    targets=targets,
    plant=plant,
    group="software",
    shapes=("step", "intermittent"),
    rows=(48,),
)
