"""What fired."""

import dataclasses
from collections.abc import Mapping

from rootward.signals import entities


@dataclasses.dataclass(frozen=True, slots=True)
class Alert:
    """One alert, whatever sent it (connectors/*/webhook.py translate each vendor's payload).

    `starts_at_s` is when it began to fire; `ends_at_s` is None while it fires. `entity` is what the alert says that it
    is about, as far as its labels tell; `expr` the query it watches, `threshold` its limit, if known. `metric` names the
    measured thing in the sender's words ("latency", "availability", a metric name).
    """

    name: str
    starts_at_s: float
    ends_at_s: float | None = None
    severity: str = ""
    summary: str = ""
    description: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    entity: entities.Entity | None = None
    metric: str = ""
    expr: str = ""
    threshold: float | None = None
    source: str = ""
    fingerprint: str = ""
    link: str = ""
