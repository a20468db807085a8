"""What controllers count: pods of a Deployment or StatefulSet over time, by pod template, as its status and kube-state-metrics say."""

import dataclasses

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import rollouts
from rootward.dojo.world import troubles as tr

DEADLINE_S = 600.0
"""progressDeadlineSeconds: a roll-out that takes longer counts as failed."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """[T] each. `current` is the index of the pod template that is asked for, `held` [G, T] pods of each template, `failing`
    where pods could not be created, `late` where the roll-out missed its deadline."""

    desired: lay.IndexArray
    total: lay.IndexArray
    ready: lay.IndexArray
    updated: lay.IndexArray
    current: lay.IndexArray
    held: lay.IndexArray
    held_ready: lay.IndexArray
    failing: lay.BoolArray
    late: lay.BoolArray

    def available(self, step: int) -> bool:
        """MinimumReplicasAvailable."""
        desired = int(self.desired[step])
        return int(self.ready[step]) >= desired - rollouts.unavailable(desired)

    def moments(self, most: int) -> list[int]:
        """Steps at which any count changes, the first step included; the latest `most` of them and the first."""
        rows = np.vstack(
            (
                self.desired,
                self.total,
                self.ready,
                self.updated,
                self.current,
                self.failing,
                self.late,
                self.held,
                self.held_ready,
            )
        )
        changed = np.flatnonzero((np.diff(rows, axis=1) != 0).any(axis=0)) + 1
        return [0, *(int(step) for step in changed[-most:])]


def kind_of(component: bp.Component) -> str:
    return "Deployment" if component.kind is bp.Kind.SERVICE else "StatefulSet"


def count(frame: fr.Frame, i: int) -> Counts:
    """Counts of one component's pods."""
    fleet, steps = frame.fleet, np.arange(frame.steps)
    made = fleet.generations[i]
    current = np.zeros(frame.steps, dtype=np.intp)
    late = np.zeros(frame.steps, dtype=np.bool_)
    for g, one in enumerate(made):
        lasts = (steps >= one.at) & (steps < (one.back if one.back is not None else frame.steps))
        current[lasts] = g
        if one.stuck is not None and made[0].template:
            until = min(one.stuck.until, frame.steps)
            late[min(one.at + frame.draft.steps_in(DEADLINE_S), until) : until] = True
    held = np.array([fleet.exists[one.pods].sum(axis=0) if one.pods else np.zeros(frame.steps) for one in made])
    held_ready = np.array([fleet.ready[one.pods].sum(axis=0) if one.pods else np.zeros(frame.steps) for one in made])
    held, held_ready = held.astype(np.intp), held_ready.astype(np.intp)
    total, ready = held.sum(axis=0), held_ready.sum(axis=0)
    desired = fleet.desired[i]
    failing = np.zeros(frame.steps, dtype=np.bool_)
    for trouble in frame.draft.troubles:
        if trouble.component in (-1, i) and trouble.state.kind == tr.ABSENT:
            span = slice(trouble.at, trouble.until)
            failing[span] |= (held[current, steps] < np.minimum(desired, 1 + held[current, steps]))[span] & (
                (total < desired) | (held[current, steps] == 0)
            )[span]
    return Counts(desired, total, ready, held[current, steps], current, held, held_ready, failing, late)
