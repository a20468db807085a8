"""A metric source over plain numpy series, evaluated plainly: what tests of discovery and measuring ask."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import numpy as np

from rootward.signals import answers, protocols, series, windows


@dataclasses.dataclass
class FakeMetrics:
    """`rows`: (name, labels, times, values). `kinds` by metric name. `fails`: metrics whose queries fail; `asked` records queries."""

    rows: Sequence[tuple[str, Mapping[str, str], np.ndarray, np.ndarray]]
    kinds: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fails: Mapping[str, answers.Outcome] = dataclasses.field(default_factory=dict)
    name: str = "fake"
    asked: list[protocols.MetricQuery] = dataclasses.field(default_factory=list)

    async def catalogue(self, window, limits=protocols.DEFAULT_LIMITS):
        found: dict[str, dict[str, dict[str, None]]] = {}
        counts: dict[str, int] = {}
        for name, labels, _, _ in self.rows:
            counts[name] = counts.get(name, 0) + 1
            for label, value in labels.items():
                found.setdefault(name, {}).setdefault(label, {})[value] = None
        infos = [
            series.MetricInfo(
                name,
                self.kinds.get(name, "unknown"),
                labels={label: tuple(sorted(values)) for label, values in found.get(name, {}).items()},
                series=count,
            )
            for name, count in sorted(counts.items())
        ]
        if not infos:
            return answers.Answer(answers.Outcome.NO_DATA, self.name, "catalogue", window)
        return answers.Answer(answers.Outcome.OK, self.name, "catalogue", window, infos)

    async def query(self, query, window, step_s, limits=protocols.DEFAULT_LIMITS):
        self.asked.append(query)
        text = f"{query.function}({query.metric})"
        if query.metric in self.fails:
            return answers.Answer(self.fails[query.metric], self.name, text, window, error="it failed")
        grid = np.arange(window.start_s, window.end_s + step_s / 2, step_s)
        groups: dict[tuple[tuple[str, str], ...], list[np.ndarray]] = {}
        for name, labels, times, values in self.rows:
            if name != query.metric or not all(_matches(one, labels) for one in query.matchers):
                continue
            key = tuple(sorted((label, labels[label]) for label in query.by if labels.get(label)))
            groups.setdefault(key, []).append(_evaluated(query, grid, times, values))
        found = [
            series.Series(dict(key), grid, _aggregated(query.aggregate, values))
            for key, values in sorted(groups.items())
        ]
        if not found:
            return answers.Answer(answers.Outcome.NO_DATA, self.name, text, window)
        return answers.Answer(answers.Outcome.OK, self.name, text, window, found)

    async def query_all(self, queries, window, step_s, limits=protocols.DEFAULT_LIMITS):
        return [await self.query(query, window, step_s, limits) for query in queries]

    async def native(self, text, window, step_s, limits=protocols.DEFAULT_LIMITS):
        return answers.Answer(answers.Outcome.BAD_QUERY, self.name, text, window, error="no language here")

    async def ping(self, limits=protocols.DEFAULT_LIMITS):
        return answers.Answer(answers.Outcome.OK, self.name, "ping", value="fake 1.0")

    async def aclose(self):
        return None


def _matches(matcher: protocols.Matcher, labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher.label, "")
    match matcher.operator:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return re.fullmatch(matcher.value, value) is not None
    return re.fullmatch(matcher.value, value) is None


def _evaluated(query: protocols.MetricQuery, grid: np.ndarray, times: np.ndarray, values: np.ndarray) -> np.ndarray:
    at = np.interp(grid, times, values, left=np.nan, right=np.nan)
    if query.function == "value":
        return at
    before = np.interp(grid - query.over_s, times, values, left=np.nan, right=np.nan)
    return at - before if query.function in ("increase", "delta") else (at - before) / query.over_s


def _aggregated(how: str | None, values: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack(values)
    together = {"sum": np.nansum, "avg": np.mean, "max": np.fmax.reduce, "min": np.fmin.reduce}[how or "sum"](
        stacked, axis=0
    )
    return np.where(np.isnan(stacked).all(axis=0), np.nan, together)


WINDOW = windows.Window(10_000.0, 11_200.0)
TIMES = np.arange(9_000.0, 11_215.0, 15.0)


def counter(per_second: float) -> np.ndarray:
    return (TIMES - TIMES[0]) * per_second


def flat(value: float) -> np.ndarray:
    return np.full_like(TIMES, value)
