"""Does stated confidence mean what it says? The reliability curve, the Brier score in its parts, and what recalibrating would change.

Murphy (1973) for the decomposition, with the within-bin rest of Stephenson et al. (Weather and Forecasting 23, 2008) so that it adds up.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from rootward.evals import recalibration, statistics
from rootward.evals.statistics import intervals

BINS = 10
PER_BIN_MIN = 10  # fewer than this and a bin's bar says nothing


@dataclasses.dataclass(frozen=True, slots=True)
class Stated:
    """One answer with its confidence: `scenario` groups the repeats, `right` says whether it held."""

    scenario: str
    confidence: float
    right: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same confidence: their mean confidence, and how often they were right."""

    confidence: float
    right: statistics.Rate


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """`brier` = `reliability` − `resolution` + `uncertainty` + `within`; `error` is the expected calibration error, a secondary figure.

    `recalibrated` is the Brier score after recalibrating by `method`, `venn_abers` after Venn–Abers, both cross-fitted over scenarios; `band`
    is the mean width of the Venn–Abers interval of an answer: how much of its confidence nobody knows. None with too few scenarios.
    """

    count: int
    scenarios: int
    bins: tuple[Bin, ...]
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float
    error: float
    method: str
    recalibrated: float | None
    venn_abers: float | None
    band: float | None

    def to_json(self) -> dict[str, Any]:
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        numbers = {k: intervals.number(v) for k, v in plain.items() if isinstance(v, float)}
        return (
            plain
            | numbers
            | {
                "bins": [
                    {"confidence": intervals.number(each.confidence), "right": each.right.to_json()}
                    for each in self.bins
                ]
            }
        )


def measure(stated: Sequence[Stated], *, rng: np.random.Generator) -> Calibration | None:
    """None when nothing was stated."""
    if not stated:
        return None
    confidence = np.array([each.confidence for each in stated])
    right = np.array([float(each.right) for each in stated])
    parts = _equal_mass(confidence)
    n, overall = len(stated), float(right.mean())
    reliability = resolution = error = 0.0
    for part in parts:
        gap = float(confidence[part].mean() - right[part].mean())
        reliability += part.size / n * gap**2
        error += part.size / n * abs(gap)
        resolution += part.size / n * (float(right[part].mean()) - overall) ** 2
    brier = float(np.mean((confidence - right) ** 2))
    uncertainty = overall * (1 - overall)
    scenarios = sorted({each.scenario for each in stated})
    fitted = recalibration.cross_fit(confidence, right, [each.scenario for each in stated], rng=rng)
    return Calibration(
        count=n,
        scenarios=len(scenarios),
        bins=tuple(_bin([stated[i] for i in part]) for part in parts),
        brier=brier,
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within=brier - (reliability - resolution + uncertainty),
        error=error,
        method=fitted.method if fitted else "",
        recalibrated=float(np.mean((fitted.point - right) ** 2)) if fitted else None,
        venn_abers=float(np.mean((fitted.merged - right) ** 2)) if fitted else None,
        band=float(np.mean(fitted.high - fitted.low)) if fitted else None,
    )


def _equal_mass(confidence: intervals.FloatArray) -> list[np.ndarray]:
    """Indices of up to ten bins of about as many answers each; equal confidences stay together."""
    order = np.argsort(confidence, kind="stable")
    wanted = max(1, min(BINS, len(order) // PER_BIN_MIN))
    parts: list[list[int]] = [[]]
    for place, i in enumerate(order):
        full = len(parts[-1]) > 0 and place >= len(parts) * len(order) / wanted
        if full and confidence[i] != confidence[order[place - 1]]:
            parts.append([])
        parts[-1].append(int(i))
    return [np.array(part) for part in parts]


def _bin(members: Sequence[Stated]) -> Bin:
    runs: dict[str, list[bool]] = {}
    for each in members:
        runs.setdefault(each.scenario, []).append(each.right)
    right = statistics.clustered(
        [sum(outcomes) for outcomes in runs.values()], [len(outcomes) for outcomes in runs.values()]
    )
    return Bin(sum(each.confidence for each in members) / len(members), right)
