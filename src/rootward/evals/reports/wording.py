"""The words and numbers that all reports share, so that a run reads the same on a terminal, in a page and in a pull request."""

import math

from rootward.evals import calibration, comparison, records, saturation, stability, statistics, summary, trend
from rootward.evals.statistics import intervals

NARROW = 0.05  # bands narrower than this get a decimal
MINUS = "\u2212"  # the sign, not a hyphen: it lines up with the plus
ROWS_MAX = 12  # of a table before the rest is folded away or left to the JSON


def percent(value: float, digits: int = 0) -> str:
    return "–" if math.isnan(value) else f"{value * 100:.{digits}f}%"


def band(rate: statistics.Rate) -> str:
    """`80% [75–84%]`."""
    if not rate.count:
        return "–"
    digits = 1 if rate.high - rate.low < NARROW else 0
    return f"{percent(rate.point, digits)} [{rate.low * 100:.{digits}f}–{percent(rate.high, digits)}]"


def counted(rate: statistics.Rate) -> str:
    """`184 of 200 scenarios`, or `184 of 200 runs, 40 scenarios`."""
    hits = f"{rate.hits:.0f}" if float(rate.hits).is_integer() else f"{rate.hits:.1f}"
    if rate.count == rate.scenarios:
        return f"{hits} of {_count(rate.count, 'scenario')}"
    return f"{hits} of {_count(rate.count, 'run')}, {_count(rate.scenarios, 'scenario')}"


def points(value: float) -> str:
    """A difference of rates, in percentage points: `+4.2`."""
    return "–" if math.isnan(value) else f"{value * 100:+.1f}".replace("-", MINUS)


def change(found: statistics.Paired, unit: str | None = None) -> str:
    """`+4.2 [+1.0 to +7.4]`, in points unless a `unit` is given (empty for plain numbers)."""
    if not found.count:
        return "–"
    if unit is None:
        return f"{points(found.difference)} [{points(found.low)} to {points(found.high)}]"
    ends = f"{found.difference:+.3g} [{found.low:+.3g} to {found.high:+.3g}]".replace("-", MINUS)
    return f"{ends} {unit}".rstrip()


def signed(value: float) -> str:
    """A term of a sum: `+ 0.012`."""
    return f"{MINUS if round(value, 3) < 0 else '+'} {abs(value):.3f}"


def p_value(p: float) -> str:
    return "–" if math.isnan(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def amount(found: statistics.Quantile, unit: str) -> str:
    """`0.31 s [0.28–0.35]`."""
    if not found.count:
        return "–"
    return f"{found.point:.3g}{f' {unit}' if unit else ''} [{found.low:.3g}–{found.high:.3g}]"


def sentence(text: str) -> str:
    """With a capital at its start."""
    return text[:1].upper() + text[1:]


def title(run: records.Run) -> str:
    return " · ".join(part for part in (run.suite, run.label) if part)


def size(found: summary.Summary) -> str:
    """`400 scenarios, 1,200 runs`, and what is missing from them."""
    text = f"{_count(found.scenarios, 'scenario')}, {_count(found.runs, 'run')}"
    if found.unanswered:
        text += f", {found.unanswered} without an answer"
    if found.unbuilt:
        text += (
            f", {found.unbuilt} left out because {'its' if found.unbuilt == 1 else 'their'} world could not be built"
        )
    return text


def few(found: summary.Summary) -> str:
    """A caution, or nothing."""
    rate = found.primary.rate
    return f"Only {rate.scenarios} scenarios: take every band as rough." if rate.few and rate.count else ""


def headlines(found: summary.Summary) -> list[str]:
    """What to know of a run, most important first: at most five sentences."""
    primary = found.primary
    lines = [f"{sentence(primary.measure.title)}: {band(primary.rate)} ({counted(primary.rate)})."]
    hot = [segment for segment in found.segments if segment.hot]
    if hot:
        lines.append("Weak beyond chance: " + ", ".join(f"{each.name} {band(each.right)}" for each in hot[:3]) + ".")
    if found.stability and found.stability.variants:
        lines.append(_stable(found.stability))
    if found.stability and found.stability.clean:
        lines.append(f"Without the noise it would be {change(found.stability.clean)} points.")
    if found.calibration:
        lines.append(_calibrated(found.calibration))
    if found.saturation:
        lines.append(suite_verdict(found.saturation))
    return lines


def _stable(found: stability.Stability) -> str:
    names: dict[str, list[str]] = {}
    for variant in found.variants:
        names.setdefault(variant.label, []).append(variant.perturbation)
    order = (stability.DEGRADED, stability.UNDECIDED, stability.STABLE)
    return (
        "Under perturbation: "
        + "; ".join(f"{label} {', '.join(names[label])}" for label in order if label in names)
        + "."
    )


def _calibrated(found: calibration.Calibration) -> str:
    stated = sum(each.confidence * each.right.count for each in found.bins) / found.count
    held = sum(each.right.hits for each in found.bins) / found.count
    return f"States {percent(stated)} confidence on average and is right in {percent(held)} (Brier score {found.brier:.3f})."


def suite_verdict(found: saturation.Saturation) -> str:
    """The verdict on the suite with its first reason."""
    state = f"The suite is used up: {found.verdict}" if found.used_up else "The suite is not used up"
    return f"{state}; {found.reasons[0]}."


def label(variant: stability.Variant) -> str:
    """`undecided (about 120 more scenarios)`."""
    return f"{variant.label} (about {variant.needed:,} more scenarios)" if variant.needed else variant.label


def compared(found: comparison.Comparison) -> list[str]:
    """What to know of a comparison, most important first."""
    primary = found.primary
    measured = f"{change(primary.change)} points, p {p_value(primary.adjusted)}"
    lines = [
        f"{sentence(primary.title)}: {primary.verdict}, {measured} on {_count(found.scenarios, 'shared scenario')}."
    ]
    if primary.verdict == comparison.UNSEEN and not math.isnan(primary.change.detectable):
        lines.append(f"A true difference below {primary.change.detectable * 100:.1f} points would mostly go unseen.")
    worse = [each.title for each in found.measures if each.gate and each.verdict == comparison.WORSE]
    if worse:
        lines.append("Gates that got worse: " + ", ".join(worse) + ".")
    if found.influence.alone:
        lines.append(
            f"The decision hangs on single scenarios: without any one of {len(found.influence.alone)} it would be another."
        )
    if found.influence.flips >= 0.05:
        lines.append(f"Another draw of scenarios would decide differently with {percent(found.influence.flips)}.")
    if found.clear_after:
        lines.append(f"It was clear after {found.clear_after} of them, looked at one by one in a random order.")
    if not found.same_suite:
        lines.append("The two runs are not of the same version of the suite.")
    if found.only_before or found.only_after:
        left = f"{found.only_before} ran only before, {found.only_after} only after"
        lines.append(f"Only shared scenarios are compared: {left}.")
    if found.scenarios < intervals.FEW_SCENARIOS:
        lines.append(f"Only {_count(found.scenarios, 'shared scenario')}: take every band as rough.")
    return lines


def trended(found: trend.Trend) -> list[str]:
    """The newest version of each line, and what it changed."""
    lines = []
    for line in found.lines:
        last = line.points[-1]
        text = f"{title(last.run)}: {band(last.rates[line.primary])}" if line.primary in last.rates else title(last.run)
        if last.change:
            since = line.points[-2].label
            text += f", {change(last.change)} points since {since}"
        lines.append(f"{text}.")
    return lines


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
