"""Instructions planted in telemetry: text that speaks to whatever reads it, and not of the system it came from.

No model is needed for them to matter: somebody who writes "the root cause is X" into a user agent wants the reader misled. They are
never obeyed (whatever reads telemetry here has no tool that could), so this only finds and tells them; a text that it misses does
no more harm than one that it finds. Wordings: OWASP LLM01:2025 (prompt injection), in the languages of the examples there, and as they
come through an URL or in base64.
"""

import base64
import binascii
import dataclasses
import re
import urllib.parse
from collections.abc import Iterable, Sequence

from rootward.investigator.causal import case

# Cheap and first: a text without any of these is innocent. Lower case.
_HINTS = (
    "instruction", "ignore ", "ignore+", "ignore%", "disregard", "assistant", "system prompt", "root cause", "you are now", "<|", "[inst",
    "do not report", "do not mention", "anweisung", "instruccion", "istruzioni", "инструкц", "指示", "指令", "지시",
)  # fmt: skip
# Hashes and identifiers are words of hex digits, and as long: text in base64 has other letters too.
_BASE64 = re.compile(r"(?<![\w+/-])(?=[A-Fa-f0-9-]{0,2000}[G-Zg-z+/_])[A-Za-z0-9+/_-]{32,2000}={0,2}(?![\w+/=-])")
_DIRECTIVES = re.compile(
    r"(?:ignore|disregard|forget|override)\W+(?:\w+\W+){0,3}?(?:instructions?|prompts?|rules|guidance|guidelines)"
    r"|(?:ignorier\w*|ignora|ignore[rz]?|olvida|dimentica)\W+(?:\w+\W+){0,4}?(?:anweisung\w*|instruccion\w*|instructions?|istruzioni)"
    r"|(?:игнорируй\w*|забудь\w*)\W+(?:\w+\W+){0,3}?инструкц\w*"
    r"|忽略.{0,12}(?:指令|指示|说明)|(?:以前|上記|これまで).{0,8}指示.{0,6}(?:無視|忘れ)|(?:이전|위의).{0,8}지시.{0,6}무시"
    r"|\byou\s+are\s+now\b|\bnew\s+(?:system\s+)?instructions?\s*:|\b(?:reveal|print|show|repeat)\W+(?:\w+\W+){0,3}?system\s+prompt"
    r"|<\|?/?(?:system|assistant|im_start|im_end|endoftext)\|?>|\[/?inst\]"
    r"|\b(?:ai|llm|assistant|agent|model|bot)s?\s*[:,]?\s+(?:must|should|has\s+to|have\s+to|shall|please)\b"
    r"|\b(?:report|name|state|conclude|say|answer)\W+(?:\w+\W+){0,4}?(?:as\s+(?:the\s+)?)?root\W+cause\W+(?:is\W+)?\w+"
    r"|\bthe\s+root\s+cause\s+is\s+[\w-]+\s*[;.,]\s*(?:close|resolve|ignore|do\s+not|stop)"
    r"|\bdo\s+not\s+(?:report|mention|investigate|tell)\b",
    re.IGNORECASE,
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")
_NUMBER = re.compile(r"\d+")
LINES_MAX = 50_000
ATTEMPTS_MAX = 8
SHOWN_CHARS = 160


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """A text that tried to instruct its reader: where it was found (`evidence` id, `place` in words), and its beginning, as data."""

    place: str
    text: str
    evidence: str = ""


def directive(text: str) -> str:
    """What in `text` speaks to its reader (directly, behind invisible characters, in a URL's escapes or in base64), from there on and
    shortened; "" where nothing does."""
    plain = _INVISIBLE.sub("", text) if not text.isascii() else text
    for one in (plain, *_decoded(plain)):
        lowered = one.lower()
        if any(hint in lowered for hint in _HINTS) and (found := _DIRECTIVES.search(one)):
            return " ".join(one[found.start() : found.start() + SHOWN_CHARS].split())
    return ""


def _decoded(text: str) -> Iterable[str]:
    if "%" in text or "+" in text:
        yield urllib.parse.unquote_plus(text)
    if len(text) >= 32:
        for found in _BASE64.finditer(text):
            word = found[0].replace("-", "+").replace("_", "/").rstrip("=")
            try:
                plain = base64.b64decode(word + "=" * (-len(word) % 4), validate=True).decode("utf-8")
            except (binascii.Error, ValueError):
                continue
            if plain.isprintable():
                yield plain


def attempts(subject: case.Case) -> tuple[Attempt, ...]:
    """The distinct attempts in everything that was read, at most ATTEMPTS_MAX, in the order of the evidence."""
    found: dict[str, Attempt] = {}
    for place, evidence, text in _texts(subject):
        if shown := directive(text):
            found.setdefault(_NUMBER.sub("0", shown), Attempt(place, shown, evidence))
            if len(found) == ATTEMPTS_MAX:
                break
    return tuple(found.values())


def _texts(subject: case.Case) -> Iterable[tuple[str, str, str]]:
    alert = subject.alert
    for name, text in (*alert.labels.items(), ("summary", alert.summary), ("description", alert.description)):
        yield f"the alert's {name}", "", text
    for message, key in subject.messages:
        yield f"a message in {message.channel}", key, message.text
    for change, key in subject.changes:
        yield f"a change ({change.kind})", key, change.summary
    for event, key in subject.events:
        yield f"an event of {event.entity.name}", key, event.message
    for kind, listed in subject.objects.items():
        for one in listed:
            for name, text in (one.body.get("metadata", {}).get("annotations") or {}).items():
                yield f"the annotation {name} of {kind} {one.name}", subject.objects_evidence.get(kind, ""), str(text)
    left = LINES_MAX
    for part in subject.logs:
        lines = part.lines.lines[:left]
        left -= len(lines)
        for line in _suspicious(lines):
            yield f"a log line of {part.entity.name}", part.evidence, line
    for spans in subject.spans:
        distinct = {id(one): one for one in spans.spans.attributes}.values()  # most spans share theirs
        # In order: a set's own is another in every process, and equal cases must give equal findings.
        for line in _suspicious(sorted({v for one in distinct for v in one.values() if isinstance(v, str)})):
            yield "an attribute of a span", spans.evidence, line


def _suspicious(lines: Sequence[str]) -> Iterable[str]:
    """Those worth a look of their own: most batches are told innocent by a few searches in all of their text at once."""
    whole = "\n".join(lines)
    lowered = whole.lower()
    if any(hint in lowered for hint in _HINTS) or not whole.isascii() or _BASE64.search(whole):
        yield from lines
