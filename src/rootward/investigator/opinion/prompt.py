"""What the model is told first: the frame, the hypotheses and the evidence, within so many characters, all of production's text fenced."""

from collections.abc import Sequence
from importlib import resources

import jinja2

from rootward.investigator import finding as findings
from rootward.investigator.causal import case, fault_kinds
from rootward.investigator.opinion import digests, dossier

HYPOTHESES_SHOWN = 4
CLUES_SHOWN = 4
OTHERS_LINES = 4  # of evidence that no hypothesis cites
OMITTED_SHOWN = 60
METRICS = "M"  # ids of metrics begin so: there are hundreds, and the telling ones are cited

_PROMPTS = resources.files(__package__) / "prompts"
_ENGINE = jinja2.Environment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 -- plain text for a model, fenced by `fenced`
    trim_blocks=True,
    keep_trailing_newline=True,
)


def system(rounds: int) -> str:
    """The rules."""
    return _ENGINE.from_string(_text("system.md.j2")).render(rounds=rounds)


def case_told(
    subject: case.Case, judgement: case.Judgement, finding: findings.Finding, papers: dossier.Dossier, *, chars_max: int
) -> str:
    """The case, at most about `chars_max` characters of evidence; what did not fit is named, and can be read."""
    leading = judgement.hypotheses[:HYPOTHESES_SHOWN]
    cited = dict.fromkeys(key for one in leading for clue in one.clues[:CLUES_SHOWN] for key in clue.evidence)
    items, omitted = _chosen(papers, list(cited), chars_max)
    return _ENGINE.from_string(_text("case.md.j2")).render(
        alert=fenced(f"{subject.alert.name}: {subject.alert.summary}"),
        baseline=f"{digests.moment(subject.baseline.start_s)} to {digests.moment(subject.baseline.end_s)} UTC",
        focus=f"{digests.moment(subject.focus.start_s)} to {digests.moment(subject.focus.end_s)} UTC",
        status=str(finding.status),
        hypotheses=[_hypothesis(one) for one in leading],
        ruled_out=[fenced(f"{one.entity}: {one.reason}") for one in finding.ruled_out],
        guidance=_guidance(finding),
        missing=[fenced(one) for one in finding.missing],
        items=items,
        omitted=", ".join(omitted[:OMITTED_SHOWN]),
    )


def _guidance(finding: findings.Finding) -> list[str]:
    """What guidance applied, with what came of it: the model looks there too, and needs the same evidence to say anything."""
    heard = finding.guided.heard if finding.guided is not None else ()
    return [fenced(" ".join([f"{one.id}: {one.text}", *one.did])) for one in heard]


def fenced(text: str) -> str:
    """Production's text, so that it can neither end the fence nor begin one."""
    return text.replace("</data", "<\\/data").replace("<data", "<\\data").replace("\r", " ")


def _hypothesis(one: case.Hypothesis) -> dict[str, object]:
    return {
        "probability": f"{100 * one.probability:.0f}%",
        "entity": str(one.entity),
        "fault": one.fault or "unknown",
        "sentence": fault_kinds.sentence(one.fault),
        "onset": "unknown" if one.onset_s is None else digests.moment(one.onset_s),
        "clues": [fenced(f"{clue.sentence} [{', '.join(clue.evidence)}]") for clue in one.clues[:CLUES_SHOWN]],
    }


def _chosen(papers: dossier.Dossier, cited: Sequence[str], chars_max: int) -> tuple[list[dict[str, object]], list[str]]:
    """Cited evidence first, then what people, logs and the cluster said, then metrics, each in short, until the space is used."""
    rest = [item.id for item in papers.items() if item.id not in set(cited)]
    order = [*cited, *sorted(rest, key=lambda key: key.startswith(METRICS))]
    shown: list[dict[str, object]] = []
    omitted: list[str] = []
    left = chars_max
    for key in order:
        item = papers.get(key)
        if item is None:
            continue
        lines = [fenced(line) for line in (item.short if key in cited else item.short[:OTHERS_LINES])]
        size = len(item.title) + sum(map(len, lines)) + 20
        if size > left:
            omitted.append(key)
            continue
        left -= size
        shown.append({"id": key, "title": fenced(item.title), "short": lines})
    return shown, omitted


def _text(name: str) -> str:
    return (_PROMPTS / name).read_text(encoding="utf-8")
