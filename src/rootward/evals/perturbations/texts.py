"""Every text of a scenario through one function: how perturbations that speak in other words reach all signals at once."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm

Rewrite = Callable[[str], str]
T = TypeVar("T")
CACHED_MAX = 200_000


def everywhere(scenario: tm.Scenario, rewrite: Rewrite) -> tm.Scenario:
    """The scenario with every text rewritten: labels' values, lines, spans, objects, code, chat, rules, alert. Keys stay, and so do
    metric names, vendors and states of access; the paths of changed files do not."""
    cached = functools.lru_cache(maxsize=CACHED_MAX)(rewrite)
    telemetry = scenario.telemetry
    changed = {
        field.name: deep(getattr(telemetry, field.name), cached)
        for field in dataclasses.fields(telemetry)
        if field.name not in ("access", "metrics", "code")
    }
    blocks = tuple(
        dataclasses.replace(block, labels=tuple(_labels(labels, cached) for labels in block.labels))
        for block in telemetry.metrics.blocks
    )
    commits = tuple(
        dataclasses.replace(
            deep(commit, cached), files={cached(path): cached(patch) for path, patch in commit.files.items()}
        )
        for commit in telemetry.code.commits
    )
    code = dataclasses.replace(deep(dataclasses.replace(telemetry.code, commits=()), cached), commits=commits)
    histograms = tuple(
        dataclasses.replace(one, labels=_labels(one.labels, cached)) for one in telemetry.metrics.histograms
    )
    metrics = dataclasses.replace(telemetry.metrics, blocks=blocks, histograms=histograms)
    return tm.Scenario(
        dataclasses.replace(telemetry, **changed, metrics=metrics, code=code), deep(scenario.alert, cached)
    )


def _labels(labels: Mapping[str, str], rewrite: Rewrite) -> dict[str, str]:
    return {key: value if key == "__name__" else rewrite(value) for key, value in labels.items()}


def deep(value: T, rewrite: Rewrite) -> T:
    """The value with every text in it rewritten; keys of mappings and arrays of numbers stay as they are."""
    made: Any = value
    if isinstance(value, str):
        made = rewrite(value)
    elif isinstance(value, np.ndarray):
        pass
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        made = dataclasses.replace(value, **{name: deep(one, rewrite) for name, one in fields.items()})
    elif isinstance(value, Mapping):
        made = {key: deep(one, rewrite) for key, one in value.items()}
    elif isinstance(value, list | tuple):
        made = type(value)(deep(one, rewrite) for one in value)
    return made  # type: ignore[no-any-return]


def truth(sealed: oracle.Truth, rewrite: Rewrite) -> oracle.Truth:
    """The truth in the same words; kinds of fault, ids of changes and the source's own label stay."""
    causes = tuple(
        dataclasses.replace(
            cause, name=rewrite(cause.name), aliases=tuple((kind, rewrite(name)) for kind, name in cause.aliases)
        )
        for cause in sealed.causes
    )
    return dataclasses.replace(
        sealed,
        causes=causes,
        path=tuple(map(rewrite, sealed.path)),
        decoys=tuple(map(rewrite, sealed.decoys)),
        note=rewrite(sealed.note),
    )


def said(scenario: tm.Scenario, lines: Rewrite, chat: Rewrite) -> tm.Scenario:
    """Only log lines and chat rewritten."""
    telemetry = scenario.telemetry
    logs = telemetry.logs
    if logs is not None:
        logs = dataclasses.replace(logs, lines=[lines(line) for line in logs.lines])
    messages = tuple(dataclasses.replace(message, text=chat(message.text)) for message in telemetry.messages)
    return tm.Scenario(dataclasses.replace(telemetry, logs=logs, messages=messages), scenario.alert)
