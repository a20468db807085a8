"""What went wrong, in the words of the system: log templates that are new or surge, the alert's text, operations that fail."""

import collections
import dataclasses
import re
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import loglines
from rootward.investigator.causal.blame import diffs
from rootward.signals import entities
from rootward.signals.roles import role

SURGE = 5.0  # times its rate before, from which a template counts as a symptom
TEMPLATES_MAX = 60
TRAFFIC_SURGE = 2.0  # times the usual request rate, seen at the alerted service


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Symptoms:
    """`texts` are example lines of what is new, `services` who says them (most lines first), `words` their words with a weight
    in (0, 1]: low for words that were said before as well. `evidence` ids."""

    texts: tuple[str, ...]
    services: tuple[str, ...]
    words: dict[str, float]
    evidence: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


_BAD = re.compile(
    r"error|fail|panic|fatal|exception|timed? ?out|timeout|deadline|denied|refused|unavailable|not found|does not exist|slow"
    r"|cancel|invalid|reject|no space|concurrent|crash|abort|unknown|missing|overload|saturat|\b5\d\d\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"0x[0-9a-f]+|[0-9a-f]{12,}|\d+")


def read(case: cases.Case, onset_s: float) -> Symptoms:
    """Symptoms since `onset_s` (less two minutes, for it is an estimate) against all that came before."""
    since_s = onset_s - 120.0
    before: collections.Counter[str] = collections.Counter()
    after: collections.Counter[tuple[str, str]] = collections.Counter()
    examples: dict[tuple[str, str], tuple[str, str]] = {}
    known = loglines.kinds(case)
    templates = [_VARIABLE.sub("#", line)[:200] for line in known.example]
    earlier = np.zeros(len(templates), dtype=np.int64)
    first_s = min((float(logs.lines.times_s[0]) for logs in case.logs if len(logs.lines)), default=since_s)
    for logs, kinds in zip(case.logs, known.of, strict=True):
        early = logs.lines.times_s < since_s
        earlier += np.bincount(kinds[early], minlength=len(templates))
        for row in np.flatnonzero(~early).tolist():
            key = (logs.entity.name, templates[kinds[row]])
            after[key] += 1
            if key not in examples:
                examples[key] = (logs.lines.lines[row], logs.evidence)
    for kind in np.flatnonzero(earlier).tolist():
        before[templates[kind]] += int(earlier[kind])
    scale = (case.now_s - since_s) / max(since_s - first_s, 60.0)
    new = [
        (key, count)
        for key, count in after.most_common()
        if count > SURGE * scale * before[key[1]] and (not before[key[1]] or count >= 10)
    ]
    chosen = [pair for pair in new if _BAD.search(pair[0][1])][:TEMPLATES_MAX] + [
        pair for pair in new if not _BAD.search(pair[0][1]) and pair[1] >= 5
    ][: TEMPLATES_MAX // 3]
    speakers: collections.Counter[str] = collections.Counter()
    for (service, template), count in chosen:
        if _BAD.search(template):
            speakers[service] += count
    texts = [*_alert(case), *(examples[key][0] for key, _count in chosen), *_failing(case, since_s)]
    earlier_words = diffs.words("\n".join(known.example[kind] for kind in np.flatnonzero(earlier).tolist()))
    weights = {word: 0.3 if word in earlier_words else 1.0 for text in texts for word in diffs.words(text)}
    evidence = tuple(dict.fromkeys(examples[key][1] for key, _count in chosen))[:4]
    return Symptoms(tuple(texts), tuple(name for name, _count in speakers.most_common()), weights, evidence)


def _alert(case: cases.Case) -> Iterator[str]:
    alert = case.alert
    yield from (text for text in (alert.summary, alert.description, alert.metric.replace("_", " ")) if text)


def _failing(case: cases.Case, since_s: float) -> Iterator[str]:
    """Operations and attributes of spans that failed since."""
    seen: set[str] = set()
    for spans in case.spans:
        batch = spans.spans
        for start_s, error, operation, attributes in zip(
            batch.start_s, batch.error, batch.operation, batch.attributes, strict=True
        ):
            if start_s >= since_s and error:
                text = " ".join([operation, *(str(value) for value in attributes.values())])[:300]
                if text not in seen and len(seen) < TEMPLATES_MAX:
                    seen.add(text)
                    yield text


_EXPIRED = re.compile(r"certificate (?:has )?expired|CERT_HAS_EXPIRED|certificate is not yet valid", re.IGNORECASE)
_UNRESOLVED = re.compile(
    r"no such host|ENOTFOUND|EAI_AGAIN|SERVFAIL|server misbehaving|name resolution|Name or service not known|UnknownHost"
    r"|lookup \S+ (?:on \S+ )?.*timeout",
    re.IGNORECASE,
)
_UNRESOLVED_HINTS = (
    "no such host", "enotfound", "eai_again", "servfail", "server misbehaving", "name resolution", "service not known", "unknownhost",
    "lookup ",
)  # fmt: skip

_OVERLOADED = re.compile(
    r"overload|saturat|queue|shed|capacity|autoscal|scal(?:e|ing) up|too many requests|429|rate limit", re.IGNORECASE
)


def external(case: cases.Case, symptoms: Symptoms, onset_s: float) -> str:
    """What explains the symptoms without any change to the code: an expired certificate, names that stopped resolving for several
    services at once, a surge of traffic; "" when nothing does."""
    if _EXPIRED.search(symptoms.text):
        return "a certificate expired"
    known = loglines.kinds(case)
    failing = _unresolved(known.example)
    unresolved = {
        logs.entity.name
        for logs, kinds in zip(case.logs, known.of, strict=True)
        if kinds.size and bool((failing[kinds] & (logs.lines.times_s >= onset_s - 120.0)).any())
    }
    if len(unresolved) >= 2:
        return f"names do not resolve for {', '.join(sorted(unresolved))}"
    growth = traffic_growth(case, onset_s) if _OVERLOADED.search(symptoms.text) else 1.0
    if growth >= TRAFFIC_SURGE:
        return f"traffic grew to {growth:.1f} times its usual rate"
    return ""


def _unresolved(lines: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which lines say that a name did not resolve; mostly one look at all of them tells that none does."""
    lowered = "\n".join(lines).lower()
    if not any(hint in lowered for hint in _UNRESOLVED_HINTS):
        return np.zeros(len(lines), dtype=bool)
    return np.array([_UNRESOLVED.search(line) is not None for line in lines], dtype=bool)


def traffic_growth(case: cases.Case, onset_s: float) -> float:
    """How many times its usual request rate the alerted service gets since shortly before the onset; 1.0 when not measured.

    A service that is called more because another one calls it more often per request is not a surge: the growth of the least
    grown measured service counts.
    """
    factors: dict[entities.Entity, float] = {}
    for signal in case.signals:
        if signal.role is not role.Role.RATE:
            continue
        earlier = signal.values[(signal.times_s < onset_s - 300.0) & np.isfinite(signal.values)]
        later = signal.values[(signal.times_s >= onset_s - 300.0) & np.isfinite(signal.values)]
        if len(earlier) >= 3 and len(later) >= 2 and np.median(earlier) > 0:
            factors[signal.entity] = float(np.max(later) / np.median(earlier))
    return min(factors.values(), default=1.0)
