"""What people told us and what investigations found goes into memory here, and nowhere else: added, struck, brought in, forgotten."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.memory import store, texts, writing
from rootward.memory.graph import model
from rootward.memory.guidance import Guidance
from rootward.memory.records import Fact, Incident, Kept, Kind
from rootward.signals import alert_class, alerts

OnConflict = writing.OnConflict
Sighted = writing.Sighted
GRAPH_KEEP_S = 30 * 86_400.0  # edges that no scan has seen for so long are forgotten


def guidance(path: Path, environment: str, given: Sequence[Guidance], *, now_s: float) -> list[Guidance]:
    """Keep each under a new id; with the ids."""
    with writing.Writer(path, environment) as writer:
        kept = [writer.add(one.model_copy(update={"created_s": round(now_s, 3)})) for one in given]
    return [one for one in kept if isinstance(one, Guidance)]


def fact(path: Path, environment: str, said: Fact, *, now_s: float) -> Fact:
    """Keep it under a new id; with the id."""
    with writing.Writer(path, environment) as writer:
        kept = writer.add(said.model_copy(update={"created_s": round(now_s, 3)}))
    assert isinstance(kept, Fact), "what was added comes back"
    return kept


def incident(path: Path, environment: str, alert: alerts.Alert, finding: dict[str, Any], *, now_s: float) -> Incident:
    """Keep what an investigation found: the finding in its published JSON form."""
    # Charts are for eyes and most of the bytes; what they show can be asked again.
    whole = {**finding, "charts": []}
    happened = Incident(
        alert=alert.name[:200],
        alert_class=alert_class.of(alert)[:200],
        service=(alert.entity.name if alert.entity is not None else alert.labels.get("service", ""))[:200],
        fired_s=min(max(round(alert.starts_at_s, 3), 0.0), texts.LATEST_S),
        labels={name[:200]: value[:2000] for name, value in list(alert.labels.items())[:100]},
        status=str(finding.get("status", ""))[:200],
        finding=whole,
        created_s=now_s,
    )
    with writing.Writer(path, environment) as writer:
        kept = writer.add(happened)
    assert isinstance(kept, Incident), "what was added comes back"
    return kept


def strike(path: Path, environment: str, key: str, *, why: str, now_s: float) -> Kept:
    """Mark a fact or a past incident as wrong: it is kept, with the reason, and never recalled again.

    Raises:
        InputError: there is none of this id, or it is guidance, which is removed instead.
    """
    if key.startswith("G"):
        raise errors.InputError(f"{key} is guidance: remove it with `rootward guidance remove {key}`")
    with writing.Writer(path, environment) as writer:
        return writer.change(key, {"struck_s": round(now_s, 3), "struck_why": why})


def forget(path: Path, environment: str, *, keys: Sequence[str] = (), kinds: Sequence[Kind] = ()) -> int:
    """Delete records by id, or all of some kinds, for good; how many.

    Raises:
        InputError: one of the ids does not exist; then nothing is deleted.
    """
    if not path.exists():
        raise errors.InputError(f"there is no memory at {path}")
    with writing.Writer(path, environment) as writer:
        return writer.forget(keys, kinds)


def sighted(path: Path, environment: str, sightings: Sequence[model.Sighting], *, now_s: float) -> Sighted:
    """Keep what a scan of the back ends saw of the graph."""
    with writing.Writer(path, environment) as writer:
        return writer.sight(sightings, now_s=now_s, keep_s=GRAPH_KEEP_S)


def forget_graph(path: Path, environment: str) -> int:
    """Delete the graph that scans made; how many sightings it was made of."""
    with writing.Writer(path, environment) as writer:
        return writer.unsight()


def bring_in(path: Path, environment: str, records: Sequence[Kept], on_conflict: OnConflict) -> tuple[int, int]:
    """Take over records of an export: (written, left as they were); all or nothing."""
    with writing.Writer(path, environment) as writer:
        return writer.take(records, on_conflict)


def everything(path: Path, environment: str) -> list[Kept]:
    """All records of the environment, for an export."""
    with store.Memory(path, environment) as memory:
        return list(memory.every())
