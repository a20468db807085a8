"""What a change does, read from its patch: lines gone and added, the words that changed sides, and whether it can matter at all."""

import dataclasses
import difflib
import functools
import re
from collections.abc import Sequence
from functools import cached_property

from rootward.signals import records

_STYLE = re.compile(r"\.(css|scss|less|svg|png|jpe?g|gif|ico|woff2?)$|(^|/)(theme|styles?|palette)[^/]*\.(ts|js|json)$")
_PROSE = re.compile(r"\.(md|rst|adoc|txt)$|(^|/)(docs?|changelog|readme|license)\b", re.IGNORECASE)
_TEST = re.compile(r"(^|/)(tests?|testdata|__tests__|spec|fixtures)/|[._-](test|spec)s?\.|_test\.", re.IGNORECASE)
_DEPENDENCIES = re.compile(
    r"(^|/)(go\.(mod|sum)|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|requirements[^/]*\.txt|poetry\.lock|uv\.lock"
    r"|Pipfile(\.lock)?|pom\.xml|build\.gradle(\.kts)?|Gemfile(\.lock)?|Cargo\.(toml|lock)|composer\.(json|lock))$"
)
_TOOLING = re.compile(
    r"(^|/)(\.github|\.gitlab|\.circleci)/|(^|/)\.(golangci|eslintrc|prettierrc|editorconfig)[^/]*$|CODEOWNERS$"
)
_COMMENT = re.compile(r"^\s*(//|#(?!include|define)|/\*|\*|<!--|--\s|\"\"\"|;)")
_MARKUP = re.compile(r"</?[a-z][\w-]*[^>]*>|className=|class=\"", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_CAMEL = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def words(text: str) -> set[str]:
    """Identifiers of a text and the words they are made of, in lower case ("registerAgents" → registeragents, register, agents)."""
    return set().union(*map(_made_of, identifiers(text)))


def identifiers(text: str) -> set[str]:
    """Identifiers as they are written; `words` of many texts are quicker found from all their identifiers together."""
    return set(_WORD.findall(text))


@functools.lru_cache(maxsize=1 << 15)
def _made_of(identifier: str) -> frozenset[str]:
    return frozenset((identifier.lower(), *(part.lower() for part in _CAMEL.findall(identifier))))


@dataclasses.dataclass(frozen=True, eq=False)
class Diff:
    """`gone` and `added` are the changed lines without their sign, comments and blank lines left out; `near` is what stands
    around them (hunk headers, context, file names)."""

    paths: tuple[str, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]
    near: tuple[str, ...]
    summary: str

    @cached_property
    def lost(self) -> set[str]:
        """Words that only the old lines had."""
        return words("\n".join(self.gone)) - words("\n".join(self.added))

    @cached_property
    def gained(self) -> set[str]:
        """Words that only the new lines have."""
        return words("\n".join(self.added)) - words("\n".join(self.gone))

    @cached_property
    def dependencies_only(self) -> bool:
        return bool(self.paths) and all(_DEPENDENCIES.search(path) for path in self.paths)

    @cached_property
    def harmless(self) -> str:
        """Why it cannot have changed what a service does; "" when it can."""
        if self.paths and all(_PROSE.search(path) for path in self.paths):
            return "it changes documentation only"
        if self.paths and all(_TEST.search(path) for path in self.paths):
            return "it changes tests only"
        if self.paths and all(_TOOLING.search(path) for path in self.paths):
            return "it changes tooling only"
        if self.paths and any(_STYLE.search(path) for path in self.paths) and not self._code:
            return "it changes styles only"
        if self.gone or self.added:
            if not self._code:
                return "it changes markup only"
            if sorted("".join(self.gone).split()) == sorted("".join(self.added).split()):
                return "it only moves lines"
        return ""

    @cached_property
    def _code(self) -> bool:
        if self.paths and all(_STYLE.search(path) or path.endswith((".html", ".tmpl")) for path in self.paths):
            return False
        return any(not _MARKUP.search(line) for line in (*self.gone, *self.added)) or not (self.gone or self.added)

    @cached_property
    def wording(self) -> bool:
        """Each new line is an old one with another message, log field or label: nothing is done differently."""
        if len(self.gone) != len(self.added) or not self.gone:
            return False
        said = re.compile(r"log|print|msg|message|error\(|json\(|['\"].*\s.*['\"]", re.IGNORECASE)
        return all(
            said.search(old) and difflib.SequenceMatcher(None, old, new).ratio() > 0.7
            for old, new in zip(self.gone, self.added, strict=True)
        )

    @cached_property
    def tidying(self) -> bool:
        """It does the same calls by other words: most old lines are replaced, and next to nothing is lost or gained but helpers."""
        calls = re.compile(r"(\w+(?:\.\w+)*)\(")
        old, new = set(calls.findall("\n".join(self.gone))), set(calls.findall("\n".join(self.added)))
        kept = {name.rpartition(".")[2].lower() for name in old} & {name.rpartition(".")[2].lower() for name in new}
        titled = re.search(
            r"\b(tidy|refactor|extract|rename|clean ?up|simplify|reformat|restructure)\b", self.summary, re.IGNORECASE
        )
        return bool(titled) and len(self.gone) >= 3 and len(self.added) >= 3 and bool(kept)


def read(change: records.Change) -> Diff:
    """The diff of a change; empty when its source gave no patch."""
    gone: list[str] = []
    added: list[str] = []
    near = list(change.files)
    for patch in change.files.values():
        for line in patch.splitlines():
            if line.startswith(("+++", "---", "@@")):
                near.append(line)
            elif line.startswith(("-", "+")):
                text = line[1:].strip()
                if text and not _COMMENT.match(text):
                    (gone if line[0] == "-" else added).append(text)
            else:
                near.append(line)
    return Diff(tuple(change.files), tuple(gone), tuple(added), tuple(near), change.summary)


_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)(?![\w.]*\.)\s*\*?\s*(?:time\.)?(\w+)?")
_UNITS_S = {
    "ns": 1e-9, "nanosecond": 1e-9, "us": 1e-6, "microsecond": 1e-6, "ms": 1e-3, "millisecond": 1e-3, "millis": 1e-3,
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0,
}  # fmt: skip


def amounts(lines: Sequence[str], about: re.Pattern[str]) -> list[float]:
    """Numbers in the lines that match `about`, with a unit of time in seconds where one follows."""
    found = []
    for line in lines:
        if about.search(line):
            for number, unit in _NUMBER.findall(line):
                found.append(float(number) * _UNITS_S.get(unit.lower(), 1.0))
    return found


def moved(diff: Diff, about: re.Pattern[str]) -> float:
    """The ratio new / old of the largest number in lines about something; 1.0 when either side has none."""
    old, new = amounts(diff.gone, about), amounts(diff.added, about)
    if not old or not new or not max(old):
        return 1.0
    return max(new) / max(old)
