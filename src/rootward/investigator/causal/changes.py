"""Which change did it, if any did: commits, deploys, flags, configuration, weighed by time, reach and what they do.

Being recent and near is how innocent changes get blamed, so time and place only make a change possible; what makes it likely is a
mechanism (the diff does what the symptom says) or words that the diff changed and the failure speaks. Where something other than
a change explains the symptoms, all changes lose. The odds are in nats, as everywhere.
"""

import collections
import dataclasses
import functools
import math
import re

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.blame import diffs, mechanisms, symptoms
from rootward.signals import entities, records

FAMILY = "changes"
PRIOR = -3.0  # most changes of an afternoon break nothing
ONSET_SLACK_S = 180.0  # onsets are estimates
FADE_S = 900.0  # time after which a change that took effect is half as suspect
AGE_MAX_S = 6 * 3600.0
HERE, NEAR, ELSEWHERE = 1.5, 0.5, -1.5
WORDS_MAX = 2.5
COSMETIC = -2.0
UNPROVEN_BUMP = -2.0
NOT_ROLLED_OUT = -1.5
AFTER_ONSET = -1.0  # it took effect between the estimated onset and the alert
EXTERNAL = -5.0
WEIGHT_MIN, WEIGHT_MAX = -3.0, 6.0
WORTH_SAYING = 0.5


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """A change with the moment it took effect (a roll-out after it, else its own), and the service that it reached, if known."""

    change: records.Change
    evidence: str
    effect_s: float
    service: str
    rolled_out: bool
    diff: diffs.Diff


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    suspect: Suspect
    weight: float
    fault: str
    because: tuple[str, ...]
    excluded: str = ""  # why it cannot be the cause


def clues(case: cases.Case, onset_s: float | None) -> list[cases.Clue]:
    """One clue per change that speaks for or against itself, strongest first. `onset_s` None means the alert's own start."""
    return [
        cases.Clue(
            _entity(case, one.suspect),
            one.fault,
            one.weight,
            f"{_title(one.suspect)}: {'; '.join(one.because)}",
            (one.suspect.evidence,),
            FAMILY,
            onset_s=one.suspect.effect_s,
            change=one.suspect.change.id,
        )
        for one in _verdicts(case, onset_s)
        if not one.excluded and one.weight >= WORTH_SAYING
    ]


def reached(case: cases.Case, onset_s: float, *, within_s: float, after_s: float) -> list[Suspect]:
    """Changes that took effect on a known service from `within_s` before the onset to `after_s` after it, nearest first."""
    near = [
        one
        for one in _suspects(case)
        if one.service and -after_s <= onset_s - one.effect_s <= within_s and (one.rolled_out or not _is_commit(one))
    ]
    return sorted(near, key=lambda one: (abs(onset_s - one.effect_s), one.change.id))


def _is_commit(suspect: Suspect) -> bool:
    return suspect.change.kind is records.ChangeKind.COMMIT


def refutations(case: cases.Case, onset_s: float | None) -> list[cases.Refutation]:
    """Changes that look near enough to be blamed, and why they are not; nearest to the onset first."""
    reference_s = _reference_s(case, onset_s)
    rejected = [one for one in _verdicts(case, onset_s) if one.excluded or one.weight < WORTH_SAYING]
    rejected.sort(key=lambda one: abs(one.suspect.effect_s - reference_s))
    return [
        cases.Refutation(
            _entity(case, one.suspect),
            one.fault,
            f"{_title(one.suspect)}: {one.excluded or '; '.join(one.because)}",
            (one.suspect.evidence,),
            change=one.suspect.change.id,
        )
        for one in rejected[:8]
    ]


def _title(suspect: Suspect) -> str:
    change = suspect.change
    short = change.id[:8] if re.fullmatch(r"[0-9a-f]{12,}", change.id) else change.id
    where = f" in {suspect.service}" if suspect.service else ""
    return f"{change.kind} {short} ({change.summary[:80]}){where}".replace(" ()", "")


def _entity(case: cases.Case, suspect: Suspect) -> entities.Entity:
    if suspect.service:
        return entities.Entity(entities.EntityKind.SERVICE, suspect.service)
    return suspect.change.entity or case.alert.entity or entities.Entity(entities.EntityKind.SERVICE, "unknown")


@functools.lru_cache(maxsize=1)  # clues and refutations are two views of one weighing
def _verdicts(case: cases.Case, onset_s: float | None) -> tuple[Verdict, ...]:
    reference_s = _reference_s(case, onset_s)
    suspects = _suspects(case)
    if not suspects:
        return ()
    seen = symptoms.read(case, reference_s)
    outside = symptoms.external(case, seen, reference_s)
    rarity = _rarity(suspects)
    found = [_weigh(case, one, seen, outside, rarity, reference_s) for one in suspects]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.suspect.change.id)))


def _reference_s(case: cases.Case, onset_s: float | None) -> float:
    """The onset, which lies no later than the alert."""
    return min(case.alert.starts_at_s, onset_s if onset_s is not None else case.alert.starts_at_s)


def _suspects(case: cases.Case) -> list[Suspect]:
    """Commits joined to the roll-out that carried them; everything else as it stands. Roll-outs of known commits fall together
    with them."""
    deploys = [(change, evidence) for change, evidence in case.changes if change.kind is records.ChangeKind.DEPLOY]
    commits = {change.id for change, _evidence in case.changes if change.kind is records.ChangeKind.COMMIT}
    out = []
    for change, evidence in case.changes:
        if change.kind is records.ChangeKind.COMMIT:
            rollout = _rollout(change, [deploy for deploy, _evidence in deploys])
            service = _service_of(case, change, rollout)
            effect_s = rollout.time_s if rollout is not None else change.time_s
            out.append(Suspect(change, evidence, effect_s, service, rollout is not None, diffs.read(change)))
        elif change.kind is not records.ChangeKind.DEPLOY or _sha(change) not in commits:
            service = change.entity.name if change.entity is not None else ""
            out.append(Suspect(change, evidence, change.time_s, service, True, diffs.read(change)))
    return out


def _sha(deploy: records.Change) -> str:
    return deploy.detail.get("sha") or deploy.detail.get("commit") or ""


def _rollout(commit: records.Change, deploys: list[records.Change]) -> records.Change | None:
    """The roll-out of this very commit; else the first one after it of a service that its paths belong to."""
    exact = [
        one for one in deploys if _sha(one) and (commit.id.startswith(_sha(one)) or _sha(one).startswith(commit.id))
    ]
    if exact:
        return min(exact, key=lambda one: one.time_s)
    later = [
        one
        for one in deploys
        if one.entity is not None and one.time_s >= commit.time_s and touches(commit.files, one.entity.name)
    ]
    return min(later, key=lambda one: one.time_s, default=None)


def stem(service: str) -> str:
    """A service's name without what says that it is one: checkoutservice, checkout-svc, checkout-service → checkout."""
    return re.sub(r"[-_]?(service|svc|server|app)$", "", service.lower()) or service.lower()


def touches(paths: collections.abc.Iterable[str], service: str) -> bool:
    """Some folder of some path is the service's own."""
    names = {service.lower(), stem(service)}
    return any(folder.lower() in names or stem(folder) in names for path in paths for folder in path.split("/")[:-1])


def _service_of(case: cases.Case, change: records.Change, rollout: records.Change | None) -> str:
    if rollout is not None and rollout.entity is not None:
        return rollout.entity.name
    known = {logs.entity.name for logs in case.logs} | {signal.entity.name for signal in case.signals}
    if case.alert.entity is not None:
        known.add(case.alert.entity.name)
    named = sorted(name for name in known if touches(change.files, name))
    if len(named) == 1:
        return named[0]
    return change.entity.name if change.entity is not None and change.entity.name in known else ""


def _rarity(suspects: list[Suspect]) -> dict[str, float]:
    """How much a changed word tells, in (0, 1]: one for a word that a single change touches, none for one that half of them do."""
    counts: collections.Counter[str] = collections.Counter()
    for one in suspects:
        counts.update(one.diff.lost | one.diff.gained)
    total = max(len(suspects), 2)
    return {word: max(0.0, 1.0 - math.log(count) / math.log(total / 2 + 1)) for word, count in counts.items()}


def _weigh(
    case: cases.Case,
    suspect: Suspect,
    seen: symptoms.Symptoms,
    outside: str,
    rarity: dict[str, float],
    onset_s: float,
) -> Verdict:
    lag_s = onset_s - suspect.effect_s
    if lag_s < -ONSET_SLACK_S and suspect.effect_s > case.alert.starts_at_s:
        return Verdict(suspect, WEIGHT_MIN, "", (), f"it took effect {-lag_s / 60:.0f} minutes after the trouble began")
    if lag_s > AGE_MAX_S:
        return Verdict(suspect, WEIGHT_MIN, "", (), f"it has been in effect for {lag_s / 3600:.0f} hours")
    if suspect.diff.harmless:
        return Verdict(suspect, WEIGHT_MIN, "", (), suspect.diff.harmless)
    because = (
        [f"in effect {lag_s / 60:.0f} minutes before the trouble"] if lag_s >= 0 else ["in effect as the trouble began"]
    )
    weight = PRIOR + 2.0 * math.exp(-max(lag_s, 0.0) * math.log(2) / FADE_S)
    weight += _reach(case, suspect, seen) + (AFTER_ONSET if lag_s < -ONSET_SLACK_S else 0.0)
    if not suspect.rolled_out:
        weight += NOT_ROLLED_OUT
    joined = mechanisms.matching(suspect.diff, seen.text)
    if joined:
        weight += joined[0].weight
        because.append(joined[0].name)
    elif suspect.diff.dependencies_only:
        weight += UNPROVEN_BUMP
        because.append("the failure names none of the dependencies that it updates")
    elif suspect.diff.wording or suspect.diff.tidying:
        weight += COSMETIC
        because.append("it does the same as before in other words")
    spoken = _spoken(suspect, seen, rarity)
    weight += min(WORDS_MAX, sum(spoken.values()))
    if spoken:
        because.append(f"the failure speaks of {', '.join(sorted(spoken, key=lambda word: -spoken[word])[:4])}")
    if outside and not (joined and joined[0].weight >= 3.0 and "traffic" in outside):
        weight += EXTERNAL
        because.append(f"something else explains it: {outside}")
    fault = joined[0].fault if joined else _default_fault(suspect.change)
    return Verdict(suspect, max(WEIGHT_MIN, min(WEIGHT_MAX, weight)), fault, tuple(because))


def _reach(case: cases.Case, suspect: Suspect, seen: symptoms.Symptoms) -> float:
    """Does it lie on the service that fails, or on one that this one calls?"""
    alerted = case.alert.entity.name if case.alert.entity is not None else case.alert.labels.get("service", "")
    if not suspect.service:
        return ELSEWHERE / 3
    if suspect.service == alerted or (seen.services and suspect.service == seen.services[0]):
        return HERE
    called = {edge.callee.name for edge in case.edges if edge.caller.name == alerted}
    if suspect.service in called or suspect.service in seen.services:
        return NEAR
    return ELSEWHERE


_COMMON = frozenset(
    [
        "error",
        "errors",
        "return",
        "func",
        "function",
        "string",
        "value",
        "values",
        "data",
        "name",
        "names",
        "request",
        "response",
        "result",
        "context",
        "code",
        "http",
        "json",
        "service",
        "services",
        "null",
        "none",
        "true",
        "false",
        "this",
        "self",
        "with",
        "from",
        "into",
        "that",
        "have",
        "been",
        "type",
        "types",
        "status",
        "config",
        "default",
        "time",
    ]
)


def _spoken(suspect: Suspect, seen: symptoms.Symptoms, rarity: dict[str, float]) -> dict[str, float]:
    """Words that the change took away or brought and that the failure speaks, with how much each tells."""
    own = diffs.words(suspect.service) | {stem(suspect.service)}
    return {
        word: seen.words[word] * rarity.get(word, 0.0) * 0.8
        for word in (suspect.diff.lost | suspect.diff.gained)
        if len(word) >= 4
        and word not in _COMMON
        and word in seen.words
        and word not in own
        and rarity.get(word, 0.0) > 0
    }


def _default_fault(change: records.Change) -> str:
    return {
        records.ChangeKind.FLAG: "feature_flag",
        records.ChangeKind.CONFIG: "bad_config",
        records.ChangeKind.SECRET: "bad_config",
        records.ChangeKind.SCHEMA: "slow_query",
        records.ChangeKind.INFRASTRUCTURE: "bad_config",
    }.get(change.kind, "bad_deploy")
