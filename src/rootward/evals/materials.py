"""From a plan's item to what a subject is given, and the truth that it is graded by."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rootward import _rng, errors
from rootward.dojo import faults, oracle, world
from rootward.dojo.capsule import store
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import noise, room
from rootward.evals import perturbations
from rootward.evals import plan as plans
from rootward.evals.perturbations import variant

NEXT_SEED = 1_000_003
"""How far apart the seeds are that a scenario of a `total` is tried with, so that they never meet another scenario's."""
NO_NOISE = "none"
SMALL_MAX, MEDIUM_MAX = 20, 60


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Material:
    """A scenario with its truth; `seed` is the one that it was built with, `calls` who calls whom (of recorded incidents not known)."""

    scenario: tm.Scenario
    truth: oracle.Truth
    seed: int = 0
    calls: frozenset[tuple[str, str]] = frozenset()


def build(item: plans.Item) -> Material:
    """The scenario that an item stands for.

    Raises:
        WorldError: the world cannot be built as asked.
        CapsuleError: the capsule cannot be read.
    """
    if item.capsule:
        path = Path(item.capsule)
        material = Material(store.load(path), store.load_truth(path))
    else:
        material = _simulated(item)
    telemetry = material.scenario.telemetry
    if item.access:
        telemetry = dataclasses.replace(telemetry, access={**telemetry.access, **item.access})
    alert = bare(material.scenario.alert) if item.alert == "bare" else material.scenario.alert
    return dataclasses.replace(material, scenario=tm.Scenario(telemetry, alert))


def _simulated(item: plans.Item) -> Material:
    for attempt in range(item.retries + 1):
        seed = item.seed + attempt * NEXT_SEED
        try:
            scenario, truth = world.build(
                item.world,
                item.fault,
                seed,
                noise=noise.changed(noise.of(item.noise, seed), dict(item.knobs)) if item.knobs else item.noise,
                hours=item.hours,
                step_s=item.step_s,
                services=item.services,
                shape=item.shape,
                place=item.place,
                parameters=item.parameters or None,
            )
        except errors.WorldError:
            if attempt == item.retries:
                raise
        else:
            return Material(scenario, truth, seed, _calls(item, seed))
    raise AssertionError("the last attempt returns or raises")


def _calls(item: plans.Item, seed: int) -> frozenset[tuple[str, str]]:
    layout = room.layout(item.world, seed, item.services)
    names = [component.name for component in layout.components]
    return frozenset(
        (names[caller], names[callee]) for caller, callee in zip(layout.source, layout.target, strict=True)
    )


def bare(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The alert with its name, labels and times only: no annotations, and no query to read the threshold from."""
    stripped = {**alert, "commonAnnotations": {}}
    stripped["alerts"] = [{**one, "annotations": {}, "generatorURL": ""} for one in alert["alerts"]]
    return stripped


def perturbed(item: plans.Item, material: Material, name: str) -> variant.Variant:
    """The same incident, changed as the perturbation says; equal arguments give equal bytes.

    Raises:
        WorldError: the world shows nothing without noise (`clean`).
        InputError: there is no such perturbation.
    """
    module = perturbations.load(name)
    if module is not None:
        rng = _rng.stream(material.seed, "perturbation", name, item.id)
        made: variant.Variant = module.apply(material.scenario, material.truth, rng)
        return made
    if item.capsule or item.noise == NO_NOISE:
        return variant.Variant(material.scenario, material.truth, applied=False)
    clean = build(dataclasses.replace(item, noise=NO_NOISE, knobs={}, seed=material.seed, retries=0))
    return variant.Variant(clean.scenario, clean.truth)


def segments(item: plans.Item, material: Material) -> dict[str, str]:
    """What reports tell scenarios apart by."""
    recorded = material.scenario.telemetry
    missing = sorted(f"{vendor} {state}" for vendor, state in recorded.access.items())
    workloads = {
        (body["metadata"].get("namespace", ""), body["metadata"]["name"])
        for version in recorded.cluster.versions
        if (body := version.body).get("kind") in ("Deployment", "StatefulSet", "DaemonSet")
    }
    size = "small" if len(workloads) < SMALL_MAX else "medium" if len(workloads) < MEDIUM_MAX else "large"
    found = {
        "family": item.fault or str(material.truth.original.get("fault", "recorded")),
        "group": faults.load(item.fault).group if item.fault else "recorded",
        "world": item.world or item.id.split("/")[1],
        "size": size,
        "noise": "recorded" if item.capsule else f"{item.noise}, turned" if item.knobs else item.noise,
        "back_ends": ", ".join(missing) or "all answer",
    }
    shape = item.shape or str(material.truth.original.get("shape", ""))
    return {**found, **({"shape": shape} if shape else {})}
