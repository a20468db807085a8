"""What surrounds trouble in any production and has nothing to do with it: one flat record of knobs, each off at 0."""

import dataclasses

import numpy as np

from rootward import _rng, errors


def _knob(usual: float, meaning: str) -> float:
    made: float = dataclasses.field(default=usual, metadata={"meaning": meaning})
    return made


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How much of everything that is beside the point; each knob says what one unit of it is."""

    releases_per_h: float = _knob(0.67, "roll-outs of innocent services, over the whole system")
    release_before_onset: float = _knob(0.65, "chance of one more in the 25 minutes before the trouble")
    changes: float = _knob(2.0, "flags, configuration, infrastructure: mean number in the window")
    incidents: float = _knob(1.0, "small troubles elsewhere that heal by themselves: mean number in the window")
    flapping_rules: float = _knob(1.0, "warnings whose threshold lies within the ordinary range: mean number")
    restarts: float = _knob(1.0, "deployments restarted for housekeeping, so that pods get new names: mean number")
    name_alikes: float = _knob(
        1.0, "services named almost like a busy one, with little traffic of their own: mean number"
    )
    scrape_gaps: float = _knob(0.16, "share of pods whose scrapes fail now and then")
    late_samples: float = _knob(0.15, "chance that one exporter's last minutes have not arrived yet")
    clock_skew_s: float = _knob(0.02, "standard deviation of the nodes' clocks")
    skewed_nodes: float = _knob(0.08, "chance that a node's clock is off by seconds instead")
    log_share: float = _knob(1.0, "of the log lines that a generous budget keeps")
    trace_share: float = _knob(1.0, "of the traces")
    missing_back_ends: float = _knob(0.0, "chance of each back end beside Prometheus that it is not part of the system")
    failing_back_ends: float = _knob(0.0, "chance of each that it refuses (403) or is down (503) for the whole window")
    grumbles: float = _knob(1.0, "warnings and errors in logs that mean nothing, times the usual")
    chatter: float = _knob(1.0, "cluster events of any day, times the usual")
    talk_per_h: float = _knob(2.0, "messages in channels about something else")
    maintenance: float = _knob(0.35, "nodes drained for planned work, over before the trouble begins: mean number")

    def __bool__(self) -> bool:
        return self != NONE


NONE = Noise(
    **{field.name: 0.0 for field in dataclasses.fields(Noise) if field.name not in ("log_share", "trace_share")}
)
USUAL = Noise()
LIGHT = Noise(
    releases_per_h=0.3,
    release_before_onset=0.3,
    changes=1.0,
    incidents=0.3,
    flapping_rules=0.3,
    restarts=0.3,
    name_alikes=0.3,
    scrape_gaps=0.08,
    late_samples=0.0,
    skewed_nodes=0.0,
    grumbles=0.5,
    chatter=0.5,
    talk_per_h=1.0,
    maintenance=0.1,
)
HEAVY = Noise(
    releases_per_h=2.0,
    release_before_onset=1.0,
    changes=6.0,
    incidents=3.0,
    flapping_rules=3.0,
    restarts=4.0,
    name_alikes=3.0,
    scrape_gaps=0.4,
    late_samples=0.6,
    clock_skew_s=0.1,
    skewed_nodes=0.25,
    log_share=0.4,
    trace_share=0.35,
    missing_back_ends=0.12,
    failing_back_ends=0.08,
    grumbles=3.0,
    chatter=3.0,
    talk_per_h=8.0,
    maintenance=1.5,
)
LEVELS = {"none": NONE, "light": LIGHT, "usual": USUAL, "heavy": HEAVY}
DRAWN = "drawn"
"""Every knob apart, anywhere between light and heavy, as the seed says."""


def meanings() -> dict[str, str]:
    """What each knob does."""
    return {field.name: str(field.metadata["meaning"]) for field in dataclasses.fields(Noise)}


def of(asked: "Noise | str | bool", seed: int) -> Noise:
    """The record for a level's name, "drawn", a yes (usual) or no (none), or a record itself.

    Raises:
        WorldError: no such level.
    """
    if isinstance(asked, Noise):
        return asked
    if isinstance(asked, bool):
        return USUAL if asked else NONE
    if asked == DRAWN:
        return drawn(_rng.stream(seed, "noise"))
    if asked not in LEVELS:
        raise errors.WorldError(f"no level of noise named {asked!r}; there are {', '.join((*LEVELS, DRAWN))}")
    return LEVELS[asked]


def changed(base: Noise, knobs: dict[str, float]) -> Noise:
    """`base` with some knobs turned.

    Raises:
        WorldError: a knob that does not exist, or a value that is negative or no number.
    """
    known = [field.name for field in dataclasses.fields(Noise)]
    for name, value in knobs.items():
        if name not in known:
            raise errors.WorldError(f"noise has no knob {name!r}; there are {', '.join(known)}")
        if not 0 <= value < np.inf:
            raise errors.WorldError(f"noise: {name} is 0 or more, not {value}")
    return dataclasses.replace(base, **knobs)


def drawn(rng: np.random.Generator) -> Noise:
    """Each knob by itself between its light and its heavy setting: whole settings that nobody would have thought of."""
    low, high = dataclasses.asdict(LIGHT), dataclasses.asdict(HEAVY)
    return Noise(**{name: float(low[name] + rng.uniform() * (high[name] - low[name])) for name in low})
