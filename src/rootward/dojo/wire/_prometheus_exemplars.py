"""Exemplars: for each bucket of a histogram a request that it counted, found among the spans of the same pod.

A client library keeps the last traced observation of every bucket, and a scrape takes it along: so at most one per bucket and
scrape. A span belongs to a series where pod, side (server or client) and whatever both know of route, method, status and peer
agree, and its duration lies in the bucket.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import histograms, lookups, values
from rootward.dojo.wire import _prometheus_text

SCRAPE_S = 15.0
EXEMPLARS_MAX = 100_000  # Prometheus's own storage.exemplars.max_exemplars
_SERVER, _CLIENT, _FAILED = 2, 3, 2  # OTLP's numbers
_SAME = {  # label → attributes of a span that say the same
    "http_route": ("http.route",),
    "handler": ("http.route", "url.path"),
    "uri": ("http.route", "url.path"),
    "path": ("http.route", "url.path"),
    "http_request_method": ("http.request.method",),
    "method": ("http.request.method",),
    "http_response_status_code": ("http.response.status_code",),
    "status": ("http.response.status_code",),
    "server_address": ("server.address",),
    "client_name": ("server.address",),
    "grpc_method": ("rpc.method",),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """The exemplars of one series, oldest first."""

    labels: values.LabelSet
    exemplars: tuple[_prometheus_text.Exemplar, ...]


class Exemplars:
    """Over the telemetry's spans; those that end after the asked time do not exist yet."""

    def __init__(self, telemetry: records.Telemetry, series: lookups.Lookups) -> None:
        self._spans = telemetry.spans
        self._lookups = series

    def of(self, wanted: Sequence[values.LabelSet], start_s: float, end_s: float) -> list[Found]:
        """For every wanted series that is a bucket and has any in [start, end]."""
        out: list[Found] = []
        left = EXEMPLARS_MAX
        for labels in wanted if self._spans is not None else ():
            found = self._series(labels, start_s, end_s)[-left:] if left else ()
            left -= len(found)
            if found:
                out.append(Found(labels, tuple(found)))
        return out

    def newest(self, labels: values.LabelSet, now_s: float) -> _prometheus_text.Exemplar | None:
        """What an exporter would show now."""
        found = self._series(labels, now_s - 4 * SCRAPE_S, now_s) if self._spans is not None else ()
        return found[-1] if found else None

    @functools.cached_property
    def _by_pod(self) -> dict[tuple[str, int], values.IntArray]:
        """Rows of the spans of each pod and side, in order of their end."""
        spans = self._spans
        assert spans is not None, "asked only where there are spans"
        pods = [str(one.attributes.get("k8s.pod.name") or one.service) for one in spans.processes]
        rows: dict[tuple[str, int], list[int]] = {}
        for row in np.argsort(self._ends_ns, kind="stable").tolist():
            kind = int(spans.kind[row])
            if kind in (_SERVER, _CLIENT):
                rows.setdefault((pods[int(spans.process[row])], kind), []).append(row)
        return {key: np.array(some, dtype=np.int64) for key, some in rows.items()}

    @functools.cached_property
    def _ends_ns(self) -> values.IntArray:
        assert self._spans is not None, "asked only where there are spans"
        return self._spans.start_ns + self._spans.duration_ns

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - lives as long as the face
    def _bounds(self, name: str, rest: values.LabelSet) -> tuple[float, ...]:
        """The bounds of a histogram, ascending."""
        shown = ",".join(f"{key}={_prometheus_text.quoted(text)}" for key, text in rest if key.isidentifier())
        found = self._lookups.series([f"{name}{{{shown}}}"], -1e12, 1e12)
        return tuple(sorted({histograms.bound(dict(one).get(histograms.LE, "")) for one in found}))

    def _series(self, labels: values.LabelSet, start_s: float, end_s: float) -> list[_prometheus_text.Exemplar]:
        own = dict(labels)
        name, le = own.get(values.NAME, ""), histograms.bound(own.get(histograms.LE, ""))
        if not name.endswith("_seconds_bucket") or np.isnan(le):
            return []
        pod = own.get("pod") or own.get("service", "")
        rows = self._by_pod.get((pod, _CLIENT if "client" in name else _SERVER))
        if rows is None:
            return []
        assert self._spans is not None, "a pod has some"
        rest = tuple(pair for pair in labels if pair[0] not in (values.NAME, histograms.LE))
        lower = max((one for one in self._bounds(name, rest) if one < le), default=-np.inf)
        ends, took = self._ends_ns[rows] / 1e9, self._spans.duration_ns[rows] / 1e9
        inside = (ends >= start_s) & (ends <= end_s) & (took > lower) & (took <= le)
        latest: dict[int, int] = {}
        for row in rows[inside].tolist():
            failed = int(self._spans.status[row]) == _FAILED
            if (failed or "error_type" not in own) and _agree(own, self._spans.attributes[row]):
                latest[int(self._ends_ns[row] / 1e9 // SCRAPE_S)] = row
        return [self._exemplar(row) for row in latest.values()]

    def _exemplar(self, row: int) -> _prometheus_text.Exemplar:
        assert self._spans is not None, "a row is of some"
        labels = {"trace_id": self._spans.trace_ids[row], "span_id": self._spans.span_ids[row]}
        value = float(self._spans.duration_ns[row]) / 1e9
        return _prometheus_text.Exemplar(labels, value, round(float(self._ends_ns[row]) / 1e9, 3))


def _agree(labels: Mapping[str, str], attributes: Mapping[str, object]) -> bool:
    for name, same in _SAME.items():
        if name in labels:
            known = [str(attributes[one]).lower() for one in same if one in attributes]
            if known and labels[name].lower() not in known:
                return False
    return True
