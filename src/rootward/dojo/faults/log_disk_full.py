"""Debug logging is left on, and the volume that a service writes its log files to fills up: then it cannot write, and fails."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts, volumes

FULL = (
    "java.io.IOException: No space left on device",
    "\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)\n\tat ch.qos.logback.core.recovery.ResilientOutputStreamBase.write(ResilientOutputStreamBase.java:81)\n\tat app.Service.handle(Service.java:77)",
)
CHATTER = (
    'Reading to [java.lang.String] as "application/json"',
    "select o1_0.id,o1_0.body from records o1_0 where o1_0.id=?",
    'http-outgoing-41 << "[0x1f][0x8b][0x8]"',
    "Pool stats (total=20, active=3, idle=17, waiting=0)",
)


def targets(layout: lay.Layout) -> list[int]:
    """Services that write log files to a volume."""
    return [i for i in kit.busy_services(layout, language=("java",)) if volumes.claims(layout, i, 0)]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    claim = volumes.claims(layout, target, draft.seed)[0]
    writing = draft.acting(dice)
    filling = draft.acting(dice, ramp_s=dice["minutes_to_fill"] * 60.0)
    ordinary = volumes.used_share(draft, claim)
    draft.levels[volumes.LEVEL, target] = ordinary + (1.0 - ordinary) * filling
    failing = np.where(filling >= 1.0, dice["failing"], 0.0)
    kit.fail(draft, target, failing)
    kit.burn(draft, target, 0.06 * writing)
    served = layout.rate[target] * draft.traffic_at_onset()
    draft.voices.append(dr.Voice(target, "error", failing * served, FULL[:1], FULL[1], steady=True))
    draft.voices.append(dr.Voice(target, "debug", writing * served * 3.0, CHATTER, steady=True))
    note = draft.note(
        target,
        "config",
        f"Debug logging on {component.name} to look into a customer's report",
        dice.rng,
        path=f"deploy/{component.name}/values.yaml",
        patch=texts.hunk(["-    LOG_LEVEL: info"], ["+    LOG_LEVEL: debug"], line=27, context="env:"),
        details={"key": "LOG_LEVEL", "from": "info", "to": "debug"},
    )
    return dr.Planted((kit.service_cause(draft, target, "disk_full", note.sha),), target, note=f"volume {claim.name}")


FAMILY = kit.Family(
    name="log_disk_full",
    summary="Debug logging fills the volume that a service writes its log files to, and its requests fail.",
    parameters=(
        dr.Parameter("minutes_to_fill", 4.0, 15.0, "min", -1),
        dr.Parameter("failing", 0.35, 0.95, "of requests", +1),
    ),
    targets=targets,
    plant=plant,
    group="resources",
    rows=(42,),
    kinds=("disk_full",),
)
