"""Datadog's API, versions 1 and 2: metrics, logs, spans, events, monitors and incidents; read only.

Shapes follow docs.datadoghq.com/api/latest. Every path but `validate` needs an API key and an application key, whatever they are.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _datadog_catalogue as catalogue
from rootward.dojo.wire import _datadog_events as events
from rootward.dojo.wire import _datadog_metrics as metrics
from rootward.dojo.wire import _datadog_monitors as monitors
from rootward.dojo.wire import _datadog_query as querying
from rootward.dojo.wire import _datadog_replies as replies
from rootward.dojo.wire import _datadog_search as searching
from rootward.dojo.wire import _datadog_stream as stream
from rootward.dojo.wire import _http

refuse = replies.refuse
_NO_LOGS = records.Logs(np.empty(0, np.int64), np.empty(0, np.int32), (), ())


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over everything that the telemetry holds."""
    store = Store(telemetry)
    logs = searching.Search(lambda: store.logs, lambda: searching.log, clock)
    spans = searching.Search(lambda: store.spans, lambda: searching.span, clock, wrapped=True)
    happened = searching.Search(lambda: store.events, lambda: stream.render(store.stream), clock)
    kinds = {
        "logs": logs,
        "spans": searching.Search(lambda: store.spans, lambda: searching.span, clock),
        "events": happened,
    }
    queries = _Late(lambda: querying.Queries(store.metrics, clock, kinds))
    monitored = _Late(lambda: monitors.Monitors(telemetry, clock, store.metrics))
    pages = _Late(lambda: catalogue.Catalogue(telemetry, clock, store.metrics, store.stream))
    get, post = ("GET",), ("POST",)
    table: list[tuple[str, Callable[[_http.Call], responses.Response], Sequence[str]]] = [
        ("/api/v1/query", queries.call("v1"), get),
        ("/api/v2/query/timeseries", queries.call("timeseries"), post),
        ("/api/v2/query/scalar", queries.call("scalar"), post),
        ("/api/v1/metrics", pages.call("active"), get),
        ("/api/v1/metrics/{name}", pages.call("described"), get),
        ("/api/v1/search", pages.call("search"), get),
        ("/api/v2/metrics", pages.call("metrics"), get),
        ("/api/v2/metrics/{name}/all-tags", pages.call("all_tags"), get),
        ("/api/v2/metrics/{name}/tags", pages.call("configured"), get),
        ("/api/v1/tags/hosts", pages.call("host_tags"), get),
        ("/api/v1/hosts", pages.call("hosts"), get),
        ("/api/v2/logs/events/search", logs.post, post),
        ("/api/v2/logs/events", logs.get, get),
        ("/api/v2/logs/analytics/aggregate", logs.aggregate, post),
        ("/api/v2/spans/events/search", spans.post, post),
        ("/api/v2/spans/events", spans.get, get),
        ("/api/v2/spans/analytics/aggregate", spans.aggregate, post),
        ("/api/v2/events/search", happened.post, post),
        ("/api/v2/events", happened.get, get),
        ("/api/v1/events", pages.call("events"), get),
        ("/api/v1/events/{id}", pages.call("event"), get),
        ("/api/v1/monitor", monitored.call("listed"), get),
        ("/api/v1/monitor/search", monitored.call("search"), get),
        ("/api/v1/monitor/{id}", monitored.call("one"), get),
        ("/api/v2/incidents", pages.call("incidents"), get),
        ("/api/v2/incidents/{id}", pages.call("incident"), get),
    ]
    routes = [
        _http.route(path, replies.guarded(handler), refuse, methods, raw=True) for path, handler, methods in table
    ]
    valid = replies.guarded(lambda _call: replies.answer({"valid": True}), keys=1)
    routes += [_http.route("/api/v1/validate", valid, refuse), _http.route("/api/v2/validate", valid, refuse)]
    writing = replies.guarded(_written)
    routes.append(_http.route("/{path:path}", writing, refuse, ("POST", "PUT", "PATCH", "DELETE"), raw=True))
    return _http.application(routes, refuse)


def _written(_call: _http.Call) -> responses.Response:
    raise _http.Refused(403, "Forbidden")  # what a key without the scope to write is told


class Store:
    """What the face serves, each part made when it is first asked for."""

    def __init__(self, telemetry: records.Telemetry) -> None:
        self._telemetry = telemetry

    @functools.cached_property
    def metrics(self) -> metrics.Metrics:
        return metrics.Metrics(self._telemetry.metrics)

    @functools.cached_property
    def logs(self) -> events.Events:
        return events.logs(self._telemetry.logs or _NO_LOGS)

    @functools.cached_property
    def spans(self) -> events.Events:
        return events.spans(self._telemetry.spans or events.no_spans())

    @functools.cached_property
    def stream(self) -> list[stream.Event]:
        return stream.of(self._telemetry)

    @functools.cached_property
    def events(self) -> events.Events:
        return stream.as_events(self.stream)


class _Late:
    """Methods of an object that is made at the first call."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = functools.cache(make)

    def call(self, name: str) -> Callable[[_http.Call], responses.Response]:
        def late(call: _http.Call) -> responses.Response:
            answer: responses.Response = getattr(self._make(), name)(call)
            return answer

        return late
