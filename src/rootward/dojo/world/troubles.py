"""Pods that are not as they should be: which, from when until when, in what state, and what the cluster keeps saying about it.

A fault declares; `pods.py` lets it happen to the pods of the model, and from there follow readiness, capacity, objects, events,
metrics and logs. Texts may name {pod}, {namespace}, {node}, {image}, {container}, {replica_set}, {address}, {uid}.
"""

import dataclasses

ABSENT, UNSCHEDULED, WAITING, INITIALISING = "absent", "unscheduled", "waiting", "initialising"
CRASHING, UNREADY, LOST = "crashing", "unready", "lost"
PENDING = (UNSCHEDULED, WAITING, INITIALISING)
ROLL_BACK, IN_PLACE = "roll back", "in place"
EVICTED, PREEMPTED, DELETED, LOST_POD = "Evicted", "Preempted", "Deleted", "Lost"
GRACE_S = 40.0
"""How long a node may be silent before the node controller calls it not ready (--node-monitor-grace-period)."""
TOLERATION_S = 300.0
"""How long pods stay bound to a node that is not ready or not reachable."""


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """An event that is repeated every `every_s` seconds (0: said once) while a state lasts, from `after_s` into it; `about` is
    Pod, or ReplicaSet for what its controller says."""

    reason: str
    message: str
    source: str = "kubelet"
    about: str = "Pod"
    every_s: float = 120.0
    after_s: float = 2.0
    warning: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """One way for a pod not to be ready.

    absent: never created · unscheduled: no node takes it · waiting: its container does not start (`reason` ErrImagePull,
    CreateContainerConfigError, ContainerCreating …) · initialising: an init container does not finish · crashing: it runs for
    `runs_s`, ends with `exit_code` and `reason` and is started again, later each time; it is ready meanwhile if it `answers` ·
    unready: it runs and is not ready · lost: its node is not heard of; if it `answers`, it
    runs on. `lines` are what a container writes before it ends.
    """

    kind: str
    reason: str = ""
    message: str = ""
    events: tuple[Told, ...] = ()
    exit_code: int = 1
    runs_s: float = 2.0
    answers: bool = False
    lines: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """What befalls pods of `component` (-1: of all) in steps `at:until`.

    `fresh` ones only befall pods that are made meanwhile: a roll-out gets stuck (keeping what the strategy keeps, nothing if
    `recreate`), new replicas do not come up. Others befall what exists in `slots` (empty: all) on `nodes` (empty: any); with
    `taken` (how) those pods go away, one every `each_s` seconds, and their replacements suffer from the state, if it has a kind.
    `mends` tells how a stuck roll-out ends.
    """

    component: int
    at: int
    until: int
    state: State
    fresh: bool = True
    slots: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    recreate: bool = False
    taken: str = ""
    each_s: float = 30.0
    mends: str = ROLL_BACK
    blocks: bool = True  # fresh pods that suffer hold a roll-out up
    note: str = ""  # what an evicted pod's status says

    def holds(self, component: int, step: int) -> bool:
        """Whether a pod of `component` that is made at `step` suffers."""
        return self.component in (-1, component) and self.at <= step < self.until


HEALTHY = State("")
"""For pods that are taken away and replaced without further ado."""


@dataclasses.dataclass(slots=True)
class Spell:
    """A pod's time `start:end` (steps) in a state."""

    start: int
    end: int
    state: State
