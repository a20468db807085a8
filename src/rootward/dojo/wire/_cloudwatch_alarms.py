"""DescribeAlarms: the alert rules as alarms, with their states at a moment."""

import re
from collections.abc import Mapping
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _cloudwatch_data as cloudwatch
from rootward.dojo.wire import _cloudwatch_metrics as metrics
from rootward.dojo.wire import _cloudwatch_protocols as protocols
from rootward.dojo.wire import _datadog_naming as naming

ACCOUNT = "418273950617"
REGION = "eu-central-1"
MAX_RECORDS = 100
_COMPARISON = re.compile(r"(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$")
_OPERATORS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
    "<=": "LessThanOrEqualToThreshold",
}
_QUANTILE = re.compile(r"histogram_quantile\(\s*0?\.(\d+)")
_VALUE = re.compile(r"\(?(?:current: ?)?\{\{[^}]*\}\}\)?")


class Alarms:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock, store: metrics.Store) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._store = store

    def describe(self, data: Mapping[str, Any]) -> dict[str, Any]:
        names = {str(name) for name in cloudwatch.listed(data, "AlarmNames")}
        prefix, state = cloudwatch.text(data, "AlarmNamePrefix", ""), cloudwatch.text(data, "StateValue", "")
        if names and prefix:
            raise cloudwatch.invalid(
                "AlarmNamePrefix and AlarmNames cannot both be specified", "InvalidParameterCombinationException"
            )
        found = [self._alarm(rule) for rule in self._telemetry.rules]
        found = [
            one
            for one in found
            if (not names or one["AlarmName"] in names)
            and one["AlarmName"].startswith(prefix)
            and (not state or one["StateValue"] == state)
        ]
        found.sort(key=lambda one: str(one["AlarmName"]))
        size = cloudwatch.whole(data, "MaxRecords", 50, most=MAX_RECORDS)
        given = cloudwatch.text(data, "NextToken", "")
        if given and not re.fullmatch(r"[0-9a-f]{8}", given):
            raise protocols.Refusal("InvalidNextToken", "The next token specified is invalid.")
        begin = int(given, 16) if given else 0
        out: dict[str, Any] = {"MetricAlarms": found[begin : begin + size], "CompositeAlarms": []}
        if begin + size < len(found):
            out["NextToken"] = f"{begin + size:08x}"
        return out

    def _fired(self, rule: records.AlertRule) -> list[records.FiredAlert]:
        now_s = self._clock.now_s()
        return [one for one in self._telemetry.alerts if one.rule == rule.name and one.starts_s <= now_s]

    def _alarm(self, rule: records.AlertRule) -> dict[str, Any]:
        now_s = self._clock.now_s()
        fired = self._fired(rule)
        firing = [one for one in fired if one.ends_s is None or one.ends_s > now_s]
        changes = [one.starts_s for one in fired] + [
            one.ends_s for one in fired if one.ends_s is not None and one.ends_s <= now_s
        ]
        changed_s = max(changes, default=self._telemetry.start_s - 86_400 * 9)
        compared = _COMPARISON.search(rule.expr)
        threshold = float(compared[2]) if compared else 0.0
        crossed = f"{firing[0].value:.4g}" if firing else ""
        said = (
            f"Threshold Crossed: 1 datapoint [{crossed}] was greater than the threshold ({threshold})."
            if firing
            else "Threshold Not Crossed"
        )
        service = rule.labels.get("service", "")
        base = "-".join(
            part for part in (rule.name, service if service and service not in rule.name.lower() else "") if part
        )
        described = rule.annotations.get("description") or rule.annotations.get("summary", "")
        return {
            "AlarmName": base,
            "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{base}",
            "AlarmDescription": _VALUE.sub("", described).strip(),
            "AlarmConfigurationUpdatedTimestamp": protocols.Moment(self._telemetry.start_s - 86_400 * 30),
            "ActionsEnabled": True,
            "OKActions": [],
            "AlarmActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:{rule.labels.get('team', 'oncall')}-pages"],
            "InsufficientDataActions": [],
            "StateValue": "ALARM" if firing else "OK",
            "StateReason": said,
            "StateUpdatedTimestamp": protocols.Moment(changed_s),
            "StateTransitionedTimestamp": protocols.Moment(changed_s),
            **self._what(rule),
            "EvaluationPeriods": max(round(rule.for_s / 60), 1),
            "DatapointsToAlarm": max(round(rule.for_s / 60), 1),
            "Threshold": threshold * (1000 if _QUANTILE.search(rule.expr) else 1),
            "ComparisonOperator": _OPERATORS.get(compared[1] if compared else ">", "GreaterThanThreshold"),
            "TreatMissingData": "notBreaching",
        }

    def _what(self, rule: records.AlertRule) -> dict[str, Any]:
        """The metric that a rule is about, or the math over two of them."""
        service = naming.tag_value(rule.labels.get("service", ""))
        found = [
            key
            for key in self._store.metrics
            if key[0] == "ApplicationSignals"
            and {name for name, _ in key[2]} == {"Environment", "Service"}
            and dict(key[2]).get("Service") == service
        ]
        latency = next((key for key in found if key[1] == "Latency"), None)
        quantile = _QUANTILE.search(rule.expr)
        if latency and quantile:
            return {
                **metrics.shown(latency),
                "ExtendedStatistic": f"p{quantile[1].ljust(2, '0')[:2]}",
                "Period": 60,
                "Unit": "Milliseconds",
            }
        fault = next((key for key in found if key[1] == "Fault"), None)
        if latency and fault and "/" in rule.expr and re.search(r"5\.\.|grpc_code|code", rule.expr):
            parts = {"faults": (fault, "Sum"), "requests": (latency, "SampleCount")}
            queries: list[dict[str, Any]] = [
                {
                    "Id": name,
                    "MetricStat": {"Metric": metrics.shown(key), "Period": 60, "Stat": stat},
                    "ReturnData": False,
                }
                for name, (key, stat) in parts.items()
            ]
            return {
                "Metrics": [
                    {"Id": "ratio", "Expression": "faults / requests", "Label": "Fault rate", "ReturnData": True},
                    *queries,
                ]
            }
        words = set(re.findall(r"[a-zA-Z_:][\w:]*", rule.expr))
        collected = [key for key in self._store.metrics if key[0] == metrics.PROMETHEUS and key[1] in words]
        wanted = next(
            (key for key in collected if dict(key[2]).get("service") == service), collected[0] if collected else None
        )
        if wanted is not None:
            return {**metrics.shown(wanted), "Statistic": "Average", "Period": 60}
        return {
            "Namespace": metrics.PROMETHEUS,
            "MetricName": next(iter(sorted(words)), rule.name),
            "Dimensions": [],
            "Statistic": "Average",
            "Period": 60,
        }
