"""What a world shows of a fault: numbers before and after its onset, lines that say something, spans, changes."""

import dataclasses
import functools
import re
from collections.abc import Iterator

import numpy as np

from rootward.dojo import oracle, world
from rootward.dojo.capsule import telemetry as tm

HOURS = 1.5


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """A world of `HOURS` hours with its truth."""

    scenario: tm.Scenario
    truth: oracle.Truth

    @property
    def telemetry(self) -> tm.Telemetry:
        return self.scenario.telemetry

    @property
    def cause(self) -> oracle.Cause:
        return self.truth.causes[0]

    @property
    def onset_s(self) -> float:
        assert self.cause.onset_s is not None
        return self.cause.onset_s

    def matching(self, name: str, **labels: str) -> Iterator[tuple[np.ndarray, tm.Labels, np.ndarray]]:
        """Times, labels and values of every series; a label that ends in * matches by its beginning."""
        for block in self.telemetry.metrics.blocks:
            for one, row in zip(block.labels, block.values, strict=True):
                if one["__name__"] == name and all(fits(one.get(key, ""), want) for key, want in labels.items()):
                    yield block.times_s, one, row

    def level(self, name: str, **labels: str) -> tuple[np.ndarray, np.ndarray]:
        """The sum of gauges, absent samples as 0."""
        return self._sum(name, labels, lambda times_s, row: (times_s, np.where(np.isnan(row), 0.0, row)))

    def increase(self, name: str, **labels: str) -> tuple[np.ndarray, np.ndarray]:
        """Per step increases of counters, each series apart, resets and gaps as 0."""

        def steps(times_s: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            plain = np.where(np.isnan(row), 0.0, row)
            gone = np.isnan(row[1:]) | np.isnan(row[:-1])
            return times_s[1:], np.maximum(np.where(gone, 0.0, np.diff(plain)), 0.0)

        return self._sum(name, labels, steps)

    def _sum(self, name: str, labels: dict[str, str], read: object) -> tuple[np.ndarray, np.ndarray]:
        assert callable(read)
        total = None
        for times_s, _, row in self.matching(name, **labels):
            moments_s, values = read(times_s, row)
            total = (moments_s, values if total is None else total[1] + values)
        assert total is not None, f"no series {name} {labels}"
        return total

    def around(
        self, series: tuple[np.ndarray, np.ndarray], *, settle_s: float = 120.0, until_s: float = 900.0
    ) -> tuple[float, float]:
        """Means before the onset, and after it once it has settled."""
        times_s, values = series
        late = (times_s > self.onset_s + settle_s) & (times_s < self.onset_s + until_s)
        return float(values[times_s < self.onset_s - 30].mean()), float(values[late].mean())

    def said(self, pattern: str, app: str = "") -> list[float]:
        """When lines with `pattern` were written (by `app`)."""
        logs, wanted = self.telemetry.logs, re.compile(pattern)
        assert logs is not None
        return [
            float(at_ns) / 1e9
            for at_ns, stream, line in zip(logs.times_ns, logs.stream, logs.lines, strict=True)
            if wanted.search(line) and (not app or logs.streams[stream]["app"] == app)
        ]

    def commit(self) -> tm.Commit | None:
        """The commit that the truth blames."""
        return next((commit for commit in self.telemetry.code.commits if commit.sha == self.cause.change), None)

    def deployed(self) -> bool:
        """Whether the blamed change is a deployment of the culprit."""
        return any(
            one.sha == self.cause.change and one.payload["service"] == self.cause.name
            for one in self.telemetry.code.deployments
        )


def fits(value: str, want: str) -> bool:
    return value.startswith(want[:-1]) if want.endswith("*") else value == want


@functools.cache
def built(name: str, fault: str, seed: int, shape: str | None = None) -> Seen:
    return Seen(*world.build(name, fault, seed, hours=HOURS, shape=shape))
