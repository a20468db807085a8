"""Runs whose truth is known, because they are drawn: for tests of everything that is computed from rows."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from rootward import _rng
from rootward.evals import records

FAMILIES = ("memory_leak", "dns_failure", "lock_contention", "bad_deploy", "cache_loss", "no_fault")
MEASURES = (
    records.Measure("right", "names the service and the kind first", gate=True),
    records.Measure("service_top1", "names the service first", gate=True),
    records.Measure("grounded", "evidence on the true path", "share"),
    records.Measure("false_confidence", "speaks and is wrong", better="lower", gate=True),
    records.Measure("onset_error", "onset error", "amount", "lower", "s"),
)


def run(
    seed: int = 0,
    *,
    scenarios: int = 60,
    repeats: int = 1,
    rate: float = 0.8,
    modes: int = 12,
    perturbations: Mapping[str, float] | None = None,
    version: str = "0.2.0",
    shift: float = 0.0,
) -> records.Run:
    """`perturbations` names how much each lowers the chance of being right; `shift` moves it for a version, scenario by scenario the same."""
    rng = _rng.stream(seed, "synthetic")
    chances = rng.beta(4 * rate, 4 * (1 - rate), size=scenarios) if 0 < rate < 1 else np.full(scenarios, rate)
    rows = []
    for number in range(scenarios):
        family = FAMILIES[number % len(FAMILIES)]
        name = f"{family}-{number:03d}"
        for perturbation, loss in {"": 0.0, **(perturbations or {})}.items():
            for repeat in range(repeats):
                # The same luck for every version, as the same seeds give; only the chance moves.
                luck = _rng.stream(seed, name, perturbation, repeat)
                right = bool(luck.random() < np.clip(chances[number] + shift - loss, 0.0, 1.0))
                rows.append(_row(name, family, perturbation, repeat, right, luck, modes))
    return records.Run(
        suite="standard",
        digest="sha256:1f2e",
        subject="embedded",
        version=version,
        started="2026-08-04T14:00:00Z",
        seed=seed,
        measures=MEASURES,
        primary="right",
        rows=tuple(sorted(rows, key=lambda row: row.key)),
    )


def _row(
    name: str, family: str, perturbation: str, repeat: int, right: bool, luck: np.random.Generator, modes: int
) -> records.Row:
    wrong_kind = FAMILIES[(FAMILIES.index(family) + 1 + int(luck.integers(2))) % len(FAMILIES)]
    service = right or bool(luck.random() < 0.5)
    confidence = float(np.clip(luck.beta(8, 2) if right else luck.beta(5, 4), 0.01, 0.99))
    mode = "" if right else f"mode {int(luck.geometric(0.25)) % modes}"
    return records.Row(
        scenario=name,
        scores={
            "right": float(right),
            "service_top1": float(service),
            "grounded": round(float(luck.beta(6, 2)), 3),
            "false_confidence": float(not right and confidence > 0.6),
            "onset_error": round(float(luck.exponential(40.0)), 1),
        },
        segments={
            "family": family,
            "world": ("web_shop", "payments")[int(name[-3:]) // 12 % 2],
            "size": ("small", "large")[int(name[-3:]) // 6 % 2],
        },
        repeat=repeat,
        perturbation=perturbation,
        status="found",
        expected="found",
        failure=mode,
        fault=family,
        answered=family if right else wrong_kind,
        verdict=f"service/a:{family if right else wrong_kind}",
        evidence=("service/a", "service/b") if right else ("service/b", "service/c"),
        confidence=round(confidence, 3),
        right=right,
        seconds=round(float(luck.gamma(4, 0.1)), 4),
        probes=int(luck.integers(12, 40)),
        message="" if right else f"answered {wrong_kind}, true is {family}",
    )


def renamed(source: records.Run, **changes: object) -> records.Run:
    return dataclasses.replace(source, **changes)  # type: ignore[arg-type]
