"""How much an investigation may spend, and how far back it looks: one frozen record, filled from settings."""

import dataclasses

from rootward.investigator import confidence
from rootward.signals import protocols


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """Budgets and windows of one investigation; every default is what `rootward.yaml` documents."""

    deadline_s: float = 90.0  # wall time for all probes together; what has answered by then is reasoned over
    concurrency: int = 8  # questions under way at once
    history_s: float = 4 * 3600.0  # length of the baseline
    lead_s: float = 20 * 60.0  # how long before the alert trouble may have begun
    lookback_s: float = 14 * 86400.0  # how far back a baseline is searched when there is none just before
    context_s: float = 24 * 3600.0  # how far back changes, messages and other alerts are read
    points_max: int = 300  # samples per line over baseline and focus
    bindings_max: int = 240  # metrics that are measured
    log_lines_max: int = 40_000  # lines of each of baseline and focus
    traces_max: int = 240  # traces of each of baseline and focus
    spans_max: int = 3_000  # spans that the traces of each may have, as far as a few of them foretell it
    suspects_max: int = 4  # entities that get a closer look in the second round
    limits: protocols.Limits = protocols.DEFAULT_LIMITS
    voice: confidence.Voice = dataclasses.field(default_factory=confidence.shipped)  # how sure one must be to speak
