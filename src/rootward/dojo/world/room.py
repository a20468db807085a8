"""Whether a kind of fault has a place in a world at all: a queue's fault needs a queue. Asked before anything is built."""

import functools
import importlib

from rootward import errors
from rootward.dojo import faults
from rootward.dojo import world as worlds
from rootward.dojo.world import layout as lay
from rootward.dojo.world import plans


@functools.lru_cache(maxsize=64)
def layout(world: str, seed: int, services: int | None = None) -> lay.Layout:
    """The system that a seed draws, before noise adds name-alikes to it.

    Raises:
        WorldError: no such world, or a size that makes no sense.
    """
    if world not in worlds.names():
        raise errors.WorldError(faults.unknown("world", world, worlds.names()))
    plan = importlib.import_module(f"{plans.__name__}.{world.replace('-', '_')}")
    return lay.lay_out(plan.blueprint(seed, services))


def has_room(world: str, fault: str, seed: int, services: int | None = None) -> bool:
    """Whether the family names any place in that world; it may still turn out not to show there.

    Raises:
        WorldError: no such world or fault, or a size that makes no sense.
    """
    return bool(faults.load(fault).targets(layout(world, seed, services)))
