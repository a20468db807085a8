"""Planned work on machines, over well before any trouble: a node is cordoned, emptied, its kubelet renewed, and takes pods again.

As `kubectl drain` does it: one pod after the other through the eviction API, so that disruption budgets hold; their controllers
make new ones elsewhere. https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node
"""

import dataclasses

import numpy as np

from rootward.dojo.world import draft as dr
from rootward.dojo.world import noise as ns
from rootward.dojo.world import pods, texts
from rootward.dojo.world import troubles as tr

EACH_S = (30.0, 55.0)
"""From one eviction to the next: the budget of a workload allows one pod away at a time, and a new one needs a while to start."""
WORK_S = (90.0, 420.0)
"""From the last eviction to the uncordoning."""
APART_S = 300.0
"""Between the uncordoning and the onset of trouble, at least."""
CHANNEL = "engineering"


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """Node `node` is cordoned at step `at`, empty at step `empty`, and takes pods again from step `until`."""

    node: int
    at: int
    empty: int
    until: int


def planned(draft: dr.Draft, noise: ns.Noise) -> None:
    """Drain as many nodes as the knob says, one after the other, where nothing but what has a second pod lives."""
    rng = draft.rng("maintenance")
    count = int(rng.poisson(noise.maintenance))
    begin = draft.steps_in(120.0)
    if not count:
        return
    note = texts.MAINTENANCE[int(rng.integers(0, len(texts.MAINTENANCE)))]
    person = draft.person(rng)
    for _ in range(count):
        begin = int(rng.integers(begin, max(begin + 1, draft.onset)))
        drain = _possible(draft, begin, rng)
        if drain is None:
            return
        _drained(draft, drain, note, person, float(rng.uniform(*EACH_S)))
        begin = drain.until + draft.steps_in(60.0)


def _possible(draft: dr.Draft, at: int, rng: np.random.Generator) -> Drain | None:
    """A drain that begins at step `at` and is over in time; None if no node can be spared."""
    placed = pods.placed(draft)
    latest = draft.onset - draft.steps_in(APART_S)
    for node in rng.permutation(len(pods.node_names(draft))):
        there = [pod for pod in placed if pod.node == node and pod.end > at]
        living = sum(pod.start <= at for pod in there)
        empty = at + draft.steps_in(living * EACH_S[1])
        until = empty + draft.steps_in(float(rng.uniform(*WORK_S)))
        alone = any(pod.start < until and draft.layout.replicas[pod.component] < 2 for pod in there)
        coming = any(at < pod.start < until for pod in there)
        if living and until <= latest and not alone and not coming:
            return Drain(int(node), at, empty, until)
    return None


def _drained(draft: dr.Draft, drain: Drain, note: texts.Note, person: str, each_s: float) -> None:
    """Write the drain down: what happens to the node and its pods, what the cluster and people say about it."""
    name = pods.node_names(draft)[drain.node]
    draft.marks.append(dr.NodeMark(drain.node, drain.at, drain.until, cordoned=True))
    begin = drain.at + draft.steps_in(20.0)
    draft.troubles.append(
        tr.Trouble(
            -1, begin, drain.until, tr.HEALTHY, fresh=False, nodes=(drain.node,), taken=tr.DELETED, each_s=each_s
        )
    )
    renewed = drain.until - draft.steps_in(45.0)
    for at, reason, message in (
        (drain.at, "NodeNotSchedulable", f"Node {name} status is now: NodeNotSchedulable"),
        (renewed, "Starting", "Starting kubelet."),
        (renewed, "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods"),
        (renewed, "NodeHasSufficientMemory", f"Node {name} status is now: NodeHasSufficientMemory"),
        (drain.until, "NodeSchedulable", f"Node {name} status is now: NodeSchedulable"),
    ):
        draft.happenings.append(dr.Happening(at, ("", "Node", name), reason, message, warning=False))
    draft.notices.append(
        dr.Notice(-1, drain.at, note.kind, note.summary, person, details={**note.details, "node": name})
    )
    short = name.split(".", maxsplit=1)[0]
    draft.remarks.append(dr.Remark(drain.at, person, f"draining {short} for the {note.details['change']}", CHANNEL))
    draft.remarks.append(dr.Remark(drain.until, person, f"{short} is done and uncordoned", CHANNEL))
