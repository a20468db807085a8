"""A service's own metrics stop coming in (a relabelled port, a scraper's new configuration) while it serves as ever."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay


def targets(layout: lay.Layout) -> list[int]:
    """Services that are watched for being scraped at all."""
    return [i for i, component in enumerate(layout.components) if component.tier_one and component.style]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    name = draft.layout.components[target].name
    draft.unscraped[target] = draft.acting(dice) > 0
    draft.note(
        -1,
        "config",
        f"Monitoring: move the metrics port of {name} to the sidecar",
        dice.rng,
        details={"podmonitor": name, "key": "port", "from": "metrics", "to": "http-envoy-prom"},
    )
    return dr.Planted((), target, "no_fault", note="only the monitoring of it is broken")


FAMILY = kit.Family(
    name="scrape_lost",
    summary="A service's metrics are not scraped any more; the service is healthy.",
    parameters=(),
    targets=targets,
    plant=plant,
    group="silence",
    rows=(62,),
)
