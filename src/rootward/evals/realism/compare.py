"""Recorded systems beside simulated ones: per signal, each feature's quartiles and distance, and how well a classifier tells them apart.

The distance is Kolmogorov and Smirnov's: the largest gap between the two cumulative distributions, 0 to 1.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.realism import classifier, lines, numbers, traces
from rootward.evals.realism import samples as sm


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One production: `system` names what it is a production of, `until_s` the end of its ordinary time."""

    system: str
    name: str
    telemetry: tm.Telemetry
    until_s: float


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """Quartiles of one feature on both sides, and their distance."""

    name: str
    recorded: tuple[float, float, float]
    simulated: tuple[float, float, float]
    distance: float


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """One signal of one recorded system against the simulated ones, or (no `features`) against another recorded one.

    `unseen`: how well one tells this system from worlds who has learnt the difference from other systems and other worlds; None where
    no other recorded system has the signal."""

    signal: str
    left: str
    right: str
    separation: classifier.Separation
    features: tuple[Feature, ...] = ()
    unseen: classifier.Separation | None = None

    @property
    def telling(self) -> list[Feature]:
        """The features that give most away, the worst first."""
        return sorted(self.features, key=lambda feature: -feature.distance)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


Read = Callable[[Source, float], sm.Samples]


def compare(
    recorded: Sequence[Source], simulated: Sequence[Source], *, seed: int = 0
) -> tuple[list[Comparison], list[Comparison]]:
    """Each recorded system against the simulated ones, and recorded systems against each other (what real differences look like)."""
    against: list[Comparison] = []
    among: list[Comparison] = []
    systems = list(dict.fromkeys(source.system for source in recorded))
    for signal, names, read, pace in _signals():
        steps = {system: max(pace(s) for s in recorded if s.system == system) for system in systems}
        rows = {system: _all(recorded, system, read, steps[system]) for system in systems}
        for k, system in enumerate(systems):
            if not len(rows[system].rows):
                continue
            ours = sm.joined([read(one, steps[system]) for one in simulated], len(names))
            rng = _rng.stream(seed, "realism", signal, system)
            found = _tell(signal, system, "simulated", rows[system].thinned(rng), ours.thinned(rng), rng, names)
            others = [rows[one] for one in systems if one != system and steps[one] == steps[system]]
            unseen = _unseen(rows[system], others, simulated, lambda one: read(one, steps[system]), signal)  # noqa: B023
            against += [dataclasses.replace(found, unseen=unseen)] if found else []
            for other in systems[k + 1 :]:
                if len(rows[other].rows) and steps[other] == steps[system]:
                    apart = _tell(signal, system, other, rows[system].thinned(rng), rows[other].thinned(rng), rng, ())
                    among += [apart] if apart else []
    return against, among


def _unseen(
    mine: sm.Samples,
    others: Sequence[sm.Samples],
    simulated: Sequence[Source],
    read: Callable[[Source], sm.Samples],
    signal: str,
) -> classifier.Separation | None:
    """Learnt from the other recorded systems and every second world, tried on this system and the worlds between."""
    rng = _rng.stream(0, "realism unseen", signal)
    features = mine.rows.shape[1]
    theirs = sm.joined([one.thinned(rng) for one in others], features)
    worlds = [sm.joined([read(one) for one in simulated[k::2]], features).thinned(rng) for k in range(2)]
    return classifier.carried_over((theirs, worlds[0]), (mine.thinned(rng), worlds[1]), rng)


def _signals() -> list[tuple[str, tuple[str, ...], Read, Callable[[Source], float]]]:
    """Every signal with its features, how it is read, and at which step."""
    found: list[tuple[str, tuple[str, ...], Read, Callable[[Source], float]]] = []
    for role in numbers.ROLES:

        def read(source: Source, step_s: float, role: numbers.Role = role) -> sm.Samples:
            return numbers.samples(source.telemetry, source.until_s, role, source.name, step_s)

        def pace(source: Source, role: numbers.Role = role) -> float:
            return numbers.step_s(source.telemetry, role)

        found.append((role.name, numbers.FEATURES, read, pace))
    for signal in (lines, traces):

        def plain(source: Source, step_s: float, read: Callable[..., sm.Samples] = signal.samples) -> sm.Samples:
            del step_s
            return read(source.telemetry, source.until_s, source.name)

        found.append((signal.NAME, signal.FEATURES, plain, lambda _: 0.0))
    return found


def _all(sources: Sequence[Source], system: str, read: Read, step_s: float) -> sm.Samples:
    parts = [read(source, step_s) for source in sources if source.system == system]
    return sm.joined(parts, parts[0].rows.shape[1])


def _tell(
    signal: str,
    left: str,
    right: str,
    one: sm.Samples,
    other: sm.Samples,
    rng: np.random.Generator,
    names: Sequence[str],
) -> Comparison | None:
    separation = classifier.separation(one, other, rng)
    if separation is None:
        return None
    features = tuple(
        Feature(
            name, _quartiles(one.rows[:, k]), _quartiles(other.rows[:, k]), _distance(one.rows[:, k], other.rows[:, k])
        )
        for k, name in enumerate(names)
    )
    return Comparison(signal, left, right, separation, features)


def _quartiles(values: sm.FloatArray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def _distance(left: sm.FloatArray, right: sm.FloatArray) -> float:
    at = np.sort(np.concatenate([left, right]))
    one = np.searchsorted(np.sort(left), at, side="right") / len(left)
    other = np.searchsorted(np.sort(right), at, side="right") / len(right)
    return float(np.abs(one - other).max())
