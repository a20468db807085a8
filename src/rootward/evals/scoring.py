"""Scoring: does a ranked answer name the true cause, by service and by service and kind of fault?"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from rootward.dojo import oracle
from rootward.evals import statistics
from rootward.signals import naming

TOPS = (1, 3, 5)


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One place of a ranking."""

    kind: str
    name: str
    fault: str
    confidence: float
    change: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """One case: what was true, what was answered (best first), how long it took, and what the baselines answered."""

    id: str
    truth: oracle.Truth
    status: str
    ranked: tuple[Answer, ...]
    seconds: float
    baselines: dict[str, tuple[Answer, ...]] = dataclasses.field(default_factory=dict)


def names_cause(answer: Answer, cause: oracle.Cause) -> bool:
    """The same thing by name (pods fold into their service), as the cause itself or one of its aliases."""
    accepted = {cause.name, *(name for _, name in cause.aliases)}
    folded = {naming.service_of_pod(name) for name in accepted}
    return answer.name in accepted or naming.service_of_pod(answer.name) in folded


def place(ranked: Sequence[Answer], truth: oracle.Truth, *, with_fault: bool) -> int | None:
    """The place (from 1) of the first answer that names a true cause; an entity counts once, at its best place."""
    seen: list[str] = []
    for answer in ranked:
        key = f"{answer.name}/{answer.fault}" if with_fault else answer.name
        if key not in seen:
            seen.append(key)
        for cause in truth.causes:
            if names_cause(answer, cause) and (not with_fault or answer.fault == cause.fault):
                return seen.index(key) + 1
    return None


def confidently_wrong(result: Result) -> bool:
    """It spoke (status found) and its first answer is not a true cause."""
    return result.status == "found" and place(result.ranked[:1], result.truth, with_fault=False) is None


def metrics(results: Sequence[Result]) -> dict[str, statistics.Rate]:
    """Rates over the cases that have a cause to name, then how silence was kept."""
    caused = [result for result in results if result.truth.status == "found" and result.truth.causes]
    kinded = [result for result in caused if any(cause.fault for cause in result.truth.causes)]
    silent = [result for result in results if result.truth.status != "found"]
    changed = [
        result for result in results if result.truth.decoys or any(cause.change for cause in result.truth.causes)
    ]
    table: dict[str, statistics.Rate] = {}
    for top in TOPS:
        table[f"service_top{top}"] = _within(caused, top, with_fault=False)
    for top in TOPS:
        table[f"service_kind_top{top}"] = _within(kinded, top, with_fault=True)
    table["spoke"] = _share(caused, lambda r: r.status == "found")
    table["confident_wrong"] = _share(results, confidently_wrong)
    if silent:
        table["silent_when_it_should"] = _share(silent, lambda r: r.status != "found")
        table["status_right"] = _share(silent, lambda r: r.status == r.truth.status)
    if changed:
        table["change_right"] = _share(changed, _change_right)
        table["decoy_blamed"] = _share(
            changed, lambda r: bool(r.ranked) and r.ranked[0].change in r.truth.decoys and r.ranked[0].change != ""
        )
    return {name: value for name, value in table.items() if value.count}


def baseline_metrics(results: Sequence[Result]) -> dict[str, dict[str, statistics.Rate]]:
    """Top-1, 3 and 5 by service of each built-in baseline, on the cases it was run on."""
    caused = [result for result in results if result.truth.status == "found" and result.truth.causes]
    names = dict.fromkeys(name for result in caused for name in result.baselines)
    table: dict[str, dict[str, statistics.Rate]] = {}
    for name in names:
        replayed = [dataclasses.replace(result, ranked=result.baselines.get(name, ())) for result in caused]
        table[name] = {f"service_top{top}": _within(replayed, top, with_fault=False) for top in TOPS}
    return table


def seconds_quantile(results: Sequence[Result], share: float) -> float:
    """Nearest-rank quantile of seconds per case."""
    ordered = sorted(result.seconds for result in results)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))] if ordered else math.nan


def _within(results: Sequence[Result], top: int, *, with_fault: bool) -> statistics.Rate:
    places = [place(result.ranked, result.truth, with_fault=with_fault) for result in results]
    return statistics.rate(sum(1 for found in places if found is not None and found <= top), len(results))


def _share(results: Sequence[Result], is_hit: Callable[[Result], bool]) -> statistics.Rate:
    return statistics.rate(sum(1 for result in results if is_hit(result)), len(results))


def _change_right(result: Result) -> bool:
    """The blamed change is the true one; blaming none is right where no change is behind it."""
    blamed = result.ranked[0].change if result.ranked else ""
    true = {cause.change for cause in result.truth.causes}
    return blamed in true if any(true) else blamed == ""
