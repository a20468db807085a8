"""How much work one request may cause, counted rather than timed, so that the same question always gets the same answer.

A unit is about ten nanoseconds of one core. Reaching the limit is what a real server calls a timeout.
"""

import re

from rootward import errors

SERIES = 100  # handling one series' labels in one operation
GROUP = 4_000  # an operation that looks at each group by itself
GATHERED = 8  # a sample of a window function that looks at every window's samples
MATCHED_CHARACTER = 40  # of a text against a regular expression


TOO_MANY_SAMPLES = "query processing would load too many samples into memory in query execution"


_REPEAT = re.compile(r"[?*+|]|\{(\d+)(?:,(\d*))?\}")


def pattern(text: str) -> int:
    """Units to compile a regular expression: grows with the square of what may be left out or repeated."""
    loose = 0
    for found in _REPEAT.finditer(text):
        times = found[2] or found[1]
        loose += min(int(times), 1000) if times and len(times) < 6 else 1
    return 100_000 + 20 * len(text) + loose * loose // 4


class Budget:
    """Spent by one request. `samples` counts the stored samples that it looked at."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.spent = 0
        self.samples = 0

    def spend(self, units: int) -> None:
        """Raises errors.QueryTimedOut beyond the limit; to be called before the work is done."""
        self.spent += units
        if self.spent > self.limit:
            raise errors.QueryTimedOut("query timed out in expression evaluation")
