"""Where two pieces of guidance want opposite things of one alert, and which of them is heard."""

import dataclasses
import itertools
from collections.abc import Sequence

from rootward.memory import matching
from rootward.memory.guidance import Guidance, Prior


@dataclasses.dataclass(frozen=True, slots=True)
class Conflict:
    """`winner` is the id of the one that is heard: higher priority; "" when both have the same, and then neither is."""

    one: str
    other: str
    about: str
    winner: str

    @property
    def sentence(self) -> str:
        heard = (
            f"{self.winner} has the higher priority and is heard" if self.winner else "same priority: neither is heard"
        )
        return f"{self.one} and {self.other} disagree about {self.about}; {heard}"


def among(every: Sequence[Guidance]) -> list[Conflict]:
    """Every pair that may apply to one alert at one time and leans opposite ways about the same entity and kind of fault."""
    return [
        conflict
        for one, other in itertools.combinations(every, 2)
        if not _apart(one, other)
        for conflict in _between(one, other)
    ]


def _apart(one: Guidance, other: Guidance) -> bool:
    """Never both for the same alert: different dates, or a label that would need two values."""
    first, second = sorted((one, other), key=lambda g: g.from_s or 0.0)
    ended = first.until_s is not None and first.until_s <= (second.from_s or 0.0)
    return ended or matching.disjoint(one.matchers, other.matchers)


def _between(one: Guidance, other: Guidance) -> list[Conflict]:
    found: dict[str, Conflict] = {}
    for mine, theirs in itertools.product(one.priors, other.priors):
        if mine.direction != theirs.direction and overlap(mine, theirs):
            about = mine.entity + (f" ({mine.fault or theirs.fault})" if mine.fault or theirs.fault else "")
            ahead = one if one.priority > other.priority else other
            winner = "" if one.priority == other.priority else ahead.id
            found.setdefault(about, Conflict(one.id, other.id, about, winner))
    return list(found.values())


def overlap(one: Prior, other: Prior) -> bool:
    """They may speak of the same entity and kind of fault; patterns with wildcards are taken to meet when their fixed beginnings do."""
    if one.fault and other.fault and one.fault != other.fault:
        return False
    first, second = _spelt(one.entity), _spelt(other.entity)
    if "/" in first and "/" in second:
        return all(_meet(a, b) for a, b in zip(first.split("/", 1), second.split("/", 1), strict=True))
    return _meet(first.rpartition("/")[2], second.rpartition("/")[2])


def _spelt(pattern: str) -> str:
    return pattern.strip().lower()


def _meet(one: str, other: str) -> bool:
    ends = [min((text.index(mark) for mark in "*?[" if mark in text), default=-1) for text in (one, other)]
    if ends == [-1, -1]:
        return one == other
    length = min(end if end >= 0 else len(text) for end, text in zip(ends, (one, other), strict=True))
    return one[:length] == other[:length]
