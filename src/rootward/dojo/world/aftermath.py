"""What becomes of trouble after somebody was paged: it passes, is mended rightly or wrongly, or passes and comes back."""

import dataclasses

import numpy as np

from rootward import errors
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world import layout as lay

NONE, DRAWN = "none", "drawn"
KINDS = (NONE, "recovery", "mitigation", "wrong_mitigation", "recurrence")
WAIT_S = (660.0, 1500.0)
"""After the page: nobody looks later than this, so what was seen before it never changes."""
PAUSE_S = (360.0, 720.0)
SETTLE_S = 90.0


@dataclasses.dataclass(frozen=True, slots=True)
class Aftermath:
    """`at` is the step of the first turn, `again` that of the relapse; -1 for none."""

    kind: str
    at: int = -1
    again: int = -1

    def relief(self, draft: dr.Draft) -> lay.FloatArray:
        """How far trouble is over, 0 to 1; [T]."""
        out = np.zeros(draft.steps)
        if self.at >= 0 and self.kind != "wrong_mitigation":
            out = draft.after(self.at, ramp_s=SETTLE_S)
        if self.again >= 0:
            out = out * (1.0 - draft.after(self.again, ramp_s=SETTLE_S))
        return out


def drawn(draft: dr.Draft, page_s: float, kind: str) -> Aftermath:
    """One kind of aftermath with its moments; `kind` may be "drawn".

    Raises:
        WorldError: no such kind.
    """
    if kind not in (*KINDS, DRAWN):
        raise errors.WorldError(f"no aftermath named {kind!r}; there are {', '.join((*KINDS, DRAWN))}")
    rng = draft.rng("aftermath")
    chosen = KINDS[int(rng.integers(0, len(KINDS)))] if kind == DRAWN else kind
    wait_s, pause_s = float(rng.uniform(*WAIT_S)), float(rng.uniform(*PAUSE_S))
    at = int(np.searchsorted(draft.times_s, page_s + wait_s))
    if chosen == NONE or at >= draft.steps:
        return Aftermath(NONE)
    again = at + draft.steps_in(pause_s) if chosen == "recurrence" else -1
    return Aftermath(chosen, at, again if again < draft.steps else -1)


def let_in(draft: dr.Draft, base: dr.Draft, planted: dr.Planted, after: Aftermath) -> None:
    """Turn the knobs back to an ordinary day's where trouble is over, and write down what people did and said."""
    assert draft.relief is not None, "the relief is set before the fault is planted, so that it acts accordingly"
    healed = draft.relief[:, None]
    for field in dataclasses.fields(draft.knobs):
        now, usual = getattr(draft.knobs, field.name), getattr(base.knobs, field.name)
        if now.ndim == 2:
            unchanged = np.isinf(now) | np.isinf(usual)
            with np.errstate(invalid="ignore"):  # unlimited pools are infinite on both sides
                mixed = now * (1.0 - healed) + usual * healed
            setattr(draft.knobs, field.name, np.where(unchanged, now, mixed))
    if draft.zone_errors is not None:
        draft.zone_errors = draft.zone_errors * (1.0 - draft.relief)
    if draft.reach is not None:
        draft.reach = np.where(draft.relief > 0.5, 1.0, draft.reach)
    if after.kind == "mitigation":
        _mended(draft, planted, after.at)
    elif after.kind == "wrong_mitigation":
        _tried(draft, planted, after.at)
    elif after.kind in ("recovery", "recurrence"):
        _passed(draft, after)


def _mended(draft: dr.Draft, planted: dr.Planted, at: int) -> None:
    """The release or change behind the trouble is taken back; without one, somebody mends the place by hand."""
    rng = draft.rng("mended")
    guilty = {cause.change for cause in planted.causes if cause.change}
    for release in [one for one in draft.releases if one.sha in guilty]:
        name = draft.layout.components[release.component].name
        _say(draft, at - 6, f"rolling back {name} to the version before {release.version}", rng)
        history.release(
            draft,
            release.component,
            at,
            texts.Patch(f'Revert "{release.title}"', dict(release.files), body=f"This reverts commit {release.sha}."),
        )
        return
    for notice in [one for one in draft.notices if one.sha and one.sha in guilty]:
        _say(draft, at - 5, f"reverting: {notice.summary}", rng)
        draft.note(
            notice.component, notice.kind, f"Revert: {notice.summary}", rng, at=at, path=notice.path, patch=notice.patch
        )
        return
    name = planted.causes[0].name if planted.causes else draft.layout.components[max(planted.place, 0)].name
    _say(draft, at + 8, f"{name} looks better after what we did, watching it", rng)


def _tried(draft: dr.Draft, planted: dr.Planted, at: int) -> None:
    """An innocent release is rolled back, or an innocent service restarted, and nothing gets better."""
    rng = draft.rng("tried")
    guilty = {cause.change for cause in planted.causes} | {cause.name for cause in planted.causes}
    innocent = [
        one
        for one in draft.releases
        if one.sha not in guilty and draft.layout.components[one.component].name not in guilty and one.at < at
    ]
    if innocent:
        last = max(innocent, key=lambda one: one.at)
        name = draft.layout.components[last.component].name
        _say(draft, at - 6, f"I think it is the {name} release, rolling it back", rng)
        history.release(draft, last.component, at, texts.Patch(f'Revert "{last.title}"', dict(last.files)))
    else:
        entry = draft.layout.entries[0]
        _say(draft, at - 4, f"restarting {draft.layout.components[entry].name} to be safe", rng)
        draft.limits.append(dr.Limit(entry, at))
    _say(draft, at + draft.steps_in(300.0), "no change after that, so it was something else", rng)


def _passed(draft: dr.Draft, after: Aftermath) -> None:
    rng = draft.rng("passed")
    _say(draft, after.at + draft.steps_in(120.0), "looks like it recovered by itself? closing for now", rng)
    if after.again >= 0:
        _say(draft, after.again + draft.steps_in(150.0), "and it is back", rng)


def _say(draft: dr.Draft, at: int, text: str, rng: np.random.Generator) -> None:
    if 0 <= at < draft.steps:
        draft.remarks.append(dr.Remark(at, draft.person(rng), text))
