"""Relevance: BM25 as Lucene computes it (k1 1.2, b 0.75), and words that are like another word."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column, tokens
from rootward.dojo.engines.elastic import rejection
from rootward.dojo.engines.elastic.context import Context, Match

K1, B = 1.2, 0.75
MAX_EXPANSIONS = 50


def idf(documents: int, having: int) -> float:
    """Lucene's BM25Similarity.idf."""
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def word(ctx: Context, field: str, text: str, boost: float = 1.0) -> Match:
    """Records that hold one word."""
    words = ctx.table.words_of(field)
    number = words.number(text)
    if number is None:
        return ctx.nothing()
    rows, counts = words.frequencies(number)
    return weighted(ctx, words, rows, counts, boost)


def weighted(
    ctx: Context, words: tokens.TokenIndex, rows: Any, counts: Any, boost: float, rarity: float = 0.0
) -> Match:
    """BM25 of rows in which something stands `counts` times."""
    mask = ctx.table.none()
    mask[rows] = True
    if not ctx.scoring:
        return Match(mask, None)
    score = np.zeros(ctx.table.count)
    documents, mean = _norms(ctx, words)
    norm = K1 * (1 - B + B * words.lengths[rows] / max(mean, 1e-9))
    rarity = rarity or idf(documents, int(ctx.within[rows].sum()))
    score[rows] = boost * rarity * counts / (counts + norm)
    return Match(mask, score)


def _norms(ctx: Context, words: tokens.TokenIndex) -> tuple[int, float]:
    """(documents that have the field, their mean number of words) of the indices asked."""
    lengths = words.lengths[ctx.within]
    having = int((lengths > 0).sum())
    return having, float(lengths.sum()) / max(having, 1)


def rare(ctx: Context, mask: column.BoolArray, boost: float) -> Match:
    """An exact value: rarer values score higher; length does not count."""
    weight = boost * idf(int(ctx.within.sum()), int((mask & ctx.within).sum())) / (1 + K1) if ctx.scoring else 0.0
    return ctx.constant(mask, weight)


def any_word(ctx: Context, field: str, numbers: Sequence[int], boost: float) -> Match:
    """Records that hold any of the words; a constant score, as rewritten multi-term queries have."""
    words = ctx.table.words_of(field)
    mask = ctx.table.none()
    for number in numbers:
        mask[words.rows(number)] = True
    return ctx.constant(mask, boost)


def phrase(ctx: Context, field: str, alternatives: Sequence[Sequence[int]], boost: float) -> Match:
    """Records in which the words follow each other."""
    words = ctx.table.words_of(field)
    rows, counts = np.unique(words.phrase(alternatives), return_counts=True)
    documents, _ = _norms(ctx, words)
    rarity = (
        sum(
            idf(documents, int(ctx.within[np.unique(words.rows(number))].sum()))
            for place in alternatives
            for number in place[:MAX_EXPANSIONS]
        )
        if ctx.scoring
        else 0.0
    )
    return weighted(ctx, words, rows, counts, boost, rarity)


def edits_of(fuzziness: Any, text: str) -> int:
    """How many edits `fuzziness` allows for a word; raises Rejection."""
    if str(fuzziness).upper().startswith("AUTO"):
        return 0 if len(text) < 3 else 1 if len(text) < 6 else 2
    if str(fuzziness) in ("0", "1", "2"):
        return int(str(fuzziness))
    raise rejection.argument(f"Invalid fuzziness value: {str(fuzziness)[:40]}")


def similar(words: tokens.TokenIndex, text: str, edits: int) -> list[int]:
    """Numbers of at most MAX_EXPANSIONS words within so many edits of `text`."""
    found: list[int] = []
    if len(text) > tokens.MAX_WORD_CHARACTERS:
        return found
    for number, candidate in enumerate(_vocabulary(words)):
        if abs(len(candidate) - len(text)) <= edits and within(candidate, text, edits):
            found.append(number)
            if len(found) == MAX_EXPANSIONS:
                break
    return found


@functools.lru_cache(maxsize=4)
def _vocabulary(words: tokens.TokenIndex) -> list[str]:
    listed: list[str] = words.vocabulary.to_pylist()
    return listed


def within(one: str, other: str, edits: int) -> bool:
    """Whether at most `edits` insertions, deletions, replacements or swaps of neighbours turn one into the other."""
    if abs(len(one) - len(other)) > edits:
        return False
    if edits == 0 or one == other:
        return one == other
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > edits:
            return False
    return row[-1] <= edits
