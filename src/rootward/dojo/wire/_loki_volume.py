"""Loki's view of how much is logged: statistics of the index, and bytes by stream or label, over a window or along it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from starlette import responses

from rootward.dojo.engines.logql import evaluate, parser, store
from rootward.dojo.wire import _http, _loki_parameters

Ask = Callable[[_http.Call, store.LogStore, int], responses.Response]
"""A request, what may be seen, and now (ns)."""

Key = tuple[tuple[str, str], ...]


def stats(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Streams, chunks, bytes and entries that a selector covers."""
    start_ns, end_ns = _loki_parameters.window(call, now_ns)
    rows = seen.rows(parser.parse_selector(call.get("query")), start_ns, end_ns)
    streams = np.unique(seen.stream[rows])
    size = int(seen.sizes(rows).sum())
    return _http.answer({"streams": len(streams), "chunks": len(streams), "bytes": size, "entries": len(rows)})


def volume(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Bytes by series or by label over the whole window, largest first."""
    start_ns, end_ns = _loki_parameters.window(call, now_ns)
    sizes = {key: float(found.sum()) for key, found in _sizes(call, seen, start_ns, end_ns, None).items()}
    at_s = round(end_ns / 1e9, 3)
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[: _loki_parameters.limit(call)]
    result = [{"metric": dict(key), "value": [at_s, f"{size:.0f}"]} for key, size in largest]
    return _http.answer({"status": "success", "data": {"resultType": "vector", "result": result, "stats": {}}})


def volume_range(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Bytes by series or by label in each step of the window."""
    start_ns, end_ns = _loki_parameters.window(call, now_ns)
    edges = evaluate.grid(start_ns, end_ns, _loki_parameters.step_ns(call, start_ns, end_ns))
    found = _sizes(call, seen, start_ns, end_ns, edges)
    largest = sorted(found.items(), key=lambda item: (-float(item[1].sum()), item[0]))[: _loki_parameters.limit(call)]
    result: list[dict[str, Any]] = [
        {
            "metric": dict(key),
            "values": [
                [at // 10**9, f"{size:.0f}"] for at, size in zip(edges.tolist(), sizes.tolist(), strict=True) if size
            ],
        }
        for key, sizes in largest
    ]
    return _http.answer({"status": "success", "data": {"resultType": "matrix", "result": result, "stats": {}}})


def _sizes(
    call: _http.Call, seen: store.LogStore, start_ns: int, end_ns: int, edges: evaluate.IntArray | None
) -> dict[Key, npt.NDArray[np.float64]]:
    """Label set → bytes in each step (one step where there are no edges)."""
    by = call.get("aggregateBy", "series")
    if by not in ("series", "labels"):
        raise _http.Refused(400, f"invalid aggregation option '{by}'")
    matchers = parser.parse_selector(call.get("query"))
    wanted = [name for name in call.get("targetLabels").split(",") if name] or [one.label for one in matchers]
    rows = seen.rows(matchers, start_ns, end_ns)
    steps = np.zeros(len(rows), np.int64) if edges is None else np.searchsorted(edges, seen.times_ns[rows], "right") - 1
    count = 1 if edges is None else len(edges)
    flat = seen.stream[rows].astype(np.int64) * count + steps
    totals = np.bincount(flat, weights=seen.sizes(rows), minlength=len(seen.streams) * count).reshape(-1, count)
    out: dict[Key, npt.NDArray[np.float64]] = {}
    for i in np.flatnonzero(totals.sum(axis=1)).tolist():
        labels = seen.streams[i]
        if by == "labels":
            names = wanted if call.get("targetLabels") else list(labels)
            keys: list[Key] = [((name, name),) for name in names if name in labels]
        else:
            keys = [tuple((name, labels[name]) for name in wanted if name in labels)]
        for key in keys:
            out[key] = out[key] + totals[i] if key in out else totals[i]
    return {tuple((name, "") for name, _ in key) if by == "labels" else key: sizes for key, sizes in out.items()}
