"""Somebody tightens an alert's threshold below what is ordinary: it pages at once, and nothing is wrong with the service."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts


def targets(layout: lay.Layout) -> list[int]:
    """Services that page for latency."""
    return [i for i, component in enumerate(layout.components) if component.tier_one and component.style]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    name = draft.layout.components[target].name
    draft.retuned = target
    draft.note(
        -1,
        "config",
        f"Alerting: tighten the latency objective of {name}",
        dice.rng,
        path=f"alerts/{name}.rules.yaml",
        patch=texts.hunk(["-      threshold: 1.0"], ["+      threshold: 0.1"], line=31, context="rules:"),
        details={"rule": f"{name} latency", "key": "threshold"},
    )
    return dr.Planted((), target, "no_fault", note="the threshold was set below what is ordinary")


FAMILY = kit.Family(
    name="monitor_misconfigured",
    summary="A latency alert was tightened below ordinary latency; the system is healthy.",
    parameters=(),
    targets=targets,
    plant=plant,
    group="silence",
    rows=(62,),
)
