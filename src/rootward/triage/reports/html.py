"""The trade-off as one self-contained page: no script, no outside resource, inline SVG; light, dark and printable."""

import jinja2

from rootward.evals.reports import charts
from rootward.evals.reports import wording as evals_wording
from rootward.triage import tradeoff
from rootward.triage.reports import terminal, wording


def render(found: tradeoff.Tradeoff) -> str:
    """The page; its numbers stand in a table below the charts."""
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("rootward.triage.reports", "templates"),
                jinja2.PackageLoader("rootward.evals.reports", "templates"),
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(charts=charts, wording=evals_wording)
    return environment.get_template("tradeoff.html.j2").render(
        title="When to speak and when to keep quiet",
        headlines=wording.headlines(found),
        found=found,
        rows=terminal.rows(found),
        plots=plots(found),
    )


def plots(found: tradeoff.Tradeoff) -> tuple[charts.Plot, ...]:
    """How much it speaks, and how much of that is wrong, by threshold."""
    points, chosen = terminal.rows(found), found.chosen.threshold
    spoke = [(point.threshold, point.spoke) for point in points]
    wrong = [(point.threshold, point.wrong) for point in points]
    return (
        charts.by_threshold("Alerts that are told a cause", spoke, chosen),
        charts.by_threshold("Alerts that are told a wrong cause", wrong, chosen, promise=found.promise),
    )
