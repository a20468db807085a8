"""What signatures read from a picture: which roles moved where, by how much in practice, and which lines newly say a thing."""

import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import loglines, picture, shifts
from rootward.signals import entities
from rootward.signals.roles import role as roles

IntArray = npt.NDArray[np.int64]
NOTABLE_Z = 4.0
NOW_S = 300.0  # "now" is the last five minutes
SPOKEN_MIN = 3  # lines; one or two may be a stray
SPOKEN_SURPLUS = 3.0  # times as many a minute as before


def risen(
    seen: picture.Picture, role: roles.Role, *, at_least: float = 0.0, z: float = NOTABLE_Z
) -> dict[entities.Entity, shifts.Shift]:
    """The largest rise of `role` for each suspect that measured it itself, where the level now is at least `at_least`."""
    found: dict[entities.Entity, shifts.Shift] = {}
    for shift in seen.by_role.get(role, ()):
        if shift.observer is not None or shift.z < z or shift.after < at_least:
            continue
        best = found.get(shift.home)
        if best is None or shift.z > best.z:
            found[shift.home] = shift
    return found


def viewed(
    seen: picture.Picture, wanted: Iterable[roles.Role], *, z: float = NOTABLE_Z
) -> dict[entities.Entity, shifts.Shift]:
    """The largest rise of any of `wanted` for each suspect, as its clients saw it."""
    found: dict[entities.Entity, shifts.Shift] = {}
    for shift in (shift for role in dict.fromkeys(wanted) for shift in seen.by_role.get(role, ())):
        if shift.observer is None or shift.z < z:
            continue
        best = found.get(shift.home)
        if best is None or shift.z > best.z:
            found[shift.home] = shift
    return found


def suffers(seen: picture.Picture, entity: entities.Entity) -> bool:
    """Users or callers of the suspect feel something: its latency or errors rose, by its own word or theirs."""
    return any(
        shift.z >= NOTABLE_Z and shift.home == entity
        for role in (*roles.DURATIONS, roles.Role.ERROR_RATIO, roles.Role.ERROR_RATE)
        for shift in seen.by_role.get(role, ())
    )


def latest(signal: cases.Signal, now_s: float) -> float:
    """Median of the signal's last minutes; NaN when there are none."""
    recent = signal.values[(signal.times_s > now_s - NOW_S) & np.isfinite(signal.values)]
    return float(np.median(recent)) if recent.size else float("nan")


@dataclasses.dataclass(frozen=True, slots=True)
class Spoken:
    """Lines of one suspect that match a pattern and were rare before the onset: how many, the first of them, and when. `pods` who
    said each, "" where the line does not tell."""

    entity: entities.Entity
    count: int
    example: str
    first_s: float
    evidence: str
    pods: tuple[str, ...] = ()


def spoken(seen: picture.Picture, pattern: re.Pattern[str], *, ever: bool = False) -> list[Spoken]:
    """Who newly says what `pattern` describes, most talkative first; one example of each kind of line is matched, for speed.

    With `ever`, it need not be new: for words that nobody says in health, where trouble smoulders long before it is felt."""
    if seen.logs is None:
        return []
    since_s = -np.inf if ever else seen.onset_s - NOW_S
    late = int((seen.logs.recorded & (seen.logs.bins >= since_s)).sum())
    early = int(seen.logs.recorded.sum()) - late
    known = loglines.kinds(seen.case)
    saying = np.array([pattern.search(example) is not None for example in known.example], dtype=bool)
    if not saying.any():
        return []
    said: dict[entities.Entity, list[tuple[cases.LogsOf, IntArray]]] = {}
    before: dict[entities.Entity, int] = {}
    for logs, kinds in zip(seen.case.logs, known.of, strict=True):
        rows = np.flatnonzero(saying[kinds]) if kinds.size else kinds
        if rows.size:
            home, now = seen.homes.of(logs.entity), logs.lines.times_s[rows] >= since_s
            said.setdefault(home, []).append((logs, rows[now]))
            before[home] = before.get(home, 0) + int((~now).sum())
    heard = []
    for home, parts in said.items():
        count = sum(rows.size for _, rows in parts)
        if count < max(SPOKEN_MIN, SPOKEN_SURPLUS * before[home] / max(early, 1) * max(late, 1)):
            continue
        logs, rows = next((logs, rows) for logs, rows in parts if rows.size)
        first_s = min(float(logs.lines.times_s[rows[0]]) for logs, rows in parts if rows.size)
        pods = tuple(_pod_of(logs, row) for logs, rows in parts for row in rows.tolist())
        heard.append(Spoken(home, count, logs.lines.lines[int(rows[0])], first_s, parts[-1][0].evidence, pods))
    return sorted(heard, key=lambda one: (-one.count, one.entity))


def _pod_of(logs: cases.LogsOf, row: int) -> str:
    streams = logs.lines.streams
    return str(streams[logs.lines.stream[row]].get("pod", "")) if streams else ""


def events_of(
    seen: picture.Picture, reasons: Sequence[str], text: str = ""
) -> list[tuple[entities.Entity, float, str]]:
    """(suspect, time, evidence) of cluster events with one of `reasons` (or whose message holds `text`) since before the onset."""
    found = []
    for event, key in seen.case.events:
        if event.time_s >= seen.onset_s - 4 * NOW_S and (event.reason in reasons or (text and text in event.message)):
            found.append((seen.homes.of(event.entity), event.time_s, key))
    return found


def quoted(line: str, length: int = 140) -> str:
    """A line as a sentence may quote it: one line, cut."""
    text = " ".join(line.split())
    return text if len(text) <= length else text[: length - 1] + "…"


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)
