"""A word index over texts: which rows hold a word, how often, and where, for word, phrase and prefix searches.

Words are cut as Unicode's default word boundaries (UAX #29) cut them for scripts with spaces, and lower-cased, which is what
Lucene's standard analyser does: `java.net.ConnectException` is one word, `catalog-cache` two.
"""

import functools
import itertools
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

IntArray = npt.NDArray[np.int64]
_WORD = re.compile(r"\w+(?:(?:(?<=[^\W\d_])[.:'’](?=[^\W\d_])|(?<=\d)[.,;'’](?=\d))\w+)*")
MAX_WORD_CHARACTERS = 255


def words(text: str) -> list[str]:
    """The words of a text in order, lower-cased; longer ones than MAX_WORD_CHARACTERS are cut into pieces."""
    found: list[str] = _WORD.findall(text.lower())
    if any(len(word) > MAX_WORD_CHARACTERS for word in found):
        size = MAX_WORD_CHARACTERS
        return [word[at : at + size] for word in found for at in range(0, len(word), size)]
    return found


class TokenIndex:
    """Reads texts once, asked many times. `words` [W] are distinct; occurrences lie in order of row and position."""

    def __init__(self, texts: Sequence[str]) -> None:
        numbers: dict[str, int] = {}
        found = [words(text) for text in texts]
        self.lengths = np.fromiter(map(len, found), np.int64, len(found))
        total = int(self.lengths.sum())
        flat = itertools.chain.from_iterable(found)
        self._flat = np.fromiter((numbers.setdefault(word, len(numbers)) for word in flat), np.int32, total)
        self._row = np.repeat(np.arange(len(found), dtype=np.int64), self.lengths)
        self._order = np.argsort(self._flat, kind="stable")
        self._ends = np.searchsorted(self._flat[self._order], np.arange(len(numbers) + 1))
        self._number = numbers
        self.count = len(found)

    @functools.cached_property
    def vocabulary(self) -> pa.Array:
        """Every distinct word, for RE2; the position is the word's number."""
        return pa.array(list(self._number), type=pa.string())

    def number(self, word: str) -> int | None:
        return self._number.get(word)

    def word(self, number: int) -> str:
        return str(self.vocabulary[number].as_py())

    def places(self, number: int) -> IntArray:
        """Where the word stands among all occurrences."""
        return np.asarray(self._order[self._ends[number] : self._ends[number + 1]], dtype=np.int64)

    def rows(self, number: int) -> IntArray:
        """Rows that hold the word, once per occurrence, in order."""
        return np.asarray(self._row[self.places(number)], dtype=np.int64)

    def frequencies(self, number: int) -> tuple[IntArray, IntArray]:
        """(rows that hold the word, how often each does)."""
        rows, counts = np.unique(self.rows(number), return_counts=True)
        return rows, np.asarray(counts, dtype=np.int64)

    def phrase(self, alternatives: Sequence[Sequence[int]]) -> IntArray:
        """Rows, once per occurrence, in which words follow each other; each place may be any of several words."""
        starts: IntArray | None = None
        for offset, numbers in enumerate(alternatives):
            parts = [self.places(number) - offset for number in numbers]
            here = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
            starts = here if starts is None else np.intersect1d(starts, here)
        if starts is None or not len(starts):
            return np.empty(0, dtype=np.int64)
        starts = starts[starts >= 0]
        same = self._row[starts] == self._row[starts + len(alternatives) - 1]
        return np.sort(self._row[starts[same]])

    def near(self, numbers: Sequence[int], slop: int) -> IntArray:
        """Rows in which the words stand in order with at most `slop` other words between them."""
        reach: IntArray | None = None  # per candidate: where its last word stands; and how much slop it has used
        used = np.empty(0, dtype=np.int64)
        for number in numbers:
            here = np.sort(self.places(number))
            if reach is None:
                reach, used = here, np.zeros(len(here), dtype=np.int64)
                continue
            at = np.searchsorted(here, reach, side="right")
            ok = at < len(here)
            reach, used, at = reach[ok], used[ok], at[ok]
            after = here[at]
            used = used + (after - reach - 1)
            ok = (self._row[after] == self._row[reach]) & (used <= slop)
            reach, used = after[ok], used[ok]
        return np.empty(0, dtype=np.int64) if reach is None else np.unique(self._row[reach])


def marked(text: str, wanted: set[str], before: str, after: str) -> str:
    """The text with every wanted word put between two marks."""

    def mark(found: re.Match[str]) -> str:
        return f"{before}{found[0]}{after}" if found[0].lower() in wanted else found[0]

    return _WORD.sub(mark, text)


def spans(text: str) -> list[tuple[str, int, int]]:
    """(word, where it starts, where it ends) of a text."""
    return [(found[0].lower(), found.start(), found.end()) for found in _WORD.finditer(text)]
