"""`kubectl logs`: a container's lines out of the log telemetry, this instance's or the one before the last restart."""

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http

IntArray = npt.NDArray[np.int64]


class PodLogs:
    """Log rows by pod; built once."""

    def __init__(self, logs: records.Logs | None) -> None:
        self._logs = logs
        self._streams: dict[str, list[int]] = {}
        self._order: IntArray = np.empty(0, dtype=np.int64)
        self._ends: IntArray = np.zeros(1, dtype=np.int64)
        if logs is None:
            return
        for i, labels in enumerate(logs.streams):
            self._streams.setdefault(labels.get("pod", ""), []).append(i)
        self._order = np.argsort(logs.stream, kind="stable")
        self._ends = np.searchsorted(logs.stream[self._order], np.arange(len(logs.streams) + 1))

    def text(self, pod: Mapping[str, Any], call: _http.Call, now_s: float) -> str:
        """The answer to `GET …/pods/<name>/log` for a pod that exists.

        Raises:
            _http.Refused: no such container, no previous instance, parameters out of range.
        """
        name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace", "")
        container = _container(pod, call.get("container"))
        since_s, until_s = _instance(pod, container, previous=_http.boolean(call, "previous", default=False))
        if seconds := call.get("sinceSeconds"):
            if not seconds.isdecimal() or int(seconds) < 1:
                raise _invalid("sinceSeconds", seconds, "must be greater than 0")
            since_s = max(since_s, now_s - int(seconds))
        if call.get("sinceTime"):
            since_s = max(since_s, _http.parse_iso(call.get("sinceTime"), "sinceTime"))
        rows = self._rows(name, namespace, container, since_s, min(until_s, now_s))
        if tail := call.get("tailLines"):
            if not tail.isdecimal():
                raise _invalid("tailLines", tail, "must be greater than or equal to 0")
            rows = rows[max(len(rows) - int(tail), 0) :]
        return self._written(
            rows.tolist(), stamped=_http.boolean(call, "timestamps", default=False), limit=call.get("limitBytes")
        )

    def between(self, pod: Mapping[str, Any], call: _http.Call, after_s: float, until_s: float) -> str:
        """Lines with after < time ≤ until, for a log that is followed."""
        container = _container(pod, call.get("container"))
        name, namespace = pod["metadata"]["name"], pod["metadata"].get("namespace", "")
        rows = self._rows(name, namespace, container, math.nextafter(after_s, math.inf), until_s)
        return self._written(rows.tolist(), stamped=_http.boolean(call, "timestamps", default=False), limit="")

    def _rows(self, pod: str, namespace: str, container: str, since_s: float, until_s: float) -> IntArray:
        logs = self._logs
        if logs is None:
            return np.empty(0, dtype=np.int64)
        chosen = [
            self._order[self._ends[i] : self._ends[i + 1]]
            for i in self._streams.get(pod, ())
            if logs.streams[i].get("namespace", namespace) == namespace
            and logs.streams[i].get("container", container) == container
        ]
        rows = np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)
        times_s = np.asarray(logs.times_ns)[rows] / 1e9
        return rows[(times_s >= since_s) & (times_s <= until_s)]

    def _written(self, rows: list[int], *, stamped: bool, limit: str) -> str:
        logs = self._logs
        if logs is None:
            return ""
        lines = [f"{_stamp(int(logs.times_ns[row]))} {logs.lines[row]}" if stamped else logs.lines[row] for row in rows]
        text = "".join(f"{line}\n" for line in lines)
        return text.encode()[: int(limit)].decode(errors="ignore") if limit.isdecimal() else text


def _invalid(name: str, value: str, reason: str) -> _http.Refused:
    return _http.Refused(
        422, f'PodLogOptions "" is invalid: {name}: Invalid value: {value}: {reason}', reason="Invalid"
    )


def _container(pod: Mapping[str, Any], wanted: str) -> str:
    spec = pod.get("spec") or {}
    name = pod["metadata"]["name"]
    containers = [one.get("name", "") for one in spec.get("containers") or ()]
    every = [*containers, *(one.get("name", "") for one in spec.get("initContainers") or ())]
    if wanted:
        if every and wanted not in every:
            raise _http.Refused(400, f"container {wanted} is not valid for pod {name}", reason="BadRequest")
        return wanted
    if len(containers) > 1:
        choices = " ".join(containers)
        message = f"a container name must be specified for pod {name}, choose one of: [{choices}]"
        raise _http.Refused(400, message, reason="BadRequest")
    return containers[0] if containers else ""


def _instance(pod: Mapping[str, Any], container: str, *, previous: bool) -> tuple[float, float]:
    """When the wanted instance of the container began and ended.

    A container that waits to be restarted has no new instance yet, so both questions answer with the one that ended.
    """
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    status: Mapping[str, Any] = next((one for one in statuses if one.get("name") == container), {})
    ended = (status.get("lastState") or {}).get("terminated") or {}
    running = (status.get("state") or {}).get("running") or {}
    if previous and not ended:
        name = pod["metadata"]["name"]
        raise _http.Refused(
            400, f'previous terminated container "{container}" in pod "{name}" not found', reason="BadRequest"
        )
    began_s = _seconds(ended.get("startedAt"), -math.inf)
    if not ended:
        return -math.inf, math.inf
    restarted_s = _seconds(running.get("startedAt"), _seconds(ended.get("finishedAt"), math.inf))
    if previous:
        return began_s, restarted_s
    return (restarted_s, math.inf) if running else (began_s, math.inf)


def _seconds(text: Any, default: float) -> float:
    return _clock.from_iso(text) if isinstance(text, str) and text else default


def _stamp(time_ns: int) -> str:
    moment = dt.datetime.fromtimestamp(time_ns // 10**9, tz=dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % 10**9:09d}Z"
