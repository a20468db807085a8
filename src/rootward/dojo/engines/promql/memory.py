"""What was worked out for one query and is asked for again by the next: three quantiles of a histogram have the same buckets."""

import collections
import dataclasses

from rootward.dojo.engines.promql import values

ENTRIES = 16
CELLS_MAX = 500_000
"""A vector with more values than this is worked out anew each time."""

Key = tuple[str, bytes, int, int, int, int]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A vector, not to be written to, and what it had cost."""

    vector: values.Vector
    spent: int
    samples: int


class Memory:
    """Of one engine: the vectors used last."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[Key, Kept] = collections.OrderedDict()

    def get(self, key: Key) -> Kept | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Key, kept: Kept) -> None:
        if kept.vector.values.size > CELLS_MAX:
            return
        self._kept[key] = kept
        if len(self._kept) > ENTRIES:
            self._kept.popitem(last=False)
