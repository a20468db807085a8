"""What people and their automation do to a system on any day: releases and changes that have nothing to do with the trouble."""

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import maintenance, pods, texts
from rootward.dojo.world import noise as ns

OPTIONAL = ("loki", "kubernetes", "jaeger", "tempo", "github", "slack", "pagerduty")
"""Back ends that a system may do without, and still be looked into."""


def ordinary_work(draft: dr.Draft, noise: ns.Noise) -> None:
    """Releases, changes of configuration, restarts, drained nodes, small incidents elsewhere, and often a release before the onset."""
    rng = draft.rng("work")
    layout = draft.layout
    services = [i for i in layout.of_kind(bp.Kind.SERVICE) if layout.components[i].style != "nginx"]
    hours = draft.steps * draft.step_s / 3600
    moments = [int(t) for t in rng.integers(0, draft.steps, rng.poisson(hours * noise.releases_per_h))]
    if rng.uniform() < noise.release_before_onset:
        moments.append(max(1, draft.onset - draft.steps_in(float(rng.uniform(60, 1500)))))
    order = [int(i) for i in rng.permutation(services)]
    for place, at in zip(order, sorted(moments), strict=False):
        release(draft, place, at, texts.innocent(layout.components[place], draft.rng("commit", place)))
    for _ in range(int(rng.poisson(noise.changes))):
        place = services[int(rng.integers(0, len(services)))]
        note = texts.innocent_notice(layout.components[place], rng)
        person = layout.plan.people[int(rng.integers(0, len(layout.plan.people)))]
        draft.notices.append(
            dr.Notice(place, int(rng.integers(0, draft.steps)), note.kind, note.summary, person, details=note.details)
        )
    _restarts(draft, noise, [i for i in services if i not in order[: len(moments)]])
    _incidents(draft, noise)
    _missing(draft, noise)
    maintenance.planned(draft, noise)


def _restarts(draft: dr.Draft, noise: ns.Noise, services: list[int]) -> None:
    """Housekeeping replaces all pods of a deployment by equal ones with other names."""
    rng = draft.rng("restarts")
    for place in [int(i) for i in rng.permutation(services)][: int(rng.poisson(noise.restarts))]:
        draft.limits.append(dr.Limit(place, int(rng.integers(8, draft.steps - 8))))


def _incidents(draft: dr.Draft, noise: ns.Noise) -> None:
    """Something small goes wrong elsewhere and is over by itself: errors or slowness that an alert may warn of, never page."""
    rng = draft.rng("incidents elsewhere")
    layout = draft.layout
    quiet = [i for i in layout.of_kind(bp.Kind.SERVICE) if not layout.components[i].tier_one]
    felt = lay.feels(layout)
    for _ in range(int(rng.poisson(noise.incidents)) if quiet else 0):
        place = quiet[int(rng.integers(0, len(quiet)))]
        at, length = int(rng.integers(0, draft.steps)), draft.steps_in(float(rng.uniform(120, 900)))
        here = slice(at, at + length)
        if rng.uniform() < 0.5:
            share = float(rng.uniform(0.01, 0.1)) * (0.006 / max(0.006, 0.1 * float(felt[place])))
            draft.knobs.own_error[here, place] += share
        else:
            draft.knobs.wait_s[here, place] *= float(rng.uniform(1.3, 2.2))


def _missing(draft: dr.Draft, noise: ns.Noise) -> None:
    """Back ends that this system does not have, or that do not answer."""
    rng = draft.rng("back ends")
    for vendor in OPTIONAL:
        absent, failing = rng.uniform(), rng.uniform()
        if absent < noise.missing_back_ends:
            draft.access[vendor] = "absent"
        elif failing < noise.failing_back_ends:
            draft.access[vendor] = "forbidden" if rng.uniform() < 0.5 else "down"


def release(
    draft: dr.Draft, place: int, at: int, patch: texts.Patch, *, only: frozenset[int] = frozenset()
) -> dr.Release:
    """Roll out `patch` on a component from step `at`, to the pods in slots `only` if there are any; returns what was written down."""
    rng = draft.rng("release", place, at, patch.title)
    previous = [r for r in draft.releases if r.component == place and r.at <= at]
    version = previous[-1].version if previous else pods.first_versions(draft.layout, draft.seed)[place]
    major, minor, fix = (int(part) for part in version.split("."))
    fresh = f"{major}.{minor + 1}.0" if patch.feature else f"{major}.{minor}.{fix + 1}"
    people = draft.layout.plan.people
    made = dr.Release(
        place,
        at,
        _rng.token(rng, 40),
        fresh,
        people[int(rng.integers(0, len(people)))],
        patch.title,
        patch.files,
        patch.body,
        only,
    )
    draft.releases.append(made)
    return made
