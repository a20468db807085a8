"""The alert rules that a platform team would keep, one kind of thing watched per module: `watches(frame)` → rules with what they see.

A new module is a new set of rules, nothing else grows. Dashboards, notification and what people make of it do not belong here.
"""

import importlib
import pkgutil

from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching

SHARED = ("watching",)


def watches(frame: fr.Frame) -> list[watching.Watch]:
    """Every rule of the world with what it sees, module by module in order of name."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in SHARED)
    return [watch for name in modules for watch in importlib.import_module(f"{__name__}.{name}").watches(frame)]
