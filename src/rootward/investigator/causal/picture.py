"""What every detector looks at: the case, folded, measured and drawn as a graph, once."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import graph as graphs
from rootward.investigator.causal import homes as folding
from rootward.investigator.causal import loglines, onset, spans
from rootward.investigator.causal import shifts as shifting
from rootward.signals import entities
from rootward.signals.roles import role as roles


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """`rates` requests per second after the onset; `suspects` everything that could be a cause, in order of name."""

    case: cases.Case
    homes: folding.Homes
    graph: graphs.Graph
    onset_s: float
    shifts: list[shifting.Shift]
    rates: Mapping[entities.Entity, float]
    suspects: tuple[entities.Entity, ...]
    by_role: Mapping[roles.Role, Sequence[shifting.Shift]]
    table: spans.Table | None = None  # of spans
    logs: loglines.Logs | None = None

    @property
    def doors(self) -> frozenset[entities.Entity]:
        """External things that nobody inside calls: our own addresses, probed from outside."""
        return frozenset(
            one for one in self.suspects if one.kind is entities.EntityKind.EXTERNAL and not self.graph.callers.get(one)
        )

    @property
    def alerted(self) -> entities.Entity | None:
        """The suspect that the alert is about."""
        entity = self.case.alert.entity
        return None if entity is None else self.homes.of(entity)

    @functools.cached_property
    def nodes_of(self) -> Mapping[str, str]:
        """Pod → the machine that it runs on, as far as the cluster told."""
        pods = self.case.objects.get("Pod", ())
        found = {pod.name: str((pod.body.get("spec") or {}).get("nodeName") or "") for pod in pods}
        return {pod: node for pod, node in found.items() if node}

    @functools.cached_property
    def standing(self) -> Mapping[str, frozenset[entities.Entity]]:
        """Machine → the suspects that have a pod on it."""
        found: dict[str, set[entities.Entity]] = {}
        for pod in self.case.objects.get("Pod", ()):
            if pod.name in self.nodes_of:
                home = self.homes.of(entities.Entity(entities.EntityKind.POD, pod.name, pod.namespace))
                found.setdefault(self.nodes_of[pod.name], set()).add(home)
        return {node: frozenset(homes) for node, homes in found.items()}

    @functools.cached_property
    def zones(self) -> Mapping[str, Sequence[str]]:
        """Zone → its machines, by the cloud's labels."""
        found: dict[str, list[str]] = {}
        for node in self.case.objects.get("Node", ()):
            labels = node.body.get("metadata", {}).get("labels") or {}
            zone = labels.get("topology.kubernetes.io/zone") or labels.get("failure-domain.beta.kubernetes.io/zone")
            if zone:
                found.setdefault(str(zone), []).append(node.name)
        return found

    def of(self, entity: entities.Entity, *wanted: roles.Role) -> list[shifting.Shift]:
        """Shifts of one suspect in some roles (all when none are given), largest first."""
        found = [s for s in self.shifts if s.home == entity and (not wanted or s.role in wanted)]
        return sorted(found, key=lambda s: -abs(s.z))


def draw(case: cases.Case) -> Picture:
    """Pure."""
    homes = folding.fold(case)
    table = spans.table(case)
    logs = loglines.read(case, homes)
    derived = [] if table is None else [spans.binned(table, float(table.start_s.min()), case.focus.end_s)]
    onset_s = onset.estimate(case, derived)
    measured = shifting.measure(case, homes, onset_s)
    by_role: dict[roles.Role, list[shifting.Shift]] = {}
    for shift in measured:
        by_role.setdefault(shift.role, []).append(shift)
    graph = graphs.build(case, homes)
    rates: dict[entities.Entity, float] = {}
    for shift in measured:
        if shift.role is roles.Role.RATE and shift.observer is None:
            rates[shift.home] = rates.get(shift.home, 0.0) + shift.after
    return Picture(
        case, homes, graph, onset_s, measured, rates, _suspects(case, homes, graph, measured), by_role, table, logs
    )


def _suspects(
    case: cases.Case, homes: folding.Homes, graph: graphs.Graph, measured: list[shifting.Shift]
) -> tuple[entities.Entity, ...]:
    found = {shift.home for shift in measured}
    found.update(graph.callees)
    found.update(graph.callers)
    found.update(homes.of(logs.entity) for logs in case.logs)
    found.update(homes.by_name[name] for name in homes.by_name)
    return tuple(sorted(found))
