"""Prometheus's HTTP API (version 3.5) over the telemetry's metrics, rules and alerts.

Shapes follow prometheus.io/docs/prometheus/latest/querying/api; refusals use its types bad_data, execution, timeout, not_found,
unavailable.
"""

import dataclasses
import json
from collections.abc import Sequence

from starlette import applications, requests, responses, routing

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import (
    _http,
    _prometheus_exemplars,
    _prometheus_json,
    _prometheus_read,
    _prometheus_recorded,
    _prometheus_rules,
    _prometheus_series,
    _prometheus_status,
    _prometheus_targets,
    _prometheus_tree,
)

_SETTINGS = options.Options(experimental=False)
_POINTS_MAX = options.Limits().points_per_series
_PREFIX = "/api/v1"


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.metrics`; nothing after `clock.now_s()` is ever shown."""
    promql = engine.Engine(_prometheus_recorded.with_recorded(telemetry, _SETTINGS), _SETTINGS)
    exemplars = _prometheus_exemplars.Exemplars(telemetry, promql.lookups)
    series = _prometheus_series.SeriesFace(clock, promql, exemplars)
    handlers = [
        *_queries(_Face(clock, promql), series),
        *_about(telemetry, clock, promql),
        ("/federate", series.federate, ("GET",)),
    ]
    routes: list[routing.BaseRoute] = [
        _http.route(path, _worded(handler), _prometheus_json.refuse, ways) for path, handler, ways in handlers
    ]
    return _http.application([*routes, _remote_read(clock, promql)], _prometheus_json.refuse)


_Handlers = list[tuple[str, _http.Handler, Sequence[str]]]


def _queries(face: "_Face", series: _prometheus_series.SeriesFace) -> _Handlers:
    both = ("GET", "POST")
    return [
        (f"{_PREFIX}/query", face.query, both),
        (f"{_PREFIX}/query_range", face.query_range, both),
        (f"{_PREFIX}/format_query", face.format_query, both),
        (f"{_PREFIX}/parse_query", face.parse_query, both),
        (f"{_PREFIX}/query_exemplars", series.query_exemplars, both),
        (f"{_PREFIX}/series", series.series, both),
        (f"{_PREFIX}/labels", series.labels, both),
        (f"{_PREFIX}/label/{{name}}/values", series.label_values, ("GET",)),
    ]


def _about(telemetry: records.Telemetry, clock: _clock.Clock, promql: engine.Engine) -> _Handlers:
    """What changes nothing and asks for no samples."""
    status = _prometheus_status.Status(telemetry, clock, promql)
    rules = _prometheus_rules.Rules(telemetry, clock, promql)
    targets = _prometheus_targets.Targets(telemetry, clock, promql)
    get, put = ("GET",), ("POST", "PUT")
    return [
        (f"{_PREFIX}/rules", rules.rules, get),
        (f"{_PREFIX}/alerts", rules.alerts, get),
        (f"{_PREFIX}/metadata", targets.metadata, get),
        (f"{_PREFIX}/targets", targets.targets, get),
        (f"{_PREFIX}/targets/metadata", targets.of_targets, get),
        (f"{_PREFIX}/scrape_pools", targets.scrape_pools, get),
        (f"{_PREFIX}/alertmanagers", _alertmanagers, get),
        (f"{_PREFIX}/notifications", lambda _call: _prometheus_json.answer([]), get),
        (f"{_PREFIX}/status/config", status.config, get),
        (f"{_PREFIX}/status/flags", status.flags, get),
        (f"{_PREFIX}/status/runtimeinfo", status.runtime_info, get),
        (f"{_PREFIX}/status/buildinfo", status.build_info, get),
        (f"{_PREFIX}/status/tsdb", status.tsdb, get),
        (f"{_PREFIX}/status/walreplay", status.wal_replay, get),
        (f"{_PREFIX}/admin/tsdb/{{action}}", _no_admin, put),
        (
            f"{_PREFIX}/write",
            lambda _call: _off(
                "remote write receiver needs to be enabled with --web.enable-remote-write-receiver", 404
            ),
            ("POST",),
        ),
        (
            f"{_PREFIX}/otlp/v1/metrics",
            lambda _call: _off("otlp write receiver needs to be enabled with --web.enable-otlp-receiver", 404),
            ("POST",),
        ),
        ("/-/reload", lambda _call: _off("Lifecycle API is not enabled.", 403), put),
        ("/-/quit", lambda _call: _off("Lifecycle API is not enabled.", 403), put),
        ("/-/healthy", lambda _call: responses.PlainTextResponse("Prometheus Server is Healthy.\n"), get),
        ("/-/ready", lambda _call: responses.PlainTextResponse("Prometheus Server is Ready.\n"), get),
        ("/metrics", status.own_metrics, get),
    ]


def _off(words: str, status: int) -> responses.Response:
    """What a server says of what its flags have switched off."""
    return responses.PlainTextResponse(f"{words}\n", status)


def _no_admin(_call: _http.Call) -> responses.Response:
    raise _http.Refused(503, "admin APIs disabled", reason="unavailable")


def _worded(handler: _http.Handler) -> _http.Handler:
    """Engine errors become the API's types: a wrong query is 400, one that fails or is too large 422, one that takes too long 503."""

    def handle(call: _http.Call) -> responses.Response:
        call = _readable(call)
        try:
            return handler(call)
        except errors.QuerySyntaxError as error:
            name = next((one for one in ("match[]", "match_target") if call.fields.get(one)), "query")
            raise _http.Refused(400, f'invalid parameter "{name}": {error}', reason="bad_data") from error
        except errors.QueryTimedOut as error:
            raise _http.Refused(503, str(error), reason="timeout") from error
        except (errors.QueryExecutionError, errors.QueryTooLarge) as error:
            raise _http.Refused(422, str(error), reason="execution") from error

    return handle


def _readable(call: _http.Call) -> _http.Call:
    """Half surrogate pairs, which only JSON can bring in, as the mark for what is no text."""
    plain = all(value.isascii() for some in call.fields.values() for value in some)
    if plain and all(str(value).isascii() for value in call.path.values()):
        return call
    fields = {name: [value.encode(errors="replace").decode() for value in some] for name, some in call.fields.items()}
    path = {name: str(value).encode(errors="replace").decode() for name, value in call.path.items()}
    return dataclasses.replace(call, fields=fields, path=path)


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
        return _answered(
            self._engine.instant(call.get("query"), time_s, until_s=now_s, lookback_s=_lookback_s(call)), call
        )

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
        found = self._engine.range(
            call.get("query"), start_s, end_s, step_s, until_s=now_s, lookback_s=_lookback_s(call)
        )
        return _answered(found, call)

    def format_query(self, call: _http.Call) -> responses.Response:
        return _prometheus_json.answer(self._engine.formatted(call.get("query")))

    def parse_query(self, call: _http.Call) -> responses.Response:
        return _prometheus_json.success(_prometheus_tree.text(self._engine.parse(call.get("query"))))


def _answered(found: engine.Result, call: _http.Call) -> responses.Response:
    limit = _prometheus_json.limit_of(call)
    notes = [*found.notes, "results truncated due to limit"] if 0 < limit < len(found.series) else found.notes
    data = _prometheus_json.result(found, limit)
    if call.get("stats"):
        data = f'{data[:-1]},"stats":{json.dumps(_stats(found), separators=(",", ":"))}}}'
    return _prometheus_json.success(data, notes)


def _stats(found: engine.Result) -> dict[str, dict[str, float]]:
    """What the query cost: the seconds follow from the samples, as this server's clock may stand still."""
    evaluated_s = round(2e-5 + found.samples * 4e-8, 9)
    prepared_s = round(1e-5 + evaluated_s / 7, 9)
    total_s = round(evaluated_s + prepared_s + 6e-6, 9)
    timings = {
        "evalTotalTime": total_s,
        "resultSortTime": 0,
        "queryPreparationTime": prepared_s,
        "innerEvalTime": evaluated_s,
        "execQueueTime": 4e-6,
        "execTotalTime": round(total_s + 8e-6, 9),
    }
    peak = sum(len(one.times_ms) for one in found.series)
    return {"timings": timings, "samples": {"totalQueryableSamples": found.samples, "peakSamples": peak}}


def _check_timeout(call: _http.Call) -> None:
    if call.get("timeout"):
        _prometheus_json.duration_s(call.get("timeout"), "timeout")


def _lookback_s(call: _http.Call) -> float | None:
    text = call.get("lookback_delta")
    if not text:
        return None
    found = _prometheus_json.duration_s(text, "lookback_delta")
    if found <= 0:
        raise _http.Refused(400, "error parsing lookback delta duration: lookback delta must be positive")
    return found


def _remote_read(clock: _clock.Clock, promql: engine.Engine) -> routing.Route:
    """`POST /api/v1/read`, whose body is no form."""

    async def endpoint(request: requests.Request) -> responses.Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _http.MAX_BODY_BYTES:
                return responses.PlainTextResponse("http: request body too large\n", 400)
        try:
            asked = _prometheus_read.queries(body)
            until_ms = int(clock.now_s() * 1000)
            found = [promql.lookups.raw(one.matchers, one.start_ms, min(one.end_ms, until_ms)) for one in asked]
        except (_http.Refused, errors.EngineError) as error:
            return responses.PlainTextResponse(f"{error}\n", 400)
        headers = {"Content-Encoding": "snappy"}
        return responses.Response(
            _prometheus_read.response(found), headers=headers, media_type="application/x-protobuf"
        )

    return routing.Route(f"{_PREFIX}/read", endpoint, methods=["POST"])
