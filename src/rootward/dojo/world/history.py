"""What people and their automation do to a system on any day: releases and changes that have nothing to do with the trouble."""

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import pods, texts


def ordinary_work(draft: dr.Draft) -> None:
    """Releases about every ninety minutes, a change of configuration or two, and often a release shortly before the onset."""
    rng = draft.rng("work")
    layout = draft.layout
    services = [i for i in layout.of_kind(bp.Kind.SERVICE) if layout.components[i].style != "nginx"]
    hours = draft.steps * draft.step_s / 3600
    moments = [int(t) for t in rng.integers(0, draft.steps, rng.poisson(hours / 1.5))]
    if rng.uniform() < 0.65:
        moments.append(max(1, draft.onset - draft.steps_in(float(rng.uniform(60, 1500)))))
    order = [int(i) for i in rng.permutation(services)]
    for place, at in zip(order, sorted(moments), strict=False):
        release(draft, place, at, texts.innocent(layout.components[place], draft.rng("commit", place)))
    for _ in range(int(rng.integers(1, 4))):
        place = services[int(rng.integers(0, len(services)))]
        note = texts.innocent_notice(layout.components[place], rng)
        person = layout.plan.people[int(rng.integers(0, len(layout.plan.people)))]
        draft.notices.append(
            dr.Notice(place, int(rng.integers(0, draft.steps)), note.kind, note.summary, person, details=note.details)
        )


def release(draft: dr.Draft, place: int, at: int, patch: texts.Patch) -> dr.Release:
    """Roll out `patch` on a component from step `at`; returns what was written down."""
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
    )
    draft.releases.append(made)
    return made
