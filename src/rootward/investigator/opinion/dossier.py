"""What may be cited: every piece of evidence as text, in short for the model and whole for reading on and for checking.

The short form is computed (templates, change points, the largest first), never cut off in silence: it says how many lines the whole has.
"""

import dataclasses
from collections.abc import Iterable

from rootward.investigator import planted
from rootward.investigator.opinion import digests

LINE_CHARS_MAX = 320
WHOLE_LINES_MAX = 20_000
LEFT_OUT = "[left out: a text that tries to instruct whoever reads it]"


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence. `short` stands for `whole` in prompts; `telling`: lines that show trouble by
    measurement. `fresh`: asked for by the model, so the reasoner did not have it."""

    id: str
    title: str
    short: tuple[str, ...]
    whole: tuple[str, ...]
    telling: tuple[str, ...] = ()
    fresh: bool = False


class Dossier:
    """The evidence of one investigation by id, in order."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def add(self, key: str, title: str, lines: digests.Lines, *, fresh: bool = False) -> Item:
        """Keep the evidence. Texts that instruct their reader are left out of it."""
        whole = tuple(_harmless(line) for line in lines.whole[:WHOLE_LINES_MAX])
        short = tuple(_harmless(line)[:LINE_CHARS_MAX] for line in (lines.short or lines.whole)[: digests.SHORT])
        if len(lines.whole) > len(short):
            short = (*short, f"({len(lines.whole)} lines in all; read {key} for more)")
        item = self._items[key] = Item(key, title, short, whole, tuple(lines.telling), fresh)
        return item

    def get(self, key: str) -> Item | None:
        return self._items.get(key)

    def items(self) -> Iterable[Item]:
        return self._items.values()

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def read(self, key: str, *, contains: str = "", offset: int = 0, lines: int = 40) -> tuple[str, ...]:
        """Lines of the whole, those that hold `contains` (any case), from the `offset`-th on; empty for what does not exist."""
        item = self._items.get(key)
        if item is None:
            return ()
        wanted = contains.lower()
        found = [line for line in item.whole if wanted in line.lower()] if wanted else item.whole
        return tuple(line[:LINE_CHARS_MAX] for line in found[offset : offset + lines])


def _harmless(line: str) -> str:
    return LEFT_OUT if planted.directive(line) else line
