"""Log templates: which kinds of line there are, and which are new, gone or louder than before.

The miner is Drain's idea (He et al., ICWS 2017): a line's words, what obviously varies masked, are matched against the known
templates of the same number of words and the same first word; enough equal words make it the same template, and what differs
becomes a wildcard. Two caches stand before it, of each word's mask and of each masked line's template, so that nearly every line is
a few dictionary look-ups. Deterministic: equal lines in equal order give equal templates.
"""

import dataclasses
import enum
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from rootward.signals import log_text, series

IntArray = npt.NDArray[np.int64]
SIMILARITY_MIN = 0.7  # share of equal words that makes two lines one template
TEMPLATES_MAX = 5_000  # further kinds of line share one template per number of words
COMPARED_MAX = 100  # templates of a bucket that a new line is compared with
CACHE_MAX = 200_000  # entries; a full cache is emptied
WORDS_MAX = 80


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """`ids` shape [N]: the template of each line. By id: `texts` with wildcards, `examples` (the first line of each), `severities`,
    and `counts` shape [K]."""

    ids: IntArray
    texts: tuple[str, ...]
    examples: tuple[str, ...]
    severities: tuple[log_text.Severity, ...]
    counts: IntArray


class Miner:
    """Learns templates line by line; `Templates` of several batches share ids when one miner reads them all."""

    def __init__(self) -> None:
        self._words: list[list[str]] = []
        self._examples: list[str] = []
        self._buckets: dict[tuple[int, str, str], list[int]] = {}
        self._by_masks: dict[tuple[str | None, ...], int] = {}
        self._masks: dict[str, str] = {}

    def learn(self, lines: Iterable[str]) -> IntArray:
        """The template of each line; shape [N]."""
        mask_of, by_masks = self._masks.get, self._by_masks
        prepared = log_text.prepared
        ids: list[int] = []
        for line in lines:
            words = prepared(line).split(None, WORDS_MAX)[:WORDS_MAX]
            masks = list(map(mask_of, words))
            while None in masks:
                place = masks.index(None)
                masks[place] = self._mask(words[place])
            key = tuple(masks)
            known = by_masks.get(key)
            if known is None:
                known = self._matched([mask for mask in masks if mask is not None], line)
                if len(by_masks) >= CACHE_MAX:
                    by_masks.clear()
                by_masks[key] = known
            ids.append(known)
        return np.asarray(ids, dtype=np.int64)

    def _mask(self, word: str) -> str:
        found = self._masks.get(word)
        if found is None:
            if len(self._masks) >= CACHE_MAX:
                self._masks.clear()
            found = self._masks[word] = log_text.masked(word)
        return found

    def _matched(self, words: list[str], line: str) -> int:
        """The nearest template, changed to cover `words` too, or a new one."""
        # Wildcards agree with everything and so say nothing: only constant words count.
        constant = sum(1 for word in words if "<" not in word)
        first = next((word for word in words if "<" not in word), "")
        # Lines that differ in level or class of status are different news, however alike their words.
        marks = " ".join(word for word in words if "xx>" in word or log_text.is_level(word))
        bucket = self._buckets.setdefault((len(words), first, marks), [])
        best, best_equal = -1, -1
        for candidate in bucket[-COMPARED_MAX:]:
            equal = sum(
                1
                for ours, theirs in zip(self._words[candidate], words, strict=True)
                if ours == theirs and "<" not in ours
            )
            if equal > best_equal:
                best, best_equal = candidate, equal
        if best >= 0 and best_equal >= SIMILARITY_MIN * constant:
            known = self._words[best]
            self._words[best] = [
                ours if ours == theirs else log_text.MASK for ours, theirs in zip(known, words, strict=True)
            ]
            return best
        if len(self._words) >= TEMPLATES_MAX:
            words = [log_text.MASK] * len(words)
            bucket = self._buckets.setdefault((len(words), log_text.MASK, ""), [])
            if bucket:
                return bucket[0]
        self._words.append(list(words))
        self._examples.append(line)
        bucket.append(len(self._words) - 1)
        return len(self._words) - 1

    def templates(self, ids: IntArray) -> Templates:
        """What was learnt so far, with the counts of `ids`."""
        texts = tuple(" ".join(words) for words in self._words)
        severities = tuple(log_text.severity(line) for line in self._examples)
        counts = np.bincount(ids, minlength=len(texts)).astype(np.int64)
        return Templates(ids, texts, tuple(self._examples), severities, counts)


def mine(lines: Sequence[str]) -> Templates:
    """The templates of `lines`, all at once."""
    miner = Miner()
    return miner.templates(miner.learn(lines))


class Turn(enum.StrEnum):
    NEW = "new"
    VANISHED = "vanished"
    SURGED = "surged"
    DROPPED = "dropped"


@dataclasses.dataclass(frozen=True, slots=True)
class Novelty:
    """A template whose count in the focus is not what the baseline promises. `score` is a log-likelihood ratio in nats (Poisson: the
    focus's own rate against the baseline's); 3 is already 20 to 1."""

    template: int
    turn: Turn
    before: int
    after: int
    expected: float
    score: float


def novelty(
    before: IntArray, after: IntArray, *, before_s: float, after_s: float, score_min: float = 3.0
) -> tuple[Novelty, ...]:
    """Templates that are new, gone, louder or quieter, the most surprising first.

    `before`, `after`: counts by template, shape [K]; `before_s`, `after_s`: how long each was watched, in seconds (or any exposure:
    numbers of requests make it a rate per request). The baseline's rate is known no better than its count allows: it is taken at
    its Jeffreys estimate, and the likelihood ratio is that of two Poisson counts (the conditional, binomial form), so that two
    lines after one do not surprise.

    Raises:
        ValueError: shapes differ or a length is not positive.
    """
    if before.shape != after.shape:
        raise ValueError(f"counts are by template: {before.shape} and {after.shape} differ")
    if not (before_s > 0 and after_s > 0):
        raise ValueError("both windows last some time")
    scores = surprise(before.astype(np.float64), after.astype(np.float64), before_s, after_s)
    found = []
    for index in np.flatnonzero(scores >= score_min):
        was, now = int(before[index]), int(after[index])
        expected = (was + 0.5) * after_s / before_s
        turn = Turn.NEW if was == 0 else Turn.VANISHED if now == 0 else Turn.SURGED if now > expected else Turn.DROPPED
        found.append(Novelty(int(index), turn, was, now, expected, float(scores[index])))
    return tuple(sorted(found, key=lambda one: (-one.score, one.template)))


def surprise(before: series.FloatArray, after: series.FloatArray, before_s: float, after_s: float) -> series.FloatArray:
    """Log-likelihood ratio in nats of "two rates" against "one rate" for Poisson counts (Dunning 1993, G² / 2); shape of the counts."""
    total = before + after
    share = after_s / (before_s + after_s)

    def term(count: series.FloatArray, expected: series.FloatArray) -> series.FloatArray:
        safe = np.where(count > 0, count, 1.0)
        return np.where(count > 0, count * np.log(safe / np.where(expected > 0, expected, 1.0)), 0.0)

    return np.maximum(term(after, total * share) + term(before, total * (1.0 - share)), 0.0)
