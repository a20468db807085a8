"""Reports: sparklines, quantities, and a page that cannot be injected into."""

import dataclasses
import io

import pytest
from rich.console import Console

from rootward.apps.report import html, sparkline, text
from rootward.investigator import finding as findings
from rootward.signals import answers, entities, quantity, windows

EVIL = '<script>alert(1)</script>[red]"&'


def sample() -> findings.Finding:
    service = entities.Entity(entities.EntityKind.SERVICE, EVIL)
    caller = entities.Entity(entities.EntityKind.SERVICE, "web")
    evidence = answers.Evidence(
        "M1", "prometheus", f'rate(x{{a="{EVIL}"}}[5m])', answers.Outcome.OK, windows.Window(0, 60), EVIL
    )
    cause = findings.RootCause(service, "slow_query", 30.0, findings.Confidence(0.8, 0.6, 0.9), ("M1",), (EVIL,), EVIL)
    chart = findings.Chart(EVIL, "s", (0.0, 30.0, 60.0), (0.1, None, 0.9), 30.0, "M1")
    return findings.Finding(
        status=findings.Status.FOUND,
        alert=EVIL,
        summary=f"Root cause: {EVIL}.",
        root_causes=(cause,),
        path=(service, caller),
        evidence=(evidence,),
        ruled_out=(findings.RuledOut(caller, "", EVIL, ("M1",)),),
        missing=(EVIL,),
        next_checks=(EVIL,),
        timing=findings.Timing(0.0, 1.0, 3, 1, {}),
        charts=(chart,),
    )


def test_a_sparkline_spans_low_to_high_and_leaves_gaps() -> None:
    assert sparkline.sparkline([0.0, None, 1.0]) == "▁ █"
    assert sparkline.sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline.sparkline([]) == ""
    assert len(sparkline.sparkline([float(i) for i in range(1000)], width=30)) == 30


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.31, "s", "310 ms"),
        (1.238, "s", "1.24 s"),
        (1.5 * 2**30, "By", "1.5 GiB"),
        (0.123, "1", "12.3%"),
        (12, "{request}/s", "12 request/s"),
    ],
)
def test_quantities_read_as_people_write_them(value: float, unit: str, expected: str) -> None:
    assert quantity.quantity(value, unit) == expected


def test_text_prints_what_production_said_as_text() -> None:
    out = io.StringIO()
    text.show(sample(), Console(file=out, width=120, force_terminal=False))
    assert EVIL in out.getvalue().replace("\n", "")


def test_the_page_escapes_everything_and_loads_nothing() -> None:
    page = html.render(sample(), truth={"status": "found", "causes": [], "path": [], "note": EVIL})
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<polyline") == 2  # the gap splits the line


def test_a_finding_without_anything_still_renders() -> None:
    bare = dataclasses.replace(
        sample(), root_causes=(), path=(), evidence=(), charts=(), ruled_out=(), missing=(), next_checks=()
    )
    assert "Evidence" in html.render(bare)
