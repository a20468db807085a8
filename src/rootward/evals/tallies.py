"""Rows of a run brought down to what statistics work on: per scenario, how many runs and how many successes."""

import dataclasses
from collections.abc import Iterable, Mapping

from rootward.evals import records, statistics


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """Scenarios in order of name, with the sum of their scores and their number of runs."""

    scenarios: tuple[str, ...]
    hits: tuple[float, ...]
    runs: tuple[int, ...]

    @property
    def means(self) -> tuple[float, ...]:
        return tuple(hits / runs for hits, runs in zip(self.hits, self.runs, strict=True))

    @property
    def rate(self) -> statistics.Rate:
        """With its band; only for rates and shares."""
        return statistics.clustered(self.hits, self.runs)

    def only(self, scenarios: Iterable[str]) -> "Tally":
        """The part about `scenarios`."""
        wanted = set(scenarios)
        kept = [row for row in zip(self.scenarios, self.hits, self.runs, strict=True) if row[0] in wanted]
        return Tally(tuple(s for s, _, _ in kept), tuple(h for _, h, _ in kept), tuple(r for _, _, r in kept))


def tally(rows: Iterable[records.Row], measure: str) -> Tally:
    """Over the rows to which `measure` applies."""
    scores: dict[str, list[float]] = {}
    for row in rows:
        if measure in row.scores:
            scores.setdefault(row.scenario, []).append(row.scores[measure])
    names = sorted(scores)
    return Tally(tuple(names), tuple(sum(scores[each]) for each in names), tuple(len(scores[each]) for each in names))


def unperturbed(run: records.Run) -> list[records.Row]:
    """The scenarios as they stand."""
    return [row for row in run.rows if not row.perturbation]


def segments(rows: Iterable[records.Row]) -> Mapping[tuple[str, str], list[records.Row]]:
    """Rows by (field, value), in that order; without fields of which all rows have the same value, as they would only repeat the whole."""
    grouped: dict[tuple[str, str], list[records.Row]] = {}
    count = 0
    for row in rows:
        count += 1
        for field, value in row.segments.items():
            grouped.setdefault((field, value), []).append(row)
    whole = {field for (field, _), part in grouped.items() if len(part) == count}
    return {key: part for key, part in sorted(grouped.items()) if key[0] not in whole}
