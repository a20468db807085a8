"""A release brings a defect: requests that take the new path fail with an exception that was never seen before."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts

TRACES = {
    "java": (
        'java.lang.NullPointerException: Cannot invoke "Money.currency()" because "line.total" is null',
        "\tat app.pricing.TotalsMapper.toTotals(TotalsMapper.java:88)\n\tat app.Service.handle(Service.java:141)\n\tat app.web.Controller.post(Controller.java:57)",
    ),
    "go": (
        "panic recovered: runtime error: invalid memory address or nil pointer dereference",
        "goroutine 8841 [running]:\nmain.(*Server).applyRules(...)\n\t/src/internal/server/handler.go:142 +0x1d",
    ),
    "python": (
        "KeyError: 'currency'",
        'Traceback (most recent call last):\n  File "/app/app/service.py", line 142, in handle\n    totals = to_totals(payload)\n  File "/app/app/totals.py", line 31, in to_totals\n    return Money(payload["amount"], payload["currency"])\nKeyError: \'currency\'',
    ),
    "node": (
        "TypeError: Cannot read properties of undefined (reading 'currency')",
        "    at toTotals (/app/src/totals.js:31:22)\n    at handle (/app/src/server.js:142:18)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    ),
}
TITLES = (
    "Price totals in the customer's currency",
    "Move totals to the new mapper",
    "Read currency from the line, not the order",
    "Round totals per line",
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    text, trace = TRACES.get(component.language, TRACES["go"])
    patch = texts.Patch(
        TITLES[int(dice.rng.integers(0, len(TITLES)))],
        {
            texts.source(component): texts.hunk(
                ["-    total = order.total"],
                ["+    total = mapper.toTotals(line)", "+    currency = line.total.currency"],
                line=139,
            )
        },
        feature=True,
    )
    release = history.release(draft, target, draft.onset, patch)
    ramp_s = float(draft.layout.replicas[target]) * 30.0
    share = dice["failing_share"] * draft.acting(dice, ramp_s=ramp_s)
    draft.knobs.own_error[:, target] = 1 - (1 - draft.knobs.own_error[:, target]) * (1 - share)
    draft.voices.append(
        dr.Voice(target, "error", share * draft.layout.rate[target] * draft.traffic_at_onset(), (text,), trace)
    )
    cause = oracle.Cause(
        "service", component.name, "bad_deploy", kit.onset_s(draft), release.sha, (("workload", component.name),)
    )
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="bad_deploy",
    summary="A release introduces an exception on one path of a service.",
    parameters=(dr.Parameter("failing_share", 0.08, 0.6, "of requests", +1),),
    targets=kit.busy_services,
    plant=plant,
    group="software",
    rows=(1,),
)
