"""From a suite to the exact scenarios that it stands for, with a digest of them: the same digest means the same questions.

Faults are taken from the catalogue by name or group, so that a family that is new tomorrow is in every suite that says `all`; the
digest is over what came of it, not over the file.
"""

import dataclasses
import hashlib
import importlib.resources
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.dojo import faults, world
from rootward.dojo.world import noise, room
from rootward.evals import perturbations, rca, specification

SHIPPED = ("smoke", "standard", "calibration")
HOURS, STEP_S = 6.0, 15.0  # the dojo's own
USUAL = "usual"
RETRIES = 4
"""A scenario of a `total` that never shows with its seed is tried with so many others, far apart, before it is given up."""


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One scenario: everything that determines it. `id` is unique in its plan and pairs it between runs."""

    id: str
    world: str = ""
    services: int | None = None
    fault: str = ""
    seed: int = 0
    retries: int = 0
    hours: float = HOURS
    step_s: float = STEP_S
    noise: str = "usual"
    knobs: Mapping[str, float] = dataclasses.field(default_factory=dict)  # of noise, turned away from its level
    shape: str | None = None
    place: str | None = None
    parameters: Mapping[str, float] = dataclasses.field(default_factory=dict)
    access: Mapping[str, str] = dataclasses.field(default_factory=dict)
    alert: str = "full"
    perturb: tuple[str, ...] = ()
    capsule: str = ""
    content: str = ""  # hash of a capsule's files

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def digest(self) -> str:
        """SHA-256 of the canonical JSON of everything that determines the scenario; perturbations are apart, rows name theirs."""
        return digest({key: value for key, value in self.to_json().items() if key not in ("id", "perturb", "capsule")})

    def base(self) -> tuple[Any, ...]:
        """Scenarios with equal bases share a world before any fault is in it."""
        turned = tuple(sorted(self.knobs.items()))
        return (self.capsule, self.world, self.services or 0, self.hours, self.step_s, self.noise, turned, self.seed)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Scenarios in order of their base. `left_out` says which of a group's families have no place in the worlds asked for."""

    name: str
    description: str
    items: tuple[Item, ...]
    left_out: tuple[str, ...] = ()

    def digest(self) -> str:
        """The suite's content hash: equal for equal questions, whatever the file looked like."""
        return digest(
            {
                "format": specification.FORMAT_VERSION,
                "name": self.name,
                "scenarios": sorted((item.id, item.digest(), sorted(item.perturb)) for item in self.items),
            }
        )


def digest(data: object) -> str:
    """SHA-256 of canonical JSON, in hex."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def load(name_or_path: str) -> Plan:
    """The plan of a shipped suite (by name) or of a file.

    Raises:
        InputError: there is no such suite, or it says something that cannot be.
    """
    if name_or_path in SHIPPED:
        text = importlib.resources.files("rootward.evals.suites").joinpath(f"{name_or_path}.yaml").read_text("utf-8")
        return expand(specification.parse(text, source=f"suite {name_or_path!r}"), Path())
    path = Path(name_or_path)
    if not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise errors.InputError(
            f"no suite named {name_or_path!r}: shipped are {', '.join(SHIPPED)}; or give the path of a YAML file (docs/guide/evals.md)"
        )
    return expand(specification.read(path), path.parent)


def expand(suite: specification.Suite, folder: Path) -> Plan:
    """Every scenario of `suite`; capsules are sought relative to `folder`.

    Raises:
        InputError: a world, fault, perturbation, shape or capsule that does not exist.
    """
    found: dict[str, Item] = {}
    left_out: list[str] = []
    for given in suite.scenarios:
        one = _with_defaults(given, suite.defaults)
        _check_perturbations(one)
        for item in _capsules(one, folder) if one.capsule is not None else _simulated(one, left_out):
            known = found.get(item.id)
            clash = known is not None and known.digest() != item.digest()
            name = f"{item.id}~{item.digest()[:8]}" if clash else item.id
            wanted = sorted({*item.perturb, *(found[name].perturb if name in found else ())})
            found[name] = dataclasses.replace(item, id=name, perturb=tuple(wanted))
    if not found:
        raise errors.InputError(f"suite {suite.name!r} stands for no scenario: {'; '.join(left_out) or 'it is empty'}")
    items = sorted(found.values(), key=lambda item: (item.base(), item.fault, item.id))
    return Plan(suite.name, suite.description, tuple(items), tuple(dict.fromkeys(left_out)))


def _with_defaults(one: specification.Specification, defaults: specification.Shared) -> specification.Specification:
    names = specification.Shared.model_fields if one.capsule is None else ("access", "alert", "perturb")
    missing = {name: getattr(defaults, name) for name in names if getattr(one, name) is None}
    return one.model_copy(update=missing)


def _check_perturbations(one: specification.Specification) -> None:
    for name in one.perturb or ():
        perturbations.load(name)


def families(asked: Sequence[str]) -> tuple[list[str], bool]:
    """Names and groups as names, in order; and whether only names were given (a group's families may have no place somewhere).

    Raises:
        InputError: neither a family nor a group.
    """
    groups: dict[str, tuple[str, ...]] = {"all": faults.names(), "common": faults.common(), **faults.groups()}
    found: dict[str, None] = {}
    for name in asked:
        if name in faults.names():
            found[name] = None
        elif name in groups:
            found.update(dict.fromkeys(groups[name]))
        else:
            raise errors.InputError(faults.unknown("fault or group of faults", name, (*groups, *faults.names())))
    return list(found), all(name in faults.names() for name in asked)


def _simulated(one: specification.Specification, left_out: list[str]) -> Iterator[Item]:
    worlds = one.worlds()
    for choice in worlds:
        if choice.name not in world.names():
            raise errors.InputError(faults.unknown("world", choice.name, world.names()))
        if choice.services is not None and choice.name != "generated":
            raise errors.InputError(f"{choice.name!r} has one size; `services` sizes the world 'generated'")
    names, insisted = families(one.faults())
    for choice in worlds:
        room.has_room(choice.name, names[0], one.seed_list()[0], choice.services)  # refuses sizes that cannot be
    if one.total is not None:
        yield from _spread(one, worlds, names, left_out)
        return
    for choice, name, seed in itertools.product(worlds, names, one.seed_list()):
        if insisted or room.has_room(choice.name, name, seed, choice.services):
            yield _item(one, choice, name, seed)
        else:
            left_out.append(f"{name} has no place in {choice.name}")


def _spread(
    one: specification.Specification,
    worlds: Sequence[specification.WorldChoice],
    names: Sequence[str],
    left_out: list[str],
) -> Iterator[Item]:
    """`total` scenarios, as many of each family; families take turns in the worlds, seeds count up and are shared by them all."""
    assert one.total is not None
    first = one.seed_list()[0]
    housed = [name for name in names if any(room.has_room(w.name, name, first, w.services) for w in worlds)]
    left_out += [f"{name} has no place in any of the worlds" for name in names if name not in housed]
    for place, name in enumerate(housed):
        count = one.total // len(housed) + (1 if place < one.total % len(housed) else 0)
        for turn in range(count):
            seed = first + turn
            order = [worlds[(place + turn + k) % len(worlds)] for k in range(len(worlds))]
            chosen = next((w for w in order if room.has_room(w.name, name, seed, w.services)), None)
            if chosen is not None:
                yield _item(one, chosen, name, seed, retries=RETRIES)


def _item(
    one: specification.Specification, choice: specification.WorldChoice, fault: str, seed: int, *, retries: int = 0
) -> Item:
    level, turned = _noise(one.noise)
    where = choice.name if choice.services is None else f"{choice.name}-{choice.services}"
    qualifiers = [
        *([f"noise-{level}"] if level != USUAL else []),
        *(f"{knob}-{value:g}" for knob, value in turned.items()),
        *([one.shape] if one.shape else []),
        *([f"at-{one.place}"] if one.place else []),
        *(f"{vendor}-{state}" for vendor, state in sorted((one.access or {}).items())),
        *([f"alert-{one.alert}"] if one.alert not in (None, "full") else []),
    ]
    return Item(
        id="/".join([fault, where, str(seed), *qualifiers]),
        world=choice.name,
        services=choice.services,
        fault=fault,
        seed=seed,
        retries=retries,
        hours=one.hours or HOURS,
        step_s=one.step_s or STEP_S,
        noise=level,
        knobs=turned,
        shape=one.shape,
        place=one.place,
        parameters=dict(sorted((one.parameters or {}).items())),
        access=dict(sorted((one.access or {}).items())),
        alert=one.alert or "full",
        perturb=tuple(dict.fromkeys(one.perturb or ())),
    )


def _noise(asked: bool | str | dict[str, str | float] | None) -> tuple[str, dict[str, float]]:
    """The level's name and the knobs that are turned away from it."""
    if asked is None or isinstance(asked, bool):
        return (USUAL if asked is not False else "none"), {}
    given = {"level": asked} if isinstance(asked, str) else dict(asked)
    level = given.pop("level", USUAL)
    knobs: dict[str, float] = {}
    for knob, value in sorted(given.items()):
        if isinstance(value, str):
            raise errors.InputError(f"noise: {knob} is a number, not {value!r}")
        knobs[knob] = float(value)
    if level == noise.DRAWN and knobs:
        raise errors.InputError(f"noise that is {noise.DRAWN} has every knob drawn: give a level, or no knobs")
    noise.changed(noise.of(str(level), 0), knobs)  # refuses what does not exist
    return str(level), knobs


def _capsules(one: specification.Specification, folder: Path) -> Iterator[Item]:
    assert one.capsule is not None
    root = folder / one.capsule
    paths = list(rca.capsules(root))
    if not paths:
        raise errors.InputError(f"no capsule at {root} (a capsule is a folder with manifest.json)")
    for path in paths:
        inner = path.relative_to(root).as_posix()
        yield Item(
            id="/".join(["capsule", root.name, *([inner] if inner != "." else [])]),
            access=dict(sorted((one.access or {}).items())),
            alert=one.alert or "full",
            perturb=tuple(dict.fromkeys(one.perturb or ())),
            capsule=str(path),
            content=_content(path),
        )


def _content(capsule: Path) -> str:
    """Hash of a capsule's files, names and bytes."""
    found = hashlib.sha256()
    for path in sorted(path for path in capsule.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(capsule).as_posix()}\0".encode())
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
