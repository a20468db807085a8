"""The class of an alert: alerts that are the same question get the same short name, whoever they are about and whatever their numbers are."""

import re

from rootward.signals import alerts, naming

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:ms|s|m|h|d|%)?")
_ABOUT = (
    "service",
    "app",
    "job",
    "namespace",
    "deployment",
    "pod",
    "node",
    "queue",
    "topic",
    "team",
    "environment",
    "env",
    "cluster",
)
WORDS_MAX = 12


def of(alert: alerts.Alert) -> str:
    """Words of the alert's name in lower case, joined by `-`, without numbers and without the names of what it is about:
    `CheckoutHighErrorRate` of checkout → `high-error-rate`; `p99 latency > 500ms` → `latency`.

    Never empty: what would lose all its words keeps them.
    """
    words = naming.words(alert.name)
    about: set[str] = set()
    for label in _ABOUT:
        about.update(naming.words(alert.labels.get(label, "")))
    if alert.entity is not None:
        about.update(naming.words(alert.entity.name))
    kept = [
        word for word in words if word not in about and not _NUMBER.fullmatch(word) and not re.fullmatch(r"p\d+", word)
    ]
    return "-".join((kept or list(words) or ["unnamed"])[:WORDS_MAX])
