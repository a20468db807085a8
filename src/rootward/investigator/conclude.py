"""Conclude: from the reasoner's judgement to a finding: three sentences with evidence, or quiet with the reason."""

import datetime as dt
import itertools
import re
from collections.abc import Sequence

import numpy as np

from rootward.investigator import advice, confidence, ledger, planted
from rootward.investigator import finding as findings
from rootward.investigator.causal import case, fault_kinds
from rootward.signals import answers, records, series

NULL_MIN = 0.5  # "no fault" and "outside" are said when likelier than everything else together
LIKELY_MIN = 0.5  # a kind that is less likely, at a place that is sure, is told as a perhaps
CAUSES_MAX = 5
RULED_OUT_MAX = 8
BECAUSE_MAX = 6
CHARTS_MAX = 4
NAMING_KINDS = frozenset(records.ChangeKind) - {records.ChangeKind.COMMIT, records.ChangeKind.DEPLOY}
NAMING_BEFORE_S, NAMING_AFTER_S = 900.0, 120.0  # how near the onset a change has to be that is blamed for its words
CHART_POINTS = 160
CHART_BEFORE_S = 5400.0  # of calm before the onset: enough to see what is usual
REASON_LENGTH_MAX = 150  # of what the summary quotes; the rest stands under "why"
NEXT_CHECKS_MAX = 3
MISSING_MAX = 12


def conclude(
    subject: case.Case,
    judgement: case.Judgement,
    evidence: ledger.Ledger,
    timing: findings.Timing,
    voice: confidence.Voice | None = None,
) -> findings.Finding:
    """Pure. Root causes are listed best first even when the status is quiet; then they are candidates, and the summary says so.

    `voice` says what the judgement's probabilities are worth, and from which on a cause is told; default: what is shipped.
    """
    voice = voice or confidence.shipped()
    status = status_of(judgement, voice)
    stated = voice.stated(judgement)
    raw = {(one.entity, one.fault): one.probability for one in judgement.hypotheses}
    causes = tuple(
        _cause(one, subject, raw[one.entity, one.fault], None if rank else voice.place(judgement.hypotheses[0]))
        for rank, one in enumerate(stated.hypotheses[:CAUSES_MAX])
    )
    ruled_out = tuple(
        findings.RuledOut(r.entity, r.fault, r.reason, _known(r.evidence, evidence))
        for r in _refuted(judgement, causes)[:RULED_OUT_MAX]
    )
    path = judgement.hypotheses[0].path if judgement.hypotheses and status is findings.Status.FOUND else ()
    charts = _charts(subject, judgement)
    cited = dict.fromkeys(key for cause in causes for key in cause.evidence)
    cited.update(dict.fromkeys(key for item in ruled_out for key in item.evidence))
    cited.update(dict.fromkeys(chart.evidence for chart in charts))
    cited.update(dict.fromkeys(gap.evidence for gap in subject.gaps if gap.evidence))
    attempts = planted.attempts(subject)
    cited.update(dict.fromkeys(attempt.evidence for attempt in attempts if attempt.evidence))
    return findings.Finding(
        status=status,
        alert=subject.alert.name,
        summary=_summary(status, subject, judgement, causes),
        root_causes=causes,
        path=path,
        evidence=tuple(evidence.get(key) for key in cited if key in evidence),
        ruled_out=ruled_out,
        missing=_missing(subject.gaps),
        next_checks=_next_checks(status, causes, subject),
        timing=timing,
        charts=charts,
        planted=attempts,
    )


def status_of(judgement: case.Judgement, voice: confidence.Voice) -> findings.Status:
    """Whether there is something to say: a cause with evidence that is likelier than any way of not knowing, and likely enough to be told."""
    leading = judgement.hypotheses[0] if judgement.hypotheses and _shown(judgement.hypotheses[0]) else None
    top = leading.probability if leading is not None else 0.0
    nulls = {
        findings.Status.NO_FAULT: judgement.no_fault,
        findings.Status.OUTSIDE: judgement.outside,
        findings.Status.QUIET: judgement.not_enough,
    }
    if leading is not None and top > max(nulls.values()) and voice.speaks(leading):
        return findings.Status.FOUND
    null = max(nulls, key=lambda status: nulls[status])
    return null if nulls[null] >= NULL_MIN else findings.Status.QUIET


def _shown(hypothesis: case.Hypothesis) -> bool:
    """Whether anything that can be cited speaks for it: evidence or silence, however likely it seems for want of others."""
    return any(clue.weight > 0 and any(clue.evidence) for clue in hypothesis.clues)


def _refuted(judgement: case.Judgement, causes: Sequence[findings.RootCause]) -> list[case.Refutation]:
    """What was ruled out, without other records of the very change that the leading cause rests on."""
    blamed = causes[0].changed if causes else ""
    return [item for item in judgement.ruled_out if not blamed or blamed not in item.reason]


def _known(keys: Sequence[str], evidence: ledger.Ledger) -> tuple[str, ...]:
    return tuple(key for key in dict.fromkeys(keys) if key in evidence)


def _cause(hypothesis: case.Hypothesis, subject: case.Case, raw: float, place: float | None) -> findings.RootCause:
    """`hypothesis` has calibrated chances, `raw` is the reasoner's own."""
    clues = sorted((clue for clue in hypothesis.clues if clue.weight > 0), key=lambda clue: -clue.weight)
    change, key = _change_behind(hypothesis, subject)
    cited = dict.fromkeys(key for clue in clues[:BECAUSE_MAX] for key in clue.evidence if key)
    if key:
        cited[key] = None
    return findings.RootCause(
        entity=hypothesis.entity,
        fault=hypothesis.fault,
        onset_s=hypothesis.onset_s,
        confidence=findings.Confidence(hypothesis.probability, hypothesis.low, hypothesis.high, raw, place),
        evidence=tuple(cited),
        because=_said_once([clue.sentence for clue in clues])[:BECAUSE_MAX],
        changed="" if change is None else change.summary,
        change_id=hypothesis.change or ("" if change is None else change.id),
    )


def _said_once(sentences: Sequence[str]) -> tuple[str, ...]:
    """Two detectors may see one line move, and one of them say more of it: only the longer is kept, in the first one's place."""
    distinct = list(dict.fromkeys(sentences))
    longest = (max((one for one in distinct if one.startswith(text)), key=len) for text in distinct)
    return tuple(dict.fromkeys(longest))


def _change_behind(hypothesis: case.Hypothesis, subject: case.Case) -> tuple[records.Change | None, str]:
    """The change that the reasoner blames; else an operational change that names the entity and took effect just before.

    With the evidence that brought it. A migration is announced by its service and names the database: so the words count.
    """
    for change, key in subject.changes:
        if hypothesis.change and change.id == hypothesis.change:
            return change, key
    onset_s = hypothesis.onset_s
    if onset_s is None or hypothesis.change or hypothesis.fault in ("", "unknown"):
        return None, ""
    named = re.compile(rf"(?<![\w-]){re.escape(hypothesis.entity.name)}(?![\w-])")
    near = [
        (change, key)
        for change, key in subject.changes
        if change.kind in NAMING_KINDS
        and -NAMING_AFTER_S <= onset_s - change.time_s <= NAMING_BEFORE_S
        and named.search(change.summary)
    ]
    return near[-1] if near else (None, "")


def _clock_time(time_s: float) -> str:
    return dt.datetime.fromtimestamp(time_s, tz=dt.UTC).strftime("%H:%M UTC")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."


def _plain(text: str) -> str:
    """A clue's sentence as a clause inside ours: no full stop, one line."""
    return " ".join(text.split()).rstrip(".").replace(". ", "; ")


def _summary(
    status: findings.Status, subject: case.Case, judgement: case.Judgement, causes: Sequence[findings.RootCause]
) -> str:
    """At most three sentences."""
    name = subject.alert.name
    match status:
        case findings.Status.FOUND:
            return _found_summary(causes[0], judgement.hypotheses[0])
        case findings.Status.NO_FAULT:
            return f"{name} does not point to a fault: nothing that serves it has left its usual range. {_sentence(_note(judgement, 'No action is suggested'))}"
        case findings.Status.OUTSIDE:
            where = f" The trouble is seen at {causes[0].entity.name}." if causes else ""
            return f"Something is wrong, and its cause lies outside what the connected sources show.{where} {_sentence(_note(judgement, 'Escalate to those who see beyond them'))}"
        case _:
            guess = (
                f" The best candidate, {causes[0].entity.name} ({fault_kinds.sentence(causes[0].fault)}), is too weak to name: "
                f"such answers are at the right place in {causes[0].confidence.place or 0.0:.0%} of cases."
                if causes
                else ""
            )
            lacking = f" Missing: {'; '.join(_missing(subject.gaps)[:3])}." if subject.gaps else ""
            return f"Not enough evidence to say why {name} fired.{guess}{lacking}"


def _note(judgement: case.Judgement, default: str) -> str:
    return _plain(judgement.notes[0]) if judgement.notes else default


def _found_summary(cause: findings.RootCause, hypothesis: case.Hypothesis) -> str:
    since = f" since {_clock_time(cause.onset_s)}" if cause.onset_s is not None else ""
    changed = f" after “{_plain(cause.changed)}”" if cause.changed else ""
    known = cause.fault not in ("", "unknown")
    what = (
        fault_kinds.sentence(cause.fault) if known else "something went wrong there, of a kind that could not be told,"
    )
    unsure = "perhaps " if known and cause.confidence.point < LIKELY_MIN else ""
    first = f"Root cause: {cause.entity.name} — {unsure}{what}{since}{changed}."
    short = [text for text in map(_plain, cause.because) if len(text) <= REASON_LENGTH_MAX] or [
        _plain(text)[: REASON_LENGTH_MAX - 1] + "…" for text in cause.because[:1]
    ]
    reasons = "; ".join(short[:2])
    second = f" {_capitalised(reasons, cause.entity.name)}." if reasons else ""
    hops = [entity.name for entity in hypothesis.path]
    third = f" It reaches the alert through {' → '.join(hops)}." if len(hops) > 1 else ""
    return first + second + third


def _capitalised(text: str, name: str) -> str:
    """A sentence begins with a capital, unless it begins with a name, which is spelt as it is."""
    return text if text.startswith(name) else text[0].upper() + text[1:]


def _missing(gaps: Sequence[case.Gap]) -> tuple[str, ...]:
    texts = (f"{gap.question} ({_lacking(gap)})" for gap in gaps)
    return tuple(dict.fromkeys(texts))[:MISSING_MAX]


def _lacking(gap: case.Gap) -> str:
    reason = gap.reason.replace("_", " ")
    return f"{gap.source}: {reason}" if gap.source else reason


def _next_checks(status: findings.Status, causes: Sequence[findings.RootCause], subject: case.Case) -> tuple[str, ...]:
    checks: list[str] = []
    if status in (findings.Status.FOUND, findings.Status.QUIET):
        checks.extend(advice.next_check(cause.fault, cause.entity.name) for cause in causes[:2])
    refused = [gap for gap in subject.gaps if gap.reason in (answers.Outcome.NOT_PERMITTED, answers.Outcome.FAILED)]
    sources = dict.fromkeys(gap.source for gap in refused)
    checks.extend(
        f"Give access to {source} and investigate again (`rootward doctor` shows what it refuses)."
        for source in sources
    )
    return tuple(dict.fromkeys(checks))[:NEXT_CHECKS_MAX]


def _charts(subject: case.Case, judgement: case.Judgement) -> tuple[findings.Chart, ...]:
    """The lines that the leading hypothesis rests on, those of the cause itself first."""
    if not judgement.hypotheses:
        return ()
    top = judgement.hypotheses[0]
    ranked = sorted((clue for clue in top.clues if clue.weight > 0), key=lambda clue: -clue.weight)
    charts: dict[str, findings.Chart] = {}
    for clue in ranked:
        for signal in subject.signals:
            if signal.evidence not in clue.evidence or signal.entity != clue.entity:
                continue
            title = f"{signal.entity.name}: {str(signal.role).replace('_', ' ')}"
            if title not in charts and np.isfinite(signal.values).sum() > 1:
                charts[title] = _chart(title, signal, top.onset_s)
        if len(charts) >= CHARTS_MAX:
            break
    return tuple(charts.values())[:CHARTS_MAX]


def _chart(title: str, signal: case.Signal, onset_s: float | None) -> findings.Chart:
    since_s = -np.inf if onset_s is None else onset_s - CHART_BEFORE_S
    near = signal.times_s >= since_s
    times, values = _thinned(signal.times_s[near], signal.values[near])
    shown = tuple(None if not np.isfinite(value) else float(f"{value:.6g}") for value in values)
    return findings.Chart(title, signal.unit, tuple(float(time) for time in times), shown, onset_s, signal.evidence)


def _thinned(times: series.FloatArray, values: series.FloatArray) -> tuple[series.FloatArray, series.FloatArray]:
    """At most CHART_POINTS points: the largest finite value of each bucket, so that a spike is never lost."""
    if len(times) <= CHART_POINTS:
        return times, values
    edges = np.linspace(0, len(times), CHART_POINTS + 1).astype(int)
    picked = [
        low + int(np.argmax(np.where(np.isfinite(values[low:high]), values[low:high], -np.inf)))
        for low, high in itertools.pairwise(edges.tolist())
        if high > low
    ]
    return times[picked], values[picked]
