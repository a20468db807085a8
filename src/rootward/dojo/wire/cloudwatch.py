"""Amazon CloudWatch and CloudWatch Logs: metrics, alarms, log events and Insights, in AWS's JSON, CBOR and Query protocols; read only.

Shapes follow docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference and …/AmazonCloudWatchLogs/latest/APIReference. Signatures are
not checked; a request without one is refused.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from starlette import applications, responses

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _cloudwatch_alarms as alarms
from rootward.dojo.wire import _cloudwatch_data as cloudwatch
from rootward.dojo.wire import _cloudwatch_logs as logs
from rootward.dojo.wire import _cloudwatch_metrics as metrics
from rootward.dojo.wire import _cloudwatch_protocols as protocols
from rootward.dojo.wire import _datadog_metrics, _http

Operation = Callable[[Mapping[str, Any]], dict[str, Any]]
_NO_LOGS = records.Logs(np.empty(0, np.int64), np.empty(0, np.int32), (), ())
_WRITING = (
    "Put",
    "Delete",
    "Create",
    "Set",
    "Enable",
    "Disable",
    "Tag",
    "Untag",
    "Start",
    "Stop",
    "Associate",
    "Disassociate",
    "Cancel",
)


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over the telemetry's metrics, rules, alerts and logs."""
    face = _Face(telemetry, clock)
    routes = [
        _http.route(path, face.handle, refuse, ("POST",), raw=True)
        for path in ("/", "/service/{service}/operation/{operation}")
    ]
    routes.append(_http.route("/", face.handle, refuse, ("GET",), raw=True))
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """An error before any protocol is known: JSON, as current clients speak."""
    return protocols.refused(error, "json")


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._logs = logs.Logs(lambda: telemetry.logs or _NO_LOGS, clock)

    @functools.cached_property
    def _store(self) -> metrics.Store:
        return metrics.Store(_datadog_metrics.Metrics(self._telemetry.metrics))

    @functools.cached_property
    def _operations(self) -> dict[tuple[str, str], Operation]:
        data = cloudwatch.Data(self._store, self._clock)
        alarmed = alarms.Alarms(self._telemetry, self._clock, self._store)
        return {
            ("metrics", "ListMetrics"): data.list_metrics,
            ("metrics", "GetMetricData"): data.get,
            ("metrics", "GetMetricStatistics"): data.statistics,
            ("metrics", "DescribeAlarms"): alarmed.describe,
            ("metrics", "ListDashboards"): lambda _data: {"DashboardEntries": []},
            ("logs", "DescribeLogGroups"): self._logs.groups,
            ("logs", "DescribeLogStreams"): self._logs.streams,
            ("logs", "FilterLogEvents"): self._logs.filter,
            ("logs", "GetLogEvents"): self._logs.get,
            ("logs", "StartQuery"): self._logs.start,
            ("logs", "GetQueryResults"): self._logs.results,
            ("logs", "StopQuery"): self._logs.stop,
            ("logs", "DescribeQueries"): self._logs.queries,
            ("logs", "GetLogGroupFields"): self._logs.fields,
        }

    def handle(self, call: _http.Call) -> responses.Response:
        """Any request: its errors are worded in its own protocol."""
        try:
            return self._answer(call)
        except _http.Refused as error:
            return protocols.refused(error, protocols.protocol_of(call), protocols.request_id(call))
        except errors.EngineError as error:
            refusal = protocols.Refusal("InvalidParameterException", str(error))
            return protocols.refused(refusal, protocols.protocol_of(call), protocols.request_id(call))

    def _answer(self, call: _http.Call) -> responses.Response:
        if not call.headers.get("authorization") and not call.get("X-Amz-Signature"):
            raise protocols.Refusal(
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
                403,
                query_code="MissingAuthenticationToken",
            )
        request = protocols.read(call)
        operation = self._operations.get((request.service, request.operation))
        if operation is None:
            raise _unknown(request)
        return protocols.answer(request, call, operation(request.data))


def _unknown(request: protocols.Request) -> protocols.Refusal:
    if request.operation.startswith(_WRITING):
        family = "logs" if request.service == "logs" else "cloudwatch"
        caller = f"arn:aws:sts::{alarms.ACCOUNT}:assumed-role/observer/session"
        message = f"User: {caller} is not authorized to perform: {family}:{request.operation[:60]} because no identity-based policy allows the {family}:{request.operation[:60]} action"
        return protocols.Refusal("AccessDeniedException", message, query_code="AccessDenied")
    if request.protocol == "query":
        return protocols.Refusal(
            "InvalidAction", f"Could not find operation {request.operation[:60]} for version 2010-08-01"
        )
    return protocols.Refusal("UnknownOperationException", "")
