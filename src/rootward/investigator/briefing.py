"""What is known before an investigation begins: the guidance that applies to its alert, how it leans, and the skills to choose from.

A briefing asks for more and leans; it never speaks. A lean moves chances between hypotheses that evidence already speaks for, within
a bound, and leaves the weight of "nothing to say" where the evidence put it.
"""

import dataclasses
from collections.abc import Iterator

from rootward.memory import applying, skills, texts
from rootward.memory.guidance import Guidance, Prior, Probe
from rootward.signals import entities, records

# In nats: odds times 1.6, 2.7 and 4.5. The largest is half of what a strong clue says (3 nats), so that evidence overrules guidance.
STRENGTHS = {"small": 0.5, "medium": 1.0, "large": 1.5}
LEAN_MAX = 1.5  # nats, whatever many pieces of guidance say together


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A question that is asked because `by` (guidance G3 …) says so."""

    by: str
    probe: Probe


@dataclasses.dataclass(frozen=True, slots=True)
class Briefing:
    """`selection` is what memory holds against this alert; `shelf` the skills to choose from (None: none are used). `problem` says why
    memory could not be read, "" when it could."""

    selection: applying.Selection | None = None
    problem: str = ""
    shelf: skills.Shelf | None = None
    edges: tuple[records.TopologyEdge, ...] = ()  # who calls whom, as the graph remembers: for when nobody tells

    @property
    def guidance(self) -> tuple[Guidance, ...]:
        return self.selection.applied if self.selection is not None else ()

    def asked(self) -> list[Asked]:
        """Questions to ask as well, in order of priority."""
        return [Asked(f"guidance {one.id}", probe) for one in self.guidance for probe in one.probes]

    def leanings(self) -> list[tuple[Guidance, Prior]]:
        return self.selection.leanings() if self.selection is not None else []

    def look_at(self) -> Iterator[entities.Entity]:
        """The entities that are always looked at, as far as they are named without wildcards."""
        for one in self.guidance:
            for pattern in one.look_at:
                if (entity := texts.entity_of(pattern)) is not None:
                    yield entity

    def lean(self, entity: entities.Entity, fault: str) -> float:
        """Nats towards (positive) or away from a hypothesis: the strongest of each direction, together at most `LEAN_MAX`."""
        heard = [prior for _, prior in self.leanings() if speaks_of(prior, entity, fault)]
        up = max((STRENGTHS[prior.strength] for prior in heard if prior.direction == "raise"), default=0.0)
        down = max((STRENGTHS[prior.strength] for prior in heard if prior.direction == "lower"), default=0.0)
        return max(-LEAN_MAX, min(LEAN_MAX, up - down))


def speaks_of(prior: Prior, entity: entities.Entity, fault: str) -> bool:
    """Whether the prior is about this hypothesis."""
    return texts.names(prior.entity, entity) and prior.fault in ("", fault)


NOTHING = Briefing()
