"""What discovery finds: for one metric, which role it plays, how to ask for it, and how its answers become lines per entity."""

import dataclasses
import enum

from rootward.signals import entities, protocols
from rootward.signals.roles import role as role_names
from rootward.signals.roles import rules


class Combine(enum.StrEnum):
    """How the terms t0, t1 of one entity become its line (`combine.combine`)."""

    VALUE = "value"  # t0
    RATIO = "ratio"  # t0 / t1
    SHARE = "share"  # t0 / (t0 + t1)
    FAILURES = "failures"  # t0, and 0 where it is missing while t1 is there
    FAILURE_RATIO = "failure_ratio"  # t0 / t1, and 0 where t0 is missing while t1 is positive
    LACK = "lack"  # t1 - t0, a missing t0 being 0
    LACK_RATIO = "lack_ratio"  # 1 - t0 / t1, a missing t0 being 0
    COMPLEMENT = "complement"  # 1 - t0
    REMAINDER = "remainder"  # 1 - t0 / t1
    DIFFERENCE = "difference"  # t0 - t1
    UNTIL = "until"  # t0 - now: seconds left until a moment


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """One role of one metric.

    `terms`: what to ask; `over_s` in them is a placeholder that `questions.measure` replaces. `across`: how several series of one
    entity (its pods, its instances) fall together, before `combine`. `scale` turns the metric's unit into the role's, after
    `combine`. `pod_label` is the label by which pods are told apart as well ("" if none). `detail` labels set lines of one entity apart.
    With an `observer` rule, the entity was measured by somebody else (a client, a mesh) and the rule says by whom.
    """

    role: role_names.Role
    metric: str
    convention: str
    terms: tuple[protocols.MetricQuery, ...]
    rule: rules.EntityRule
    combine: Combine = Combine.VALUE
    across: str = "sum"
    scale: float = 1.0
    unit: str = ""
    pod_label: str = ""
    detail: tuple[str, ...] = ()
    observer: rules.EntityRule | None = None
    variant: str = ""  # what sets bindings of one metric and role apart ("source", "destination")


@dataclasses.dataclass(frozen=True, slots=True)
class Override:
    """A person's word about one metric, from settings; it stands above every convention.

    `role` names a `Role`, "" drops the metric. `entity_label` and `entity_kind` say whom the metric is about ("" keeps what discovery
    finds); `scale` multiplies into the role's unit (None: from the metric's own unit).
    """

    metric: str
    role: str = ""
    entity_label: str = ""
    entity_kind: entities.EntityKind = entities.EntityKind.SERVICE
    scale: float | None = None
