"""What a suite file may say: specifications of scenarios, checked before anything is built.

A file is YAML: a name, what it is for, defaults, and a list of specifications; each stands for many scenarios (worlds × faults ×
seeds, or a total spread evenly over them). docs/guide/evals.md shows how to write one.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import yaml

from rootward import errors

FORMAT_VERSION = 1
SEEDS_MAX = 100_000
SUITE_BYTES_MAX = 2**20
VENDOR_STATES = ("absent", "forbidden", "down")


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class WorldChoice(_Part):
    """A world by name; `services` sizes the world `generated`."""

    name: str
    services: Annotated[int, pydantic.Field(ge=2, le=2000)] | None = None


class SeedRange(_Part):
    """`count` seeds from `first` on."""

    first: Annotated[int, pydantic.Field(ge=0)] = 0
    count: Annotated[int, pydantic.Field(ge=1, le=SEEDS_MAX)]


Names = str | tuple[str, ...]
Seeds = int | tuple[int, ...] | SeedRange
Worlds = str | WorldChoice | tuple[str | WorldChoice, ...]
State = Literal["absent", "forbidden", "down"]


class Shared(_Part):
    """What defaults and specifications have in common; None means "as the defaults say, else as the dojo does"."""

    hours: Annotated[float, pydantic.Field(ge=1.5, le=168)] | None = None
    step_s: Annotated[float, pydantic.Field(ge=5, le=60)] | None = None
    noise: bool | str | dict[str, str | float] | None = None
    access: dict[str, State] | None = None
    alert: Literal["full", "bare"] | None = None
    perturb: tuple[str, ...] | None = None


class Specification(Shared):
    """Scenarios of a kind. `capsule` (a folder, relative to the suite's file) is a recorded incident and excludes the rest."""

    world: Worlds = "web-shop"
    fault: Names = "all"
    seeds: Seeds = 0
    total: Annotated[int, pydantic.Field(ge=1, le=SEEDS_MAX)] | None = None
    services: Annotated[int, pydantic.Field(ge=2, le=2000)] | None = None
    shape: str | None = None
    place: str | None = None
    parameters: dict[str, float] | None = None
    capsule: str | None = None

    @pydantic.model_validator(mode="after")
    def _consistent(self) -> "Specification":
        if self.capsule is not None:
            simulated = {
                "world",
                "fault",
                "seeds",
                "total",
                "services",
                "shape",
                "place",
                "parameters",
                "hours",
                "step_s",
            }
            both = sorted(simulated & self.model_fields_set)
            if both:
                raise ValueError(f"a capsule is recorded, so it cannot have {', '.join(both)}")
        if self.total is not None and not isinstance(self.seeds, int):
            raise ValueError("`total` counts seeds up from one number: write `seeds: 0`, not a list or a range")
        return self

    def worlds(self) -> tuple[WorldChoice, ...]:
        """The worlds asked for, as a list."""
        asked = (self.world,) if isinstance(self.world, str | WorldChoice) else self.world
        return tuple(
            one if isinstance(one, WorldChoice) else WorldChoice(name=one, services=self.services) for one in asked
        )

    def faults(self) -> tuple[str, ...]:
        """The families and groups asked for, as a list."""
        return (self.fault,) if isinstance(self.fault, str) else self.fault

    def seed_list(self) -> tuple[int, ...]:
        """Every seed asked for."""
        if isinstance(self.seeds, int):
            return (self.seeds,)
        if isinstance(self.seeds, SeedRange):
            return tuple(range(self.seeds.first, self.seeds.first + self.seeds.count))
        return self.seeds


class Suite(_Part):
    """A suite's file."""

    version: Literal[1] = 1
    name: Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    description: str = ""
    defaults: Shared = Shared()
    scenarios: Annotated[tuple[Specification, ...], pydantic.Field(min_length=1)]


class _UniqueKeys(yaml.SafeLoader):
    """A key given twice is a mistake that YAML swallows."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if isinstance(key, str | int) and key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} is given twice", key_node.start_mark)
        seen.add(key if isinstance(key, str | int) else repr(key))
    made: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return made


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def parse(text: str, *, source: str) -> Suite:
    """The suite that `text` describes; `source` names it in messages.

    Raises:
        InputError: it is not YAML, or says something that a suite cannot; the message tells where.
    """
    if len(text.encode("utf-8", "replace")) > SUITE_BYTES_MAX:
        raise errors.InputError(f"{source} is larger than {SUITE_BYTES_MAX // 2**10} KiB; a suite is a page of YAML")
    try:
        data = yaml.load(text, _UniqueKeys)  # noqa: S506 -- a SafeLoader with one more check
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise errors.InputError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise errors.InputError(f"{source} does not hold a suite: expected keys such as `name` and `scenarios`")
    try:
        return Suite.model_validate(data)
    except (pydantic.ValidationError, RecursionError) as error:
        raise errors.InputError(f"{source}: {_first(error)}") from error


def _first(error: pydantic.ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    found = error.errors()
    one = min(found, key=lambda item: (len(item["loc"]) == 0, -len(item["loc"])))
    where = ".".join(str(part) for part in one["loc"] if not str(part).startswith(("function-", "constrained-")))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{where or 'suite'}: {one['msg']}{more}"


def read(path: Path) -> Suite:
    """The suite in a file.

    Raises:
        InputError: it cannot be read, or is not a suite.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InputError(f"cannot read suite {path}: {getattr(error, 'strerror', None) or error}") from error
    return parse(text, source=str(path))
