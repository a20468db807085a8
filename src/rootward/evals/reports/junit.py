"""Runs and comparisons as JUnit XML, which every CI system shows: a case per scenario and perturbation, or a case per gate."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from rootward.evals import comparison, records, summary
from rootward.evals.reports import wording

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(run: records.Run, found: summary.Summary) -> str:
    """A case per scenario and perturbation; it fails unless all its repeats are right, and is skipped when it could not be run."""
    cases: dict[tuple[str, str], list[records.Row]] = {}
    for row in run.rows:
        cases.setdefault((row.scenario, row.perturbation), []).append(row)
    suite = ET.Element("testsuite", name=_clean(wording.title(run)))
    properties = ET.SubElement(suite, "properties")
    for score in found.scores:
        ET.SubElement(properties, "property", name=_clean(score.measure.name), value=str(score.rate))
    failures = skipped = 0
    for (scenario, perturbation), rows in cases.items():
        name = f"{scenario} [{perturbation}]" if perturbation else scenario
        seconds = sum(row.seconds for row in rows)
        case = ET.SubElement(suite, "testcase", classname=_clean(run.suite), name=_clean(name), time=f"{seconds:.3f}")
        scored = [row for row in rows if run.primary in row.scores]
        if not scored:
            skipped += 1
            ET.SubElement(case, "skipped", message=_clean(rows[0].message or rows[0].status or "no score applies"))
        elif wrong := [row for row in scored if row.scores[run.primary] < 1]:
            failures += 1
            _failure(case, f"right in {len(scored) - len(wrong)} of {len(scored)} runs", wrong)
    suite.attrib.update(tests=str(len(cases)), failures=str(failures), skipped=str(skipped), errors="0")
    return _document(suite)


def render_comparison(found: comparison.Comparison) -> str:
    """A case per gate (per measure when none is one); it fails when the later run is worse."""
    asked = [each for each in found.measures if each.gate] or list(found.measures)
    label = f"{found.before.label or 'before'} to {found.after.label or 'after'}"
    suite = ET.Element("testsuite", name=_clean(f"{found.after.suite}: {label}"))
    failures = 0
    for each in asked:
        case = ET.SubElement(suite, "testcase", classname=_clean(found.after.suite), name=_clean(each.title))
        said = f"{each.verdict}: {wording.change(each.change, None if each.before else each.unit)}, p {wording.p_value(each.adjusted)}"
        if each.verdict == comparison.WORSE:
            failures += 1
            ET.SubElement(case, "failure", message=_clean(said))
        else:
            ET.SubElement(case, "system-out").text = _clean(said)
    suite.attrib.update(tests=str(len(asked)), failures=str(failures), skipped="0", errors="0")
    return _document(suite)


def _failure(case: ET.Element, message: str, wrong: Sequence[records.Row]) -> None:
    label = wrong[0].failure or wrong[0].status
    failure = ET.SubElement(
        case, "failure", type=_clean(label or "wrong"), message=_clean(f"{message}; {label}" if label else message)
    )
    failure.text = _clean("\n".join(dict.fromkeys(row.message for row in wrong if row.message)))


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def _document(suite: ET.Element) -> str:
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
