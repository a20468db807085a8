"""From answers whose truth is known to a calibration table: a map fitted on some of them, its thresholds certified on the others.

The map over all kinds of fault lies half way, in the log-odds, between Platt's (few answers teach it, and it has no steps) and Venn–Abers' one
probability (Vovk & Petej, UAI 2014; whatever the shape of the truth). It is moved for each kind by as much as its answers prove: a normal
prior around no move, whose width is what fits best (empirical Bayes). Certifying on answers that had no part in the fit is
what makes the promise of a threshold exact (Angelopoulos et al. 2021).
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward import _rng, errors
from rootward.evals import recalibration
from rootward.evals.statistics import distributions
from rootward.investigator import confidence
from rootward.triage.answers import Answer

ANSWERS_MIN = 40  # fewer say next to nothing about one answer in fifty
FIT_SHARE = 1 / 3  # of the answers: the map needs fewer than the promise does
CERTAINTY = 0.9
MISS = 0.05  # on each side of a knot's 90% interval
STEPS = tuple(round(0.01 * step, 2) for step in range(100))
SPREADS = (
    0.25,
    0.5,
    0.75,
    1.0,
    1.5,
    2.0,
)  # of kinds' log-odds: from "hardly differ" to "one is useless, the other certain"
NEWTON_STEPS = 30

FloatArray = recalibration.FloatArray


def fit(answers: Sequence[Answer], *, fitted_on: Sequence[Mapping[str, Any]] = (), seed: int = 0) -> confidence.Table:
    """The table that `answers` make; equal answers give equal tables.

    Raises:
        InputError: too few answers, or all of one outcome: then nothing can be learnt from them.
    """
    fitted, certified = split(answers, seed=seed)
    _check(answers)
    # The promise is about places only, so that what a finding states may be learnt from every answer.
    told = [one for one in answers if one.evident]
    cause = worth(told, [one.right for one in told])
    told = [one for one in fitted if one.evident]
    place = worth(told, [not one.wrong for one in told])
    table = confidence.Table(cause, place, None, tuple(dict(one) for one in fitted_on), len(answers))
    return dataclasses.replace(table, curve=certify(place, certified))


def worth(told: Sequence[Answer], held: Sequence[bool]) -> confidence.Worth:
    """What the reasoner's probability is worth about something that held of some answers.

    Raises:
        InputError: it held of all of them, or of none: then nothing can be learnt.
    """
    if len(set(held)) < 2:
        which = (
            "no candidate"
            if not held
            else "only candidates that are right"
            if held[0]
            else "no candidate that is right"
        )
        raise errors.InputError(f"the answers to learn from have {which}: without both sorts there is nothing to learn")
    raw, outcomes = np.array([one.raw for one in told]), np.array(held, dtype=np.float64)
    knots = _knots(raw, outcomes)
    kinds, spread = _kinds(confidence.Worth(knots, {}, 0.0), told, outcomes)
    return confidence.Worth(knots, kinds, spread)


def split(answers: Sequence[Answer], *, seed: int = 0) -> tuple[list[Answer], list[Answer]]:
    """Those to fit on and those to certify on, by chance; scenarios stay whole because each is there once."""
    ordered = sorted(answers, key=lambda one: one.scenario)
    order = _rng.stream(seed, "calibration", "split").permutation(len(ordered))
    first = round(FIT_SHARE * len(ordered))
    return [ordered[i] for i in sorted(order[:first])], [ordered[i] for i in sorted(order[first:])]


def certify(place: confidence.Worth, answers: Sequence[Answer]) -> confidence.Curve:
    """For each threshold, how many of the answers would be told a cause and a wrong one, and how many wrong ones of all alerts that allows.

    Answers must have had no part in the fit of `place`.
    """
    chances = [(place.of(one.raw, one.fault)[0], one.wrong) for one in answers if one.evident]
    steps = []
    for threshold in STEPS:
        told = [wrong for chance, wrong in chances if chance >= threshold]
        bound = distributions.binomial_upper(sum(told), len(answers), 1 - CERTAINTY)
        steps.append(confidence.Step(threshold, len(told), sum(told), bound))
    return confidence.Curve(len(answers), CERTAINTY, tuple(steps))


def _check(answers: Sequence[Answer]) -> None:
    if len(answers) < ANSWERS_MIN:
        raise errors.InputError(
            f"{len(answers)} answers are too few to calibrate on; at least {ANSWERS_MIN} are needed"
        )


def _knots(raw: FloatArray, right: FloatArray) -> tuple[confidence.Knot, ...]:
    """The map at every probability that was seen, and at 0 and 1; thinned where it runs straight."""
    at = np.unique(np.concatenate([[0.0], raw, [1.0]]))
    low, high = recalibration.venn_abers(raw, right, at)
    halves = _log_odds(high / (1 - low + high)), _log_odds(recalibration.platt(raw, right)(at))
    point = np.maximum.accumulate(1 / (1 + np.exp(-(halves[0] + halves[1]) / 2)))
    below, above = band(raw, right, at)
    columns = np.round(np.column_stack([at, point, np.minimum(below, point), np.maximum(above, point)]), 6)
    kept = [0, *(i for i in range(1, len(columns) - 1) if _bends(columns[i - 1 : i + 2])), len(columns) - 1]
    return tuple(confidence.Knot(*map(float, columns[i])) for i in kept)


def _bends(three: FloatArray) -> bool:
    before, here, after = three
    return bool(here[0] > before[0] and ((here[1:] != before[1:]).any() or (here[1:] != after[1:]).any()))


def band(raw: FloatArray, right: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A 90% interval of the chance of being right at each of `at` (rising), whatever that chance is as long as it never falls.

    The answers just below can only be right less often, so the exact lower bound of their rate is one here, too; those just above give
    the upper bound. Bounds are then made monotone by giving way, never by gaining.
    """
    order = np.argsort(raw, kind="stable")
    raw, right = raw[order], right[order]
    window = max(10, math.ceil(len(raw) ** (2 / 3)))
    low, high = np.zeros(len(at)), np.ones(len(at))
    for place, here in enumerate(at):
        end, start = int(np.searchsorted(raw, here, side="right")), int(np.searchsorted(raw, here, side="left"))
        below, above = right[max(0, end - window) : end], right[start : start + window]
        low[place] = (
            1 - distributions.binomial_upper(int(len(below) - below.sum()), len(below), MISS) if len(below) else 0.0
        )
        high[place] = distributions.binomial_upper(int(above.sum()), len(above), MISS) if len(above) else 1.0
    return np.minimum.accumulate(low[::-1])[::-1], np.maximum.accumulate(high)


def _kinds(
    pool: confidence.Worth, told: Sequence[Answer], held: FloatArray
) -> tuple[dict[str, confidence.Kind], float]:
    """Each kind's move of the log-odds, and how much kinds differ."""
    groups: dict[str, list[int]] = {}
    for place in sorted(range(len(told)), key=lambda i: told[i].scenario):
        groups.setdefault(told[place].fault, []).append(place)
    known = {
        fault: (_log_odds([pool.of(told[i].raw, "")[0] for i in members]), held[members])
        for fault, members in sorted(groups.items())
    }
    spread = max(SPREADS, key=lambda width: sum(_move(*each, width)[2] for each in known.values()))
    kinds = {}
    for fault, (odds, right) in known.items():
        nats, unknown, _ = _move(odds, right, spread)
        kinds[fault] = confidence.Kind(round(nats, 4), round(unknown, 4), len(right))
    return kinds, spread


def _move(odds: FloatArray, right: FloatArray, spread: float) -> tuple[float, float, float]:
    """The likeliest move under a normal prior of this width, its standard deviation, and the logarithm of the evidence (Laplace)."""
    nats, precision = 0.0, spread**-2
    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-(odds + nats)))
        step = float((right - p).sum() - precision * nats) / float((p * (1 - p)).sum() + precision)
        nats += max(-2.0, min(2.0, step))
        if abs(step) < 1e-10:
            break
    p = np.clip(1 / (1 + np.exp(-(odds + nats))), 1e-12, 1 - 1e-12)
    curvature = float((p * (1 - p)).sum() + precision)
    fits = float((right * np.log(p) + (1 - right) * np.log(1 - p)).sum())
    return nats, curvature**-0.5, fits - precision * nats * nats / 2 + 0.5 * math.log(precision / curvature)


def _log_odds(chances: Sequence[float] | FloatArray) -> FloatArray:
    clipped = np.clip(np.asarray(chances), confidence.EDGE, 1 - confidence.EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)


def write(table: confidence.Table) -> str:
    """The table as the text of its file: one knot, kind or step a line, so that changes can be read."""
    data = table.to_json()
    assert table.curve is not None
    steps = [{**step, "wrong_max": round(step["wrong_max"], 6)} for step in data["curve"]["steps"]]
    parts = [
        f'"format": {json.dumps(data["format"])}',
        f'"fitted_on": {_list(data["fitted_on"])}',
        f'"answers": {table.answers}',
        *(f'"{name}": {_worth(data[name])}' for name in ("cause", "place")),
        f'"curve": {{"answers": {table.curve.answers}, "certainty": {table.curve.certainty}, "steps": {_list(steps)}}}',
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _worth(data: Mapping[str, Any]) -> str:
    kinds = [f"{json.dumps(name)}: {json.dumps(kind)}" for name, kind in sorted(data["kinds"].items())]
    return f'{{"spread": {data["spread"]}, "knots": {_list(data["knots"])},\n"kinds": {{\n  {_lines(kinds)}}}}}'


def _list(items: Iterable[Any]) -> str:
    return f"[\n  {_lines(json.dumps(one) for one in items)}]"


def _lines(items: Iterable[str]) -> str:
    return ",\n  ".join(items)


def sentence(table: confidence.Table) -> str:
    """What came of a fit, for the one who asked for it."""
    assert table.curve is not None
    promises = [(share, table.curve.threshold(share)) for share in (0.01, 0.02, 0.05, 0.1)]
    told = {step.threshold: step.told for step in table.curve.steps}
    fitted = table.answers - table.curve.answers
    lines = [
        f"{table.answers} answers; thresholds fitted on {fitted} of them and certified on the other {table.curve.answers}."
    ]
    for share, threshold in promises:
        if threshold is None:
            lines.append(f"No threshold keeps wrong causes at {share:.0%} of all alerts: more answers are needed.")
        else:
            spoken = told[threshold] / table.curve.answers
            lines.append(
                f"At most {share:.0%} of all alerts are told a wrong cause from {threshold:.0%} on; it then speaks in {spoken:.0%}."
            )
    return "\n".join(lines)
