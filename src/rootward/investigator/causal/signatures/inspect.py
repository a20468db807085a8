"""All signatures over one picture; a new family is a new file and a name in this list."""

from types import ModuleType

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.investigator.causal.signatures import (
    batches,
    brokers,
    caches,
    code,
    consumers,
    cpu,
    databases,
    disks,
    formats,
    garbage,
    machines,
    memory,
    multiplied,
    names,
    outsiders,
    refusals,
    releases,
    stores,
    traffic,
    ways,
)

FAMILIES: tuple[ModuleType, ...] = (
    memory,
    garbage,
    cpu,
    stores,
    databases,
    disks,
    batches,
    multiplied,
    brokers,
    consumers,
    formats,
    caches,
    names,
    traffic,
    outsiders,
    refusals,
    machines,
    ways,
    code,
    releases,
)


def clues(seen: picture.Picture) -> list[cases.Clue]:
    """What each family finds, in the order of the list."""
    return [clue for family in FAMILIES for clue in family.clues(seen)]
