"""What the cluster keeps saying about pods that are not as they should be, aggregated as event recorders do."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects, pod_objects
from rootward.dojo.world import troubles as tr

SHOWN = 12
"""The most versions of one repeated event that are kept; the last is always among them."""


class Reporter(Protocol):
    events: list[objects.Body]


def report(frame: fr.Frame, to: Reporter) -> None:
    """Every told event of every spell; and, for pods that could not be made, of their controllers."""
    for p, pod in enumerate(frame.fleet.pods):
        named = pod_objects.texts(frame, p)
        here = (named["namespace"], "Pod", pod.name)
        for spell in pod.spells:
            begin_s = pod.created_s if spell.start == pod.start else float(frame.times_s[spell.start])
            until_s = float(frame.times_s[min(spell.end, frame.steps) - 1])
            _spell(to, here, spell.state, (begin_s, until_s), _always(named))
    for i, component in enumerate(frame.layout.components):
        for generation in frame.fleet.generations[i]:
            stuck = generation.stuck
            if stuck is None or stuck.state.kind != tr.ABSENT:
                continue
            name = f"{component.name}-{generation.template}"
            where = (frame.layout.namespace(i), "ReplicaSet", name)
            lasts = float(frame.times_s[generation.at]), float(frame.times_s[min(stuck.until, frame.steps) - 1])
            _spell(to, where, stuck.state, lasts, _refused(frame, i, name))
    for trouble in frame.draft.troubles:
        if trouble.state.kind == tr.ABSENT:
            _missing(frame, to, trouble)


def _always(named: dict[str, str]) -> Callable[[int], dict[str, str]]:
    return lambda _attempt: named


def _missing(frame: fr.Frame, to: Reporter, trouble: tr.Trouble) -> None:
    """Replicas that are wanted and cannot be made, of workloads that are not being rolled out."""
    for i, component in enumerate(frame.layout.components):
        if trouble.component not in (-1, i) or not frame.fleet.generations[i]:
            continue
        mine = [frame.fleet.pods[p] for p in frame.fleet.of(i)]
        held = frame.fleet.exists[frame.fleet.of(i)].sum(axis=0) if mine else np.zeros(frame.steps)
        short = np.flatnonzero((held < frame.fleet.desired[i])[trouble.at : trouble.until]) + trouble.at
        kept = [one for one in frame.fleet.generations[i] if one.stuck is None and one.at <= trouble.at]
        if not len(short) or not kept:
            continue
        name = f"{component.name}-{kept[-1].template}"
        where = (frame.layout.namespace(i), "ReplicaSet", name)
        if not kept[-1].template:
            where = (where[0], "StatefulSet", component.name)
        lasts = float(frame.times_s[short[0]]), float(frame.times_s[short[-1]])
        _spell(to, where, trouble.state, lasts, _refused(frame, i, name))


def _refused(frame: fr.Frame, i: int, name: str) -> Callable[[int], dict[str, str]]:
    """Each attempt has a name of its own, so that such events are not aggregated."""
    rng = frame.rng("refused", name)
    letters = "bcdfghjklmnpqrstvwxz2456789"

    def named(attempt: int) -> dict[str, str]:
        del attempt
        suffix = "".join(letters[int(k)] for k in rng.integers(0, len(letters), 5))
        return {"pod": f"{name}-{suffix}", "namespace": frame.layout.namespace(i), "replica_set": name}

    return named


def _spell(
    to: Reporter,
    where: tuple[str, str, str],
    state: tr.State,
    lasts_s: tuple[float, float],
    named: Callable[[int], dict[str, str]],
) -> None:
    begin_s, until_s = lasts_s
    for told in state.events:
        if (told.about == "Pod") != (where[1] == "Pod"):
            continue
        first_s = begin_s + told.after_s
        times = 1 if told.every_s <= 0 else 1 + max(0, int((until_s - first_s) / told.every_s))
        if first_s > until_s and told.every_s > 0:
            continue
        alone = told.about != "Pod"
        shown = sorted({round(k) for k in np.linspace(1, times, min(times, SHOWN))})
        for count in shown:
            at_s = first_s + (count - 1) * told.every_s
            message = told.message.format(**named(count))
            to.events.append(
                objects.event(
                    *where,
                    told.reason,
                    message,
                    at_s if alone else first_s,
                    at_s,
                    count=1 if alone else count,
                    warning=told.warning,
                    source=told.source,
                )
            )
