"""Metrics: discover what each back end's metrics mean, settle windows and step on its data, then measure everything once."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.investigator.causal import case
from rootward.investigator.probing import history
from rootward.investigator.probing import notebook as notebooks
from rootward.memory import skills
from rootward.signals import protocols, questions, roles, series, windows

MEASURE_SHARE = 0.8  # of the deadline: what has been measured by then is reasoned over


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Metrics:
    """`frame` is the one given, its baseline settled on the data; `lines` are kept for topology."""

    frame: framing.Frame
    signals: Sequence[case.Signal] = ()
    lines: Sequence[questions.Line] = ()


async def read(
    source: protocols.MetricSource,
    frame: framing.Frame,
    chosen: options.Options,
    notebook: notebooks.Notebook,
    overrides: Sequence[roles.Override] = (),
    shelf: skills.Shelf | None = None,
) -> Metrics:
    """Every metric whose role is known, over baseline and focus, one line per entity; of the others, those that a skill knows."""
    catalogue = await source.catalogue(frame.focus, chosen.limits)
    notebook.note("which metrics exist", catalogue)
    if not catalogue.value:
        return Metrics(frame)
    bindings = roles.discover(catalogue.value, overrides)
    if shelf is not None:
        bindings = (*bindings, *_known_to_skills(shelf, catalogue.value, bindings))
    if len(bindings) > chosen.bindings_max:
        notebook.unanswered(f"{len(bindings) - chosen.bindings_max} more metrics", source.name, "over the limit")
        bindings = bindings[: chosen.bindings_max]
    scouts = _scouts(bindings)
    settled = await history.settle_baseline(source, scouts, frame, chosen)
    interval_s = await history.sampling_interval_s(source, scouts, settled, chosen)
    step_s = history.step_s(settled, interval_s, chosen.points_max)
    spans = [settled.whole] if settled.contiguous else [settled.baseline, settled.focus]
    parts = [await _measure(source, bindings, window, step_s, interval_s, chosen, notebook) for window in spans]
    lines = parts[0] if len(parts) == 1 else _joined(parts[0], parts[1])
    return Metrics(settled, [_signal(line, key) for line, key in lines], [line for line, _ in lines])


def _known_to_skills(
    shelf: skills.Shelf, catalogue: Sequence[series.MetricInfo], bound: Sequence[roles.Binding]
) -> list[roles.Binding]:
    """What the skills for this back end's metrics add to those that conventions bind."""
    chosen = shelf.chosen(skills.Fingerprint(frozenset(info.name for info in catalogue)))
    taken = {one.metric for one in bound}
    found: list[roles.Binding] = []
    for skill in chosen:
        added = skill.bindings(catalogue, taken)
        taken |= {one.metric for one in added}
        found.extend(added)
    return found


def _scouts(bindings: Sequence[roles.Binding]) -> list[str]:
    """A few metrics to ask about history and sampling: one per role, so that one odd exporter does not decide."""
    by_role: dict[str, str] = {}
    for binding in bindings:
        by_role.setdefault(str(binding.role), binding.metric)
    return list(dict.fromkeys(by_role.values()))[: history.PROBED_METRICS]


Measured = Sequence[tuple[questions.Line, str]]


async def _measure(
    source: protocols.MetricSource,
    bindings: Sequence[roles.Binding],
    window: windows.Window,
    step_s: float,
    interval_s: float,
    chosen: options.Options,
    notebook: notebooks.Notebook,
) -> Measured:
    """Lines with the evidence id of the answer that they came in."""
    found: list[tuple[questions.Line, str]] = []
    measured = await questions.measure(
        source,
        bindings,
        window,
        step_s,
        rate_window_s=max(4 * interval_s, step_s, 60.0),
        limits=chosen.limits,
        concurrency=chosen.concurrency,
        deadline_s=chosen.deadline_s * MEASURE_SHARE,
    )
    for item in measured:
        convention = item.binding.convention
        summary = f"asked by {convention}" if convention.startswith(skills.PREFIX) else ""
        question = f"{item.binding.role} from {item.binding.metric}"
        keys = [notebook.note(question, answer, summary) for answer in item.answers]
        if keys:
            found.extend((line, keys[0]) for line in item.lines)
    return found


def _joined(before: Measured, during: Measured) -> Measured:
    """Lines of both windows, the same line of each put together; a line seen in only one is kept as it is."""

    def identity(line: questions.Line) -> tuple[object, ...]:
        return (line.entity, line.observer, line.role, line.name, tuple(sorted(line.detail.items())))

    past = {identity(line): line for line, _ in before}
    joined: list[tuple[questions.Line, str]] = []
    for line, key in during:
        earlier = past.pop(identity(line), None)
        if earlier is None:
            joined.append((line, key))
            continue
        times_s = np.concatenate([earlier.times_s, line.times_s])
        values = np.concatenate([earlier.values, line.values])
        joined.append((dataclasses.replace(line, times_s=times_s, values=values), key))
    keys = {identity(line): key for line, key in before}
    joined.extend((line, keys[name]) for name, line in past.items())
    return joined


def _signal(line: questions.Line, key: str) -> case.Signal:
    return case.Signal(
        entity=line.entity,
        role=line.role,
        name=line.name,
        times_s=line.times_s,
        values=line.values,
        evidence=key,
        unit=line.unit,
        observer=line.observer,
        detail=line.detail,
    )
