"""Spans of recorded traces that do not say their kind: it follows from where their parents and children ran."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

UNSPECIFIED, SERVER, CLIENT = 0, 2, 3
Ids = Sequence[tuple[str, str]]


def kinds(ids: Ids, parents: Ids, places: Sequence[int]) -> npt.NDArray[np.int8]:
    """Shape [N]: a span whose parent ran elsewhere (or that has none) served a request, and that parent was the client's side.

    `ids`, `parents` are (trace, span) pairs, a parent's span "" for roots; `places` says where each span ran (pod or service).
    A parent that was not recorded tells nothing. What can be told no kind is UNSPECIFIED.
    """
    row_of = {span: row for row, span in enumerate(ids)}
    result = np.zeros(len(ids), dtype=np.int8)
    crossing: list[tuple[int, int]] = []
    for row, parent in enumerate(parents):
        if not parent[1]:
            result[row] = SERVER
        elif (above := row_of.get(parent)) is not None and places[above] != places[row]:
            crossing.append((above, row))
    for above, row in crossing:
        result[row] = SERVER
        if result[above] == UNSPECIFIED:
            result[above] = CLIENT
    return result
