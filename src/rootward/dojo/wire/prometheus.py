"""Prometheus's HTTP API (version 3.5) over the telemetry's metrics, rules and alerts.

Shapes follow prometheus.io/docs/prometheus/latest/querying/api; refusals use its three types bad_data, execution, not_found.
"""

from collections.abc import Sequence

from starlette import applications, responses

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, options, values
from rootward.dojo.wire import _http, _prometheus_json, _prometheus_status

_SINCE_EVER_S = -1e12
_POINTS_MAX = options.Limits().points_per_series


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.metrics`; nothing after `clock.now_s()` is ever shown."""
    promql = engine.Engine(telemetry.metrics, options.Options(experimental=False))
    face, status = _Face(clock, promql), _prometheus_status.Status(telemetry, clock, promql)
    prefix, get, both = "/api/v1", ("GET",), ("GET", "POST")
    handlers: list[tuple[str, _http.Handler, Sequence[str]]] = [
        (f"{prefix}/query", face.query, both),
        (f"{prefix}/query_range", face.query_range, both),
        (f"{prefix}/query_exemplars", lambda _call: _prometheus_json.answer([]), both),
        (f"{prefix}/format_query", face.format_query, both),
        (f"{prefix}/series", face.series, both),
        (f"{prefix}/labels", face.labels, both),
        (f"{prefix}/label/{{name}}/values", face.label_values, get),
        (f"{prefix}/metadata", status.metadata, get),
        (f"{prefix}/rules", status.rules, get),
        (f"{prefix}/alerts", status.alerts, get),
        (f"{prefix}/targets", status.targets, get),
        (f"{prefix}/alertmanagers", _alertmanagers, get),
        (f"{prefix}/status/config", status.config, get),
        (f"{prefix}/status/flags", status.flags, get),
        (f"{prefix}/status/runtimeinfo", status.runtime_info, get),
        (f"{prefix}/status/buildinfo", status.build_info, get),
        (f"{prefix}/status/tsdb", status.tsdb, get),
        ("/federate", face.federate, get),
        ("/-/healthy", lambda _call: responses.PlainTextResponse("Prometheus Server is Healthy.\n"), get),
        ("/-/ready", lambda _call: responses.PlainTextResponse("Prometheus Server is Ready.\n"), get),
    ]
    routes = [_http.route(path, _worded(handler), _prometheus_json.refuse, ways) for path, handler, ways in handlers]
    return _http.application(routes, _prometheus_json.refuse)


def _worded(handler: _http.Handler) -> _http.Handler:
    """Engine errors become the API's types: a query that is wrong is 400, one that fails or is too large 422."""

    def handle(call: _http.Call) -> responses.Response:
        try:
            return handler(call)
        except errors.QuerySyntaxError as error:
            name = "match[]" if call.fields.get("match[]") else "query"
            raise _http.Refused(400, f'invalid parameter "{name}": {error}', reason="bad_data") from error
        except (errors.QueryExecutionError, errors.QueryTooLarge) as error:
            raise _http.Refused(422, str(error), reason="execution") from error

    return handle


def _alertmanagers(_call: _http.Call) -> responses.Response:
    active = [{"url": "http://alertmanager:9093/api/v2/alerts"}]
    return _prometheus_json.answer({"activeAlertmanagers": active, "droppedAlertmanagers": []})


class _Face:
    def __init__(self, clock: _clock.Clock, promql: engine.Engine) -> None:
        self._clock = clock
        self._engine = promql

    def query(self, call: _http.Call) -> responses.Response:
        now_s = self._clock.now_s()
        time_s = _prometheus_json.time_s(call.get("time") or repr(now_s), "time")
        _check_timeout(call)
        return _answered(self._engine.instant(call.get("query"), time_s, until_s=now_s), call)

    def query_range(self, call: _http.Call) -> responses.Response:
        start_s = _prometheus_json.time_s(call.get("start"), "start")
        end_s = _prometheus_json.time_s(call.get("end"), "end")
        if end_s < start_s:
            raise _http.Refused(400, 'invalid parameter "end": end timestamp must not be before start time')
        step_s = _prometheus_json.duration_s(call.get("step"), "step")
        if step_s < 0.001:
            words = "zero or negative query resolution step widths are not accepted. Try a positive integer"
            raise _http.Refused(400, f'invalid parameter "step": {words}')
        if (end_s - start_s) / step_s > _POINTS_MAX:
            words = "exceeded maximum resolution of 11,000 points per timeseries"
            raise _http.Refused(400, f"{words}. Try decreasing the query resolution (?step=XX)")
        _check_timeout(call)
        now_s = self._clock.now_s()
        return _answered(self._engine.range(call.get("query"), start_s, end_s, step_s, until_s=now_s), call)

    def format_query(self, call: _http.Call) -> responses.Response:
        return _prometheus_json.answer(self._engine.formatted(call.get("query")))

    def _window(self, call: _http.Call) -> tuple[float, float]:
        """start and end, since ever until now by default; seconds."""
        now_s = self._clock.now_s()
        start_s = _prometheus_json.time_s(call.get("start"), "start") if call.get("start") else _SINCE_EVER_S
        end_s = _prometheus_json.time_s(call.get("end"), "end") if call.get("end") else now_s
        return start_s, min(end_s, now_s)

    def _matching(self, call: _http.Call) -> list[values.LabelSet]:
        """Series in the window that any `match[]` means, or all; in order of labels."""
        start_s, end_s = self._window(call)
        wanted = call.all("match[]")
        if not wanted:
            return self._engine.all_series(start_s, end_s)
        found: set[values.LabelSet] = set()
        for selector in wanted:
            found.update(self._engine.select(selector, start_s, end_s))
        return sorted(found)

    def series(self, call: _http.Call) -> responses.Response:
        if not call.all("match[]"):
            raise _http.Refused(400, "no match[] parameter provided")
        return _prometheus_json.limited([dict(labels) for labels in self._matching(call)], call)

    def labels(self, call: _http.Call) -> responses.Response:
        names = {name for labels in self._matching(call) for name, _ in labels}
        return _prometheus_json.limited(sorted(names), call)

    def label_values(self, call: _http.Call) -> responses.Response:
        wanted = call.path["name"]
        found = {value for labels in self._matching(call) for name, value in labels if name == wanted}
        return _prometheus_json.limited(sorted(found), call)

    def federate(self, call: _http.Call) -> responses.Response:
        """The newest samples of the selected series in the text format."""
        now_s = self._clock.now_s()
        if not call.all("match[]"):
            return responses.PlainTextResponse("", media_type="text/plain; version=0.0.4; charset=utf-8")
        newest: dict[values.LabelSet, tuple[int, float]] = {}
        for selector in call.all("match[]"):
            self._engine.select(selector, now_s, now_s)  # refuses what is no selector
            alive = {one.labels for one in self._engine.instant(selector, now_s, until_s=now_s).series}
            for one in self._engine.instant(f"{selector}\n[5m]", now_s, until_s=now_s).series:
                if one.labels in alive:
                    newest[one.labels] = (int(one.times_ms[-1]), float(one.values[-1]))
        lines, before = [], ""
        for labels, (time_ms, value) in sorted(newest.items(), key=lambda one: (dict(one[0])[values.NAME], one[0])):
            name = dict(labels)[values.NAME]
            if name != before:
                lines.append(f"# TYPE {name} untyped\n")
                before = name
            shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels if key != values.NAME)
            lines.append(f"{name}{{{shown}}} {_prometheus_json.number(value)} {time_ms}\n")
        return responses.PlainTextResponse("".join(lines), media_type="text/plain; version=0.0.4; charset=utf-8")


def _answered(found: engine.Result, call: _http.Call) -> responses.Response:
    limit = _prometheus_json.limit_of(call)
    notes = [*found.notes, "results truncated due to limit"] if 0 < limit < len(found.series) else found.notes
    return _prometheus_json.success(_prometheus_json.result(found, limit), notes)


def _check_timeout(call: _http.Call) -> None:
    if call.get("timeout"):
        _prometheus_json.duration_s(call.get("timeout"), "timeout")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
