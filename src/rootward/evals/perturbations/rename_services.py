"""Other names for every part of the system, as a team would have chosen that likes code names; the same in every signal."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.capsule import telemetry as tm
from rootward.evals.perturbations import spelling, texts, variant

TITLE = "every service, store and queue has another name, in all signals alike"
ROLES = ("db", "cache", "queue", "worker", "api", "gateway", "service", "svc", "consumer", "ro", "exporter")
"""Words at the end of a name that say what a thing is; they stay, because the name would otherwise say less than before."""
_WORDS = """
amber anvil aspen atlas badger basalt beacon birch bison bramble cedar cinder cobalt comet condor copper coral cosmos
cricket cypress delta dingo dolmen drift dune eagle ebony ember falcon fathom fennel ferret fjord flint gale garnet
gecko geyser glacier granite grove harrier hazel heron hickory hollow ibis indigo iris ivory jackal jasper juniper
kestrel krill lagoon larch lark linden lotus lynx magnet mallow maple marlin meadow meteor mica mistral nectar nimbus
oasis obsidian ocelot onyx opal orchid osprey otter panda pebble pelican petrel pine plume prairie puffin quail quartz
quill raven reef ridge robin saffron sable sequoia shale sierra slate sparrow spruce sumac tamarin tempest thistle
tiger topaz tundra umber velvet violet vortex walnut willow wren yarrow zephyr zircon
"""
CODE_NAMES = tuple(_WORDS.split())


def apply(scenario: tm.Scenario, truth: oracle.Truth, rng: np.random.Generator) -> variant.Variant:
    """Names that formats use as keys (a service called `message`) stay as they are."""
    recorded = scenario.telemetry
    kept = spelling.spoken_by_formats(recorded)
    found = [name for name in spelling.parts(recorded) if name not in kept]
    chosen = dict(zip(found, _fresh(found, rng), strict=True))
    exchange = spelling.Exchange(chosen)
    renamed = texts.everywhere(scenario, exchange)
    return variant.Variant(
        renamed,
        texts.truth(truth, exchange),
        originals={new: old for old, new in chosen.items()},
        applied=bool(chosen),
    )


def _fresh(old: list[str], rng: np.random.Generator) -> list[str]:
    """One new name for each: parts of one thing (`orders`, `orders-db`) stay recognisable as such."""
    stems = dict.fromkeys(_stem(name)[0] for name in old)
    order = [int(i) for i in rng.permutation(len(CODE_NAMES))]
    words = [
        CODE_NAMES[order[k % len(order)]] + (f"-{k // len(order) + 1}" if k >= len(order) else "")
        for k in range(len(stems))
    ]
    fresh = dict(zip(stems, words, strict=True))
    return ["-".join([fresh[_stem(name)[0]], *_stem(name)[1]]) for name in old]


def _stem(name: str) -> tuple[str, list[str]]:
    """What a name is made of: the thing, and the words that say what it is."""
    words = name.split("-")
    roles: list[str] = []
    while len(words) > 1 and words[-1] in ROLES:
        roles.insert(0, words.pop())
    return "-".join(words), roles
