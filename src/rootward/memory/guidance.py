"""Guidance: what a person wants looked at for a class of alerts, as matchers, dates, a priority and structured effects.

Guidance never holds instructions for a model and never makes a claim: its effects are questions to ask as well, entities to look at
always, and a bounded lean towards or away from what the evidence already points at.
"""

from typing import Annotated, Literal, Self

import pydantic

from rootward import _clock, errors
from rootward.memory import matching, texts
from rootward.signals import protocols
from rootward.signals.roles import role as roles

QUERY_LENGTH_MAX = 4_000
PRIORITY_MAX = 100
EFFECTS_MAX = 12  # of each kind
MATCHERS_MAX = 20

Signal = Literal["metrics", "logs", "traces", "messages"]
Strength = Literal["small", "medium", "large"]


class Probe(texts.Record):
    """One more question to ask.

    `query` is, for metrics, text in the back end's own language (PromQL); for logs and messages, words that the lines hold; for traces, the
    service that they pass. `source` names one connector ("" asks all of that kind). `entity` says whom the answer is about (kind/name) and
    `role` what a metric means there; without an entity the labels of the answer tell.
    """

    signal: Signal
    query: Annotated[
        str, pydantic.StringConstraints(strip_whitespace=True, min_length=1, max_length=QUERY_LENGTH_MAX, strict=True)
    ]
    source: texts.Name = ""
    entity: texts.EntityPattern | Literal[""] = ""
    role: roles.Role | Literal[""] = ""
    why: texts.Name = ""

    @pydantic.model_validator(mode="after")
    def _whole(self) -> Self:
        if self.entity and texts.entity_of(self.entity) is None:
            raise ValueError("the entity of a probe has no wildcards")
        if self.role and self.signal != "metrics":
            raise ValueError("only a question about metrics has a role")
        texts.writable(self.query)
        return self


class Prior(texts.Record):
    """Lean towards (`raise`) or away from (`lower`) an entity, and one kind of fault there ("" is any kind)."""

    direction: Literal["raise", "lower"]
    entity: texts.EntityPattern
    fault: texts.Name = ""
    strength: Strength = "medium"


def _matcher(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return matching.parse(value)
    except errors.InputError as error:
        raise ValueError(str(error)) from error


AnyMatcher = Annotated[
    protocols.Matcher, pydantic.BeforeValidator(_matcher), pydantic.PlainSerializer(matching.written, when_used="json")
]


class Guidance(texts.Record):
    """`id` is "" until it is kept. Without matchers it is for every alert. `from_s` inclusive, `until_s` exclusive, None unbounded."""

    id: texts.Name = ""
    text: texts.Text
    matchers: Annotated[tuple[AnyMatcher, ...], pydantic.Field(max_length=MATCHERS_MAX)] = ()
    from_s: Annotated[texts.Moment | None, pydantic.Field(alias="from")] = None
    until_s: Annotated[texts.Moment | None, pydantic.Field(alias="until")] = None
    priority: Annotated[int, pydantic.Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX, strict=True)] = 0
    probes: Annotated[tuple[Probe, ...], pydantic.Field(max_length=EFFECTS_MAX)] = ()
    priors: Annotated[tuple[Prior, ...], pydantic.Field(max_length=EFFECTS_MAX)] = ()
    look_at: Annotated[tuple[texts.EntityPattern, ...], pydantic.Field(max_length=EFFECTS_MAX)] = ()
    author: texts.Name = ""
    created_s: Annotated[texts.Moment, pydantic.Field(alias="created")] = 0.0

    @pydantic.model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.from_s is not None and self.until_s is not None and self.until_s <= self.from_s:
            raise ValueError("until must be after from")
        return self

    def in_force(self, at_s: float) -> bool:
        return (self.from_s is None or self.from_s <= at_s) and (self.until_s is None or at_s < self.until_s)

    def why_not(self, labels: dict[str, str], at_s: float) -> str:
        """Why it does not apply to an alert with `labels` at `at_s`, in words; "" when it does."""
        if not self.in_force(at_s):
            early = self.from_s is not None and at_s < self.from_s
            moment = self.from_s if early else self.until_s
            return f"{'begins' if early else 'ended'} at {_clock.to_iso(moment or 0.0)}"
        failing = matching.failing(self.matchers, labels)
        if failing is None:
            return ""
        value = labels.get(failing.label)
        return f"{matching.written(failing)} does not hold: {'there is no such label' if value is None else f'it is {value!r}'}"
