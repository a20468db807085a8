"""PagerDuty: its API in, signals out; knows no other connector."""

from rootward.connectors.pagerduty.source import PagerDutySource

__all__ = ["PagerDutySource"]
