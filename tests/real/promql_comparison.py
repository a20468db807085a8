"""Our answers beside those of a real Prometheus: equal but for rounding, or what differs."""

import numpy as np
import promql_world as world

from rootward import errors
from rootward.dojo.engines.promql import engine

START_S, HOUR_S, STEP_S = world.START_S, world.HOUR_S, world.STEP_S


def theirs_of(reply: dict) -> tuple[str, dict[tuple, tuple[np.ndarray, np.ndarray]]]:
    """Kind ("error" for a refusal), and per series its times in ms and values."""
    if reply["status"] == "error":
        return "error", {}
    data = reply["data"]
    if data["resultType"] in ("scalar", "string"):
        rows = [({}, [data["result"]])] if data["resultType"] == "scalar" else []
    else:
        rows = [(one["metric"], one.get("values") or [one["value"]]) for one in data["result"]]
    return data["resultType"], {
        tuple(sorted(labels.items())): (
            np.array([round(moment * 1000) for moment, _ in points]),
            np.array([float(value) for _, value in points]),
        )
        for labels, points in rows
    }


def ours_of(evaluate) -> tuple[str, dict[tuple, tuple[np.ndarray, np.ndarray]]]:
    try:
        result = evaluate()
    except errors.EngineError:
        return "error", {}
    series = () if result.kind == "string" else result.series
    return result.kind, {one.labels: (one.times_ms, one.values) for one in series}


def difference(left, right) -> str:
    """What differs, "" for nothing; values may differ by rounding."""
    if left[0] != right[0]:
        return f"kind {left[0]} against {right[0]}"
    if set(left[1]) != set(right[1]):
        return f"only ours {sorted(set(left[1]) - set(right[1]))[:2]}, only theirs {sorted(set(right[1]) - set(left[1]))[:2]}"
    for labels, (times_ms, values) in left[1].items():
        other_times_ms, other = right[1][labels]
        if not np.array_equal(times_ms, other_times_ms):
            return f"{labels}: {len(times_ms)} points against {len(other_times_ms)}"
        equal = np.isclose(values, other, rtol=1e-9, atol=1e-12, equal_nan=True)
        if not equal.all():
            at = int(np.flatnonzero(~equal)[0])
            return (
                f"{labels} at {times_ms[at]}: {values[at]!r} against {other[at]!r} ({(~equal).sum()} of {equal.size})"
            )
    return ""


def compare(server: str, ours: engine.Engine, queries: list[str]) -> tuple[list[str], int]:
    """Differences in range and instant answers, and how many answers were errors on both sides."""
    start, end = START_S + 1800, START_S + 2 * HOUR_S - 3500 + 300
    found, refused = [], 0
    for query in queries:
        reply = world.ask(server, "query_range", query=query, start=start, end=end, step=STEP_S)
        both = ours_of(lambda query=query: ours.range(query, start, end, STEP_S)), theirs_of(reply)
        refused += both[0][0] == both[1][0] == "error"
        if gap := difference(*both):
            found.append(f"range {query!r}: {gap} {reply.get('error', '')}")
        reply = world.ask(server, "query", query=query, time=start + 777.5)
        gap = difference(ours_of(lambda query=query: ours.instant(query, start + 777.5)), theirs_of(reply))
        if gap:
            found.append(f"instant {query!r}: {gap} {reply.get('error', '')}")
    return found, refused
