"""How much work one request may cause, counted rather than timed, so that the same question always gets the same answer.

A unit is about ten nanoseconds of one core. Reaching the limit is what a real server calls a timeout.
"""

from rootward import errors

SERIES = 100  # handling one series' labels in one operation
GROUP = 4_000  # an operation that looks at each group by itself
GATHERED = 8  # a sample of a window function that looks at every window's samples
MATCHED_CHARACTER = 40  # of a text against a regular expression
PATTERN_CHARACTER = 1_000  # of the expression itself, which is compiled


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
