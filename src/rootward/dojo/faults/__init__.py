"""The catalogue of faults, one small file per family; each turns knobs of the world model and seals its truth.

A family is a module here with a `FAMILY`; a new file is a new family, nothing else grows.
"""

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

from rootward import errors

NOT_FAMILIES = ("kit", "pod_states", "workload_kit")
SILENCE = "silence"
"""The group of scenarios without a cause that could be named."""


@functools.cache
def names() -> tuple[str, ...]:
    """Every family that can be asked for, special scenarios included."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in NOT_FAMILIES))


def groups() -> dict[str, tuple[str, ...]]:
    """Families by the group that evals report them under, both in order of name."""
    found: dict[str, list[str]] = {}
    for name in names():
        found.setdefault(load(name).group, []).append(name)
    return {group: tuple(found[group]) for group in sorted(found)}


def common() -> tuple[str, ...]:
    """Families with a cause to find."""
    return tuple(name for name in names() if load(name).group != SILENCE)


def special() -> tuple[str, ...]:
    """Families without one: no fault, not visible, evidence missing. They test silence."""
    return groups()[SILENCE]


def kinds(name: str) -> tuple[str, ...]:
    """The kinds of fault that a family's causes may have, as findings spell them."""
    family = load(name)
    return () if family.group == SILENCE else family.kinds or (family.name,)


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """The message for a name that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}?" if near else "there are: " + ", ".join(known)
    return f"no {what} named {name!r}; {hint}"


def load(name: str) -> Any:
    """The family of that name, a `world.draft.Family` (loaded late: families build on the world's parts).

    Raises:
        WorldError: there is none; the message names the nearest.
    """
    if name not in names():
        raise errors.WorldError(unknown("fault", name, names()))
    return importlib.import_module(f"{__name__}.{name}").FAMILY


def describe(name: str) -> str:
    """A sentence about a family, then one line per parameter with its range.

    Raises:
        WorldError: there is none of that name.
    """
    family = load(name)
    rows = [f"  {p.name}: {p.low:g} to {p.high:g} {p.unit}".rstrip() for p in family.parameters]
    return "\n".join([f"{family.summary} ({family.group}; {', '.join(family.shapes)})", *rows])
