"""The whole world at another time of another day: nothing may depend on the date."""

import dataclasses
import re
from typing import Any, TypeVar

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import stamps, texts, variant

TITLE = "everything happened days and hours later"
MOMENTS = frozenset(
    [
        "start_s",
        "end_s",
        "now_s",
        "time_s",
        "times_s",
        "created_s",
        "merged_s",
        "finished_s",
        "thread_s",
        "active_s",
        "starts_s",
        "ends_s",
        "resolved_s",
    ]
)
MOMENTS_NS = frozenset(["times_ns", "start_ns"])
_TELLS_TIME = re.compile(r"(_time|_timestamp|_created|not_after|_expiry|_expires?)(_seconds|_ms)?$")
T = TypeVar("T")


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Between one and 300 days and 1 to 23 hours, whole seconds, so that fractions stay."""
    later_s = int(rng.integers(1, 301)) * 86_400 + int(rng.integers(1, 24)) * 3600
    rewritten = texts.everywhere(scenario, stamps.mover(later_s))
    telemetry = _moved(rewritten.telemetry, later_s)
    causes = tuple(
        dataclasses.replace(cause, onset_s=None if cause.onset_s is None else cause.onset_s + later_s)
        for cause in truth.causes
    )
    changed = tm.Scenario(telemetry, rewritten.alert)
    return variant.Variant(changed, dataclasses.replace(truth, causes=causes), later_s=float(later_s))


def _moved(value: T, later_s: int) -> T:
    """The record with every moment in it later."""
    made: Any = value
    if isinstance(value, tm.MetricBlock):
        made = _block(value, later_s)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed: dict[str, Any] = {}
        for field in dataclasses.fields(value):
            one = getattr(value, field.name)
            if field.name in MOMENTS:
                changed[field.name] = None if one is None else one + later_s
            elif field.name in MOMENTS_NS:
                changed[field.name] = one + later_s * 1_000_000_000
            elif dataclasses.is_dataclass(one) or isinstance(one, tuple):
                changed[field.name] = _moved(one, later_s)
        made = dataclasses.replace(value, **changed)
    elif isinstance(value, tuple):
        made = tuple(_moved(one, later_s) for one in value)
    return made  # type: ignore[no-any-return]


def _block(block: tm.MetricBlock, later_s: int) -> tm.MetricBlock:
    """Series whose values are moments (when a process began, when a certificate ends) move with the clock."""
    telling = np.array([bool(_TELLS_TIME.search(labels["__name__"])) for labels in block.labels], dtype=np.bool_)
    values = block.values
    if telling.any():
        values = values.copy()
        rows = values[telling]
        with np.errstate(invalid="ignore"):  # the mark of an absent sample is a signalling NaN
            values[telling] = tm.absent_to_stale(np.where(rows > 1e9, rows + later_s, rows), tm.is_stale(rows))
    return dataclasses.replace(block, times_s=block.times_s + later_s, values=values)
