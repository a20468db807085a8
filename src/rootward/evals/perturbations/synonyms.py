"""The same said in other words: by the developers who wrote the log lines, and by the people in the channels."""

import re

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import texts, variant

TITLE = "log lines of applications and chat say the same in other words"
LINES = {
    "request failed": "could not complete the request",
    "responded with status": "replied with code",
    "giving up": "no further attempts",
    "failed to acquire connection from pool": "could not get a connection out of pool",
    "processed message": "handled record",
    "refresh failed": "update did not succeed",
    "using cached values": "keeping the old values",
    "client closed the connection before the response was sent": "caller went away before we answered",
    "no answer from": "nothing heard from",
    "Read timed out calling": "Timed out while reading from",
    "timed out after": "did not finish within",
    "falling back to": "resorting to",
    "retrying": "trying again",
    "unavailable": "not available",
    "unexpected": "unforeseen",
}
"""What applications word themselves. What databases, proxies and runtimes say is theirs, and stays."""
CHAT = {
    "anyone looking at": "is somebody on",
    "seeing a few complaints from support about": "support says customers have trouble with",
    "is this known": "do we know about it",
    "could this be the": "maybe it is the",
    "rollout": "release",
    "went out not long ago": "was shipped a short while ago",
    "dashboards look a bit odd to me": "graphs look strange to me",
    "I can take a look": "let me check",
    "looks unhappy": "seems to be in trouble",
    "not touching anything yet": "hands off for now",
    "is deploying": "rolls out",
    "is this the same thing as": "is it the thing from",
}


def _rewriter(words: dict[str, str]) -> texts.Rewrite:
    find = re.compile("|".join(map(re.escape, sorted(words, key=lambda text: (-len(text), text)))))
    return lambda text: find.sub(lambda found: words[found.group()], text)


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Whole phrases only, and each everywhere."""
    del rng
    recorded = scenario.telemetry
    changed = texts.said(scenario, _rewriter(LINES), _rewriter(CHAT))
    return variant.Variant(changed, truth, applied=recorded.logs is not None or bool(recorded.messages))
