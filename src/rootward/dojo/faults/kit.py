"""What families of faults share: where in a system trouble is felt, when it begins, and one fault within another."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo import oracle
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import shapes, statements

Family = dr.Family


def within(draft: dr.Draft, family: dr.Family, dice: dr.Dice, *, apart_from: int = -1) -> dr.Planted:
    """Let another family's fault in, as hard and in the shape that `dice` says, at a place of the seed's choice that no chain of
    calls connects with `apart_from` if there is one.

    Raises:
        WorldError: the family finds no place in this system.
    """
    layout = draft.layout
    places = family.targets(layout)
    free = [one for one in places if apart_from < 0 or not _connected(layout, _place(layout, family, one), apart_from)]
    rng = draft.rng("within", family.name)
    able = free or [one for one in places if _place(layout, family, one) != apart_from]
    if not able:
        raise errors.WorldError(f"{layout.plan.name}: no place for {family.name}")
    target = able[int(rng.integers(0, len(able)))]
    strength = dr.Strength(dice.strength.severity, dice.shape if dice.shape.kind in family.shapes else shapes.STEP)
    return family.plant(draft, target, dr.roll(family.parameters, rng, strength, {}))


def _place(layout: lay.Layout, family: dr.Family, target: int) -> int:
    return int(layout.target[target]) if family.of_calls else target


def _connected(layout: lay.Layout, one: int, other: int) -> bool:
    return bool(layout.path(one, other) or layout.path(other, one))


def busy_services(layout: lay.Layout, *, language: tuple[str, ...] = (), share: float = 0.05) -> list[int]:
    """Services behind an entry that see at least `share` of its traffic and whose failure its callers feel."""
    rates = layout.rate[layout.of_kind(bp.Kind.SERVICE)]
    least = min(share * float(rates.max()), 0.5 * float(np.median(rates)))  # in wide systems nobody sees much of it
    felt = lay.feels(layout)
    return [
        i
        for i in layout.of_kind(bp.Kind.SERVICE)
        if i not in layout.entries
        and layout.rate[i] >= least
        and felt[i] >= 0.3
        and (not language or layout.components[i].language in language)
    ]


def only_on(draft: dr.Draft, nodes: Callable[[int], bool], share: lay.FloatArray, texts: Mapping[str, str]) -> None:
    """Every service's pods on the nodes that `nodes` says yes to fail `share` [T] of their requests, and say so by language."""
    layout = draft.layout

    def there(pod: Any) -> bool:
        return nodes(pod.node)

    for i in layout.of_kind(bp.Kind.SERVICE):
        draft.uneven.append(dr.Uneven(i, there, share))
        text = texts.get(layout.components[i].language, texts["go"])
        rate = share * float(layout.rate[i]) * 0.3
        draft.voices.append(dr.Voice(i, "error", rate, (text,), of=there))


def calls_between_services(layout: lay.Layout) -> list[int]:
    """Calls from service to service whose failure an entry feels."""
    felt, services = lay.feels(layout), set(layout.of_kind(bp.Kind.SERVICE))
    return [
        e
        for e in range(len(layout.calls))
        if int(layout.target[e]) in services
        and int(layout.source[e]) in services
        and layout.waits[e]
        and felt[layout.source[e]] * layout.required[e] >= 0.3
    ]


def edge_cause(draft: dr.Draft, call: int, fault: str, change: str = "") -> oracle.Cause:
    """The cause for what is wrong between a caller and a callee: the edge, or either of its ends."""
    layout = draft.layout
    caller, callee = (layout.components[ends[call]].name for ends in (layout.source, layout.target))
    aliases = (("service", callee), ("service", caller), ("workload", callee))
    return oracle.Cause("edge", f"{caller}→{callee}", fault, onset_s(draft), change, aliases)


def onset_s(draft: dr.Draft) -> float:
    """Seconds since the epoch at which the fault begins to act."""
    return float(draft.times_s[draft.onset])


def statement_calls(
    layout: lay.Layout, wanted: Callable[[str], bool] = lambda _: True, *, least: float = 0.3
) -> list[int]:
    """Calls of databases whose statement is `wanted` and whose failure an entry feels."""
    felt = lay.feels(layout)
    databases = set(layout.of_kind(bp.Kind.DATABASE))
    return [
        e
        for e in range(len(layout.calls))
        if int(layout.target[e]) in databases
        and wanted(layout.calls[e].operation)
        and felt[layout.source[e]] * layout.required[e] >= least
    ]


def written_databases(layout: lay.Layout) -> list[int]:
    """Databases whose failing writes an entry feels."""
    return sorted({int(layout.target[e]) for e in statement_calls(layout, statements.writes)})


def felt_databases(layout: lay.Layout) -> list[int]:
    return sorted({int(layout.target[e]) for e in statement_calls(layout)})


def refuse(draft: dr.Draft, call: int, share: lay.FloatArray, texts: Mapping[str, str], code: str = "") -> None:
    """Fail `share` [T] of the attempts of a call on the way, with what clients then say; `code` is what their spans call it."""
    draft.knobs.refused[:, call] = 1 - (1 - draft.knobs.refused[:, call]) * (1 - share)
    draft.refusals[call] = texts
    if code:
        draft.codes[call] = code


def fail(draft: dr.Draft, component: int, share: lay.FloatArray) -> None:
    """Fail `share` [T] of the requests that a component serves, by itself."""
    draft.knobs.own_error[:, component] = 1 - (1 - draft.knobs.own_error[:, component]) * (1 - share)


def burn(draft: dr.Draft, component: int, share: lay.FloatArray) -> None:
    """Keep `share` [T] of a component's cores busy with something that is nobody's request (a report, a backup)."""
    cores = draft.layout.cores[component] * draft.layout.replicas[component]
    rate = np.maximum(draft.layout.rate[component] * draft.traffic_at_onset(), 1e-9)
    draft.knobs.cpu_s[:, component] += share * cores / rate


def usual_rate(draft: dr.Draft, call: int) -> float:
    """Attempts per second of a call at the onset."""
    return float(draft.layout.call_rate[call]) * draft.traffic_at_onset()


def database_cause(draft: dr.Draft, database: int, fault: str, change: str = "", *others: str) -> oracle.Cause:
    """A database as the culprit; `others` are services that count as the same answer."""
    name = draft.layout.components[database].name
    aliases = (("service", name), ("workload", name), *(("service", other) for other in others))
    return oracle.Cause("database", name, fault, onset_s(draft), change, aliases)


def service_cause(draft: dr.Draft, component: int, fault: str, change: str = "") -> oracle.Cause:
    name = draft.layout.components[component].name
    return oracle.Cause("service", name, fault, onset_s(draft), change, (("workload", name),))


def also(cause: oracle.Cause, *aliases: tuple[str, str]) -> oracle.Cause:
    """The same cause, with more entities that count as the same answer."""
    return dataclasses.replace(cause, aliases=(*cause.aliases, *aliases))


def callers(layout: lay.Layout, component: int) -> tuple[str, ...]:
    """Names of those who call a component."""
    return tuple(sorted({layout.components[layout.source[e]].name for e in layout.calls_to(component)}))


def callees(layout: lay.Layout, component: int) -> tuple[str, ...]:
    """Names of those whom a component calls."""
    return tuple(sorted({layout.components[layout.target[e]].name for e in layout.calls_from(component)}))
