"""A queue that nobody reads fills a broker's memory: at its watermark the broker raises an alarm and blocks every publisher."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import brokers, texts
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

BLOCKED = "connection to {broker} is blocked by the broker: low on memory"


def targets(layout: lay.Layout) -> list[int]:
    felt = lay.feels(layout)
    return [i for i in brokers.brokers(layout) if felt[i] >= 0.1]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, broker = draft.layout, draft.layout.components[target]
    begins = max(1, draft.onset - draft.steps_in(dice["minutes_to_fill"] * 60.0))
    rise = np.clip((np.arange(draft.steps) - begins) / max(draft.onset - begins, 1), 0.0, 1.0)
    alarm = draft.acting(dice)
    full = brokers.USUAL + (1.0 - brokers.USUAL) * rise
    relieved = draft.after(draft.heals_at) if draft.heals_at < draft.steps else np.zeros(draft.steps)
    # At the watermark memory stays where it is, because nobody may publish any more.
    draft.levels[brokers.PILED_UP, target] = np.where(
        relieved > 0, brokers.USUAL, np.minimum(full, 1.0 + 0.004 * alarm)
    )
    draft.levels[brokers.AUDIT_CONSUMERS, target] = 1.0 - draft.after(begins) * (1 - relieved)
    for e in layout.calls_to(target):
        draft.knobs.blocked_s[:, e] += alarm * dice["blocked_s"]
        owner = int(layout.source[e])
        said = (BLOCKED.format(broker=broker.name),)
        draft.voices.append(dr.Voice(owner, "warn", alarm / 15.0, said, steady=True))
    draft.knobs.calls_factor[:, layout.calls_from(target)] *= (1.0 - 0.98 * alarm)[:, None]
    first = draft.after(draft.onset) - draft.after(min(draft.onset + 2, draft.steps - 1))
    banner = (
        f"memory resource limit alarm set on node rabbit@{broker.name}-0.\n\n**********************************************************\n*** Publishers will be blocked until this alarm clears ***\n**********************************************************",
    )
    draft.voices.append(dr.Voice(target, "warn", first * 3.0 / draft.step_s, banner, steady=True))
    note = draft.note(
        target,
        "scale",
        f"Retire the audit consumer of {broker.name}",
        dice.rng,
        at=begins,
        path="deploy/audit-consumer/values.yaml",
        patch=texts.hunk(["-replicaCount: 1"], ["+replicaCount: 0"], line=4),
        details={"key": "replicaCount", "from": "1", "to": "0", "queue": f"{broker.name}.audit"},
    )
    cause = oracle.Cause(
        "queue",
        broker.name,
        "broker_blocked",
        kit.onset_s(draft),
        note.sha,
        (("service", broker.name), ("queue", f"{broker.name}.audit"), ("workload", broker.name)),
    )
    return dr.Planted((cause,), target, suspects=kit.callers(layout, target))


FAMILY = kit.Family(
    name="broker_blocked",
    summary="A queue that nobody reads fills a broker's memory, and the broker blocks every publisher.",
    parameters=(
        dr.Parameter("minutes_to_fill", 6.0, 25.0, "min"),
        dr.Parameter("blocked_s", 4.0, 30.0, "s per publish", +1),
    ),
    targets=targets,
    plant=plant,
    group="data",
    rows=(45,),
)
