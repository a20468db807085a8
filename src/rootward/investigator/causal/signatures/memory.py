"""Memory: a leak that ends in OOM kills, and a limit that is simply too low.

A leak climbs for many minutes before each kill (a sawtooth); a limit that is too low kills at start or under load, without a climb.
Source: Kubernetes documentation, "Assign Memory Resources" (OOMKilled, exit code 137); AIOpsLab and HolmesGPT fault lists.
"""

from collections.abc import Container

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities, series
from rootward.signals.roles import role as roles

FAMILY = "signature.memory"
KILLED = 3.5
CLIMBED = 2.5
CLIMB_MIN = 0.2  # of its level: how much memory has to climb within the window to be a climb
CLIMB_AGREEMENT = 0.7  # Kendall-like: the share of pairs of samples in which the later one is higher
PIECES = 24
TOOTH_GAIN = 1.3
TEETH_MIN = 2
TOOTH_WINDOW_S = 1200.0
NEARLY_FULL = 0.85  # of the limit
FILLED = 1.5
FILLED_FACTOR = 1.2  # less is within what programs allocate and free


def clues(seen: picture.Picture) -> list[cases.Clue]:
    ended = killed(seen)
    climbing = _climbing(seen)
    toothed = _toothed(seen)
    found: list[cases.Clue] = []
    for home, (time_s, key) in sorted(ended.items()):
        sentence = f"a container of {home.name} was killed for memory (OOMKilled)"
        fault = "memory_leak" if home in climbing or home in toothed else "oom_killed"
        found.append(cases.Clue(home, fault, KILLED, sentence, (key,) if key else (), FAMILY + ".kill", time_s))
    for home, (signal, share) in sorted(climbing.items()):
        if home not in ended and not _nearly_full(seen, home):
            continue  # memory climbs all the time: caches fill, heaps grow between collections
        weight = CLIMBED if home in ended else CLIMBED * 0.5
        sentence = f"memory of {home.name} climbed by {share:.0%} without coming back"
        found.append(
            cases.Clue(home, "memory_leak", weight, sentence, (signal.evidence,), FAMILY + ".climb", seen.onset_s)
        )
    return [*found, *_filled(seen, ended)]


def _nearly_full(seen: picture.Picture, home: entities.Entity) -> bool:
    return any(
        shift.home == home and shift.after >= NEARLY_FULL
        for shift in seen.by_role.get(roles.Role.MEMORY_LIMIT_RATIO, ())
    )


def _filled(seen: picture.Picture, killed: Container[entities.Entity]) -> list[cases.Clue]:
    """Memory that jumped at the onset, of somebody who was not killed for it."""
    risen = reading.risen(seen, roles.Role.MEMORY_USAGE)
    return [
        cases.Clue(home, "memory_pressure", FILLED, shift.said, (shift.signal.evidence,), FAMILY, shift.onset_s)
        for home, shift in sorted(risen.items())
        if home not in killed and shift.after >= FILLED_FACTOR * max(shift.before, 1e-9)
    ]


def killed(seen: picture.Picture) -> dict[entities.Entity, tuple[float, str]]:
    """Who was killed since shortly before the onset, by events, by pod status, by kube-state-metrics."""
    found: dict[entities.Entity, tuple[float, str]] = {}
    for home, time_s, key in reading.events_of(seen, ("OOMKilled", "OOMKilling"), "OOMKilled"):
        if home.kind is entities.EntityKind.NODE:
            continue  # the kernel's own word: it is told of the machine, and means one of its containers
        found.setdefault(home, (time_s, key))
    for pod in seen.case.objects.get("Pod", ()):
        for status in pod.body.get("status", {}).get("containerStatuses") or ():
            ends = [status.get(field, {}).get("terminated") or {} for field in ("lastState", "state")]
            if any(end.get("reason") == "OOMKilled" for end in ends):
                home = seen.homes.of(entities.Entity(entities.EntityKind.POD, pod.name, pod.namespace))
                found.setdefault(home, (seen.onset_s, seen.case.objects_evidence.get("Pod", "")))
    for shift in seen.shifts:
        if shift.signal.detail.get("reason") == "OOMKilled" and shift.delta > 0:
            found.setdefault(shift.home, (seen.onset_s, shift.signal.evidence))
    return found


def _climbing(seen: picture.Picture) -> dict[entities.Entity, tuple[cases.Signal, float]]:
    """Whose memory climbed steadily over the last hours: pieces of the window, each higher than those before, falls by restart aside."""
    found: dict[entities.Entity, tuple[cases.Signal, float]] = {}
    for signal in seen.case.signals:
        if signal.role not in (roles.Role.MEMORY_USAGE, roles.Role.MEMORY_LIMIT_RATIO):
            continue
        share = climb(signal)
        home = seen.homes.of(signal.entity)
        if share >= CLIMB_MIN and (home not in found or share > found[home][1]):
            found[home] = (signal, share)
    return found


def _toothed(seen: picture.Picture) -> set[entities.Entity]:
    """Whose memory, instance by instance, climbs in a few samples from restart to restart: a leak that is killed within minutes."""
    return {
        seen.homes.of(signal.entity)
        for signal in seen.case.signals
        if signal.role in (roles.Role.MEMORY_USAGE, roles.Role.MEMORY_LIMIT_RATIO)
        and teeth(signal.values[signal.times_s >= seen.onset_s - TOOTH_WINDOW_S]) >= TEETH_MIN
    }


def teeth(values: series.FloatArray) -> int:
    """Runs of at least three rising samples that gain `TOOTH_GAIN` between falls of more than a tenth."""
    finite = values[np.isfinite(values)]
    if not finite.size or finite.max() < TOOTH_GAIN * finite.min():
        return 0
    found, start = 0, 0
    for end in range(1, finite.size + 1):
        if end < finite.size and finite[end] >= 0.9 * finite[end - 1]:
            continue
        run = finite[start:end]
        if run.size >= 3 and run[0] > 0 and run[-1] >= TOOTH_GAIN * run[0] and bool(np.all(np.diff(run) > 0)):
            found += 1
        start = end
    return found


def climb(signal: cases.Signal) -> float:
    """By what share the signal climbed during its longest rise without a fall of more than a tenth; 0 when by less than `CLIMB_MIN`."""
    values = signal.values[np.isfinite(signal.values)]
    width = values.size // PIECES
    if width < 2 or not values.max() > (1.0 + CLIMB_MIN) * values.min():
        return 0.0
    pieces = np.median(values[-width * PIECES :].reshape(PIECES, width), axis=1)
    best = 0.0
    start = 0
    for end in range(1, len(pieces) + 1):
        if end == len(pieces) or pieces[end] < 0.9 * pieces[end - 1]:
            best = max(best, _rise(pieces[start:end]))
            start = end
    return best


def _rise(run: series.FloatArray) -> float:
    if len(run) < PIECES // 6 or run[0] <= 0:
        return 0.0
    later = np.triu(np.ones((len(run), len(run)), dtype=bool), k=1)
    agreement = float(np.mean((run[None, :] > run[:, None])[later]))
    return float(run[-1] / run[0] - 1.0) if agreement >= CLIMB_AGREEMENT else 0.0
