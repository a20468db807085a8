"""Public incident data sets, in their authors' layout, turned into scenarios with sealed truth: one file per data set.

An importer is a module here that has `cases(src) -> Iterator[(case id, Scenario, Truth)]`; adding the file registers it.
It may also take `fault_free=True` (windows in which nothing was wrong, to measure silence) and `baseline=` (see `_history`),
and have `count(src)`, for progress bars. Modules whose name begins with `_` are what importers share.
"""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from rootward import errors
from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _sources

Case = tuple[str, telemetry.Scenario, oracle.Truth]


def names() -> list[str]:
    """The data sets that can be imported, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> ModuleType:
    """The importer of a data set.

    Raises:
        DatasetError: no such importer; the message names the nearest.
    """
    known = names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        raise errors.DatasetError(f"there is no importer for {name!r}; {hint}")
    return importlib.import_module(f"{__name__}.{name}")


@contextmanager
def opened(src: Path) -> Iterator[Path]:
    """The data set at `src` as a folder; an archive is unpacked for as long as the context lasts.

    Raises:
        DatasetError: nothing there, or not an archive.
    """
    with _sources.opened(src) as folder:
        yield folder


def count(name: str, folder: Path) -> int | None:
    """How many cases lie in `folder`, for progress bars; None where the importer cannot tell without reading them.

    Raises:
        DatasetError: no such importer, or none of its cases there.
    """
    importer = load(name)
    return int(importer.count(folder)) if hasattr(importer, "count") else None


def cases(name: str, src: Path, *, fault_free: bool = False, baseline: str = "auto") -> Iterator[Case]:
    """Every case of the data set `name` that lies at `src`, one at a time.

    Raises:
        DatasetError: no such importer, an option that it does not have, or `src` is not in the authors' layout.
    """
    importer = load(name)
    options = {"fault_free": (fault_free, False), "baseline": (baseline, "auto")}
    accepted = inspect.signature(importer.cases).parameters
    given = {option: value for option, (value, default) in options.items() if value != default}
    for option in given:
        if option not in accepted:
            raise errors.DatasetError(f"{name} has no {option.replace('_', '-')} option")
    result: Iterator[Case] = importer.cases(src, **given)
    return result
