"""What log streams look like apart from their words: how frequent their templates are, how long their lines, how they come."""

import re

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.evals.realism import samples as sm
from rootward.signals import templates

NAME = "logs"
LINES = 60
"""Lines of one stream that make a row."""
FEATURES = (
    "templates per line",
    "share of the commonest template",
    "entropy of templates",
    "line length",
    "variation of length",
    "burstiness",
    "digits",
    "share of errors",
)
ERRORS = re.compile(r"error|exception|fail|fatal|panic|critical", re.IGNORECASE)


def samples(telemetry: tm.Telemetry, until_s: float, source: str) -> sm.Samples:
    """One row per `LINES` lines of each stream before `until_s`; grouped by stream."""
    rows, groups = [], []
    logs = telemetry.logs
    if logs is None:
        return sm.made([], [], len(FEATURES))
    early = logs.times_ns <= until_s * 1e9
    for stream in range(len(logs.streams)):
        mine = np.flatnonzero(early & (logs.stream == stream))
        for k in range(len(mine) // LINES):
            part = mine[k * LINES : (k + 1) * LINES]
            rows.append(_features([logs.lines[i] for i in part], logs.times_ns[part] / 1e9))
            groups.append(f"{source}/{stream}")
    return sm.made(rows, groups, len(FEATURES))


def _features(lines: list[str], times_s: sm.FloatArray) -> list[float]:
    ids = templates.Miner().learn(lines)
    share = np.sort(np.bincount(ids) / len(ids))[::-1]
    share = share[share > 0]
    lengths = np.array([len(line) for line in lines], dtype=np.float64)
    waits = np.diff(times_s)
    spread, middle = float(waits.std()), float(waits.mean())
    return [
        len(share) / len(lines),
        float(share[0]),
        float(-(share * np.log(share)).sum()),
        float(np.log10(lengths.mean())),
        float(lengths.std() / lengths.mean()),
        (spread - middle) / (spread + middle) if spread + middle > 0 else 0.0,
        float(np.mean([sum(c.isdigit() for c in line) / max(len(line), 1) for line in lines])),
        float(np.mean([bool(ERRORS.search(line)) for line in lines])),
    ]
