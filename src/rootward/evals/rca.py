"""Root-cause evals over scenarios: each is served by the dojo's faces, investigated through the real connectors, and scored."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rootward import _clock, _tasks
from rootward.dojo import oracle
from rootward.dojo.capsule import store, telemetry
from rootward.evals import baselines, scoring
from rootward.investigator import finding as findings
from rootward.investigator import investigate, options
from rootward.investigator.causal import case
from rootward.signals import alerts, entities, protocols

Connect = Callable[[telemetry.Telemetry, _clock.Clock], protocols.Sources]
"""How a scenario becomes sources; wired in `apps`, because evals know no connectors."""

ReadAlert = Callable[[object], alerts.Alert]
Vary = Callable[[alerts.Alert, protocols.Sources], tuple[alerts.Alert, protocols.Sources]]


def capsules(directory: Path) -> Iterator[Path]:
    """Every capsule at or under `directory`, in order of path."""
    yield from sorted(path.parent for path in directory.rglob("manifest.json"))


def unchanged(alert: alerts.Alert, sources: protocols.Sources) -> tuple[alerts.Alert, protocols.Sources]:
    """The variation that is none."""
    return alert, sources


def run_capsule(
    path: Path,
    root: Path,
    *,
    connect: Connect,
    read_alert: ReadAlert,
    chosen: options.Options,
    with_baselines: bool = True,
    vary: Vary = unchanged,
) -> scoring.Result:
    """Investigate one capsule; its truth is opened only after the finding is made.

    Raises:
        CapsuleError: the capsule cannot be read.
    """
    scenario = store.load(path)
    return run_scenario(
        str(path.relative_to(root)) if path != root else path.name,
        scenario,
        lambda: store.load_truth(path),
        connect=connect,
        read_alert=read_alert,
        chosen=chosen,
        with_baselines=with_baselines,
        vary=vary,
    )


def run_scenario(
    case_id: str,
    scenario: telemetry.Scenario,
    open_truth: Callable[[], oracle.Truth],
    *,
    connect: Connect,
    read_alert: ReadAlert,
    chosen: options.Options,
    with_baselines: bool = False,
    vary: Vary = unchanged,
) -> scoring.Result:
    """The same for a scenario in memory; `open_truth` is called after the finding is made."""
    stopwatch = _clock.SystemClock()
    began_s = stopwatch.monotonic_s()
    finding, subject = _tasks.run(_investigate(scenario, connect, read_alert, chosen, vary))
    seconds = stopwatch.monotonic_s() - began_s
    compared = _baselines(subject) if with_baselines else {}
    return result(case_id, open_truth(), finding, seconds, compared)


def result(
    case_id: str,
    truth: oracle.Truth,
    finding: findings.Finding,
    seconds: float,
    compared: dict[str, tuple[scoring.Answer, ...]] | None = None,
) -> scoring.Result:
    """A finding beside its truth."""
    ranked = tuple(
        scoring.Answer(str(c.entity.kind), c.entity.name, c.fault, c.confidence.point, c.change_id)
        for c in finding.root_causes
    )
    return scoring.Result(case_id, truth, str(finding.status), ranked, seconds, compared or {})


async def _investigate(
    scenario: telemetry.Scenario, connect: Connect, read_alert: ReadAlert, chosen: options.Options, vary: Vary
) -> tuple[findings.Finding, case.Case]:
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    alert, sources = vary(read_alert(scenario.alert), connect(scenario.telemetry, clock))
    try:
        return await investigate.examine(alert, sources, clock=clock, chosen=chosen)
    finally:
        await sources.aclose()


def _baselines(subject: case.Case) -> dict[str, tuple[scoring.Answer, ...]]:
    return {name: _answers(rank(subject)) for name, rank in baselines.BASELINES.items()}


def _answers(ranked: Sequence[entities.Entity]) -> tuple[scoring.Answer, ...]:
    return tuple(scoring.Answer(str(entity.kind), entity.name, "", 0.0) for entity in ranked)
