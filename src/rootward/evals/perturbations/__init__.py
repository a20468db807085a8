"""Changes to a scenario that must not change the answer, one file each: the same incident told in other words, units and orders.

A perturbation is a module here with `TITLE` (what it changes, for people) and `apply(scenario, truth, rng)`, which returns a `Variant`;
a new file is a new perturbation, nothing else grows. It is applied to telemetry and alert before any face is built, and to the truth
alike. `clean` is the exception: the same seed built without noise, so it is made where worlds are built.
"""

import difflib
import importlib
import pkgutil
from types import ModuleType

from rootward import errors

NOT_PERTURBATIONS = ("variant", "texts", "stamps", "spelling", "metric_names", "missing")
CLEAN = "clean"
CLEAN_TITLE = "the same seed without noise (how much noise costs)"
ALL = "all"


def names() -> tuple[str, ...]:
    """Every perturbation, `clean` included."""
    found = (module.name for module in pkgutil.iter_modules(__path__) if module.name not in NOT_PERTURBATIONS)
    return tuple(sorted([CLEAN, *found]))


def load(name: str) -> ModuleType | None:
    """The module of that name, None for `clean`.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise errors.InputError(f"no perturbation named {name!r}; {hint}there are: {', '.join(names())}")
    return None if name == CLEAN else importlib.import_module(f"{__name__}.{name}")


def describe(name: str) -> str:
    """What it changes, in a phrase.

    Raises:
        InputError: there is none of that name.
    """
    module = load(name)
    return CLEAN_TITLE if module is None else str(module.TITLE)


def chosen(asked: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """The names asked for, `all` standing for every one, in order of name.

    Raises:
        InputError: one of them does not exist.
    """
    for name in asked:
        if name != ALL:
            load(name)
    return names() if ALL in asked else tuple(sorted(set(asked)))
