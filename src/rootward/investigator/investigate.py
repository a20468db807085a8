"""The investigation: frame, probe, hypothesise, test, conclude. A finding is produced whatever fails."""

from collections.abc import Callable, Sequence
from typing import Protocol

from rootward import _clock
from rootward.investigator import briefing, conclude, gather, guided, options, second_look, skilled
from rootward.investigator import finding as findings
from rootward.investigator.causal import case, judge
from rootward.signals import alerts, protocols, roles


class Advisor(Protocol):
    """Somebody who is asked for a second opinion once the reasoner has concluded: `opinion.Consultant`."""

    async def opine(
        self, gathered: gather.Gathered, judgement: case.Judgement, finding: findings.Finding, chosen: options.Options
    ) -> findings.Finding:
        """The finding with the opinion in it, whatever happens to whoever is asked."""


async def examine(
    alert: alerts.Alert,
    sources: protocols.Sources,
    *,
    clock: _clock.Clock,
    now_s: float | None = None,
    chosen: options.Options | None = None,
    overrides: Sequence[roles.Override] = (),
    on_stage: Callable[[str], None] = lambda _: None,
    brief: briefing.Briefing = briefing.NOTHING,
    advisor: Advisor | None = None,
) -> tuple[findings.Finding, case.Case]:
    """Investigate one alert over `sources`, as of `now_s` (default: the clock's now); also what was reasoned over, for evals.

    `on_stage` is told in words what is being done, for progress. Nothing that a back end does raises from here. `brief` is what
    memory holds for this alert: more questions, entities to look at, leans.
    """
    chosen = chosen or options.Options()
    began_s = clock.monotonic_s()
    started_s = clock.now_s()
    stages: dict[str, float] = {}

    def mark(stage: str, since_s: float) -> float:
        stages[stage] = (now := clock.monotonic_s()) - since_s
        return now

    gathered = await gather.gather(
        alert,
        sources,
        now_s=now_s or started_s,
        chosen=chosen,
        overrides=overrides,
        on_stage=on_stage,
        brief=brief,
    )
    lean = brief.lean if brief.leanings() else None
    at_s = mark("probe", began_s)
    on_stage("reasoning over the answers")
    judgement = judge.judge(gathered.case, lean)
    at_s = mark("hypothesise", at_s)
    on_stage("testing the leading hypotheses")
    closer = await second_look.take(gathered, judgement, chosen, brief.look_at())
    if closer is not None:
        gathered, judgement = closer, judge.judge(closer.case, lean)
    mark("test", at_s)
    timing = findings.Timing(
        started_s=started_s,
        elapsed_s=clock.monotonic_s() - began_s,
        probes=len(gathered.ledger),
        probes_failed=gathered.ledger.failed,
        stages=stages,
    )
    finding = conclude.conclude(gathered.case, judgement, gathered.ledger, timing, chosen.voice)
    finding = skilled.add(finding, brief.shelf, gathered.case)
    finding = guided.add(finding, brief, gathered, judgement, chosen.voice)
    if advisor is not None:
        on_stage("asking a model for a second opinion")
        finding = await advisor.opine(gathered, chosen.voice.stated(judgement), finding, chosen)
    return finding, gathered.case


async def investigate(
    alert: alerts.Alert,
    sources: protocols.Sources,
    *,
    clock: _clock.Clock,
    now_s: float | None = None,
    chosen: options.Options | None = None,
    overrides: Sequence[roles.Override] = (),
    on_stage: Callable[[str], None] = lambda _: None,
    brief: briefing.Briefing = briefing.NOTHING,
    advisor: Advisor | None = None,
) -> findings.Finding:
    """The finding alone: see `examine`."""
    finding, _ = await examine(
        alert,
        sources,
        clock=clock,
        now_s=now_s,
        chosen=chosen,
        overrides=overrides,
        on_stage=on_stage,
        brief=brief,
        advisor=advisor,
    )
    return finding
