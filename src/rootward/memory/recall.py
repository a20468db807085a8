"""Recall: which facts and past incidents are like this text or this finding, by words and by spelling, older ones counting less.

Two rankings are fused by reciprocal rank (Cormack, Clarke and Buettcher 2009): BM25 over words, and the cosine of hashed character
n-grams. Neither needs a model or tuning; the first finds the rare word, the second the other spelling. What was struck cannot be found.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rootward.memory import store, texts, vectors
from rootward.memory.records import Fact, Incident
from rootward.signals import alert_class, alerts, entities

RANK_OFFSET = 60  # of reciprocal rank fusion, as published
CANDIDATES_MAX = 50  # of each ranking
WORDS_MAX = 64  # of a query that are looked up
COSINE_MIN = 0.15  # less is what unrelated English has in common
LIKE_MIN = 0.5  # cosine from which two texts say much the same
ALIKE_MIN = 0.3  # from which two findings of one kind of fault are worth comparing
SAME_FIRING_S = 1.0
HALF_LIFE_S = {"fact": 365 * 86_400.0, "incident": 180 * 86_400.0}
DECAY_MIN = 0.25  # what is old counts less, and never nothing


@dataclasses.dataclass(frozen=True, slots=True)
class Hit:
    """`score` orders hits of one search and means nothing else; `cosine` is comparable. `why` says in words what is alike."""

    record: Fact | Incident
    score: float
    cosine: float
    why: str = ""


def search(memory: store.Memory, query: str, *, now_s: float, most: int = 10) -> list[Hit]:
    """What is most like `query`, best first."""
    asked = list(dict.fromkeys(vectors.words(query)))[:WORDS_MAX]
    by_words, every, vectors_of = memory.recallable(asked, most=CANDIDATES_MAX)
    cosines = dict(zip(every, vectors.cosines(vectors.vector(query), vectors_of).tolist(), strict=True))
    near = sorted((key for key in every if cosines[key] >= COSINE_MIN), key=lambda key: -cosines[key])
    fused: dict[str, float] = {}
    for ranking in (by_words, near[:CANDIDATES_MAX]):
        for rank, key in enumerate(ranking, start=1):
            fused[key] = fused.get(key, 0.0) + 1.0 / (RANK_OFFSET + rank)
    hits = []
    for key, score in fused.items():
        record = memory.get(key)
        assert isinstance(record, Fact | Incident), "only these can be recalled"
        hits.append(Hit(record, score * _decay(record, now_s), cosines.get(key, 0.0)))
    return sorted(hits, key=lambda hit: (-hit.score, hit.record.id))[:most]


def _decay(record: Fact | Incident, now_s: float) -> float:
    kind = "fact" if isinstance(record, Fact) else "incident"
    age_s = max(now_s - record.created_s, 0.0)
    return float(max(DECAY_MIN, 0.5 ** (age_s / HALF_LIFE_S[kind])))


def like(
    memory: store.Memory, alert: alerts.Alert, finding: Mapping[str, Any], *, now_s: float, most: int = 3
) -> list[Hit]:
    """Facts and past incidents that say something about this finding (in its JSON form), each with why.

    Only what can be said why is shown: the same cause or kind of fault, the same class of alert about the same service, a fact about an
    entity of the finding, or, where nothing was found, much the same words.
    """
    now = Incident(
        alert=alert.name[: texts.NAME_LENGTH_MAX],
        alert_class=alert_class.of(alert)[: texts.NAME_LENGTH_MAX],
        service=(alert.entity.name if alert.entity is not None else "")[: texts.NAME_LENGTH_MAX],
        labels={},
        finding=dict(finding),
    )
    involved = _involved(finding, alert)
    hits = search(memory, now.words, now_s=now_s, most=CANDIDATES_MAX)
    found = {hit.record.id for hit in hits}
    # A fact about an entity of the finding is of use in whatever words it was said.
    hits += [Hit(one, 0.0, 0.0) for one in memory.facts() if one.about and one.id not in found]
    said = [
        dataclasses.replace(hit, why=_why(hit, now, involved)) for hit in hits if not _same_firing(hit.record, alert)
    ]
    return _gathered([hit for hit in said if hit.why])[:most]


def _same_firing(record: Fact | Incident, alert: alerts.Alert) -> bool:
    """An earlier look at this very firing is not "before"."""
    same = isinstance(record, Incident) and record.alert == alert.name[: texts.NAME_LENGTH_MAX]
    return same and isinstance(record, Incident) and abs(record.fired_s - alert.starts_at_s) < SAME_FIRING_S


def _gathered(hits: Sequence[Hit]) -> list[Hit]:
    """Of incidents with the same alert and outcome only the youngest, which says how many more there were; in the order of the best."""
    groups: dict[tuple[str, ...], list[Hit]] = {}
    for hit in hits:
        one = hit.record
        key = (one.id,) if isinstance(one, Fact) else (one.alert, one.service, one.status, one.cause, one.fault)
        groups.setdefault(key, []).append(hit)
    found = []
    for group in groups.values():
        youngest = max(group, key=lambda hit: hit.record.created_s)
        many = len(group) >= CANDIDATES_MAX  # no more were looked at
        more = f", {len(group)} times{' or more' if many else ''}" if len(group) > 1 else ""
        found.append(dataclasses.replace(youngest, why=youngest.why + more))
    return found


def _why(hit: Hit, now: Incident, involved: Sequence[entities.Entity]) -> str:
    """What is alike, in words; "" when nothing that is worth a reader's time."""
    record = hit.record
    if isinstance(record, Fact):
        about = next((pattern for pattern in record.about for one in involved if texts.names(pattern, one)), "")
        return f"about {about}" if about else ("similar words" if hit.cosine >= LIKE_MIN else "")
    same = []
    if record.cause and (record.cause, record.fault) == (now.cause, now.fault):
        same.append(f"the same cause, {record.cause} ({record.fault.replace('_', ' ')})")
    elif record.fault == now.fault and record.fault not in ("", "unknown") and hit.cosine >= ALIKE_MIN:
        same.append(f"the same kind of fault, at {record.cause}")
    if (record.alert_class, record.service) == (now.alert_class, now.service):
        same.append(f"the same class of alert about {record.service}" if record.service else "the same class of alert")
    # Nothing was found now: what was found when things looked alike is worth a look, whatever it was.
    unsure = now.finding.get("status") != "found"
    return " and ".join(same) or ("a similar finding" if unsure and hit.cosine >= LIKE_MIN else "")


def _involved(finding: Mapping[str, Any], alert: alerts.Alert) -> list[entities.Entity]:
    """The entities of the path and the leading cause, and the alert's own."""
    causes = finding.get("root_causes") or []
    told = [*(finding.get("path") or []), *[cause["entity"] for cause in causes[:1]]]
    found = [entities.Entity(entities.EntityKind(one["kind"]), one["name"], one.get("namespace", "")) for one in told]
    return [*found, *([alert.entity] if alert.entity is not None else [])]
