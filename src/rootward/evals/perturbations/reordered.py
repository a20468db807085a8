"""Everything that has no order of its own comes in another one: series, streams, objects, labels."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import variant

TITLE = "series, streams, objects and labels come in another order"
T = TypeVar("T")


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """What is ordered by time stays so."""
    recorded = scenario.telemetry
    blocks = tuple(_block(block, rng) for block in _shuffled(recorded.metrics.blocks, rng))
    versions = sorted(_shuffled(recorded.cluster.versions, rng), key=lambda version: version.time_s)
    changed = dataclasses.replace(
        recorded,
        metrics=dataclasses.replace(recorded.metrics, blocks=blocks),
        logs=None if recorded.logs is None else _logs(recorded.logs, rng),
        spans=None if recorded.spans is None else _spans(recorded.spans, rng),
        cluster=dataclasses.replace(
            recorded.cluster, versions=tuple(versions), events=tuple(_shuffled(recorded.cluster.events, rng))
        ),
        rules=tuple(_shuffled(recorded.rules, rng)),
    )
    return variant.Variant(tm.Scenario(changed, scenario.alert), truth)


def _shuffled(items: Sequence[T], rng: np.random.Generator) -> list[T]:
    return [items[int(i)] for i in rng.permutation(len(items))]


def _labels(labels: Mapping[str, str], rng: np.random.Generator) -> dict[str, str]:
    return {key: labels[key] for key in _shuffled(list(labels), rng)}


def _block(block: tm.MetricBlock, rng: np.random.Generator) -> tm.MetricBlock:
    order = rng.permutation(len(block.labels))
    keys = list(block.labels[0]) if block.labels else []
    first = {
        key: place for place, key in enumerate(_shuffled(keys, rng))
    }  # one order for a block: cheap, and as exporters do it
    labels = tuple(
        dict(sorted(block.labels[int(i)].items(), key=lambda pair: first.get(pair[0], len(first)))) for i in order
    )
    return dataclasses.replace(block, labels=labels, values=np.ascontiguousarray(block.values[order]))


def _logs(logs: tm.Logs, rng: np.random.Generator) -> tm.Logs:
    order = rng.permutation(len(logs.streams))
    place = np.argsort(order).astype(np.int32)
    streams = tuple(_labels(logs.streams[int(i)], rng) for i in order)
    return dataclasses.replace(logs, stream=place[logs.stream], streams=streams)


def _spans(spans: tm.Spans, rng: np.random.Generator) -> tm.Spans:
    by_process, by_name = rng.permutation(len(spans.processes)), rng.permutation(len(spans.names))
    return dataclasses.replace(
        spans,
        process=np.argsort(by_process).astype(np.int32)[spans.process],
        name=np.argsort(by_name).astype(np.int32)[spans.name],
        processes=tuple(spans.processes[int(i)] for i in by_process),
        names=tuple(spans.names[int(i)] for i in by_name),
    )
