"""Roll-outs: which pod templates a component had, in which order pods were replaced, and how far one that is stuck gets.

A Deployment's RollingUpdate with the defaults (maxSurge and maxUnavailable of 25 %): new pods beyond what is wanted, old ones
taken away as long as enough are available, and no further while the new ones are not ready. StatefulSets replace their highest
ordinal first and wait for it.
"""

import dataclasses
import functools
import math

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import troubles as tr

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' alphabet for generated names (no vowels, no 0, 1, 3)."""
STEP_S = 30.0
"""A rolling update takes half a minute per pod."""


@dataclasses.dataclass(slots=True)
class Generation:
    """One pod template, rolled out from step `at` (0: long before); `stuck` is what keeps its pods from being ready."""

    at: int
    version: str
    template: str  # pod-template-hash, "" for stateful sets
    stateful: bool
    stuck: tr.Trouble | None = None
    only: frozenset[int] = frozenset()  # slots that it is rolled out to; empty: all
    pods: list[int] = dataclasses.field(default_factory=list)

    @property
    def back(self) -> int | None:
        """The step at which it is rolled back; None if it stays."""
        return self.stuck.until if self.stuck is not None and self.stuck.mends == tr.ROLL_BACK else None

    def fresh(self, replicas: int) -> range:
        """Slots that get a pod of it although it is stuck."""
        assert self.stuck is not None, "only stuck roll-outs stop half-way"
        if self.stuck.state.kind == tr.ABSENT:
            return range(0)
        if self.stateful:
            return range(max(replicas - 1, 0), replicas)
        return range(replicas if self.stuck.recreate else min(surge(replicas) + unavailable(replicas), replicas))

    def taken(self, replicas: int) -> range:
        """Slots whose older pod goes away although it is stuck."""
        assert self.stuck is not None, "only stuck roll-outs stop half-way"
        if self.stateful:
            return range(max(replicas - 1, 0), replicas)
        return range(replicas if self.stuck.recreate else unavailable(replicas))


def surge(replicas: int) -> int:
    return math.ceil(replicas * 0.25)


def unavailable(replicas: int) -> int:
    return math.floor(replicas * 0.25)


@functools.lru_cache(maxsize=1)
def first_versions(layout: lay.Layout, seed: int) -> tuple[str, ...]:
    rng = _rng.stream(seed, layout.plan.name, "versions")
    return tuple(f"{rng.integers(1, 5)}.{rng.integers(0, 40)}.{rng.integers(0, 12)}" for _ in layout.components)


def generations(draft: dr.Draft, i: int) -> list[Generation]:
    """A component's pod templates, oldest first."""
    component = draft.layout.components[i]
    stateful = component.kind is not bp.Kind.SERVICE
    rng = draft.rng("templates", component.name)
    starts: dict[int, str] = {0: first_versions(draft.layout, draft.seed)[i]}
    for limit in draft.limits:
        if limit.component == i and limit.rolled:
            starts.setdefault(limit.at, "")
    for edit in draft.edits:
        if edit.component == i and edit.rolled:
            starts.setdefault(edit.at, "")
    releases = [release for release in draft.releases if release.component == i]
    starts |= {release.at: release.version for release in releases}
    partial = {release.at: release.only for release in releases}
    found: list[Generation] = []
    for at in sorted(starts):
        kept = [one for one in found if one.back is None and not one.only]
        version = starts[at] or kept[-1].version
        template = "" if stateful else _rng.token(rng, 9, SUFFIX)
        stuck = next((t for t in draft.troubles if at > 0 and t.fresh and t.blocks and t.holds(i, at)), None)
        found.append(Generation(at, version, template, stateful, stuck, partial.get(at, frozenset())))
    return found


def turn(draft: dr.Draft, at: int, slot: int) -> int:
    """The step at which a rolling update that began at `at` reaches `slot`."""
    return min(at + slot * draft.steps_in(STEP_S), draft.steps)


def spans(draft: dr.Draft, made: list[Generation], g: int, slot: int, desired: lay.IndexArray) -> list[tuple[int, int]]:
    """Steps `start:end` in which `slot` is held by a pod of generation `g`, were nothing else to happen."""
    own = made[g]
    if own.only and slot not in own.only:
        return []
    start = own.at if own.at == 0 else turn(draft, own.at, slot)
    if own.stuck is not None:
        early = slot in own.fresh(int(desired[own.at]))
        if own.back is not None:
            return _real([(own.at, own.back)], draft.steps) if early else []
        start = own.at if early else turn(draft, own.stuck.until, slot)
    found: list[tuple[int, int]] = []
    for later in made[g + 1 :]:
        if later.only and slot not in later.only:
            continue
        if later.stuck is None:
            end = turn(draft, later.at, slot)
        elif slot in later.taken(int(desired[later.at])):
            end = later.at
        elif later.back is None:
            end = turn(draft, later.stuck.until, slot)
        else:
            continue
        found.append((start, end))
        if later.back is None:
            return _real(found, draft.steps)
        start = min(later.back + draft.steps_in(20.0), draft.steps)
    found.append((start, draft.steps))
    return _real(found, draft.steps)


def _real(found: list[tuple[int, int]], steps: int) -> list[tuple[int, int]]:
    return [(start, min(end, steps)) for start, end in found if start < min(end, steps)]
