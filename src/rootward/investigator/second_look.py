"""Test: ask more of those that the first round suspects, where the answer could refute them.

Broad questions are bounded, so a suspect's own lines may have been cut off, and a container that restarts loses its log unless
the previous instance is asked for. Only such questions are asked again; when there are none, the first judgement stands.
"""

import dataclasses
from collections.abc import Iterable, Sequence

from rootward.investigator import gather, ledger, options
from rootward.investigator.causal import case
from rootward.investigator.probing import logs, notebook
from rootward.signals import answers, entities, protocols, records

PODS_MAX = 4


async def take(
    gathered: gather.Gathered,
    judgement: case.Judgement,
    chosen: options.Options,
    also: Iterable[entities.Entity] = (),
) -> gather.Gathered | None:
    """The case with what the second round brought, or None when there was nothing more to ask. `also` are looked at in any case."""
    leading = list(dict.fromkeys(hypothesis.entity for hypothesis in judgement.hypotheses))[: chosen.suspects_max]
    suspects = list(dict.fromkeys([*leading, *also]))
    notes = notebook.Notebook(ledger.Ledger("S"))
    more = await _restarted(gathered, suspects, chosen, notes)
    more += await _cut_off(gathered, suspects, chosen, notes)
    if not more:
        return None
    gathered.ledger.absorb(notes.ledger)

    def closer(subject: case.Case) -> case.Case:
        return dataclasses.replace(subject, logs=[*subject.logs, *more], gaps=[*subject.gaps, *notes.gaps])

    plain = None if gathered.plain is None else closer(gathered.plain)
    return dataclasses.replace(gathered, case=closer(gathered.case), plain=plain)


async def _restarted(
    gathered: gather.Gathered, suspects: Sequence[entities.Entity], chosen: options.Options, notes: notebook.Notebook
) -> list[case.LogsOf]:
    """The last words of containers that restarted, of pods that belong to a suspect."""
    if not gathered.sources.clusters:
        return []
    source = gathered.sources.clusters[0]
    names = {suspect.name for suspect in suspects}
    found: list[case.LogsOf] = []
    pods = [
        pod for pod in gathered.case.objects.get("Pod", ()) if _belongs(pod, gathered.case, names) and _restarts(pod)
    ]
    for pod in pods[:PODS_MAX]:
        answer = await source.pod_logs(pod.name, pod.namespace, _container(pod), previous=True, limits=chosen.limits)
        key = notes.note(f"last words of {pod.name}", answer)
        if answer.value is not None:
            owner = gathered.case.pods_of.get(
                pod.name, entities.Entity(entities.EntityKind.POD, pod.name, pod.namespace)
            )
            found.append(case.LogsOf(owner, answer.value, key, answer.outcome is answers.Outcome.TRUNCATED))
    return found


def _belongs(pod: records.ClusterObject, subject: case.Case, names: set[str]) -> bool:
    owner = subject.pods_of.get(pod.name)
    return pod.name in names or (owner is not None and owner.name in names)


def _statuses(pod: records.ClusterObject) -> list[dict[str, object]]:
    return list(pod.body.get("status", {}).get("containerStatuses") or ())


def _restarts(pod: records.ClusterObject) -> bool:
    return any(status.get("restartCount") for status in _statuses(pod))


def _container(pod: records.ClusterObject) -> str:
    """The container that restarted most."""
    worst = max(_statuses(pod), key=lambda status: int(str(status.get("restartCount") or 0)))
    return str(worst.get("name", ""))


async def _cut_off(
    gathered: gather.Gathered, suspects: Sequence[entities.Entity], chosen: options.Options, notes: notebook.Notebook
) -> list[case.LogsOf]:
    """The suspects' own lines during the trouble, when the broad question was cut off by its limit."""
    if not gathered.sources.logs or not any(part.truncated for part in gathered.case.logs):
        return []
    source = gathered.sources.logs[0]
    found: list[case.LogsOf] = []
    for suspect in suspects:
        stream = _stream_of(suspect, gathered.case.logs)
        if stream is None:
            continue
        matchers = tuple(protocols.Matcher(label, "=", value) for label, value in sorted(stream.items()))
        answer = await source.lines(protocols.LogQuery(matchers), gathered.case.focus, chosen.limits)
        key = notes.note(f"log lines of {suspect.name}", answer)
        found.extend(logs.by_entity([(answer, key)]))
    return found


def _stream_of(suspect: entities.Entity, parts: Sequence[case.LogsOf]) -> dict[str, str] | None:
    """The label that picks the suspect's streams, as its lines carry it."""
    for part in parts:
        if part.entity != suspect or not len(part.lines):
            continue
        stream = part.lines.streams[part.lines.stream[0]]
        for label in (*logs.SERVICE_LABELS, "pod"):
            if stream.get(label):
                return {label: stream[label]}
    return None
