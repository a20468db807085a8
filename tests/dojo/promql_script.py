"""Runs PromQL test scripts: samples, queries and expected answers in plain text, after the idea of Prometheus's promqltest.

```
load 30s                                  a fresh store; one series a line: values, a+bxn (n more steps of b), _ (nothing), stale
  requests_total{job="a"} 0+10x5 _ stale
at 5m: rate(requests_total[5m])           the answer at one moment: series and value each, in any order ("ordered at" for this order)
  {job="a"} 0.25
range 0s..2m step 1m: requests_total      series and a value, or _, per step
  requests_total{job="a"} 0 20 40
fail at 5m: sum(                          part of the error's text, or nothing
  unclosed
```
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, options, selectors, syntax, values

_HEAD = re.compile(
    r"(?P<fail>fail )?(?P<ordered>ordered )?(?:at (?P<at>\S+)|range (?P<start>\S+)\.\.(?P<end>\S+) step (?P<step>\S+)): (?P<query>.*)"
)
_LINE = re.compile(r"(?P<series>[\w:]*(?:\{[^}]*\})?)\s+(?P<rest>.*)")
_RUN = re.compile(r"(?P<start>-?[\w.]+?)(?P<step>[+-][\d.]+)?x(?P<times>\d+)")


@dataclasses.dataclass(frozen=True)
class Case:
    """One question of a script with what came before it."""

    name: str
    load: tuple[str, ...]
    head: re.Match[str]
    expected: tuple[str, ...]


def seconds(text: str) -> float:
    return 0.0 if text == "0s" else selectors.duration_ms(text, plain=False) / 1000


def cases(path: Path) -> Iterator[Case]:
    load: list[str] = []
    block: list[str] = []
    head = None
    for number, line in enumerate([*path.read_text().splitlines(), "end"], start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("  "):
            block.append(line.strip())
            continue
        if head is not None and not head.startswith("load"):
            found = _HEAD.fullmatch(head)
            assert found, f"{path.name}: {head!r} is neither load, at, range nor fail"
            yield Case(f"{path.stem}:{number}:{found['query']}", tuple(load), found, tuple(block))
        elif head is not None:
            load = [head, *block]
        head, block = line, []


def labels_of(text: str) -> values.LabelSet:
    if text in ("", "{}"):
        return ()
    node = syntax.selector(text, options.Options())
    pairs = {matcher.name: matcher.value for matcher in node.matchers}
    return values.label_set(pairs | ({"__name__": node.name} if node.name else {}))


def numbers(text: str) -> list[float | str]:
    out: list[float | str] = []
    for word in text.split():
        run = _RUN.fullmatch(word)
        if word in ("_", "stale"):
            out.append(word)
        elif run and run["start"] in ("_", "stale"):
            out += [run["start"]] * int(run["times"])
        elif run:
            out += [float(run["start"]) + k * float(run["step"] or 0) for k in range(int(run["times"]) + 1)]
        else:
            out.append(float(word))
    return out


def metrics_of(load: Sequence[str]) -> telemetry.Metrics:
    blocks = []
    every_s = seconds(load[0].split()[1]) if load else 0.0
    for line in load[1:]:
        found = _LINE.fullmatch(line)
        assert found, line
        cells = [(k * every_s, value) for k, value in enumerate(numbers(found["rest"])) if value != "_"]
        samples = np.array([[math.nan if value == "stale" else value for _, value in cells]], dtype=np.float64)
        gone = np.array([[value == "stale" for _, value in cells]])
        times_s = np.array([moment for moment, _ in cells])
        block = telemetry.absent_to_stale(samples, gone)
        blocks.append(telemetry.MetricBlock(times_s, block, (dict(labels_of(found["series"])),)))
    return telemetry.Metrics(tuple(blocks))


def run(case: Case, settings: options.Options) -> None:
    """Fails where the answer is another."""
    promql, head = engine.Engine(metrics_of(case.load), settings), case.head

    def ask() -> engine.Result:
        if head["at"]:
            return promql.instant(head["query"], seconds(head["at"]))
        return promql.range(head["query"], seconds(head["start"]), seconds(head["end"]), seconds(head["step"]))

    if head["fail"]:
        with pytest.raises(errors.EngineError, match=re.escape(case.expected[0]) if case.expected else None):
            ask()
        return
    answer = ask()
    if head["at"]:
        got = [(one.labels, one.values.tolist()) for one in answer.series]
    else:
        steps = seconds(head["start"]) + seconds(head["step"]) * np.arange(
            int((seconds(head["end"]) - seconds(head["start"])) // seconds(head["step"])) + 1
        )
        got = []
        for one in answer.series:
            at = dict(zip(one.times_ms.tolist(), one.values.tolist(), strict=True))
            got.append((one.labels, [at.get(round(step * 1000), "_") for step in steps.tolist()]))
    wanted = []
    for line in case.expected:
        found = _LINE.fullmatch(line)
        assert found, line
        wanted.append((labels_of(found["series"]), numbers(found["rest"])))
    if not head["ordered"]:
        got, wanted = sorted(got, key=lambda one: one[0]), sorted(wanted, key=lambda one: one[0])
    assert [labels for labels, _ in got] == [labels for labels, _ in wanted]
    for (labels, ours), (_, theirs) in zip(got, wanted, strict=True):
        assert len(ours) == len(theirs), (labels, ours)
        for left, right in zip(ours, theirs, strict=True):
            same = left == right if isinstance(left, str) or isinstance(right, str) else close(left, right)
            assert same, (labels, ours, theirs)


def close(left: float, right: float) -> bool:
    return (math.isnan(left) and math.isnan(right)) or math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12)
