"""What traces look like apart from their names: how many spans, how deep, how wide, where the time goes."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.evals.realism import samples as sm

NAME = "traces"
SLOT_NS = 600 * 10**9
FEATURES = (
    "spans",
    "depth",
    "widest fan-out",
    "mean fan-out",
    "own time of the root",
    "own time in all",
    "variation of durations",
    "gap before the first child",
)


def samples(telemetry: tm.Telemetry, until_s: float, source: str) -> sm.Samples:
    """One row per trace that begins before `until_s` and has a root and a child; grouped by root and ten minutes."""
    spans = telemetry.spans
    rows, groups = [], []
    if spans is None:
        return sm.made([], [], len(FEATURES))
    members: dict[str, list[int]] = {}
    for k in np.flatnonzero(spans.start_ns <= until_s * 1e9).tolist():
        members.setdefault(spans.trace_ids[k], []).append(k)
    for part in members.values():
        roots = [k for k in part if not spans.parent_ids[k]]
        if len(roots) == 1 and len(part) > 1:
            rows.append(_features(spans, part, roots[0]))
            slot = int(spans.start_ns[roots[0]] // SLOT_NS)
            groups.append(f"{source}/{spans.names[spans.name[roots[0]]]}/{slot}")
    return sm.made(rows, groups, len(FEATURES))


def _features(spans: tm.Spans, part: list[int], root: int) -> list[float]:
    at = {spans.span_ids[k]: k for k in part}
    children: dict[int, list[int]] = {}
    for k in part:
        parent = at.get(spans.parent_ids[k])
        if parent is not None:
            children.setdefault(parent, []).append(k)
    took = spans.duration_ns
    own = {k: max(int(took[k]) - sum(int(took[c]) for c in children.get(k, ())), 0) for k in part}
    fans = [len(found) for found in children.values()] or [0]
    durations = np.log10(np.maximum(took[part], 1))
    first = min((int(spans.start_ns[c]) for c in children.get(root, ())), default=int(spans.start_ns[root]))
    whole = max(int(took[root]), 1)
    return [
        float(np.log10(len(part))),
        float(_depth(children, root)),
        float(max(fans)),
        float(np.mean(fans)),
        own[root] / whole,
        sum(own.values()) / whole,
        float(durations.std()),
        float(np.clip((first - int(spans.start_ns[root])) / whole, 0.0, 1.0)),
    ]


def _depth(children: dict[int, list[int]], root: int) -> int:
    depth, level = 0, [root]
    while level and depth < 100:
        level = [child for one in level for child in children.get(one, ())]
        depth += 1
    return depth
