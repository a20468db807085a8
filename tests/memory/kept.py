"""Alerts and records that tests of memory share."""

from rootward.memory import texts
from rootward.memory.guidance import Guidance
from rootward.signals import alerts, entities

NOW_S = 1_772_000_000.0


def alert(name: str = "CheckoutHighErrorRate", service: str = "checkout", **labels: str) -> alerts.Alert:
    about = entities.Entity(entities.EntityKind.SERVICE, service)
    return alerts.Alert(name, NOW_S, labels={"service": service, **labels}, entity=about)


def guidance(text: str = "look at the provider", **fields: object) -> Guidance:
    return texts.checked(Guidance, {"text": text, **fields}, what="guidance")
