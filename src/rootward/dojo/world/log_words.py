"""The words of a component's authors: what they log of ordinary work, in the voice of their team.

Every component has a vocabulary of its own, drawn once: a voice (sentences, brackets, keys and values), the steps it tells of, and
objects that it prints whole, as `toString` of Lombok and Java's records, `repr` of Python's dataclasses and JSON do. How long those are
has a long tail, because lists inside of them do.
"""

import dataclasses
import json
from collections.abc import Callable

import numpy as np

from rootward.dojo.world import blueprint as bp

VOICES = ("sentence", "brackets", "pairs")
STEPS = ("validate", "load", "resolve", "price", "reserve", "merge", "filter", "map", "authorize", "enrich", "convert",
  "schedule", "compare", "assemble", "normalize", "rank", "split", "confirm", "archive", "index")  # fmt: skip
THINGS = (
    "Id",
    "AccountId",
    "Region",
    "Version",
    "Tenant",
    "Page",
    "Channel",
    "Type",
    "Status",
    "Batch",
    "Token",
    "Group",
)
FIELDS = ("id", "status", "createdAt", "updatedAt", "owner", "amount", "currency", "quantity", "region", "label",
  "version", "channel", "priority", "parent", "total", "active", "reference", "weight", "category", "source")  # fmt: skip
STATES = ("ACTIVE", "PENDING", "CONFIRMED", "CLOSED", "DRAFT", "EXPIRED")
OBJECTS, ITEMS_MAX = 16, 20
"""How many different objects a component prints: some are looked at again and again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Words:
    """`step` gives the text of a step that is told, with places for ids and numbers; `objects` are printed whole."""

    steps: tuple[str, ...]
    objects: tuple[str, ...]


def words(component: bp.Component, printed: float, rng: np.random.Generator) -> Words:
    """What the authors of a component say; a `printed` share of their steps prints an object."""
    noun = component.name.replace("-", " ").removesuffix(" service").removesuffix(" api")
    voice = VOICES[int(rng.integers(0, len(VOICES)))]
    dice = rng.integers(0, 1 << 16, (len(STEPS), 4)).tolist()
    steps = tuple(
        _step(voice, STEPS[k], noun, printed, dice[rank]) for rank, k in enumerate(rng.permutation(len(STEPS)).tolist())
    )
    return Words(steps, _objects(component, noun, rng) if any("{object}" in text for text in steps) else ("",))


def _past(verb: str) -> str:
    return f"{verb}d" if verb.endswith("e") else f"{verb}{'p' if verb == 'map' else ''}ed"


def _step(voice: str, verb: str, noun: str, printed: float, dice: list[int]) -> str:
    thing = THINGS[dice[0] % len(THINGS)]
    value = ("{id}", "{user}", "{a}", "{n}", "{uuid}", "{b}")[dice[1] % 6]
    object_ = (": {object}", " {object}")[dice[2] % 2] if dice[2] < printed * (1 << 16) else ""
    name = "".join(part.capitalize() for part in noun.split())
    if voice == "brackets":
        result = ("[Success]", "[done]", "", f"[Size: {value}]")[dice[3] % 4]
        return f"[{verb}{name}][{verb.capitalize()} {noun}][{thing}: {value}]{result}{object_}"
    if voice == "pairs":
        return f"{noun.replace(' ', '_')}.{verb} ok {thing.lower()}={value} took_ms={{b}}{object_}"
    ends = ("for user {user}", "in {b} ms", f"with {thing.lower()} {value}", f"({thing.lower()} {value})", "")
    return f"{_past(verb).capitalize()} {noun} {ends[dice[3] % 5]}".rstrip() + object_


def _objects(component: bp.Component, noun: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Objects with a handful of fields, most of them short, some with long lists inside."""
    name = "".join(part.capitalize() for part in noun.split())
    order = rng.permutation(len(FIELDS)).tolist()
    outer, inner = order[: int(rng.integers(3, 15))], order[-int(rng.integers(2, 5)) :]
    render = {"java": _lombok, "python": _dataclass}.get(component.language, _json)
    items = np.minimum(
        rng.lognormal(0.3, float(rng.uniform(0.6, 2.2)), OBJECTS) * (rng.uniform(size=OBJECTS) < 0.7), ITEMS_MAX
    )
    counts = items.astype(int).tolist()
    width = len(outer) + ITEMS_MAX * len(inner)
    dice, digits = rng.integers(0, 1 << 30, (OBJECTS, width)).tolist(), rng.bytes(16 * OBJECTS * width).hex()
    made = []
    for k, count in enumerate(counts):
        cells = _cells(outer, inner, count, dice[k], digits[32 * k * width : 32 * (k + 1) * width])
        made.append(render(name, cells[0], f"{name}Item", cells[1:]))
    return tuple(made)


def _cells(outer: list[int], inner: list[int], count: int, dice: list[int], digits: str) -> list[dict[str, str | int]]:
    """An object's own fields, then those of each of `count` in its list."""
    made: list[dict[str, str | int]] = []
    at = 0
    for fields in (outer, *[inner] * count):
        values: dict[str, str | int] = {}
        for k in fields:
            values[FIELDS[k]] = _value(FIELDS[k], dice[at], digits[32 * at : 32 * at + 32])
            at += 1
        made.append(values)
    return made


def _value(field: str, dice: int, digits: str) -> str | int:
    if field in ("id", "parent", "owner"):
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"
    if field in ("status", "label", "channel", "region", "currency", "active"):
        return STATES[dice % len(STATES)]
    return dice // 7 % (10, 100, 1000, 10_000, 100_000, 1_000_000)[dice % 6]


def _pairs(values: dict[str, str | int], quote: Callable[[object], str] = str) -> str:
    return ", ".join(f"{field}={quote(value)}" for field, value in values.items())


def _lombok(name: str, values: dict[str, str | int], item: str, lists: list[dict[str, str | int]]) -> str:
    return f"{name}({_pairs(values)}, items=[{', '.join(f'{item}({_pairs(one)})' for one in lists)}])"


def _dataclass(name: str, values: dict[str, str | int], item: str, lists: list[dict[str, str | int]]) -> str:
    return f"{name}({_pairs(values, repr)}, items=[{', '.join(f'{item}({_pairs(one, repr)})' for one in lists)}])"


def _json(name: str, values: dict[str, str | int], item: str, lists: list[dict[str, str | int]]) -> str:
    del name, item
    return json.dumps({**values, "items": lists}, separators=(",", ":"))
