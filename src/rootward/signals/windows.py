"""Spans of time. All times are seconds since the epoch, UTC."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Window:
    """From `start_s` (inclusive) to `end_s` (inclusive, as Prometheus ranges are); never empty.

    Raises:
        ValueError: the end is not after the start.
    """

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not self.end_s > self.start_s:
            raise ValueError(f"a window ends after it starts, not {self.start_s} to {self.end_s}")

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s

    def contains(self, time_s: float) -> bool:
        return self.start_s <= time_s <= self.end_s

    def before(self, length_s: float, *, gap_s: float = 0.0) -> "Window":
        """The window of `length_s` that ends `gap_s` before this one starts: a baseline."""
        end_s = self.start_s - gap_s
        return Window(end_s - length_s, end_s)

    def widened(self, *, before_s: float = 0.0, after_s: float = 0.0) -> "Window":
        return Window(self.start_s - before_s, self.end_s + after_s)
