"""Reports: complete, escaped, self-contained and well-formed, whatever the names in them."""

import dataclasses
import io
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
import synthetic
from rich.console import Console

from rootward.evals import comparison, records, summary, trend
from rootward.evals.reports import charts, html, junit, markdown, terminal, wording

HOSTILE = '<script>alert("1")</script> & | `x` \x00\x1b[31m'
VOID = {"meta", "br"}

RUN = synthetic.run(scenarios=48, repeats=2, perturbations={"rename": 0.0, "drop_logs": 0.4, "clean": -0.2})
LATER = synthetic.run(scenarios=48, repeats=2, shift=0.2, version="0.3.0")


def hostile(run: records.Run) -> records.Run:
    """The same run with markup and control characters wherever text comes from outside."""
    rows = [
        dataclasses.replace(
            row,
            scenario=row.scenario + HOSTILE,
            segments={HOSTILE: HOSTILE + row.segments["family"]},
            failure=HOSTILE if row.failure else "",
            fault=HOSTILE + row.fault,
            answered=HOSTILE + row.answered,
            message=HOSTILE,
            perturbation=HOSTILE if row.perturbation else "",
        )
        for row in run.rows
    ]
    unique = {row.key: row for row in rows}
    return dataclasses.replace(run, rows=tuple(unique.values()), suite=HOSTILE, subject=HOSTILE, digest=HOSTILE)


class Page(HTMLParser):
    """Fails on tags that are not closed in order; collects tags and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def pages(first: records.Run, second: records.Run) -> dict[str, str]:
    return {
        "run": html.render(summary.summarise(first)),
        "comparison": html.render_comparison(comparison.compare(first, second)),
        "trend": html.render_trend(trend.trend([first, second])),
    }


@pytest.mark.parametrize("name", ["run", "comparison", "trend"])
def test_pages_are_well_formed_and_ask_for_nothing_outside(name: str) -> None:
    page = Page(pages(RUN, LATER)[name])
    assert {"script", "link", "img", "iframe"}.isdisjoint(page.tags)
    assert not [value for key, value in page.attributes if key in ("src", "href", "xlink:href")]
    assert "nan" not in page.text.lower().split()
    assert "None" not in page.text


@pytest.mark.parametrize("name", ["run", "comparison", "trend"])
def test_text_from_outside_never_becomes_markup(name: str) -> None:
    text = pages(hostile(RUN), hostile(LATER))[name]
    assert "script" not in Page(text).tags
    assert "<script" not in text


def test_every_chart_says_in_words_what_it_shows() -> None:
    text = pages(RUN, LATER)["run"]
    labels = re.findall(r'<svg class="plot"[^>]*aria-label="([^"]+)"', text)
    assert len(labels) == 3
    assert all(re.search(r"\d", label) for label in labels)
    assert text.count('<svg class="strip"') == text.count('aria-hidden="true"'), "strips repeat numbers of their row"


def test_a_page_of_a_run_holds_what_the_issue_asks_for() -> None:
    text = Page(pages(RUN, LATER)["run"]).text
    for heading in ("Scores", "Where it fails", "How it fails", "Kinds taken for others", "Confidence", "Stability"):
        assert heading in text
    assert "Without the noise" in text
    assert "Where the next scenario is worth most" in text


def test_the_smallest_and_the_emptiest_run_have_a_page() -> None:
    for run in (synthetic.run(scenarios=1), dataclasses.replace(RUN, rows=())):
        found = summary.summarise(run)
        Page(html.render(found))
        markdown.render(found)
        ET.fromstring(junit.render(run, found))
        terminal.show(found, Console(file=io.StringIO()))
        terminal.show_saturation(found, Console(file=io.StringIO()))


def test_the_confusion_matrix_gathers_what_is_too_much() -> None:
    counts = {(f"true {i}", f"said {j}"): 1 + (i * 7 + j) % 5 for i in range(20) for j in range(20)}
    found = html.confusion(counts)
    assert found is not None
    assert len(found.rows) == html.KINDS_MAX
    assert found.left_out == 20 - html.KINDS_MAX
    for kind, cells in found.rows:
        assert sum(cells) == sum(count for (true, _), count in counts.items() if true == kind)
    assert html.confusion({("a", "a"): 3}) is None


def test_the_confusion_matrix_has_no_empty_column_and_recognised_kinds_on_its_diagonal() -> None:
    found = html.confusion({("a", "b"): 2, ("b", "b"): 5, ("b", "c"): 1, ("d", "d"): 9})
    assert found is not None
    assert found.columns == ("b", "c")
    assert found.rows == (("a", (2, 0)), ("b", (5, 1)))


def printed(width: int, *, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, legacy_windows=False)
    terminal.show(summary.summarise(RUN), console)
    terminal.show_comparison(comparison.compare(RUN, LATER), console)
    terminal.show_trend(trend.trend([RUN, LATER]), console)
    terminal.show_saturation(summary.summarise(RUN, against=LATER), console)
    return out.getvalue()


def test_a_terminal_shows_bands_and_what_to_know_first() -> None:
    text = printed(140)
    first = text.splitlines()[1]
    assert first.startswith("Names the service and the kind first:")
    assert re.search(r"\d+% \[\d+–\d+%\]", first)
    assert re.search(r"·*├─*●─*┤·*", text)
    assert "drop_logs" in text
    assert "The suite is" in text


def test_names_with_markup_are_printed_as_they_are() -> None:
    run = dataclasses.replace(RUN, suite="[bold]x[/bold]", subject="[/nonsense]")
    out = io.StringIO()
    terminal.show(summary.summarise(run), Console(file=out, width=140))
    assert "[bold]x[/bold]" in out.getvalue()


def test_a_bar_marks_its_band() -> None:
    rate = summary.statistics.rate(50, 100)
    drawn = terminal.bar(rate)
    assert len(drawn) == terminal.BAR
    assert drawn.index("├") < drawn.index("●") < drawn.index("┤")
    assert drawn.index("●") == terminal.BAR // 2
    assert terminal.bar(summary.statistics.rate(0, 0)) == ""


def test_markdown_tables_have_as_many_cells_in_each_row() -> None:
    for text in (
        markdown.render(summary.summarise(hostile(RUN))),
        markdown.render_comparison(comparison.compare(hostile(RUN), hostile(LATER))),
        markdown.render_trend(trend.trend([hostile(RUN), hostile(LATER)])),
    ):
        widths: list[int] = []
        for line in [*text.splitlines(), ""]:
            if line.startswith("|"):
                widths.append(len(re.findall(r"(?<!\\)\|", line)))
            else:
                assert len(set(widths)) <= 1
                widths = []
        assert "<script" not in re.sub(r"\\.", "", text)


def test_junit_counts_cases_failures_and_what_could_not_run() -> None:
    rows = (*RUN.rows, records.Row("zz-unbuilt", {}, status="unbuilt", message="no such world"))
    run = dataclasses.replace(RUN, rows=rows)
    suite = ET.fromstring(junit.render(run, summary.summarise(run))).find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    assert len(cases) == int(suite.attrib["tests"]) == 48 * 4 + 1
    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"]) > 0
    assert [case.attrib["name"] for case in cases if case.find("skipped") is not None] == ["zz-unbuilt"]
    ET.fromstring(junit.render(hostile(RUN), summary.summarise(hostile(RUN))))


def test_junit_fails_the_gates_that_got_worse() -> None:
    worse = comparison.compare(synthetic.run(scenarios=120), synthetic.run(scenarios=120, shift=-0.4))
    suite = ET.fromstring(junit.render_comparison(worse)).find("testsuite")
    assert suite is not None
    assert int(suite.attrib["failures"]) >= 1
    assert int(suite.attrib["tests"]) == sum(each.gate for each in worse.measures)


def test_unbuilt_scenarios_are_told_and_enter_nothing() -> None:
    rows = (*RUN.rows, records.Row("zz-unbuilt", {}, status="unbuilt"))
    found = summary.summarise(dataclasses.replace(RUN, rows=rows))
    assert found.scenarios == 48
    assert "1 left out because its world could not be built" in wording.size(found)


def test_axes_have_few_round_ticks() -> None:
    for top in (1.0, 7.0, 23.0, 480.0):
        found = charts.discovery(_discovery(top))
        assert 2 <= len(found.y_ticks) <= 8
        assert all(float(tick.text).is_integer() for tick in found.y_ticks)


def _discovery(top: float) -> summary.saturation.Discovery:
    return summary.saturation.discovery({str(i): 2 for i in range(int(top))})


def test_a_narrow_terminal_gets_what_fits() -> None:
    text = printed(80)
    assert (
        max(len(line.rstrip()) for line in text.splitlines() if "[" in line and "·" not in line and ":" not in line)
        <= 80
    )
    assert "├" not in text
    assert "before" not in text
    assert "+" in text


def test_a_comparison_over_few_shared_scenarios_says_so() -> None:
    fewer = dataclasses.replace(
        LATER, rows=tuple(row for row in LATER.rows if row.scenario.endswith("1")), digest="other"
    )
    said = " ".join(wording.compared(comparison.compare(RUN, fewer)))
    assert "not of the same version of the suite" in said
    assert "43 ran only before, 0 only after" in said
    assert "Only 5 shared scenarios: take every band as rough." in said
