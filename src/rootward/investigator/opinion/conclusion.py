"""The form in which a model concludes, and whether what it says stands in the evidence that it cites.

Numbers are compared as written: a claim's number must stand in one of its pieces of evidence, to the digits that the claim gives. Text
between quotation marks must be found there word for word. A claim that fails is told to the model once, and then dropped, visibly.
"""

import dataclasses
import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import pydantic

from rootward.investigator.causal import fault_kinds
from rootward.investigator.opinion import dossier

SENTENCES_MAX = 3
SENTENCE_CHARS_MAX = 400
NAME = "conclude"


class Claim(pydantic.BaseModel):
    """One sentence for people, and the evidence that says so."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    sentence: Annotated[str, pydantic.Field(min_length=1, max_length=SENTENCE_CHARS_MAX)]
    """What is so, in plain words, without links."""
    evidence: Annotated[list[str], pydantic.Field(min_length=1, max_length=6)]
    """Ids of the evidence that says so."""


class Conclusion(pydantic.BaseModel):
    """What the model makes of it."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    verdict: Literal["agree", "other_cause", "unsure"]
    """agree: with the reasoner's first hypothesis. other_cause: named below. unsure: the evidence does not tell."""
    entity: str = ""
    """Name of the service, database, node … that is the cause, for other_cause."""
    fault: str = ""
    """Kind of fault in a word or two, for other_cause."""
    claims: Annotated[list[Claim], pydantic.Field(max_length=SENTENCES_MAX)] = []
    """At most three sentences."""


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped:
    """A claim that did not hold, and why."""

    sentence: str
    reason: str


def check(claims: Iterable[Claim], papers: dossier.Dossier) -> tuple[list[Claim], list[Dropped]]:
    """Those that hold, and those that do not."""
    kept, dropped = [], []
    for claim in claims:
        reason = _flaw(claim, papers)
        if reason:
            dropped.append(Dropped(claim.sentence, reason))
        else:
            kept.append(claim)
    return kept, dropped


_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_QUOTED = re.compile(r"“([^”]{3,})”|\"([^\"]{3,})\"|`([^`]{3,})`|‘([^’]{3,})’")
_LINK = re.compile(r"\w+://|\bwww\.|\]\(|<[!@#][^>]*>|\bmailto:")
SMALL = 3
"""Whole numbers up to this are words ("two pods"), not measurements."""


def _flaw(claim: Claim, papers: dossier.Dossier) -> str:
    unknown = [key for key in claim.evidence if key not in papers]
    if unknown:
        return f"there is no evidence {', '.join(unknown)}"
    if _LINK.search(claim.sentence):
        return "it holds a link or calls somebody"
    text = "\n".join(line for key in claim.evidence for line in _lines(papers, key))
    cited = ", ".join(claim.evidence)
    for found in _QUOTED.finditer(claim.sentence):
        quote = next(group for group in found.groups() if group)
        if " ".join(quote.lower().split()) not in " ".join(text.lower().split()):
            return f"{quote!r} does not stand in {cited}"
    # What stands in quotation marks was looked up as a whole, and ids are no measurements.
    plain = _QUOTED.sub(" ", claim.sentence)
    known = _values(text)
    for word in _NUMBER.findall(plain):
        value, digits = _value(word), _decimals(word)
        if value.is_integer() and abs(value) <= SMALL and "." not in word:
            continue
        if not any(round(one, digits) == round(value, digits) for one in known):
            return f"the number {word} does not stand in {cited}"
    return ""


def _lines(papers: dossier.Dossier, key: str) -> tuple[str, ...]:
    item = papers.get(key)
    return () if item is None else (item.title, *item.short, *item.whole)


def _values(text: str) -> set[float]:
    """Every number that stands in the text; "10:42" is two."""
    found = {_value(word) for word in re.findall(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", text, re.IGNORECASE)}
    return found | {-_value(word) for word in re.findall(r"(?<=-)\d[\d,]*(?:\.\d+)?", text)}


def _value(word: str) -> float:
    try:
        return float(word.replace(",", ""))
    except ValueError:
        return float("nan")


def _decimals(word: str) -> int:
    return len(word.partition(".")[2].lower().partition("e")[0]) if "e" not in word.lower() else 12


def known_fault(text: str) -> str:
    """The kind of fault of our vocabulary that a word or two mean; "" for none."""
    key = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return key if key in fault_kinds.SENTENCES else ""


def schema() -> dict[str, Any]:
    """JSON Schema of `Conclusion`, references written out, as tools want it."""
    return inlined(Conclusion.model_json_schema())


def inlined(found: dict[str, Any]) -> dict[str, Any]:
    """A schema without `$ref`: small models and some servers do not follow them."""
    parts = found.pop("$defs", {})

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return walk(parts[value["$ref"].rsplit("/", 1)[1]])
            return {key: walk(one) for key, one in value.items() if key != "title" or not isinstance(one, str)}
        return [walk(one) for one in value] if isinstance(value, list) else value

    result: dict[str, Any] = walk(found)
    return result
