"""Builds a world, lets a fault into it, and takes down everything that its monitoring would have seen."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

import numpy as np

from rootward import _rng
from rootward import errors as err
from rootward.dojo import faults, oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import aftermath as after
from rootward.dojo.world import (
    alerting,
    arrivals,
    cluster,
    cluster_events,
    code,
    dynamics,
    exporters,
    history,
    knobs,
    logs,
    name_alikes,
    native_histograms,
    people,
    plans,
    recordings,
    rules,
    shapes,
    spans,
    uneven,
    wishes,
)
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import noise as ns
from rootward.dojo.world import pods as pd
from rootward.dojo.world.rules import watching

FIRST_DAY_S = 1_769_904_000.0  # 2026-02-01
DAYS = 270
TAIL_S = 3300.0
"""Trouble begins this long before the end of the window: room for it to show, for alerts to fire and for what comes after."""
LOOK_S = (120.0, 540.0)
SEVERITIES = (1.0, 1.7, 3.0, 6.0, 12.0)
PLACES = 6


def names() -> tuple[str, ...]:
    """Worlds that can be built."""
    return tuple(sorted(_plan(module.name).NAME for module in pkgutil.iter_modules(plans.__path__)))


def describe(name: str) -> str:
    """One sentence about a world.

    Raises:
        WorldError: there is none of that name.
    """
    return str(_plan_named(name).DESCRIPTION)


def _plan(module: str) -> ModuleType:
    return importlib.import_module(f"{plans.__name__}.{module}")


def _plan_named(name: str) -> ModuleType:
    module = name.replace("-", "_")
    if name not in names():
        raise err.WorldError(faults.unknown("world", name, names()))
    return _plan(module)


def build(
    world: str = "web-shop",
    fault: str | None = None,
    seed: int = 0,
    *,
    noise: ns.Noise | str | bool = True,
    hours: float = 6.0,
    step_s: float = 15.0,
    services: int | None = None,
    shape: str | None = None,
    place: str | None = None,
    parameters: Mapping[str, float] | None = None,
    aftermath: str = after.NONE,
) -> tuple[tm.Scenario, oracle.Truth]:
    """A scenario and its sealed truth; equal arguments give equal bytes.

    `fault` is a name from `faults.names()`; None lets the seed choose among those with a cause. `services` sizes the
    "generated" world and is refused elsewhere. `hours` of telemetry are scraped every `step_s` seconds. `shape` (one of
    `shapes.KINDS`), `place` (a component, or "caller→callee" where the family breaks calls) and `parameters` of the family
    are drawn from the seed unless told. `noise` is a record of knobs, the name of a level (noise.LEVELS, or "drawn"), or yes
    or no. `aftermath` (one of `aftermath.KINDS`, or "drawn") is what becomes of the trouble behind the scenario's now.

    Raises:
        WorldError: a name that does not exist (the message names the nearest), or sizes that make no sense.
    """
    plan_module = _plan_named(world)
    if services is not None and world != "generated":
        raise err.WorldError(f"{world!r} has one size; `services` sizes the world 'generated'")
    if not 1.5 <= hours <= 168 or not 5 <= step_s <= 60:
        raise err.WorldError(f"hours must be 1.5 to 168 and step_s 5 to 60, not {hours} and {step_s}")
    around = ns.of(noise, seed)
    layout = lay.lay_out(name_alikes.joined(plan_module.blueprint(seed, services), around, seed))
    family: dr.Family = faults.load(fault) if fault else _chosen(layout, world, seed)
    base = _ordinary(layout, seed, hours, step_s, around)
    wish = wishes.checked(base.layout, family, shape=shape, place=place, parameters=parameters or {})
    shown = _until_it_shows(base, wish, around)
    shown, then = _and_then(base, shown, wish, around, aftermath)
    del base  # a large world's ordinary day takes hundreds of megabytes, and what is observed needs them
    return tm.Scenario(_observe(shown), alerting.webhook(shown.frame, shown.page)), _truth(shown, family.name, then)


def _chosen(layout: lay.Layout, world: str, seed: int) -> dr.Family:
    """One of the families with a cause that have a place in this world."""
    able: list[dr.Family] = [family for family in map(faults.load, faults.common()) if family.targets(layout)]
    return able[int(_rng.stream(seed, world, "which").integers(0, len(able)))]


def _ordinary(layout: lay.Layout, seed: int, hours: float, step_s: float, noise: ns.Noise) -> dr.Draft:
    rng = _rng.stream(seed, layout.plan.name, "when")
    start_s = round(FIRST_DAY_S + float(rng.uniform(0, DAYS * 86_400)), 3)
    steps = int(hours * 3600 / step_s) + 1
    times_s = np.round(start_s + np.arange(steps) * step_s, 3)
    onset = steps - round(min(TAIL_S, 0.5 * hours * 3600) / step_s) - int(rng.integers(0, 20))
    draft = dr.Draft(layout, seed, times_s, onset, knobs.ordinary(layout, times_s, seed))
    history.ordinary_work(draft, noise)
    return draft


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A world in which a page fired."""

    frame: fr.Frame
    planted: dr.Planted
    watched: list[watching.Watch]
    fired: list[tuple[watching.Watch, tm.FiredAlert]]
    page: alerting.Page
    place: int
    strength: dr.Strength


def _until_it_shows(base: dr.Draft, wish: wishes.Wish, noise: ns.Noise) -> _Shown:
    """Plant the fault where and as hard as it takes for a page to fire: places in the seed's order, severity rising. A shape that
    the seed drew gives way to a step where it never shows; one that was asked for does not."""
    family = wish.family
    rng = base.rng("place", family.name)
    places = [wish.places[int(i)] for i in rng.permutation(len(wish.places))][:PLACES]
    drawn = shapes.drawn(base.rng("shape", family.name), wish.shapes)
    prefix = _Prefix(base)
    for shape in dict.fromkeys((drawn, drawn if wish.insists else shapes.STEP)):
        for place in places:
            for severity in SEVERITIES:
                shown = _attempt(base, prefix, wish, place, dr.Strength(severity, shape), noise)
                if shown is not None:
                    return shown
    raise err.WorldError(f"{base.layout.plan.name}: {family.name} never shows with seed {base.seed}; try another seed")


def _attempt(
    base: dr.Draft,
    prefix: "_Prefix",
    wish: wishes.Wish,
    place: int,
    strength: dr.Strength,
    noise: ns.Noise,
    then: after.Aftermath | None = None,
) -> _Shown | None:
    """One fault at one place; None if it does not keep its promise or nobody is paged in time."""
    family, draft = wish.family, base.branch()
    draft.relief = then.relief(draft) if then else None
    latest_s = float(base.times_s[-1]) - LOOK_S[1]
    rng = draft.rng("dice", family.name, place)
    planted = family.plant(draft, place, dr.roll(family.parameters, rng, strength, wish.parameters))
    if then:
        after.let_in(draft, base, planted, then)
    fleet = pd.fleet(draft)
    uneven.let_in(draft, fleet)
    state = prefix.advance(draft)
    if family.lasts is not None and not family.lasts(draft, state, place):
        return None
    frame = fr.Frame(draft, state, fleet, fr.count(draft, state), noise)
    watched = rules.watches(frame)
    found = alerting.fired(frame, watched)
    chosen = alerting.page(frame, found, latest_s, planted)
    return None if chosen is None else _Shown(frame, planted, watched, found, chosen, place, strength)


def _and_then(
    base: dr.Draft, shown: _Shown, wish: wishes.Wish, noise: ns.Noise, aftermath: str
) -> tuple[_Shown, after.Aftermath]:
    """The same world once more, with what happened after the page; what promises to last is not mended by chance."""
    then = after.drawn(base, shown.page.alert.starts_s, aftermath)
    if then.kind == after.NONE or (wish.family.lasts is not None and then.kind != "wrong_mitigation"):
        return shown, after.Aftermath(after.NONE)
    again = _attempt(base, _Prefix(base), wish, shown.place, shown.strength, noise, then)
    if again is None or again.page.alert.starts_s != shown.page.alert.starts_s:
        return shown, after.Aftermath(after.NONE)
    return again, then


class _Prefix:
    """The time before the onset, advanced once for all attempts that leave it as it was."""

    def __init__(self, base: dr.Draft) -> None:
        self._state = dynamics.empty(base.steps, base.layout)
        self._key = b""
        self._carry = dynamics.at_rest(base.layout)

    def advance(self, draft: dr.Draft) -> dynamics.State:
        # What takes long to fail costs nothing while nothing fails, so `hang_s` is not part of the key.
        key = draft.knobs.retries.tobytes() + draft.knobs.timeout_s.tobytes()
        layout, begin = draft.layout, max(draft.onset - 2, 0)
        if draft.standing:
            key += f"{draft.knobs.cores.sum()} {draft.knobs.cpu_s[: draft.onset].sum()}".encode()
        if key != self._key:
            self._carry = dynamics.settle(layout, draft.knobs, self._state, begin, draft.step_s)
            self._key = key
        dynamics.advance(layout, draft.knobs, self._state, self._carry, begin, draft.steps, draft.step_s)
        return self._state


def _observe(shown: _Shown) -> tm.Telemetry:
    frame, draft = shown.frame, shown.frame.draft
    now_s = round(shown.page.alert.starts_s + float(frame.rng("now").uniform(*LOOK_S)), 3)
    said, traced = logs.logs(frame), spans.spans(frame)  # before the metrics, which leave a large world little room
    return tm.Telemetry(
        name=f"{frame.layout.plan.name}-{draft.seed}",
        start_s=float(frame.times_s[0]),
        end_s=float(frame.times_s[-1]) + frame.step_s,
        now_s=now_s,
        metrics=native_histograms.joined(frame, arrivals.held_back(frame, exporters.metrics(frame), now_s)),
        logs=said,
        spans=traced,
        cluster=tm.Cluster(cluster.versions(frame), cluster_events.events(frame)),
        code=code.code(frame),
        change_events=code.change_events(frame),
        messages=people.messages(frame, shown.fired, shown.page),
        incidents=people.incidents(frame, shown.fired),
        recordings=recordings.rules(frame),
        rules=tuple({(watch.rule.name, watch.rule.expr): watch.rule for watch in shown.watched}.values()),
        alerts=tuple(alert for _, alert in shown.fired),
        access=dict(draft.access),
    )


def _truth(shown: _Shown, fault: str, then: after.Aftermath) -> oracle.Truth:
    frame, planted, chosen = shown.frame, shown.planted, shown.page
    names_of = [component.name for component in frame.layout.components]
    path = frame.layout.path(chosen.component, planted.place)[::-1] if planted.place >= 0 else []
    innocent = {frame.layout.components[r.component].name for r in frame.draft.releases}
    guilty = {name for cause in planted.causes for name in (cause.name, *(alias for _, alias in cause.aliases))}
    decoys = tuple(sorted((innocent | set(planted.suspects)) - guilty)) if planted.causes else tuple(sorted(innocent))
    start = names_of[planted.place] if planted.place >= 0 else planted.causes[0].name
    route = tuple(names_of[i] for i in path) or tuple(dict.fromkeys((start, names_of[chosen.component])))
    return oracle.Truth(
        planted.status,
        planted.causes,
        route if planted.causes else (),
        decoys,
        planted.note,
        {"family": fault, "seed": frame.draft.seed, "shape": shown.strength.shape.kind, "aftermath": then.kind},
    )
