"""The alert as another team would have named and worded it."""

import re

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import texts, variant

TITLE = "the alert has another name and says the same in other words"
SENTENCES = (
    (r"High error ratio on (?P<a>\S+)", r"\g<a>: too many requests are failing"),
    (r"p99 latency of (?P<a>\S+) above (?P<b>\S+)", r"\g<a> is slow, one request in a hundred takes longer than \g<b>"),
    (r"Consumer group (?P<a>\S+) is falling behind", r"\g<a> cannot keep up with what comes in"),
    (r"(?P<a>https?://\S+) fails from outside", r"customers cannot reach \g<a>"),
    (r"More than (?P<a>\S+) of requests to (?P<b>\S+) failed over the last 5 minutes", r"Of all requests to \g<b> in five minutes over \g<a> went wrong"),
    (r"The 99th percentile of (?P<a>\S+) has been above (?P<b>\S+)", r"Slow answers: \g<a> is beyond \g<b> at the 99th percentile"),
    (r"(?P<a>\S+) has more than (?P<b>\S+) unprocessed messages", r"More than \g<b> messages wait for \g<a>"),
    (r"Error budget of (?P<a>\S+) is burning", r"\g<a> uses up its error budget"),
    (r"\(current: (?P<a>[^)]*)\)", r"now at \g<a>"),
)  # fmt: skip
STYLES = ("snake", "sentence", "kebab")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Names of rules in another style everywhere they stand; sentences of annotations reworded everywhere they are quoted."""
    style = STYLES[int(rng.integers(0, len(STYLES)))]
    own = {one["labels"].get("alertname", "") for one in scenario.alert["alerts"]}
    names = {rule.name for rule in scenario.telemetry.rules} | {alert.rule for alert in scenario.telemetry.alerts} | own
    fresh = {name: _styled(name, style) for name in names if name}
    patterns = [(re.compile(pattern), new) for pattern, new in SENTENCES]
    find = (
        re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(fresh, key=lambda n: (-len(n), n))))})(?!\w)")
        if fresh
        else None
    )

    def rewrite(text: str) -> str:
        if find is not None:
            text = find.sub(lambda found: fresh[found.group()], text)
        for pattern, new in patterns:
            text = pattern.sub(new, text)
        return text

    return variant.Variant(texts.everywhere(scenario, rewrite), truth, applied=bool(fresh))


def _styled(name: str, style: str) -> str:
    words = [word.lower() for word in _WORDS.findall(name)]
    if style == "snake":
        return "_".join(words)
    if style == "kebab":
        return "-".join(words)
    return " ".join(words).capitalize()
