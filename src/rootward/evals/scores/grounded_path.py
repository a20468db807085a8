"""Is it right for the right reasons: do the path and the evidence that it cites lie on the true causal path?"""

import functools
import itertools
import re

from rootward.evals import records, reply

MEASURE = records.Measure("grounded", "cited path and evidence lie on the true causal path")


def score(graded: reply.Graded) -> float | None:
    """1 when all of it holds, where it spoke about a scenario with a cause.

    The path begins at a true cause, stays on the true path (or another chain of calls from the alert down to the cause) and never goes
    back on it; something is cited and was answered; and every reason that names a part of the system names one that lies there.
    """
    if not graded.caused or not graded.spoke or graded.first is None:
        return None
    return float(_on_path(graded) and _cites(graded, graded.first) and _reasons(graded, graded.first))


def _on_path(graded: reply.Graded) -> bool:
    path = graded.reply.path
    if not path or graded.place_on_path(path[0]) != 0 or not all(graded.on_route(name) for name in path):
        return False
    return all(graded.leads_on(here, there) for here, there in itertools.pairwise(path))


def _cites(graded: reply.Graded, claim: reply.Claim) -> bool:
    answered = {item.id for item in graded.reply.cited if item.answered}
    return any(key in answered for key in claim.evidence)


def _reasons(graded: reply.Graded, claim: reply.Claim) -> bool:
    for sentence in claim.because:
        named = mentioned(sentence, graded.vocabulary)
        if named and not any(graded.on_route(name) for name in named):
            return False
    return True


@functools.lru_cache(maxsize=8)
def _pattern(vocabulary: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(vocabulary, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w])")


def mentioned(text: str, vocabulary: frozenset[str]) -> set[str]:
    """The names of `vocabulary` that stand in `text` as words; `catalog` is not in `catalog-db`, and is in `catalog-6f7d9-x2x4b`."""
    if not vocabulary:
        return set()
    return set(_pattern(vocabulary).findall(text))
